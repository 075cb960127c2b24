"""Which patches would bring a class forward if the class token looked at them more: relevance by gradients.

`class_relevance` asks each block and head by itself (Vilas et al. 2023, section 7). Its sum over both is one
map for the whole network, and so are LeGrad and TokenTM, which came after it.
"""

import numpy as np

from helpers.analysis.class_space import check_labels, expect_head

AT = ("attention", "block")
PER = {"head": (), "block": (2,), "global": (0, 2)}  # which axes of (depth, batch, heads, patches) are summed


def class_relevance(model, images, classes, *, at="attention", double_softmax=False, batch_size=64):
    """Say how much more attention to each patch would lower the loss of a class at the block's class token.

    −∂ L_b / ∂ A_b[class token, patch] for every block b by itself: final norm and head read the class token
    there, and L_b is the cross-entropy of the class (Vilas et al. 2023, https://arxiv.org/abs/2310.18969,
    section 7). Each weight counts as an input of its own, and other blocks are left as they are.

    Text and code of the paper differ. at="attention", its code: what the attention branch gives, before it is
    added to the stream; at="block", its text: the stream after the block, MLP included. Its code also applies
    the softmax twice, since the loss that it hands probabilities to expects logits: `double_softmax=True`
    shows what that does. A class with little probability then hardly has a gradient.

    Args:
        model: VisionTransformer with a class token and a head.
        images: (n, image_size, image_size, channels), float in [0, 1] or uint8 in 0 to 255.
        classes: int (n,), the class that is asked about in each image: the true one, or a rival.
        at: "attention" or "block".
        double_softmax: whether the loss takes the softmax of the softmax.
        batch_size: images at a time.
    Returns:
        float32 (depth, n, num_heads, num_patches); above 0 speaks for the class. `add_up` sums them.
    Raises:
        ValueError: for a model that is no VisionTransformer, has no class token or no head, classes that are
            not the model's or not one an image, another `at`, and as the model does for the images.
    """
    _check_model(model, needs_class_token=True)
    if at not in AT:
        raise ValueError(f'at is "attention" (the code) or "block" (the text); received {at!r}.')
    found = _run(model, _class_gradients, images, classes, batch_size, at, bool(double_softmax))
    return -found.swapaxes(0, 1)[..., 1:]  # (depth, n, num_heads, num_patches)


def add_up(relevance, per="global"):
    """Sum relevance over the heads, or over heads and blocks.

    Args:
        relevance: float (depth, n, num_heads, num_patches), from `class_relevance`.
        per: "head" for all as it is, "block", or "global".
    Returns:
        float (depth, n, num_heads, num_patches), (depth, n, num_patches) or (n, num_patches); for a picture,
        `helpers.analysis.attention.patch_map(values, has_class_token=False)`.
    Raises:
        ValueError: for another shape, or another `per`.
    """
    relevance = np.asarray(relevance)
    if relevance.ndim != 4:
        raise ValueError(
            "Expected relevance (depth, batch, num_heads, num_patches), as class_relevance gives it; "
            f"received {relevance.shape}."
        )
    if per not in PER:
        raise ValueError(f'per is "head", "block" or "global"; received {per!r}.')
    return relevance.sum(axis=PER[per])


def legrad(model, images, classes, *, batch_size=32):
    """Map a class by how its score in each block's mean token follows the attention: LeGrad.

    Per block b, s_b is the class's logit when final norm and head read the mean of the tokens after b. Then
    the mean over heads and queries of max(∂ s_b / ∂ A_b, 0), the class token's column left out, summed over
    the blocks, and each map scaled to 0 to 1 (Bousselham et al. 2024, https://arxiv.org/abs/2404.03214).
    Their code starts at the last block but one, where it is not told otherwise; this takes all.

    Args:
        model: VisionTransformer with a head; with a class token, or mean pooling.
        images, classes, batch_size: as in `class_relevance`.
    Returns:
        float32 (n, num_patches) in [0, 1]; 0 everywhere for a map that is the same everywhere.
    Raises:
        ValueError: as `class_relevance`, but for the class token.
    """
    _check_model(model)
    found = _run(model, _mean_token_gradients, images, classes, batch_size)
    maps = found[:, int(model.config.has_class_token) :]  # (n, num_patches)
    low, high = maps.min(axis=-1, keepdims=True), maps.max(axis=-1, keepdims=True)
    return (maps - low) / np.where(high > low, high - low, 1)


def _run(model, function, images, classes, batch_size, *options):
    """Run a function of the model, the images and their classes, (batch, num_classes), compiled."""
    from helpers.model.compiled import PerImage, compiled

    classes = np.asarray(classes)
    check_labels(classes, len(images), model.config.num_classes)
    chosen = PerImage(np.eye(model.config.num_classes, dtype="float32")[classes])
    return compiled(model, function, *options)(images, chosen, batch_size=batch_size)


def _class_gradients(model, images, chosen, at, double_softmax):
    """Differentiate the loss at every block's class token: (batch, depth, num_heads, num_tokens)."""
    from keras import ops

    def losses(additions):
        total, tokens = 0.0, start
        for block, addition in zip(model.blocks, additions):
            weights, values = block.attention.weights_and_values(block.norm1(tokens))
            row = weights[:, :, :1] + addition  # an addition reaches the loss of its own block alone
            read = block.finish(block.attention.combine(row, values), block.scale1)  # (batch, 1, hidden_dim)
            if at == "block":
                read = _through_mlp(block, block.join(tokens[:, :1], read))
            logits = model.head(model.norm(read))[:, 0]
            if double_softmax:
                logits = ops.softmax(logits, axis=-1)
            wanted = ops.sum(ops.multiply(logits, chosen), axis=-1)  # (batch,)
            total = total + ops.sum(ops.logsumexp(logits, axis=-1) - wanted)
            branch = block.finish(block.attention.combine(weights, values), block.scale1)
            tokens = _through_mlp(block, block.join(tokens, branch))
        return total, []

    start = model.embed(images)
    found = _differentiate(model, losses, start, num_queries=1)
    return ops.stack([ops.cast(each[:, :, 0], "float32") for each in found], axis=1)


def _mean_token_gradients(model, images, chosen):
    """Differentiate the logit in every block's mean token, summed up as LeGrad does: (batch, num_tokens)."""
    from keras import ops

    def scores(additions):
        total, tokens = 0.0, start
        for block, addition in zip(model.blocks, additions):
            weights, values = block.attention.weights_and_values(block.norm1(tokens))
            streams = []
            for attention in (weights + addition, weights):
                branch = block.finish(block.attention.combine(attention, values), block.scale1)
                streams.append(_through_mlp(block, block.join(tokens, branch)))
            logits = model.head(model.norm(ops.mean(streams[0], axis=1)))
            total = total + ops.sum(ops.multiply(logits, chosen))
            tokens = streams[1]
        return total, []

    start = model.embed(images)
    found = _differentiate(model, scores, start, num_queries=model.config.num_tokens)
    return sum(ops.mean(ops.relu(ops.cast(each, "float32")), axis=(1, 2)) for each in found)


def _differentiate(model, function, start, num_queries):
    """Give ∂ function / ∂ what is added to the attention weights, a tensor a block."""
    from keras import ops

    from helpers.model.tensor_gradients import gradients_and_more

    config = model.config
    shape = (ops.shape(start)[0], config.num_heads, num_queries, config.num_tokens)
    return gradients_and_more(function, [ops.zeros(shape, start.dtype) for _ in model.blocks])[0]


def _through_mlp(block, tokens):
    return block.join(tokens, block.finish(block.mlp(block.norm2(tokens)), block.scale2))


def _check_model(model, *, needs_class_token=False):
    expect_head(model)
    if needs_class_token and not model.config.has_class_token:
        raise ValueError(
            "Expected a model with a class token, whose attention this asks about; received one that "
            'averages its patches (pooling="mean"). Take legrad, or a model with a class token.'
        )
