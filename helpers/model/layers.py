"""Name the layers of a ViT or a ResNet, and give what each makes of images: for comparing unlike networks.

Tensors of the backend, so that gradients flow through them; `activations` says more of a ViT alone.
"""

import keras
from keras import ops

from helpers.model.compiled import FEWEST, compiled
from helpers.model.kinds import is_a, name_kind
from helpers.model.resnet import ResNet
from helpers.model.vit import VisionTransformer


def layer_names(model):
    """Name the layers in the order of the data.

    A ViT has "embedding", then for each block "block_0.attention" and "block_0.mlp" (the branches, before
    they are added to the stream) and "block_0" (the stream after the block): 3 · depth + 1 layers. A ResNet
    has "stem", then for each block "block_0.conv1" (after its ReLU), "block_0.branch" (before the shortcut is
    added) and "block_0" (after that, and the ReLU): 28 layers of ResNet-20, as of the ViT with 9 blocks.

    Args:
        model: VisionTransformer or ResNet.
    Returns:
        list of str.
    Raises:
        ValueError: for a model of another kind.
    """
    if is_a(model, VisionTransformer):
        first, parts = "embedding", (".attention", ".mlp", "")
    elif is_a(model, ResNet):
        first, parts = "stem", (".conv1", ".branch", "")
    else:
        raise ValueError(
            f"Expected a VisionTransformer or a ResNet of the course; received {name_kind(model)}."
        )
    return [first] + [f"block_{index}{part}" for index in range(len(model.blocks)) for part in parts]


def layer_features(model, images, names=None):
    """Run a model and give the features of its layers.

    Many images go through it compiled, to the same numbers; on PyTorch, where it would cost the gradients,
    they do not.

    Args:
        model: VisionTransformer or ResNet.
        images: (batch, image_size, image_size, channels), float in [0, 1].
        names: which layers, of `layer_names`; None for all. Nothing after the last of them is computed.
    Returns:
        dict from name to a tensor of the backend, in the order of the data: (batch, num_tokens, hidden_dim)
        for a ViT, (batch, height, width, channels) for a ResNet.
    Raises:
        ValueError: for a layer that the model does not have.
    """
    known = layer_names(model)
    wanted = known if names is None else [names] if isinstance(names, str) else list(names)
    if unknown := [name for name in wanted if name not in known]:
        raise ValueError(f"There is no layer {unknown[0]!r}: expected some of {', '.join(known)}.")
    names, images = tuple(name for name in known if name in wanted), ops.convert_to_tensor(images)
    if (images.shape[0] or 0) < FEWEST or keras.backend.backend() == "torch":
        found = _walk(model, images, names)
    else:
        found = compiled(model, _walk, names).tensors(images)
    return dict(zip(names, found))


def _walk(model, images, names):
    """Give the features of some layers, named in the order of the data, and go no further than the last."""
    walk = _walk_vit if is_a(model, VisionTransformer) else _walk_resnet
    found = []
    for name, features in walk(model, images):
        if name in names:
            found.append(features)
        if len(found) == len(names):
            break
    return found


def _walk_vit(model, images):
    tokens = model.embed(images)
    yield "embedding", tokens
    for index, block in enumerate(model.blocks):
        branch = block.finish(block.attention(block.norm1(tokens)), block.scale1)
        yield f"block_{index}.attention", branch
        tokens = block.join(tokens, branch)
        branch = block.finish(block.mlp(block.norm2(tokens)), block.scale2)
        yield f"block_{index}.mlp", branch
        tokens = block.join(tokens, branch)
        yield f"block_{index}", tokens


def _walk_resnet(model, images):
    features = model.embed(images)
    yield "stem", features
    for index, block in enumerate(model.blocks):
        branch = ops.relu(block.norm1(block.conv1(features), training=False))
        yield f"block_{index}.conv1", branch
        branch = block.norm2(block.conv2(branch), training=False)
        yield f"block_{index}.branch", branch
        if block.shortcut is not None:
            features = block.shortcut_norm(block.shortcut(features), training=False)
        features = ops.relu(features + branch)
        yield f"block_{index}", features
