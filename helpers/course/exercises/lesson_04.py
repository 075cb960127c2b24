"""Lesson 04, the encoder and the whole ViT: norm, MLP, the wiring of a block, and counting parameters."""

import math

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant, Question

# layer_norm(tokens, gamma, beta, epsilon=1e-6)


def _norm_cases():
    rng = np.random.default_rng(4)

    def numbers(*shape, scale=1.0, shift=0.0):
        return (scale * rng.standard_normal(shape) + shift).astype("float32")

    small = numbers(3, 4, 6, scale=0.02)
    small[0, 1] = 0.5  # a token whose features are all alike: its variance is 0
    return [
        Case(small, numbers(6), numbers(6), epsilon=4e-3),
        Case(numbers(2, 5, 8, shift=1.5), numbers(8), numbers(8)),
        Case(numbers(1, 3, 12, scale=3.0), numbers(12), numbers(12), epsilon=1e-2),
    ]


def _norm(tokens, gamma, beta, epsilon, *, axis=-1, ddof=0):
    mean, variance = tokens.mean(axis, keepdims=True), tokens.var(axis, keepdims=True, ddof=ddof)
    return gamma * (tokens - mean) / np.sqrt(variance + epsilon) + beta


def _norm_over_tokens(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, epsilon, axis=1)


def _norm_over_batch(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, epsilon, axis=0)


def _norm_over_batch_and_tokens(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, epsilon, axis=(0, 1))


def _norm_over_image(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, epsilon, axis=(1, 2))


def _norm_over_all(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, epsilon, axis=None)


def _norm_ddof(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, epsilon, ddof=1)


def _norm_no_epsilon(tokens, gamma, beta, epsilon=1e-6):
    with np.errstate(all="ignore"):
        return _norm(tokens, gamma, beta, 0.0)


def _norm_epsilon_outside(tokens, gamma, beta, epsilon=1e-6):
    centred = tokens - tokens.mean(-1, keepdims=True)
    return gamma * centred / (tokens.std(-1, keepdims=True) + epsilon) + beta


def _norm_fixed_epsilon(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, 1e-6)


def _norm_keras_epsilon(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, 1e-3)


def _norm_by_variance(tokens, gamma, beta, epsilon=1e-6):
    centred = tokens - tokens.mean(-1, keepdims=True)
    return gamma * centred / (tokens.var(-1, keepdims=True) + epsilon) + beta


def _norm_no_mean(tokens, gamma, beta, epsilon=1e-6):
    return gamma * tokens / np.sqrt(np.mean(tokens**2, axis=-1, keepdims=True) + epsilon) + beta


def _norm_only_scaled(tokens, gamma, beta, epsilon=1e-6):
    return gamma * tokens / np.sqrt(tokens.var(-1, keepdims=True) + epsilon) + beta


def _norm_fresh_layer(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, 1.0, 0.0, 1e-3)


def _norm_swapped(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, beta, gamma, epsilon)


def _norm_centred(tokens, gamma, beta, epsilon=1e-6):
    return tokens - tokens.mean(-1, keepdims=True)


def _norm_plain(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, 1.0, 0.0, epsilon)


def _norm_no_gamma(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, 1.0, beta, epsilon)


def _norm_no_beta(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, 0.0, epsilon)


def _norm_shift_first(tokens, gamma, beta, epsilon=1e-6):
    return gamma * (_norm(tokens, 1.0, 0.0, epsilon) + beta)


# mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias)


def _mlp_cases():
    rng = np.random.default_rng(14)

    def case(batch, num_tokens, hidden_dim, mlp_dim):
        shapes = [(batch, num_tokens, hidden_dim), (hidden_dim, mlp_dim), (mlp_dim,), (mlp_dim, hidden_dim)]
        arrays = [rng.standard_normal(shape) for shape in (*shapes, (hidden_dim,))]
        # Weights of one sign add up what the exact GELU and its approximation differ by.
        arrays[3] = 0.1 + np.abs(arrays[3])
        return tuple(array.astype("float32") for array in arrays)

    return [case(2, 5, 4, 12), case(1, 3, 6, 9)]


_erf = np.vectorize(math.erf, otypes=["float64"])


def _gelu(x):
    return x * 0.5 * (1 + _erf(x / math.sqrt(2)))


def _mlp(tokens, w1, b1, w2, b2, activation=_gelu):
    return activation(tokens @ w1 + b1) @ w2 + b2


def _mlp_activated_twice(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return _gelu(_mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias))


def _mlp_activated_at_the_end(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return _gelu((tokens @ expand_kernel + expand_bias) @ contract_kernel + contract_bias)


def _mlp_activated_first(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return (_gelu(tokens) @ expand_kernel + expand_bias) @ contract_kernel + contract_bias


def _mlp_linear(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return (tokens @ expand_kernel + expand_bias) @ contract_kernel + contract_bias


def _mlp_tanh(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    def gelu(x):
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))

    return _mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias, gelu)


def _mlp_sigmoid(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    def gelu(x):
        return x / (1 + np.exp(-1.702 * x))

    return _mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias, gelu)


def _mlp_relu(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    def relu(x):
        return np.maximum(x, 0)

    return _mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias, relu)


def _mlp_no_biases(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return _mlp(tokens, expand_kernel, 0, contract_kernel, 0)


def _mlp_no_first_bias(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return _mlp(tokens, expand_kernel, 0, contract_kernel, contract_bias)


def _mlp_no_last_bias(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return _mlp(tokens, expand_kernel, expand_bias, contract_kernel, 0)


def _mlp_with_skip(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return tokens + _mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias)


# encoder_block(tokens, norm1, attention, norm2, mlp)


def _tokens(x):
    if callable(x) and not hasattr(x, "shape"):
        raise TypeError("tokens are expected here, not a function. Call it first, as in norm1(tokens)")
    return np.asarray(x)


def _block_cases():
    rng = np.random.default_rng(24)

    def case(batch, num_tokens, hidden_dim):
        tokens = rng.standard_normal((batch, num_tokens, hidden_dim)).astype("float32")
        mix = rng.random((num_tokens, num_tokens)).astype("float32") / num_tokens
        matrix = rng.standard_normal((hidden_dim, hidden_dim)).astype("float32") / hidden_dim**0.5

        def norm(scale):
            def normalise(x):
                x = _tokens(x)
                return scale * (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + 1e-3)

            return normalise

        def attention(x):
            return mix @ _tokens(x)

        def mlp(x):
            return np.maximum(_tokens(x) @ matrix, 0)

        return tokens, norm(np.float32(1.2)), attention, norm(np.float32(0.7)), mlp

    return [case(2, 5, 4), case(1, 3, 8)]


def _block_post_norm(tokens, norm1, attention, norm2, mlp):
    tokens = norm1(tokens + attention(tokens))
    return norm2(tokens + mlp(tokens))


def _block_skip_after_norm(tokens, norm1, attention, norm2, mlp):
    tokens = norm1(tokens)
    tokens = norm2(tokens + attention(tokens))
    return tokens + mlp(tokens)


def _block_second_skip_after_norm(tokens, norm1, attention, norm2, mlp):
    tokens = norm2(tokens + attention(norm1(tokens)))
    return tokens + mlp(tokens)


def _block_first_skip_after_norm(tokens, norm1, attention, norm2, mlp):
    tokens = norm1(tokens)
    tokens = tokens + attention(tokens)
    return tokens + mlp(norm2(tokens))


def _block_norm_at_the_end(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + attention(norm1(tokens))
    return norm2(tokens + mlp(norm2(tokens)))


def _block_norm_behind_the_branch(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + norm1(attention(tokens))
    return tokens + norm2(mlp(tokens))


def _block_no_skip(tokens, norm1, attention, norm2, mlp):
    return mlp(norm2(attention(norm1(tokens))))


def _block_no_first_skip(tokens, norm1, attention, norm2, mlp):
    tokens = attention(norm1(tokens))
    return tokens + mlp(norm2(tokens))


def _block_no_second_skip(tokens, norm1, attention, norm2, mlp):
    return mlp(norm2(tokens + attention(norm1(tokens))))


def _block_one_skip_around_both(tokens, norm1, attention, norm2, mlp):
    return tokens + mlp(norm2(attention(norm1(tokens))))


def _block_old_skip(tokens, norm1, attention, norm2, mlp):
    return tokens + mlp(norm2(tokens + attention(norm1(tokens))))


def _block_side_by_side(tokens, norm1, attention, norm2, mlp):
    return tokens + attention(norm1(tokens)) + mlp(norm2(tokens))


def _block_one_norm(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + attention(norm1(tokens))
    return tokens + mlp(norm1(tokens))


def _block_norms_swapped(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + attention(norm2(tokens))
    return tokens + mlp(norm1(tokens))


def _block_no_norm(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + attention(tokens)
    return tokens + mlp(tokens)


def _block_mlp_first(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + mlp(norm1(tokens))
    return tokens + attention(norm2(tokens))


def _block_attention_only(tokens, norm1, attention, norm2, mlp):
    return tokens + attention(norm1(tokens))


# count_parameters(config)


def _count_cases():
    from helpers.model.vit import ViTConfig

    grey = dict(channels=1, image_mean=(0.5,), image_std=(0.5,))
    return [
        (ViTConfig.variant("S/16"),),
        (ViTConfig.variant("cifar/4"),),
        (ViTConfig(28, 7, 24, 2, 3, 60, 5, **grey),),
    ]


def _count(
    c,
    *,
    bias=1,
    extra_tokens=1,
    positions=None,
    class_token=1,
    qkv=3,
    output=1,
    norms=2,
    last_norm=1,
    depth=None,
):
    d, m = c.hidden_dim, c.mlp_dim
    positions = c.num_patches + extra_tokens if positions is None else positions
    attention = (qkv + output) * (d * d + bias * d)
    block = attention + 2 * d * m + bias * (d + m) + norms * 2 * d
    embedding = (c.patch_size**2 * c.channels + bias) * d + (class_token + positions) * d
    depth = c.depth if depth is None else depth
    return embedding + depth * block + last_norm * 2 * d + (d + bias) * c.num_classes


def _count_no_biases(config):
    return _count(config, bias=0)


def _count_two_vectors_short(config):
    return _count(config, class_token=0, extra_tokens=0)


def _count_one_vector_short(config):
    return _count(config, extra_tokens=0)


def _count_attention_no_biases(config):
    return _count(config) - config.depth * 4 * config.hidden_dim


def _count_mlp_no_biases(config):
    return _count(config) - config.depth * (config.hidden_dim + config.mlp_dim)


def _count_head_no_bias(config):
    return _count(config) - config.num_classes


def _count_norms_of_one_vector(config):
    return _count(config) - (2 * config.depth + 1) * config.hidden_dim


def _count_half_an_mlp(config):
    return _count(config) - config.depth * (config.mlp_dim + 1) * config.hidden_dim


def _count_patch_side(config):
    side = config.patch_size
    return _count(config) - (side**2 - side) * config.channels * config.hidden_dim


def _count_embedding_each(config):
    embedding = (config.patch_size**2 * config.channels + 1) * config.hidden_dim
    return _count(config) + (config.num_patches - 1) * embedding


def _count_no_positions(config):
    return _count(config, positions=0)


def _count_neither_token_nor_positions(config):
    return _count(config, positions=0, class_token=0)


def _count_one_position_number_each(config):
    return _count(config, positions=0) + config.num_tokens


def _count_qkv_once(config):
    return _count(config, qkv=1)


def _count_no_output_projection(config):
    return _count(config, output=0)


def _count_every_head_whole(config):
    d = config.hidden_dim
    return _count(config) + config.depth * (config.num_heads - 1) * (4 * d * d + 3 * d)


def _count_one_norm(config):
    return _count(config, norms=1)


def _count_no_norms(config):
    return _count(config, norms=0, last_norm=0)


def _count_one_block(config):
    return _count(config, depth=1)


def _count_no_head(config):
    return _count(config) - (config.hidden_dim + 1) * config.num_classes


def _count_one_channel(config):
    return _count(config) - config.patch_size**2 * (config.channels - 1) * config.hidden_dim


def _count_mlp_four_times(config):
    wider = 4 * config.hidden_dim - config.mlp_dim
    return _count(config) + config.depth * (2 * config.hidden_dim + 1) * wider


EXERCISES = [
    Exercise(
        key="parts.layer_norm",
        title="LayerNorm",
        reference="helpers.model.parts:layer_norm",
        cases=_norm_cases,
        mutants=(
            Mutant(
                _norm_over_tokens,
                "mean and variance run over the tokens: each token has its own, over its features (axis=-1).",
            ),
            Mutant(
                _norm_over_batch,
                "mean and variance run over the batch: then one image changes the answer for another. Take "
                "axis=-1.",
            ),
            Mutant(
                _norm_over_batch_and_tokens,
                "mean and variance run over all tokens of all images, as in a batch norm. Take axis=-1.",
            ),
            Mutant(
                _norm_over_image,
                "there is one mean and one variance an image; each token has its own (axis=-1).",
            ),
            Mutant(
                _norm_over_all,
                "there is one mean and one variance for everything: name the axis, axis=-1.",
            ),
            Mutant(
                _norm_ddof,
                "the variance divides by hidden_dim − 1, as a statistician's estimate does; here it divides "
                "by hidden_dim (ddof=0).",
            ),
            Mutant(
                _norm_no_epsilon,
                "epsilon is missing: a token whose features are all alike gives 0/0. It goes under the root.",
            ),
            Mutant(
                _norm_epsilon_outside,
                "epsilon is added to the standard deviation; it belongs inside the root, to the variance.",
            ),
            Mutant(
                _norm_fixed_epsilon,
                "epsilon is always 1e-6: use the argument, which may be another number.",
            ),
            Mutant(
                _norm_keras_epsilon,
                "epsilon is always 1e-3, Keras' default: use the argument.",
            ),
            Mutant(
                _norm_by_variance, "this divides by the variance; divide by its root, the standard deviation."
            ),
            Mutant(
                _norm_no_mean,
                "the mean is not taken off: that is RMSNorm, which other networks use. Subtract it first.",
            ),
            Mutant(_norm_only_scaled, "the variance is right, but the mean was never taken off the tokens."),
            Mutant(
                _norm_fresh_layer,
                "that is a fresh Keras layer: its gamma is 1, its beta 0 and its epsilon 1e-3. Use the "
                "arguments.",
            ),
            Mutant(_norm_swapped, "gamma and beta have changed places: gamma scales, beta is added."),
            Mutant(
                _norm_centred,
                "the mean is taken off, which is half of it: divide by the standard deviation next.",
            ),
            Mutant(_norm_plain, "gamma and beta are missing: gamma · normalised + beta."),
            Mutant(_norm_no_gamma, "gamma is missing: multiply by it before you add beta."),
            Mutant(_norm_no_beta, "beta is missing: add it at the end."),
            Mutant(_norm_shift_first, "beta is scaled by gamma too: multiply first, then add beta."),
        ),
        hints=(
            "Which axis holds the features of one token? Mean and variance run over that one alone.",
            "Keep the axis, so that shapes fit: tokens.mean(axis=-1, keepdims=True) is (batch, num_tokens, "
            "1). The same with var.",
            "gamma * (tokens - mean) / np.sqrt(variance + epsilon) + beta.",
        ),
        difficulty=2,
        importance=5,
        minutes=8,
    ),
    Exercise(
        key="parts.mlp",
        title="The MLP",
        reference="helpers.model.parts:mlp",
        cases=_mlp_cases,
        mutants=(
            Mutant(
                _mlp_activated_twice,
                "a GELU follows the second layer too: the branch must be free to write negative numbers.",
            ),
            Mutant(
                _mlp_activated_at_the_end,
                "the GELU stands at the end; it belongs between the two layers, or they are one matrix.",
            ),
            Mutant(
                _mlp_activated_first, "the GELU stands before the first layer; it belongs between the two."
            ),
            Mutant(_mlp_linear, "the GELU is missing: two layers with nothing between are one matrix."),
            Mutant(
                _mlp_tanh,
                "this is the tanh approximation of the GELU, the default of keras.ops.gelu: "
                "pass approximate=False.",
            ),
            Mutant(
                _mlp_sigmoid,
                "x · sigmoid(1.702 x) is a rough approximation of the GELU, as CLIP uses it; "
                "take the exact one.",
            ),
            Mutant(_mlp_relu, "this is a ReLU; a Vision Transformer has a GELU there."),
            Mutant(_mlp_no_biases, "both biases are missing."),
            Mutant(_mlp_no_first_bias, "the first bias is missing: add expand_bias before the GELU."),
            Mutant(_mlp_no_last_bias, "the last bias is missing: add contract_bias at the end."),
            Mutant(
                _mlp_with_skip,
                "the tokens were added to the result; the skip is the block's work, not the MLP's.",
            ),
        ),
        hints=(
            "Three steps: widen, bend, bring back. What would be lost without the bend?",
            "`tokens @ expand_kernel + expand_bias` is (batch, num_tokens, mlp_dim). The @ works on the last "
            "axis and leaves the others alone: each token by itself.",
            "hidden = keras.activations.gelu(tokens @ expand_kernel + expand_bias), which is exact; then "
            "hidden @ contract_kernel + contract_bias.",
        ),
        difficulty=2,
        importance=4,
        minutes=8,
        tolerance=2e-6,
    ),
    Exercise(
        key="parts.encoder_block",
        title="Wire a block",
        reference="helpers.model.parts:encoder_block",
        cases=_block_cases,
        mutants=(
            Mutant(
                _block_post_norm,
                "this is post-norm: the stream itself is normalised after each sum. Here the norm stands at "
                "the entry of each branch.",
            ),
            Mutant(
                _block_skip_after_norm,
                "the skip starts after the norm: what is added must be the stream as it came, not its "
                "normalised copy.",
            ),
            Mutant(
                _block_second_skip_after_norm,
                "the second skip starts after norm2: add the MLP to the stream as the attention left it.",
            ),
            Mutant(
                _block_first_skip_after_norm,
                "the first skip starts after norm1: add the attention to the tokens as they came.",
            ),
            Mutant(
                _block_norm_at_the_end,
                "a norm stands on the stream at the end; pre-norm has two, both at the entry of a branch.",
            ),
            Mutant(
                _block_norm_behind_the_branch,
                "the norms stand behind the branches; they belong at their entry: attention(norm1(tokens)).",
            ),
            Mutant(_block_no_skip, "both skips are missing: each branch is added to the stream."),
            Mutant(_block_no_first_skip, "the first skip is missing: add the tokens to the attention."),
            Mutant(_block_no_second_skip, "the second skip is missing: add the stream to the MLP too."),
            Mutant(
                _block_one_skip_around_both,
                "there is one skip around both branches; each of the two has its own.",
            ),
            Mutant(
                _block_old_skip,
                "the MLP's branch is added to the tokens that came in, so what the attention wrote is lost.",
            ),
            Mutant(
                _block_side_by_side,
                "both branches read the tokens that came in; the MLP reads what the attention has written.",
            ),
            Mutant(_block_one_norm, "norm1 is used twice: the MLP has a norm of its own, norm2."),
            Mutant(
                _block_norms_swapped, "the norms changed places: norm1 before attention, norm2 before mlp."
            ),
            Mutant(_block_no_norm, "the norms are missing: each branch reads a normalised copy."),
            Mutant(_block_mlp_first, "the MLP comes before the attention; it is the other way round."),
            Mutant(_block_attention_only, "the second half is missing: the MLP with its norm and its skip."),
        ),
        hints=(
            "Follow the blue line of the picture above: nothing stands on it but two plus signs.",
            "tokens = tokens + (something that reads norm1 of the tokens). Then the same with norm2.",
            "tokens = tokens + attention(norm1(tokens)), and the second half looks like the first.",
        ),
        difficulty=2,
        importance=5,
        minutes=6,
    ),
    Exercise(
        key="parts.count_parameters",
        title="Count the parameters",
        reference="helpers.model.parts:count_parameters",
        cases=_count_cases,
        mutants=(
            Mutant(_count_no_biases, "the biases are missing: a dense layer from a to b has a · b + b."),
            Mutant(
                _count_attention_no_biases,
                "the biases of the attention are missing: four vectors of hidden_dim a block.",
            ),
            Mutant(
                _count_mlp_no_biases,
                "the biases of the MLP are missing: mlp_dim and hidden_dim numbers a block.",
            ),
            Mutant(_count_head_no_bias, "the bias of the head is missing: one number a class."),
            Mutant(
                _count_norms_of_one_vector,
                "a norm has two vectors, gamma and beta; one was counted.",
            ),
            Mutant(_count_half_an_mlp, "the MLP has two layers, there and back; one was counted."),
            Mutant(
                _count_patch_side,
                "a patch has patch_size² pixels; patch_size is only its side.",
            ),
            Mutant(
                _count_embedding_each,
                "all patches share one patch embedding; here every patch has its own.",
            ),
            Mutant(
                _count_two_vectors_short,
                "2 · hidden_dim numbers are missing: the last norm, or the class token with its position.",
            ),
            Mutant(
                _count_one_vector_short,
                "hidden_dim numbers are missing: the class token, its position, or the bias of the patch "
                "embedding.",
            ),
            Mutant(
                _count_no_positions, "the position embedding is missing: num_tokens vectors of hidden_dim."
            ),
            Mutant(_count_neither_token_nor_positions, "the class token and all positions are missing."),
            Mutant(
                _count_one_position_number_each,
                "a position is a vector of hidden_dim numbers, not one number.",
            ),
            Mutant(
                _count_qkv_once,
                "queries, keys and values are three matrices; only one was counted.",
            ),
            Mutant(
                _count_no_output_projection,
                "the attention's output projection is missing: four matrices, not three.",
            ),
            Mutant(
                _count_every_head_whole,
                "every head was given the whole width; the heads share it: key_dim = hidden_dim / num_heads.",
            ),
            Mutant(_count_one_norm, "a block has two norms; one was counted."),
            Mutant(
                _count_no_norms,
                "the norms are missing: a gamma and a beta each, two a block, one at the end.",
            ),
            Mutant(_count_one_block, "one block was counted; there are `depth` of them."),
            Mutant(_count_no_head, "the head is missing: hidden_dim · num_classes + num_classes."),
            Mutant(_count_one_channel, "a patch has `channels` values for each pixel; one was counted."),
            Mutant(
                _count_mlp_four_times,
                "mlp_dim is taken for 4 · hidden_dim; read it from the configuration.",
            ),
        ),
        hints=(
            "Walk with the data: patch embedding, class token and positions, the blocks, the last norm, the "
            "head. What does each of them learn?",
            "A dense layer from a to b: a · b + b. A norm: 2 · hidden_dim. A block: four dense layers of "
            "width hidden_dim, two of the MLP, two norms.",
            "attention = 4 * (d * d + d); mlp = (d * m + m) + (m * d + d); block = attention + mlp + 4 * d. "
            "Before the blocks: (patch_size² · channels + 1) · d, and d, and num_tokens · d.",
        ),
        difficulty=3,
        importance=4,
        minutes=15,
        tolerance=1e-12,
    ),
]

QUIZ = [
    Question(
        "In a pre-norm block, what does the skip connection carry past the attention?",
        [
            (
                "The tokens after norm1.",
                False,
                "That is what the branch reads. If the skip starts there, the norm stands on the stream, and "
                "shipped weights give nonsense: section 4 measured it.",
            ),
            (
                "The tokens as they came, untouched.",
                True,
                "So there is one straight way from the first block to the last, with nothing on it but sums.",
            ),
            (
                "The attention's output.",
                False,
                "That is the branch. The skip is the other summand.",
            ),
            (
                "The tokens after norm2.",
                False,
                "norm2 belongs to the second branch, the MLP's.",
            ),
        ],
    ),
    Question(
        "You port weights to your own code. The accuracy on 500 images is the same as published, to the last "
        "image. Is the port right?",
        [
            (
                "Yes: the accuracy is what counts.",
                False,
                "A forgotten last norm changed no answer of 500 in section 4, and the logits beyond "
                "recognition. Their probabilities would be wrong, and so would all that builds on them.",
            ),
            (
                "Not shown: compare logits with the original, to 1e-4 or so.",
                True,
                "The tanh GELU, Keras' epsilon and a missing last norm all kept the accuracy, and all showed "
                "in the logits.",
            ),
            (
                "No: equal accuracy means that both are overfitted.",
                False,
                "Nothing was trained. The question is whether two programs compute the same.",
            ),
        ],
    ),
    Question(
        "ViT-B/32 has patches with twice the side of ViT-B/16. How do their parameters compare?",
        [
            (
                "B/32 has a quarter, as it has a quarter of the patches.",
                False,
                "The number of patches decides the work, not the weights: every block uses the same matrices "
                "for all tokens.",
            ),
            (
                "They are the same: patches are no parameters.",
                False,
                "Nearly. But the patch embedding has a weight for each pixel of a patch, and there is a "
                "position for each token.",
            ),
            (
                "B/32 has a little more.",
                True,
                "Its patch embedding reads 3,072 values and not 768: 1.77 M more. 147 positions less save "
                "0.11 M.",
            ),
        ],
    ),
    Question(
        "Your network will not overfit one batch of 32 images: the loss stays at 2.3 with ten classes. What "
        "do you do first?",
        [
            (
                "Train longer, on more images.",
                False,
                "If it cannot learn 32 images by heart, more of them will not help. ln 10 = 2.30 is the "
                "price of guessing.",
            ),
            (
                "Look for a bug: loss and logits, labels, learning rate, a weight that is not trained.",
                True,
                "The network has far more parameters than the batch has labels. Section 7 shows one such "
                "bug: logits given to a loss that takes them for probabilities.",
            ),
            (
                "Make the network larger.",
                False,
                "The small one of section 7 has 4,600 parameters for each of its 32 labels.",
            ),
            (
                "Add augmentation and weight decay.",
                False,
                "Both make it harder to learn by heart. Here that is the aim.",
            ),
        ],
    ),
]
