"""A right answer to every exercise, in plain NumPy, as a learner may write it; none calls a reference.

tests/test_right_answers.py hands them in as they are, as tensors, lists and wider floats;
tests/test_case_strength.py changes them one step at a time and asks that each change be seen.
"""

import math

import numpy as np

# 00 to 02


def mean_colour(image):
    return np.mean(image, axis=(0, 1))


def num_patches(image_size, patch_size):
    height, width = image_size
    return (height // patch_size) * (width // patch_size)


def extract_patches(images, patch_size):
    batch, height, width, channels = images.shape
    rows, columns = height // patch_size, width // patch_size
    pixels = images.reshape(batch, rows, patch_size, columns, patch_size, channels)
    pixels = pixels.transpose(0, 1, 3, 2, 4, 5)
    return pixels.reshape(batch, rows * columns, patch_size * patch_size * channels)


def assemble_patches(patches, image_size, channels=3):
    height, width = image_size
    patch_size = int(round((patches.shape[-1] / channels) ** 0.5))
    rows, columns = height // patch_size, width // patch_size
    pixels = patches.reshape(len(patches), rows, columns, patch_size, patch_size, channels)
    return pixels.transpose(0, 1, 3, 2, 4, 5).reshape(len(patches), height, width, channels)


def patch_of_pixel(pixel, image_size, patch_size):
    y, x = pixel
    columns = image_size[1] // patch_size
    return (y // patch_size) * columns + x // patch_size


def project_patches(patches, kernel, bias):
    return patches @ kernel.reshape(-1, kernel.shape[-1]) + bias


def prepend_class_token(patch_embeddings, class_token):
    batch, _, hidden_dim = patch_embeddings.shape
    copies = np.broadcast_to(class_token, (batch, 1, hidden_dim))
    return np.concatenate([copies, patch_embeddings], axis=1)


def position_similarity(position_embedding):
    positions = position_embedding[0]
    positions = positions / np.linalg.norm(positions, axis=-1, keepdims=True)
    return positions @ positions.T


# 03 and 04


def softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def attention_weights(queries, keys):
    scores = queries @ np.swapaxes(keys, -1, -2) / np.sqrt(queries.shape[-1])
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def scaled_dot_product_attention(queries, keys, values, mask=None):
    scores = queries @ np.swapaxes(keys, -1, -2) / np.sqrt(queries.shape[-1])
    if mask is not None:
        scores = np.where(mask, scores, -1e9)
    weights = softmax(scores)
    return weights @ values, weights


def split_heads(tokens, num_heads):
    batch, num_tokens, hidden_dim = tokens.shape
    heads = tokens.reshape(batch, num_tokens, num_heads, hidden_dim // num_heads)
    return heads.transpose(0, 2, 1, 3)


def attention_cost(num_tokens, hidden_dim):
    return {
        "projections": 4 * num_tokens * hidden_dim**2,
        "scores": num_tokens**2 * hidden_dim,
        "mixing": num_tokens**2 * hidden_dim,
    }


def layer_norm(tokens, gamma, beta, epsilon=1e-6):
    mean = tokens.mean(axis=-1, keepdims=True)
    variance = tokens.var(axis=-1, keepdims=True)
    return gamma * (tokens - mean) / np.sqrt(variance + epsilon) + beta


def mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    hidden = tokens @ expand_kernel + expand_bias
    erf = np.vectorize(math.erf, otypes=["float64"])
    hidden = hidden * 0.5 * (1 + erf(hidden / np.sqrt(2)))
    return hidden @ contract_kernel + contract_bias


def encoder_block(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + attention(norm1(tokens))
    return tokens + mlp(norm2(tokens))


def count_parameters(config):
    d, m = config.hidden_dim, config.mlp_dim
    embedding = config.patch_size**2 * config.channels * d + d
    attention = 4 * (d * d + d)
    mlp = d * m + m + m * d + d
    norms = 2 * 2 * d
    blocks = config.depth * (attention + mlp + norms)
    head = d * config.num_classes + config.num_classes
    return embedding + d + config.num_tokens * d + blocks + 2 * d + head


# 05


def mix_with_previous(images, labels, keep):
    share = keep.reshape(-1, 1, 1, 1)
    mixed = share * images + (1 - share) * np.roll(images, 1, axis=0)
    share = keep.reshape(-1, 1)
    return mixed, share * labels + (1 - share) * np.roll(labels, 1, axis=0)


def smooth_labels(labels, smoothing):
    return (1 - smoothing) * labels + smoothing / labels.shape[-1]


def warmup_cosine(step, peak, warmup_steps, total_steps):
    rising = (step + 1) / warmup_steps
    progress = np.clip((step - warmup_steps) / (total_steps - warmup_steps), 0, 1)
    falling = 0.5 * (1 + np.cos(np.pi * progress))
    return peak * np.where(step < warmup_steps, rising, falling)


def decay_mask(paths):
    spared = ("bias", "gamma", "beta", "scale", "class_token", "position_embedding")
    return [path.split("/")[-1] not in spared for path in paths]


def confusion_matrix(labels, predictions, num_classes):
    matrix = np.zeros((num_classes, num_classes), int)
    for label, prediction in zip(labels, predictions):
        matrix[label, prediction] += 1
    return matrix


# 06 and 07


def class_attention(attention_weights, *, grid=None):
    row = attention_weights[..., 0, 1:]
    if grid is None:
        side = round(row.shape[-1] ** 0.5)
        grid = (side, side)
    return row.reshape(*row.shape[:-1], *grid)


def attention_entropy(attention_weights):
    safe = np.where(attention_weights > 0, attention_weights, 1)
    return -np.sum(attention_weights * np.log(safe), axis=-1)


def mean_attention_distance(attention_weights, patch_size, *, grid=None):
    seen = attention_weights[..., 1:, 1:]
    seen = seen / seen.sum(axis=-1, keepdims=True)
    if grid is None:
        side = round(seen.shape[-1] ** 0.5)
        grid = (side, side)
    rows, columns = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    distances = patch_size * np.hypot(rows[:, None] - rows, columns[:, None] - columns)
    return (seen * distances).sum(axis=-1).mean(axis=(1, 3))


def most_focused_layers(attention_weights, region, patch_size=None):
    looked = attention_weights[..., 0, 1:].mean(axis=2)
    region = np.asarray(region, float)
    height, width = region.shape[-2:]
    rows, columns = height // patch_size, width // patch_size
    cut = region.reshape(-1, rows, patch_size, columns, patch_size)
    coverage = cut.mean(axis=(2, 4)).reshape(-1, rows * columns)
    shares = ((looked * coverage).sum(axis=-1) / looked.sum(axis=-1)).mean(axis=1)
    return np.argsort(-shares), shares


def block_mixing(attention_weights, *, residual=0.5, head_fusion="mean"):
    fuse = {"mean": np.mean, "max": np.max, "min": np.min}[head_fusion]
    num_tokens = attention_weights.shape[-1]
    mixing = (1 - residual) * fuse(attention_weights, axis=-3) + residual * np.eye(num_tokens)
    return mixing / mixing.sum(axis=-1, keepdims=True)


def attention_rollout(attention_weights, *, residual=0.5):
    traced = np.eye(attention_weights.shape[-1])
    for block in attention_weights:
        mixing = (1 - residual) * block.mean(axis=1) + residual * np.eye(block.shape[-1])
        traced = mixing @ traced
    return traced


def gradient_rollout(attention_weights, attention_gradients):
    relevance = np.maximum(attention_gradients * attention_weights, 0).mean(axis=-3)
    eye = np.eye(attention_weights.shape[-1])
    traced = eye
    for block in relevance:
        traced = (eye + block) @ traced
    return traced


# 08 to 10


def gram_matrix(features):
    rows = features.reshape(len(features), -1)
    return rows @ rows.T


def centre_gram(gram):
    return gram - gram.mean(axis=0) - gram.mean(axis=1, keepdims=True) + gram.mean()


def u_centre_gram(gram):
    n = len(gram)
    hollow = gram * (1 - np.eye(n))
    sums = hollow.sum(axis=0)
    result = hollow - sums / (n - 2) - sums[:, None] / (n - 2) + hollow.sum() / ((n - 1) * (n - 2))
    return result * (1 - np.eye(n))


def minibatch_cka(batches_a, batches_b):
    cross = self_a = self_b = 0
    for x, y in zip(batches_a, batches_b):
        n = len(x)
        K, L = u_centre_gram(gram_matrix(x)), u_centre_gram(gram_matrix(y))
        cross += (K * L).sum() / (n * (n - 3))
        self_a += (K * K).sum() / (n * (n - 3))
        self_b += (L * L).sum() / (n * (n - 3))
    return cross / np.sqrt(self_a * self_b)


def decision_block(logits_per_block):
    predicted = logits_per_block.argmax(axis=-1)
    differs = predicted != predicted[-1]
    last = len(predicted) - differs[::-1].argmax(axis=0)
    return np.where(differs.any(axis=0), last, 0)


def norm_ratios(skip, branch):
    return np.linalg.norm(skip, axis=-1) / np.linalg.norm(branch, axis=-1)


def effective_receptive_field(model, images, layer):
    from keras import ops

    from helpers.model.gradients import gradients
    from helpers.model.layers import layer_features

    grid = model.config.grid_size
    token = 1 + (grid // 2) * grid + grid // 2

    def read(arrays):
        features = layer_features(model, arrays[0], layer)[layer]
        return ops.sum(ops.mean(features[:, token], axis=-1))

    return np.abs(gradients(read, [images])[1][0]).mean(axis=(0, -1))


def locate_token(tokens, patches, token):
    from helpers.analysis.similarity import linear_cka

    places = range(patches.shape[1])
    return np.array([linear_cka(tokens[:, token], patches[:, place], debiased=True) for place in places])


def localization_score(maps):
    rows, columns = maps.shape[-2:]
    count = rows * columns
    flat = maps.reshape(*maps.shape[:-2], count)[..., -count:, :]
    own = np.diagonal(flat, axis1=-2, axis2=-1)
    score = own - (flat.sum(axis=-1) - own) / (count - 1)
    return score.reshape(*score.shape[:-1], rows, columns)


def probe_scores(features, labels, new_features, penalty):
    targets = 2 * np.eye(labels.max() + 1)[labels] - 1
    mean_x, mean_y = features.mean(axis=0), targets.mean(axis=0)
    x = features - mean_x
    weights = np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ (targets - mean_y))
    return (new_features - mean_x) @ weights + mean_y


def mean_of_patches(tokens, num_patches):
    return tokens[:, -num_patches:].mean(axis=1)


# 11


def read_tokens(tokens, gamma, beta, kernel, bias):
    centred = tokens - tokens.mean(axis=-1, keepdims=True)
    normalised = centred / np.sqrt(tokens.var(axis=-1, keepdims=True) + 1e-6)
    return (gamma * normalised + beta) @ kernel + bias


def class_identifiability(class_logits, labels):
    index = np.broadcast_to(labels[:, None, None], (*class_logits.shape[:-1], 1))
    own = np.take_along_axis(class_logits, index, axis=-1)
    higher, equal = (class_logits > own).sum(axis=-1), (class_logits == own).sum(axis=-1) - 1
    return 1 - (higher + equal / 2) / class_logits.shape[-1]


def identifiability_rate(class_logits, labels, has_class_token):
    scores = class_identifiability(class_logits, labels)
    first = 1 if has_class_token else 0
    return (scores[..., first:] == 1).mean(axis=(-2, -1))


def direct_effect(part, stream, gamma, kernel):
    centred = part - part.mean(axis=-1, keepdims=True)
    return gamma * centred / np.sqrt(stream.var(axis=-1, keepdims=True) + 1e-6) @ kernel


# 12


def class_value_agreement(values, prototypes):
    lengths = np.linalg.norm(values, axis=-1)
    class_lengths = np.linalg.norm(prototypes, axis=-1)
    return (values @ prototypes.T / lengths[:, None] / class_lengths).max(axis=0)


def agreement_of_image(coefficients, class_values, label, k):
    speakers = np.argsort(-class_values[:, label])[:k]
    active = np.argsort(-coefficients[1:], axis=-1)[:, :k]
    return np.isin(active, speakers).any(axis=-1).mean()


def relevance_of_patches(logits, slopes, label):
    exponentials = np.exp(logits - logits.max())
    wanted = np.arange(len(logits)) == label
    return (wanted - exponentials / exponentials.sum()) @ slopes[:, 1:]


def area_under(curve, removed):
    heights = (curve[..., 1:] + curve[..., :-1]) / 2
    widths = removed[1:] - removed[:-1]
    return (heights * widths).sum(axis=-1) / (removed[-1] - removed[0])


# 14


def box_to_patches(box, patch_size):
    top, left, bottom, right = box
    return (
        top // patch_size,
        left // patch_size,
        math.ceil(bottom / patch_size),
        math.ceil(right / patch_size),
    )


def share_in_region(maps, coverage):
    return (maps * coverage).sum(axis=(-2, -1)) / maps.sum(axis=(-2, -1))


def mean_of_others(maps):
    scaled = maps / maps.sum(axis=(1, 2), keepdims=True)
    return (scaled.sum(axis=0) - scaled) / (len(maps) - 1)


def shares_of_every_box(one_map, height, width):
    rows, columns = one_map.shape
    found = [
        [one_map[r : r + height, c : c + width].sum() for c in range(columns - width + 1)]
        for r in range(rows - height + 1)
    ]
    return np.array(found) / one_map.sum()


def answer_to(key):
    """Give the right answer to an exercise by its key, such as "patches.num_patches"."""
    return globals()[key.split(".")[1]]
