"""Which models a function can look into: a sentence for those that it cannot."""

from helpers.model.resnet import ResNet
from helpers.model.vit import VisionTransformer


def expect_vit(model):
    """Refuse what is no Vision Transformer of the course.

    Raises:
        ValueError: for anything else; the message says what came and what to do.
    """
    if is_a(model, VisionTransformer):
        return
    raise ValueError(
        f"Expected a VisionTransformer of the course; received {name_kind(model)}. load_checkpoint and "
        "load_pretrained give one; layer_features looks into a ResNet too."
    )


def is_a(model, kind):
    """Tell whether a model is of a class, by name: a module that was loaded again has a class of its own."""
    return any(
        (c.__module__, c.__qualname__) == (kind.__module__, kind.__qualname__) for c in type(model).__mro__
    )


def name_kind(model):
    """Name the class of a model that is none of those expected; one of the same name gets a word more."""
    kind = type(model)
    if kind.__name__ not in (VisionTransformer.__name__, ResNet.__name__):
        return f"a {kind.__name__}"
    return (
        f"a {kind.__name__} of {kind.__module__}. If the course's files were moved or changed, restart the "
        "kernel"
    )
