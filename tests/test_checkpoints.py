"""Checkpoints: what is stored comes back, and what is not what it claims is refused."""

import dataclasses
import json

import numpy as np
import pytest
from keras import ops

from helpers.model.checkpoints import (
    build_model,
    load_checkpoint,
    load_manifest,
    save_checkpoint,
    write_whole,
)
from helpers.model.resnet import ResNet, ResNetConfig
from helpers.model.vit import VisionTransformer, ViTConfig

CONFIG = ViTConfig(
    image_size=16, patch_size=4, hidden_dim=24, depth=2, num_heads=3, mlp_dim=40, num_classes=7
)
IMAGES = np.random.default_rng(0).random((3, 16, 16, 3), dtype="float32")


@pytest.fixture(scope="module")
def model():
    return VisionTransformer(CONFIG)


@pytest.fixture
def folder(model, tmp_path):
    save_checkpoint(model, "tiny/4", {"data": "none", "test_accuracy": 0.1}, folder=tmp_path)
    return tmp_path


def test_a_model_comes_back(model, folder):
    again = load_checkpoint("tiny/4", folder)
    assert again.config == CONFIG
    expected = ops.convert_to_numpy(model(IMAGES))
    np.testing.assert_allclose(ops.convert_to_numpy(again(IMAGES)), expected, atol=2e-3)  # 16-bit numbers


def test_storing_again_changes_nothing(folder):
    first = load_manifest(folder)["tiny/4"]
    again = save_checkpoint(
        load_checkpoint("tiny/4", folder), "tiny/4", {"data": "none", "test_accuracy": 0.1}, folder
    )
    assert again["sha256"] == first["sha256"] and again == first


def test_a_resnet_comes_back_with_its_moving_averages(tmp_path):
    model = ResNet(ResNetConfig(depth=8, width=4))
    rng = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(rng.uniform(0.5, 1.0, variable.shape).astype("float32"))
    save_checkpoint(model, "resnet8", {}, folder=tmp_path)
    again = load_checkpoint("resnet8", tmp_path)
    for ours, theirs in zip(model.weights, again.weights, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(theirs), ops.convert_to_numpy(ours), rtol=1e-3)


def test_the_file_holds_arrays_only(folder):
    with np.load(folder / "tiny-4.npz", allow_pickle=False) as arrays:
        assert {arrays[name].dtype.name for name in arrays} == {"float16"}
        assert "block_1/attention/qkv/kernel" in arrays


def test_an_unknown_name_lists_what_there_is(folder):
    with pytest.raises(ValueError, match="tiny/4"):
        load_checkpoint("cifar/4", folder)


def test_a_missing_file_is_told(folder):
    (folder / "tiny-4.npz").unlink()
    with pytest.raises(ValueError, match="tiny-4.npz"):
        load_checkpoint("tiny/4", folder)


@pytest.mark.parametrize("damage", ["truncated", "one bit", "empty"])
def test_a_corrupted_file_is_told(folder, damage):
    path = folder / "tiny-4.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"truncated": content[:-100], "one bit": content, "empty": b""}[damage])
    with pytest.raises(ValueError, match="corrupted"):
        load_checkpoint("tiny/4", folder)


@pytest.mark.parametrize(
    "change, told", [({"depth": 3}, "missing"), ({"mlp_dim": 48}, "expected with shape")]
)
def test_weights_of_another_configuration_are_told(folder, change, told):
    manifest = load_manifest(folder)
    manifest["tiny/4"]["config"] |= change
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=told):
        load_checkpoint("tiny/4", folder)


def test_numbers_that_are_not_finite_are_told(model, tmp_path):
    broken = VisionTransformer(CONFIG)
    broken.head.bias.assign(np.full(7, np.nan, "float32"))
    save_checkpoint(broken, "tiny/4", {}, folder=tmp_path)
    with pytest.raises(ValueError, match="finite"):
        load_checkpoint("tiny/4", tmp_path)


def test_a_full_disk_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_whole(path, b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", sorted(load_manifest()))
def test_every_shipped_checkpoint_loads_and_says_where_it_came_from(name):
    row = load_manifest()[name]
    for field in (
        "recipe",
        "data",
        "passes",
        "seed",
        "num_test_images",
        "test_accuracy",
        "hardware",
        "seconds",
        "command",
    ):
        assert row.get(field) not in (None, ""), field
    model = load_checkpoint(name)
    assert model.count_params() == row["num_parameters"]
    assert type(model.config)(**row["config"]) == model.config  # a field newer than the row has its default
    stored = json.loads(json.dumps(dataclasses.asdict(model.config)))
    assert {field: stored[field] for field in row["config"]} == row["config"]
    assert row["history"][-1]["pass"] == row["passes"]


def test_an_unknown_kind_is_told():
    with pytest.raises(ValueError, match="VisionTransformer"):
        build_model("MLPMixer", {})
