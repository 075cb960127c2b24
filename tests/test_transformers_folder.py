"""Folders that `transformers` writes: against a forward pass in NumPy, and its own where it is installed."""

import json

import numpy as np
import pytest
from keras import ops
from scipy.special import erf

from helpers.model.pretrained import load_pretrained
from helpers.model.safetensors import read_safetensors
from helpers.model.transformers_folder import is_transformers_folder

WIDTH, DEPTH, HEADS, HIDDEN, SIZE, PATCH, CLASSES = 24, 2, 3, 40, 16, 8, 5
MEAN, STD = [0.3, 0.4, 0.5], [0.2, 0.25, 0.3]
CONFIG = dict(hidden_size=WIDTH, num_hidden_layers=DEPTH, num_attention_heads=HEADS, image_size=SIZE)
CONFIG |= dict(patch_size=PATCH, num_channels=3, hidden_act="gelu", qkv_bias=True)
VIT = CONFIG | dict(model_type="vit", intermediate_size=HIDDEN, layer_norm_eps=1e-2)
DINOV2 = CONFIG | dict(model_type="dinov2", mlp_ratio=2, layer_norm_eps=1e-2, use_swiglu_ffn=False)
KINDS = {
    "ViTForImageClassification": (VIT, "vit.", True),
    "ViTModel": (VIT, "", False),
    "ViTModel of one channel": (VIT | dict(num_channels=1), "", False),
    "no biases": (VIT | dict(qkv_bias=False), "vit.", True),
    "Dinov2Model": (DINOV2, "", False),
}
STATED = dict(do_rescale=True, rescale_factor=1 / 255, do_normalize=True, image_mean=MEAN, image_std=STD)


def make_weights(config, prefix, has_head, seed=0):
    """Numbers large enough that a swapped query and key, or a forgotten bias, would show."""
    rng = np.random.default_rng(seed)
    weights = {}

    def put(name, *shape, around=0.0):
        weights[name] = (around + 0.3 * rng.standard_normal(shape)).astype("float32")

    def dense(name, inputs, outputs, bias=True):
        put(f"{name}.weight", outputs, inputs)
        if bias:
            put(f"{name}.bias", outputs)

    def norm(name):
        put(f"{name}.weight", WIDTH, around=1.0)
        put(f"{name}.bias", WIDTH)

    is_vit, channels = config["model_type"] == "vit", config["num_channels"]
    hidden = HIDDEN if is_vit else config["mlp_ratio"] * WIDTH
    put(f"{prefix}embeddings.cls_token", 1, 1, WIDTH)
    put(f"{prefix}embeddings.position_embeddings", 1, (SIZE // PATCH) ** 2 + 1, WIDTH)
    put(f"{prefix}embeddings.patch_embeddings.projection.weight", WIDTH, channels, PATCH, PATCH)
    put(f"{prefix}embeddings.patch_embeddings.projection.bias", WIDTH)
    for index in range(DEPTH):
        layer = f"{prefix}encoder.layer.{index}"
        norm(f"{layer}.{'layernorm_before' if is_vit else 'norm1'}")
        for part in ("query", "key", "value"):
            dense(f"{layer}.attention.attention.{part}", WIDTH, WIDTH, config["qkv_bias"])
        dense(f"{layer}.attention.output.dense", WIDTH, WIDTH)
        norm(f"{layer}.{'layernorm_after' if is_vit else 'norm2'}")
        dense(f"{layer}.{'intermediate.dense' if is_vit else 'mlp.fc1'}", WIDTH, hidden)
        dense(f"{layer}.{'output.dense' if is_vit else 'mlp.fc2'}", hidden, WIDTH)
        if not is_vit:
            put(f"{layer}.layer_scale1.lambda1", WIDTH, around=1.0)
            put(f"{layer}.layer_scale2.lambda1", WIDTH, around=1.0)
    norm(f"{prefix}layernorm")
    if has_head:
        dense("classifier", WIDTH, CLASSES)
    elif is_vit:
        dense("pooler.dense", WIDTH, WIDTH)
    else:
        put("embeddings.mask_token", 1, WIDTH)
    return weights


def write(folder, config, weights, stated=STATED, name="model.safetensors"):
    """Write such a folder, its weights by the format's description."""
    header, numbers = {"__metadata__": {"format": "pt"}}, b""
    for key, array in weights.items():
        content = array.tobytes()
        header[key] = dict(
            dtype={"f4": "F32", "f2": "F16"}[array.dtype.str[1:]],
            shape=list(array.shape),
            data_offsets=[len(numbers), len(numbers) + len(content)],
        )
        numbers += content
    text = json.dumps(header).encode()
    (folder / name).write_bytes(len(text).to_bytes(8, "little") + text + numbers)
    (folder / "config.json").write_text(json.dumps(config))
    if stated is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(stated))
    return folder


def forward(images, config, weights, prefix, mean, std):
    """The whole network in float64, each step as the papers write it: logits, or the class token."""
    get = {name.removeprefix(prefix): array.astype("float64") for name, array in weights.items()}.get
    is_vit = config["model_type"] == "vit"

    def dense(x, name):
        bias = get(f"{name}.bias")
        return x @ get(f"{name}.weight").T + (0 if bias is None else bias)

    def norm(x, name):
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred**2).mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt(variance + config["layer_norm_eps"])
        return scaled * get(f"{name}.weight") + get(f"{name}.bias")

    def scale(x, name):
        return x if is_vit else x * get(name)

    x, grid = (images.astype("float64") - mean) / std, SIZE // PATCH
    patches = x.reshape(len(x), grid, PATCH, grid, PATCH, -1).transpose(0, 1, 3, 5, 2, 4)
    kernel = get("embeddings.patch_embeddings.projection.weight").reshape(WIDTH, -1)
    patches = patches.reshape(len(x), grid * grid, -1) @ kernel.T
    patches = patches + get("embeddings.patch_embeddings.projection.bias")
    first = np.broadcast_to(get("embeddings.cls_token"), (len(x), 1, WIDTH))
    tokens = np.concatenate([first, patches], axis=1) + get("embeddings.position_embeddings")
    for index in range(DEPTH):
        layer = f"encoder.layer.{index}"
        normed = norm(tokens, f"{layer}.{'layernorm_before' if is_vit else 'norm1'}")
        q, k, v = (
            dense(normed, f"{layer}.attention.attention.{part}").reshape(len(x), -1, HEADS, WIDTH // HEADS)
            for part in ("query", "key", "value")
        )
        scores = np.einsum("bqhd,bkhd->bhqk", q, k) / np.sqrt(WIDTH // HEADS)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = np.einsum("bhqk,bkhd->bqhd", scores / scores.sum(axis=-1, keepdims=True), v)
        output = dense(mixed.reshape(len(x), -1, WIDTH), f"{layer}.attention.output.dense")
        tokens = tokens + scale(output, f"{layer}.layer_scale1.lambda1")
        normed = norm(tokens, f"{layer}.{'layernorm_after' if is_vit else 'norm2'}")
        hidden = dense(normed, f"{layer}.{'intermediate.dense' if is_vit else 'mlp.fc1'}")
        hidden = 0.5 * hidden * (1 + erf(hidden / np.sqrt(2)))
        output = dense(hidden, f"{layer}.{'output.dense' if is_vit else 'mlp.fc2'}")
        tokens = tokens + scale(output, f"{layer}.layer_scale2.lambda1")
    token = norm(tokens, "layernorm")[:, 0]
    return dense(token, "classifier") if "classifier.bias" in weights else token


def images_of(config, size=SIZE):
    return np.random.default_rng(1).random((2, size, size, config["num_channels"]), "float32")


def ours(folder, images):
    return ops.convert_to_numpy(load_pretrained(folder)(images))


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_gives_what_its_weights_say(name, tmp_path):
    """With its head, its normalisation and its epsilon of 0.01, which would be far off at 1e-6."""
    config, prefix, has_head = KINDS[name]
    weights, images = make_weights(config, prefix, has_head), images_of(config)
    stated = STATED | (dict(image_mean=0.4, image_std=0.2) if config["num_channels"] == 1 else {})
    write(tmp_path, config, weights, stated)
    expected = forward(images, config, weights, prefix, stated["image_mean"], stated["image_std"])
    np.testing.assert_allclose(ours(str(tmp_path), images), expected, atol=1e-4)
    assert load_pretrained(tmp_path).config.num_classes == (CLASSES if has_head else 0)


@pytest.mark.parametrize(
    ("stated", "mean", "std"),
    [
        (None, 0.5, 0.5),
        (dict(do_normalize=False), 0.0, 1.0),
        (dict(rescale_factor=1 / 127.5, image_mean=1.0, image_std=1.0), 0.5, 0.5),  # pixels in 0 … 2, minus 1
        (dict(do_rescale=False, image_mean=[102, 102, 51], image_std=51.0), np.array([0.4, 0.4, 0.2]), 0.2),
    ],
)
def test_the_normalisation_is_the_folders(stated, mean, std, tmp_path):
    config, prefix, has_head = KINDS["ViTForImageClassification"]
    weights, images = make_weights(config, prefix, has_head), images_of(config)
    write(tmp_path, config, weights, stated if stated is None else STATED | stated)
    expected = forward(images, config, weights, prefix, mean, std)
    np.testing.assert_allclose(ours(tmp_path, images), expected, atol=1e-4)


def test_shards_and_half_precision(tmp_path):
    config, prefix, has_head = KINDS["ViTForImageClassification"]
    weights = {name: a.astype("float16") for name, a in make_weights(config, prefix, has_head).items()}
    names = list(weights)
    halves = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, part in halves.items():
        write(tmp_path, config, {name: weights[name] for name in part}, name=file)
    table = {name: file for file, part in halves.items() for name in part}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": table}))
    images = images_of(config)
    expected = forward(images, config, weights, prefix, MEAN, STD)
    np.testing.assert_allclose(ours(tmp_path, images), expected, atol=1e-4)


def test_bfloat16_is_the_upper_half_of_a_float32(tmp_path):
    header = json.dumps({"x": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]}}).encode()
    numbers = np.array([0x3F80, 0xC000, 0x3F00, 0x0000], "<u2").tobytes()  # 1, -2, 1/2, 0
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + numbers)
    np.testing.assert_array_equal(read_safetensors(tmp_path / "x.safetensors")["x"], [[1, -2], [0.5, 0]])


def test_at_another_size_only_the_positions_change(tmp_path):
    config, prefix, has_head = KINDS["ViTModel"]
    model = load_pretrained(write(tmp_path, config, make_weights(config, prefix, has_head)), image_size=24)
    assert model(images_of(config, 24)).shape == (2, WIDTH)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (dict(hidden_act="relu"), "it has hidden_act='relu'; expected gelu"),
        (dict(hidden_act="gelu_new"), "it has hidden_act='gelu_new'"),
        (dict(model_type="deit"), "it has model_type='deit'; expected one of vit, dinov2"),
        (dict(model_type="dinov2", use_swiglu_ffn=True), "it has use_swiglu_ffn=True"),
        (dict(image_size=[16, 24]), r"image_size is \[16, 24\]"),
        (dict(num_hidden_layers=3), r"lack 'encoder.layer.2.attention.attention.query.weight'"),
        (dict(num_hidden_layers=1), r"no place for \d+ of the weights .* such as 'encoder.layer.1"),
        (dict(intermediate_size=32), "expected with shape"),
    ],
)
def test_what_cannot_be_computed_is_refused_by_its_name(changes, told, tmp_path):
    config, prefix, has_head = KINDS["ViTForImageClassification"]
    write(tmp_path, config | changes, make_weights(config, prefix, has_head))
    with pytest.raises(ValueError, match=told):
        load_pretrained(tmp_path)


def test_a_head_that_reads_more_than_the_class_token_is_refused(tmp_path):
    """Dinov2ForImageClassification's reads the class token beside the mean of the patches."""
    weights = make_weights(DINOV2, "dinov2.", False)
    weights["classifier.weight"], weights["classifier.bias"] = np.ones((5, 2 * WIDTH), "f4"), np.ones(5, "f4")
    with pytest.raises(ValueError, match=r"reads 48 features, .* Save its backbone \(model.dinov2\) alone"):
        load_pretrained(write(tmp_path, DINOV2, weights))


def test_damaged_files_are_told(tmp_path):
    config, prefix, has_head = KINDS["ViTModel"]
    write(tmp_path, config, make_weights(config, prefix, has_head))
    file = tmp_path / "model.safetensors"
    whole = file.read_bytes()
    for content, told in (
        (whole[:-10], "it is cut short"),
        (b"version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS"),
        (b"", "no whole .safetensors file"),
        (whole[:8] + b"x" + whole[9:], "no whole .safetensors file"),
    ):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=told):
            load_pretrained(tmp_path)
    file.unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ValueError, match="no model.safetensors: .* pytorch_model.bin is a pickle"):
        load_pretrained(tmp_path)
    file.write_bytes(whole)
    (tmp_path / "preprocessor_config.json").write_text("{")
    with pytest.raises(ValueError, match="preprocessor_config.json .* cannot be read"):
        load_pretrained(tmp_path)


def test_a_folder_of_keras_hub_is_none_of_these(tmp_path):
    (tmp_path / "config.json").write_text('{"module": "keras_hub.src", "class_name": "ViTBackbone"}')
    assert not is_transformers_folder(tmp_path) and not is_transformers_folder(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["ViTForImageClassification", "ViTModel", "Dinov2Model"])
def test_transformers_itself_gives_the_same(name, tmp_path):
    """Where both are installed; a course does not need a gigabyte for it."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    config = KINDS[name][0] | dict(num_labels=CLASSES)
    config_class = transformers.ViTConfig if config.pop("model_type") == "vit" else transformers.Dinov2Config
    torch.manual_seed(0)
    theirs = getattr(transformers, name)(config_class(**config)).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    theirs.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(STATED))
    images = images_of(config)
    with torch.no_grad():
        found = theirs(torch.tensor(((images - MEAN) / STD).astype("float32").transpose(0, 3, 1, 2)))
    expected = found.logits if name.endswith("Classification") else found.last_hidden_state[:, 0]
    np.testing.assert_allclose(ours(tmp_path, images), expected.numpy(), atol=1e-4)
