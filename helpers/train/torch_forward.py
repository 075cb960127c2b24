"""A Vision Transformer's forward pass on torch with no layer between its operations, to train on a processor.

The weights are the model's own, so an optimizer, a checkpoint or an average of weights sees no difference,
and the numbers are those of `helpers.model.vit` but for rounding. What it spares is time
(benchmarks/cpu_training.md): Keras' work around each layer, and passes over the tokens. torch computes layer
norm, GELU and softmax of bfloat16 in float32 inside, so nothing is converted. Four more changes of form,
each exact:

- The gain γ and the offset β of a norm go into the matrix that follows:
  (n γ + β) W + b = n (γ W) + (β W + b). Their gradients are then sums over a matrix, not over all tokens.
- 1 / √head_dim goes into the queries' columns of that matrix.
- A batch goes through in parts. Stochastic depth draws for each part anew, so the branches that it drops are
  others than the model's own for the same seed, once there is more than one part.
- The patch embedding is one matrix product: a convolution that never overlaps is nothing else.
"""

import torch
from torch.nn import functional

from helpers.model.vit import VisionTransformer

IMAGES_AT_ONCE = 64  # more of 64 images stays in the processor's cache than of 128

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def can_run(model):
    """Say whether `TorchForward` runs this model: a ViT with a head, on a processor, float32 or bfloat16."""
    on_cpu = all(variable.value.device.type == "cpu" for variable in model.variables)
    is_vit = type(model) is VisionTransformer and model.config.num_classes > 0
    return is_vit and model.compute_dtype in DTYPES and on_cpu


class TorchForward:
    """What `model(images, training=...)` gives, by torch's own operations on the model's own weights.

    Args:
        model: VisionTransformer for which `can_run` holds.
    """

    def __init__(self, model):
        self.model, self.config, self.dtype = model, model.config, DTYPES[model.compute_dtype]
        self.values = {id(variable): variable.value for variable in model.weights}  # in float32, for good
        size = self.config.hidden_dim
        self.gain, self.offset = torch.ones(size), torch.zeros(size)  # in float32, so that statistics are too
        queries, others = torch.full((size,), self.config.head_dim**-0.5), torch.ones(2 * size)
        self.column_scale = torch.cat([queries, others])
        pixels = self.config.patch_size**2
        self.mean = torch.tensor(self.config.image_mean).repeat(pixels)  # (patch_size² · channels,)
        self.std = torch.tensor(self.config.image_std).repeat(pixels)

    def __call__(self, images, training=False):
        """Map images (batch, image_size, image_size, channels), in [0, 1], to logits (batch, num_classes)."""
        if images.device.type != "cpu":  # Keras asks for the shapes alone
            return self.model(images, training=training)
        return torch.cat([self.run(part, training) for part in images.split(IMAGES_AT_ONCE)])

    def run(self, images, training):
        tokens = self.embed(images)
        for block in self.model.blocks:
            qkv = self.norm_and_project(tokens, block.norm1, block.attention.qkv, self.column_scale)
            branch = self.project(self.attend(qkv), block.attention.output_projection)
            tokens = block.join(tokens, block.finish(branch, block.scale1, training))
            hidden = self.norm_and_project(tokens, block.norm2, block.mlp.expand)
            branch = self.project(functional.gelu(hidden), block.mlp.contract)
            tokens = block.join(tokens, block.finish(branch, block.scale2, training))
        return self.classify(tokens)

    def embed(self, images):
        """Cut the images into patches, project them, and say where each stands."""
        grid, size, channels = self.config.grid_size, self.config.patch_size, self.config.channels
        patches = images.float().reshape(-1, grid, size, grid, size, channels).transpose(2, 3)
        patches = patches.reshape(-1, grid * grid, size * size * channels)
        patches = ((patches - self.mean) / self.std).to(self.dtype)
        tokens = self.project(patches, self.model.patch_embedding.projection)
        start = self.model.class_token_and_position
        if self.config.has_class_token:
            class_token = self.value(start.class_token).to(self.dtype)
            tokens = torch.cat([class_token.expand(len(tokens), -1, -1), tokens], dim=1)
        return tokens + self.value(start.position_embedding).to(self.dtype)

    def attend(self, qkv):
        """Let every token look at every token: (batch, tokens, 3 · hidden_dim) to (…, hidden_dim)."""
        batch, num_tokens, _ = qkv.shape
        parts = qkv.view(batch, num_tokens, 3, self.config.num_heads, self.config.head_dim).unbind(2)
        queries, keys, values = (part.transpose(1, 2) for part in parts)  # (batch, heads, tokens, head_dim)
        attention_weights = torch.softmax(queries @ keys.transpose(2, 3), dim=-1)
        return (attention_weights @ values).transpose(1, 2).reshape(batch, num_tokens, -1)

    def classify(self, tokens):
        """Read the logits off the last tokens: class token or mean of the patches; in float32."""
        read = tokens[:, :1] if self.config.has_class_token else tokens
        pooled = self.norm(read).mean(dim=1, dtype=torch.float32)
        pooled = pooled * self.value(self.model.norm.gamma) + self.value(self.model.norm.beta)
        return torch.addmm(self.value(self.model.head.bias), pooled, self.value(self.model.head.kernel))

    def norm(self, tokens):
        """Give each token mean 0 and variance 1."""
        size, epsilon = (self.config.hidden_dim,), self.config.layer_norm_epsilon
        return functional.layer_norm(tokens, size, self.gain, self.offset, epsilon)

    def norm_and_project(self, tokens, norm, dense, column_scale=None):
        """Normalise the tokens and multiply them with a matrix into which the norm's gain and offset went."""
        kernel, bias = self.value(dense.kernel), self.value(dense.bias)
        bias = torch.addmv(bias, kernel.t(), self.value(norm.beta))
        kernel = self.value(norm.gamma)[:, None] * kernel
        if column_scale is not None:
            kernel, bias = kernel * column_scale, bias * column_scale
        return multiply(self.norm(tokens), kernel, bias)

    def project(self, tokens, dense):
        kernel = self.value(dense.kernel)
        return multiply(tokens, kernel.reshape(-1, kernel.shape[-1]), self.value(dense.bias))

    def value(self, variable):
        """Give the weight itself: inside a call, Keras' `variable.value` is a copy in the layer's type."""
        return self.values[id(variable)]


def multiply(tokens, kernel, bias):
    """Map (batch, tokens, inputs) by a float32 matrix (inputs, outputs), in the tokens' type.

    `linear` adds the bias as it writes the product; `addmm` first fills the result with it, which takes as
    long as the product.
    """
    kernel, bias = kernel.to(tokens.dtype), bias.to(tokens.dtype)
    return functional.linear(tokens, kernel.t(), bias)
