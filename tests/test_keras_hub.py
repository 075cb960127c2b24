"""Our Vision Transformer and keras-hub's, with the same weights, give the same features."""

import numpy as np
import pytest
from keras import ops

from helpers.model.vit import VisionTransformer, ViTConfig

keras_hub = pytest.importorskip("keras_hub")


def test_the_backbone_of_keras_hub_gives_the_same_tokens():
    config = ViTConfig(
        image_size=32,
        patch_size=8,
        hidden_dim=48,
        depth=3,
        num_heads=4,
        mlp_dim=96,
        num_classes=5,
        layer_norm_epsilon=1e-6,
    )
    theirs = keras_hub.models.ViTBackbone(
        image_shape=(32, 32, 3),
        patch_size=(8, 8),
        num_layers=3,
        num_heads=4,
        hidden_dim=48,
        mlp_dim=96,
        layer_norm_epsilon=1e-6,
    )
    rng = np.random.default_rng(0)
    for variable in theirs.weights:
        variable.assign(rng.standard_normal(variable.shape).astype("float32") * 0.2)
    ours = VisionTransformer(config)
    copy_weights(theirs, ours)
    images = rng.random((2, 32, 32, 3), dtype="float32")
    tokens = ours.embed(images)
    for block in ours.blocks:
        tokens = block(tokens)
    expected = ops.convert_to_numpy(
        theirs((images - 0.5) / 0.5)
    )  # keras-hub leaves the preprocessing to its caller
    np.testing.assert_allclose(ops.convert_to_numpy(ours.norm(tokens)), expected, atol=1e-4)


def copy_weights(theirs, ours):
    values = {weight.path: ops.convert_to_numpy(weight) for weight in theirs.weights}

    def find(*parts):
        matches = [path for path in values if all(part in path for part in parts)]
        assert len(matches) == 1, (parts, matches)
        return values[matches[0]]

    ours.patch_embedding.projection.kernel.assign(find("patch_embedding", "kernel"))
    ours.patch_embedding.projection.bias.assign(find("patch_embedding", "bias"))
    ours.class_token_and_position.class_token.assign(find("class_token"))
    ours.class_token_and_position.position_embedding.assign(
        find("position_embedding", "embeddings").reshape(1, 17, 48)
    )
    for index, block in enumerate(ours.blocks):
        name = f"block_{index + 1}/"
        parts = {
            part: find(name, "mha", part, "kernel").reshape(48, 48) for part in ("query", "key", "value")
        }
        block.attention.qkv.kernel.assign(np.concatenate(list(parts.values()), axis=1))
        parts = {part: find(name, "mha", part, "bias").reshape(-1) for part in ("query", "key", "value")}
        block.attention.qkv.bias.assign(np.concatenate(list(parts.values())))
        block.attention.output_projection.kernel.assign(
            find(name, "attention_output", "kernel").reshape(48, 48)
        )
        block.attention.output_projection.bias.assign(find(name, "attention_output", "bias"))
        for our_norm, their_norm in ((block.norm1, "ln_1"), (block.norm2, "ln_2")):
            our_norm.gamma.assign(find(name, their_norm, "gamma"))
            our_norm.beta.assign(find(name, their_norm, "beta"))
        for our_dense, their_dense in ((block.mlp.expand, "dense_1"), (block.mlp.contract, "dense_2")):
            our_dense.kernel.assign(find(name, their_dense, "kernel"))
            our_dense.bias.assign(find(name, their_dense, "bias"))
    ours.norm.gamma.assign(find("vit_encoder/ln/gamma"))
    ours.norm.beta.assign(find("vit_encoder/ln/beta"))
