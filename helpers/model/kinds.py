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
        f"Expected a VisionTransformer of the course; received {name_kind(model)}. load_checkpoint and "
        "load_pretrained give one; layer_features looks into a ResNet too."
    )


def name_kind(model):
    """Name the class of a model that is none of those expected; one of the same name gets a word more."""
    name = type(model).__name__
    if name not in ("VisionTransformer", "ResNet") or not type(model).__module__.startswith("helpers."):
        return f"a {name}"
    return (
        f"a {name} of a class that was loaded anew since (as %autoreload does): make the model again, or "
        "restart the kernel"
    )
