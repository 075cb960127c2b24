"""The CIFAR ResNet: the paper's counts, a block by hand, and its configuration."""

import numpy as np
import pytest
from keras import ops

from helpers.model.resnet import ResidualBlock, ResNet, ResNetConfig


@pytest.mark.parametrize("depth, blocks, thousands", [(8, 3, 78), (20, 9, 272), (56, 27, 856)])
def test_sizes(depth, blocks, thousands):
    model = ResNet(ResNetConfig.variant(f"resnet{depth}"))
    assert len(model.blocks) == blocks
    # He et al. 2016, table 6: 0.27 M and 0.85 M; two 1×1 shortcuts and their norms add 2.8 k to the paper's.
    trainable = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert round(trainable / 1000) == thousands


def test_the_resolution_halves_twice():
    model = ResNet(ResNetConfig(depth=8, width=4))
    features = model.embed(np.zeros((2, 32, 32, 3), "float32"))
    shapes = [features.shape[1:]]
    for block in model.blocks:
        features = block(features)
        shapes.append(features.shape[1:])
    assert [tuple(shape) for shape in shapes] == [(32, 32, 4), (32, 32, 4), (16, 16, 8), (8, 8, 16)]


def test_a_block_whose_branch_is_zero_is_its_shortcut():
    block = ResidualBlock(4)
    features = np.random.default_rng(0).random((2, 8, 8, 4), dtype="float32")
    block(features)
    block.conv2.kernel.assign(np.zeros(block.conv2.kernel.shape, "float32"))
    np.testing.assert_allclose(ops.convert_to_numpy(block(features)), features, atol=1e-6)


@pytest.mark.parametrize("depth", [9, 2, 20.0, 7])
def test_depths_that_cannot_be_are_told(depth):
    with pytest.raises(ValueError, match="6n"):
        ResNetConfig(depth=depth)


def test_bad_images_are_told():
    with pytest.raises(ValueError, match="255"):
        ResNet(ResNetConfig(depth=8, width=4))(np.zeros((1, 32, 32, 3), "uint8"))


def test_weights_are_made_without_a_run_of_the_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("the network was run")

    with monkeypatch.context() as patch:
        for layer in (ResNet, ResidualBlock):
            patch.setattr(layer, "call", refuse)
        model = ResNet(ResNetConfig(depth=8, width=4, image_size=18))  # 18, 9 and 5 pixels
    assert ops.convert_to_numpy(model(np.zeros((2, 18, 18, 3), "float32"))).shape == (2, 10)
    shapes = {variable.path.split("/", 1)[1]: tuple(variable.shape) for variable in model.weights}
    assert shapes["stage_2_block_0/shortcut/kernel"] == (1, 1, 8, 16)
    assert shapes["stage_2_block_0/conv1/kernel"] == (3, 3, 8, 16) and shapes["head/kernel"] == (16, 10)
