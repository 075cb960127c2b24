"""Checkpoints: what is stored comes back, and what is not what it claims is refused."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
from keras import ops

from helpers.model.checkpoints import (
    build_model,
    load_checkpoint,
    load_manifest,
    named_weights,
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


@pytest.mark.parametrize(
    "change, told",
    [
        ({"kind": "ResNet"}, "no configuration of a ResNet: expected some of depth, .* received image_size"),
        ({"kind": "ResNet", "config": {"depth": 8}}, "of another configuration"),
        ({"kind": "MLPMixer"}, "Unknown kind of model 'MLPMixer': expected one of VisionTransformer, ResNet"),
        ({"config": {"depth": 20, "width": 16}}, "no configuration of a VisionTransformer"),
        ({"config": {"image_size": 16}}, "no configuration of a VisionTransformer: .*missing"),
        ({"config": {**dataclasses.asdict(CONFIG), "depth": "2"}}, "depth must be a whole number"),
        ({"config": ["cifar/4"]}, "received list"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value.split(":")[0],
)
def test_a_row_of_another_architecture_is_told(folder, change, told):
    manifest = load_manifest(folder)
    manifest["tiny/4"] |= change
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=told) as caught:
        load_checkpoint("tiny/4", folder)
    assert "row and tiny-4.npz do not belong together: fetch both again" in str(caught.value)


def store(folder, **arrays):
    """Put other arrays in the place of the weights, with their own check sum in the manifest."""
    np.savez(folder / "tiny-4.npz", **arrays)
    manifest = load_manifest(folder)
    manifest["tiny/4"]["sha256"] = hashlib.sha256((folder / "tiny-4.npz").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_arrays_with_other_names_are_told(folder):
    store(folder, arr_0=np.zeros(3), arr_1=np.zeros(2), arr_2=np.zeros(1))
    with pytest.raises(ValueError) as caught:
        load_checkpoint("tiny/4", folder)
    told = str(caught.value)
    assert told.startswith("The weights of 'tiny/4' are not the course's: none has a name that the model")
    assert "; received arr_0, arr_1, …. Store them with save_checkpoint. " in told


def test_one_array_too_few_and_one_too_many_are_named(folder, model):
    arrays = named_weights(model)
    arrays["head/offset"] = arrays.pop("head/bias")
    store(folder, **arrays)
    told = f"1 of the model's {len(arrays)} arrays are missing, 1 are too many "
    told += r"\(the model also has head/bias; the model has no head/offset\)"
    with pytest.raises(ValueError, match=told):
        load_checkpoint("tiny/4", folder)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([1j])])
def test_arrays_that_are_no_numbers_are_told(folder, model, array):
    store(folder, **(named_weights(model) | {"head/bias": array}))
    with pytest.raises(ValueError, match="are no numbers: head/bias is"):
        load_checkpoint("tiny/4", folder)


@pytest.mark.parametrize("content", [b"<html>", b"PK half", b""])
def test_a_file_that_is_no_npz_is_told_even_where_its_check_sum_is_right(folder, content):
    store(folder)
    (folder / "tiny-4.npz").write_bytes(content)
    manifest = load_manifest(folder)
    manifest["tiny/4"]["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="tiny-4.npz is no .npz file of arrays"):
        load_checkpoint("tiny/4", folder)


def test_two_names_with_one_file_do_not_overwrite_each_other(model, folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name in ("tiny-4", "Tiny/4"):
        with pytest.raises(ValueError, match=r"kept in .iny-4.npz, where 'tiny/4' is already"):
            save_checkpoint(model, name, {}, folder=folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_broken_manifest_is_not_overwritten_and_nothing_is_written(model, folder):
    (folder / "manifest.json").write_text("{")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name in ("tiny/4", "another"):
        with pytest.raises(ValueError, match="manifest.json cannot be read"):
            save_checkpoint(model, name, {"seed": 1}, folder=folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("name", ["", " ", "a/", "../a", None])
def test_a_name_that_is_none_is_told(model, tmp_path, name):
    with pytest.raises(ValueError, match="Expected a name such as"):
        save_checkpoint(model, name, {}, folder=tmp_path / "new")
    assert not (tmp_path / "new").exists()


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
