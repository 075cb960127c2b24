"""The network: patches, the Vision Transformer, a small ResNet, and a way to see everything inside them."""
