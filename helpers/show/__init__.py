"""Looking at it: figures, the attention explorer, a progress bar. Nothing here computes a lesson's result."""
