"""Which models a function can look into: a sentence for those that it cannot."""

from helpers.model.vit import VisionTransformer


def expect_vit(model):
    """Refuse what is no Vision Transformer of the course.

    Raises:
        ValueError: for anything else; the message says what came and what to do.
    """
    if isinstance(model, VisionTransformer):
        return
    raise ValueError(
        f"Expected a VisionTransformer of the course; received a {type(model).__name__}. load_checkpoint and "
        "load_pretrained give one; layer_features looks into a ResNet too."
    )
