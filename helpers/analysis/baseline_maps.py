"""The maps that a new explanation has to beat, by name: chance, the centre, attention, probes, no training.

Each is a number a patch, high where the patch is said to matter, so that `faithfulness` measures all alike.
Attention, its rollouts and their gradients come from one compiled pass through the model and back.
"""

import numpy as np
from keras import ops

from helpers.analysis.linear_probe import fit_probes
from helpers.analysis.regions import centre_map
from helpers.analysis.token_removal import check_labels
from helpers.model.compiled import PerImage, compiled
from helpers.model.kinds import expect_vit
from helpers.model.tensor_gradients import gradients_and_more
from helpers.model.vit import VisionTransformer

BY_ATTENTION = ("raw attention", "rollout", "gradient rollout", "Chefer et al.")
UNTRAINED = ", untrained"
NAMES = ("random", "centre", *BY_ATTENTION, "linear probe", *(name + UNTRAINED for name in BY_ATTENTION))
DRAWS = 10
BATCH_SIZE = 100  # images at a time: a gradient keeps what every block has made of them


def baseline_maps(
    model, images, labels, *, names=None, probe_images=None, probe_labels=None, seed=0, batch_size=BATCH_SIZE
):
    """Make every map that an explanation is compared with.

    "random": ten draws of evenly spread numbers. "centre": a bell in the middle, `centre_map`. "raw
    attention": the class token's in the last block, mean of the heads. "rollout": `attention_rollout`.
    "Chefer et al.": `gradient_rollout` of the label's logit, which is their rule for self-attention (Chefer,
    Gur & Wolf 2021, https://arxiv.org/abs/2103.15679). "gradient rollout": the same with rows that sum to 1.
    "linear probe": the label's score in a probe of each token of the last block, fitted to other images with
    `fit_probes`. "…, untrained": the four by attention, of `untrained_twin(model, seed)`.

    Args:
        model: VisionTransformer with a head.
        images: (batch, image_size, image_size, channels), float in [0, 1] or uint8 in 0 to 255.
        labels: int (batch,), the class that is to be explained in each image.
        names: some of `NAMES`; None for all, those of probes only where there are images for them.
        probe_images, probe_labels: labelled images to fit the probes to, which are none of `images`; 10 of
            each class, as `pick_few_shot` picks them, are usual. Every label must be among theirs.
        seed: int, of the draws and of the untrained weights.
        batch_size: images at a time.
    Returns:
        dict from name to float32 (batch, num_patches), in the order of `NAMES`; (10, batch, num_patches) for
        "random".
    Raises:
        ValueError: for an unknown name; a map of the class token's for a model that pools the mean; a probe
            without images, or with a label that they lack; and as `perturbation_auc` for model and labels.
    """
    expect_vit(model)
    labels = check_labels(labels, len(images), model.config)
    names = _check_names(names, model.config, probe_images)
    shape = len(images), model.config.num_patches
    maps = {}
    if "random" in names:
        maps["random"] = np.random.default_rng(seed).random((DRAWS, *shape), "float32")
    if "centre" in names:
        centre = centre_map((model.config.grid_size,) * 2).reshape(-1)
        maps["centre"] = np.tile(centre.astype("float32"), (len(images), 1))
    if set(names) & set(BY_ATTENTION):
        maps |= attention_maps_of_class(model, images, labels, batch_size=batch_size)
    if "linear probe" in names:
        maps["linear probe"] = probe_maps(model, images, labels, probe_images, probe_labels, batch_size)
    if any(name.endswith(UNTRAINED) for name in names):
        found = attention_maps_of_class(untrained_twin(model, seed), images, labels, batch_size=batch_size)
        maps |= {name + UNTRAINED: values for name, values in found.items()}
    return {name: maps[name] for name in NAMES if name in names}


def attention_maps_of_class(model, images, labels, *, batch_size=BATCH_SIZE):
    """Give the four maps of `BY_ATTENTION`: from one pass there and one back, compiled, row by row.

    Only the class token's row of a rollout is computed, from the last block to the first, and nothing but the
    maps leaves the backend.

    Args:
        model, images, labels, batch_size: as in `baseline_maps`.
    Returns:
        dict from name to float32 (batch, num_patches).
    """
    chosen = PerImage(np.eye(model.config.num_classes, dtype="float32")[labels])
    found = compiled(model, _class_rows)(images, chosen, batch_size=batch_size)
    return dict(zip(BY_ATTENTION, found))


def probe_maps(model, images, labels, probe_images, probe_labels, batch_size=BATCH_SIZE):
    """Give the label's score in a linear probe of each image token of the last block.

    Args:
        as in `baseline_maps`.
    Returns:
        float32 (batch, num_patches).
    """
    last_tokens = compiled(model, _last_tokens)
    probes = fit_probes(last_tokens(probe_images, batch_size=batch_size), probe_labels)
    places = np.searchsorted(probes.classes, labels)
    if missing := sorted(set(np.asarray(labels).tolist()) - set(probes.classes.tolist())):
        raise ValueError(
            f"Expected probe images of every class that is explained; received none of {missing}."
        )
    tokens = last_tokens(images, batch_size=batch_size)  # (batch, num_patches, hidden_dim)
    weights, bias = probes.weights.transpose(2, 0, 1)[places], probes.bias.T[places]
    return np.einsum("npd,npd->np", tokens, weights) + bias


def untrained_twin(model, seed=0):
    """Make the same network with the weights that training begins with.

    Matrices and positions are drawn as the model draws them, normal with a deviation of 0.02, cut at two of
    them; biases are 0 and gains what they start with. The same on every backend.

    Args:
        model: VisionTransformer.
        seed: int.
    Returns:
        VisionTransformer.
    """
    from scipy.stats import truncnorm

    twin, rng = VisionTransformer(model.config), np.random.default_rng(seed)
    for variable in twin.weights:
        if variable.path.split("/")[-1] in ("kernel", "position_embedding"):
            drawn = truncnorm.rvs(-2, 2, scale=0.02, size=variable.shape, random_state=rng)
            variable.assign(drawn.astype("float32"))
    return twin


def _class_rows(model, images, chosen):
    """Walk there and back, and roll the class token's row out: four maps (batch, num_patches)."""
    config = model.config
    start = model.embed(images)
    tokens_squared = (ops.shape(start)[0], config.num_heads, config.num_tokens, config.num_tokens)
    nothing = [ops.zeros(tokens_squared, start.dtype) for _ in range(config.depth)]

    def logit_and_weights(additions):
        tokens, kept = start, []
        for block, addition in zip(model.blocks, additions):
            attention_weights, values = block.attention.weights_and_values(block.norm1(tokens))
            kept.append(attention_weights)
            output = block.attention.combine(attention_weights + addition, values)
            tokens = block.join(tokens, block.finish(output, block.scale1))
            tokens = block.join(tokens, block.finish(block.mlp(block.norm2(tokens)), block.scale2))
        return ops.sum(ops.multiply(model.classify(tokens), chosen)), kept

    gradients, weights = gradients_and_more(logit_and_weights, nothing)
    weights, gradients = ([ops.cast(each, "float32") for each in all_] for all_ in (weights, gradients))
    rollout = normalised = relevance = ops.one_hot(
        ops.zeros_like(ops.argmax(chosen, axis=-1)), config.num_tokens
    )
    for attention, gradient in zip(weights[::-1], gradients[::-1]):
        rollout = 0.5 * rollout + 0.5 * _row_times(rollout, ops.mean(attention, axis=1))
        speaks = ops.mean(ops.relu(gradient * attention), axis=1)  # (batch, num_tokens, num_tokens)
        relevance = relevance + _row_times(relevance, speaks)
        normalised = normalised / (1 + ops.sum(speaks, axis=-1))
        normalised = normalised + _row_times(normalised, speaks)
    rows = ops.mean(weights[-1], axis=1)[:, 0], rollout, normalised, relevance
    return [row[:, 1:] for row in rows]


def _row_times(row, matrices):
    return ops.matmul(row[:, None], matrices)[:, 0]  # (batch, num_tokens)


def _last_tokens(model, images):
    tokens = model.embed(images)
    for block in model.blocks:
        tokens = block(tokens)
    return ops.cast(tokens[:, int(model.config.has_class_token) :], "float32")


def _check_names(names, config, probe_images):
    if names is None:
        names = [name for name in NAMES if name != "linear probe" or probe_images is not None]
    names = [names] if isinstance(names, str) else list(names)
    if unknown := [name for name in names if name not in NAMES]:
        raise ValueError(f"There is no map {unknown[0]!r}: expected some of {', '.join(NAMES)}.")
    if "linear probe" in names and probe_images is None:
        raise ValueError(
            'A map by "linear probe" needs probe_images and probe_labels to fit the probes to; received none.'
        )
    by_token = [name for name in names if name.removesuffix(UNTRAINED) in BY_ATTENTION]
    if by_token and not config.has_class_token:
        raise ValueError(
            f"{by_token[0]!r} is a map of the class token, and this model pools the mean of the patches. Set "
            'names=("random", "centre", "linear probe"), or take a model with a class token.'
        )
    return names
