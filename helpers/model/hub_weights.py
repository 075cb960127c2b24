"""Copy a keras-hub model into the course's own class, which computes the same and can be looked into.

keras-hub has the published weights of ViT (Dosovitskiy et al. 2021, https://arxiv.org/abs/2010.11929) and
DINOv2 (Oquab et al. 2024, https://arxiv.org/abs/2304.07193), but its layers give no attention weights.
"""

import numpy as np
from keras import ops

from helpers.model.checkpoints import set_weights
from helpers.model.vit import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    VisionTransformer,
    ViTConfig,
    interpolate_positions,
)


def from_keras_hub(model, *, image_size=None):
    """Copy a keras-hub ViT or DINOv2 into a `VisionTransformer`.

    Args:
        model: keras-hub's ViTBackbone, DINOV2Backbone or ViTImageClassifier. A classifier's own preprocessor
            says how images are normalised, where it has one; else they are as published: mean and standard
            deviation 0.5 for ViT, those of ImageNet for DINOv2. Dropout is left out.
        image_size: pixels on each side, a multiple of the patch size; the positions are interpolated to it.
            None for the model's own.
    Returns:
        VisionTransformer. It gives the logits of a classifier, before any activation; without a head the
        normalised class token, or the mean of the patches where there is no such token.
    Raises:
        ValueError: for another kind of model, a part that our class does not have (the message names it), or
            an image_size that does not suit.
    """
    backbone = getattr(model, "backbone", model)
    kind = type(backbone).__name__
    kinds = {"ViTBackbone": (vit_fields, vit_weights), "DINOV2Backbone": (dinov2_fields, dinov2_weights)}
    if kind not in kinds or type(model).__name__ not in (kind, "ViTImageClassifier"):
        raise ValueError(
            f"Expected keras-hub's {', '.join(kinds)} or ViTImageClassifier, received a "
            f"{type(model).__name__}."
        )
    read_fields, read_weights = kinds[kind]
    height, width, channels = backbone.image_shape
    refuse(backbone, image_shape=height != width)
    fields = read_fields(backbone) | dict(
        image_size=height if image_size is None else image_size,
        channels=channels,
        hidden_dim=backbone.hidden_dim,
        depth=backbone.num_layers,
        num_heads=backbone.num_heads,
        num_classes=0,
    )
    if model is not backbone:
        refuse(
            model,
            intermediate_dim=model.intermediate_dim is not None,
            pooling=model.pooling != ("token" if backbone.use_class_token else "gap"),
        )
        fields |= dict(num_classes=model.num_classes) | read_normalisation(model.preprocessor, channels)
    config = ViTConfig(**fields)
    weights = read_weights(backbone, config)
    if model is not backbone:
        weights |= dense("head", model.output_dense)
    ours = VisionTransformer(config)
    set_weights(ours, {name: ops.convert_to_numpy(weight) for name, weight in weights.items()}, kind)
    return ours


def vit_fields(backbone):
    rows, columns = backbone.patch_size
    refuse(backbone, patch_size=rows != columns)
    return dict(
        patch_size=rows,
        mlp_dim=backbone.mlp_dim,
        pooling="class_token" if backbone.use_class_token else "mean",
        layer_norm_epsilon=backbone.layer_norm_epsilon,
        image_mean=(0.5,) * backbone.image_shape[-1],
        image_std=(0.5,) * backbone.image_shape[-1],
    )


def vit_weights(backbone, config):
    """Read the weights of keras-hub's ViT under our names."""
    stem, encoder = backbone.get_layer("vit_patching_and_embedding"), backbone.get_layer("vit_encoder")
    positions = ops.cast(stem.position_embedding.embeddings, "float32")[None]  # (1, num_tokens, hidden_dim)
    positions = interpolate_positions(positions, config.grid_size, has_class_token=config.has_class_token)
    weights = dense("patch_embedding/projection", stem.patch_embedding)
    weights["class_token_and_position/position_embedding"] = positions
    if config.has_class_token:
        weights["class_token_and_position/class_token"] = stem.class_token
    for index, block in enumerate(encoder.encoder_layers):
        weights |= norm(f"block_{index}/norm1", block.layer_norm_1)
        weights |= attention(f"block_{index}/attention", block.mha)
        weights |= norm(f"block_{index}/norm2", block.layer_norm_2)
        weights |= dense(f"block_{index}/mlp/expand", block.mlp.dense_1)
        weights |= dense(f"block_{index}/mlp/contract", block.mlp.dense_2)
    return weights | norm("norm", encoder.layer_norm)


def dinov2_fields(backbone):
    refuse(
        backbone,
        num_register_tokens=backbone.num_register_tokens > 0,
        use_swiglu_ffn=backbone.use_swiglu_ffn,
    )
    return dict(
        patch_size=backbone.patch_size,
        mlp_dim=backbone.intermediate_dim,
        layer_scale=backbone.layer_scale_init_value,
        layer_norm_epsilon=backbone.layernorm.epsilon,
        image_mean=IMAGENET_MEAN,
        image_std=IMAGENET_STD,
    )


def dinov2_weights(backbone, config):
    """Read the weights of keras-hub's DINOv2 under our names.

    keras-hub keeps the positions twice: as they were learned, and brought to its own image size by Keras'
    bicubic resize (without averaging unless `antialias_in_interpolation`, without the offset of 0.1 that the
    first code of DINOv2 had). For another size the learned ones are resized in the same way.
    """
    stem = backbone.embeddings
    positions = stem.interpolated_position_embeddings
    if config.image_size != backbone.image_shape[0]:
        learned = ops.cast(stem.position_embeddings, "float32")
        positions = interpolate_positions(
            learned, config.grid_size, antialias=backbone.antialias_in_interpolation
        )
    weights = dense("patch_embedding/projection", stem.patch_embeddings.projection)
    weights["class_token_and_position/position_embedding"] = positions
    weights["class_token_and_position/class_token"] = stem.cls_token
    for index, block in enumerate(backbone.encoder.layers):
        weights |= norm(f"block_{index}/norm1", block.norm1)
        weights |= attention(f"block_{index}/attention", block.attention.attention)
        weights[f"block_{index}/scale1/scale"] = block.layer_scale1.lambda1
        weights |= norm(f"block_{index}/norm2", block.norm2)
        weights |= dense(f"block_{index}/mlp/expand", block.mlp.fc1)
        weights |= dense(f"block_{index}/mlp/contract", block.mlp.fc2)
        weights[f"block_{index}/scale2/scale"] = block.layer_scale2.lambda1
    return weights | norm("norm", backbone.layernorm)


def read_normalisation(preprocessor, channels):
    """Turn keras-hub's scale · pixel + offset, of pixels in 0 to 255, into mean and standard deviation."""
    converter = getattr(preprocessor, "image_converter", None)
    if converter is None or converter.scale is None:
        return {}
    offset = 0.0 if converter.offset is None else converter.offset
    std = 1 / (255 * np.broadcast_to(np.asarray(converter.scale, "float64"), channels))
    return dict(image_mean=tuple(-np.asarray(offset, "float64") * std), image_std=tuple(std))


def norm(name, layer):
    return {f"{name}/gamma": layer.gamma, f"{name}/beta": layer.beta}


def dense(name, layer):
    bias = np.zeros(layer.kernel.shape[-1], "float32") if layer.bias is None else layer.bias
    return {f"{name}/kernel": layer.kernel, f"{name}/bias": bias}


def attention(name, layer):
    """Lay the heads of Keras' attention side by side, and its query, key and value too."""
    parts, width = (layer.query_dense, layer.key_dense, layer.value_dense), layer.num_heads * layer.key_dim
    # kernels (hidden_dim, num_heads, head_dim) to (hidden_dim, width), biases (num_heads, head_dim) likewise
    kernels = [ops.reshape(part.kernel, (-1, width)) for part in parts]
    biases = [ops.zeros(width) if part.bias is None else ops.reshape(part.bias, (width,)) for part in parts]
    output = layer.output_dense
    bias = ops.zeros(output.kernel.shape[-1]) if output.bias is None else output.bias
    return {
        f"{name}/qkv/kernel": ops.concatenate(kernels, axis=1),
        f"{name}/qkv/bias": ops.concatenate(biases),
        # (num_heads, head_dim, hidden_dim) to (width, hidden_dim)
        f"{name}/output_projection/kernel": ops.reshape(output.kernel, (width, -1)),
        f"{name}/output_projection/bias": bias,
    }


def refuse(model, **parts):
    """Raise a ValueError that names the first part of a model, marked True, that our class does not have."""
    for name, is_foreign in parts.items():
        if is_foreign:
            raise ValueError(
                f"Our VisionTransformer cannot compute this {type(model).__name__}: it has "
                f"{name}={getattr(model, name)!r}."
            )
