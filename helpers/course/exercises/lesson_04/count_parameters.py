"""count_parameters(config): count the parameters."""

from helpers.course.exercise import Exercise, Mutant, Switches


def _count_cases():
    from helpers.model.vit import ViTConfig

    grey = dict(channels=1, image_mean=(0.5,), image_std=(0.5,))
    return [
        (ViTConfig.variant("S/16"),),
        (ViTConfig.variant("cifar/4"),),
        (ViTConfig(28, 7, 24, 2, 3, 60, 5, **grey),),
        (ViTConfig(6, 2, 4, 3, 2, 5, 7),),
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


# What a wrong count is off by: for each slip the numbers that it adds, of hidden_dim d and mlp_dim m.
_OFF_BY = {
    "the bias of the patch embedding is missing": lambda c, d, m: -d,
    "the patch embedding is missing": lambda c, d, m: -(c.patch_size**2 * c.channels + 1) * d,
    "the class token is missing": lambda c, d, m: -d,
    "the position embedding is missing": lambda c, d, m: -c.num_tokens * d,
    "the class token has no position": lambda c, d, m: -d,
    "positions are counted in every block": lambda c, d, m: (c.depth - 1) * c.num_tokens * d,
    "the biases of queries, keys and values are missing": lambda c, d, m: -c.depth * 3 * d,
    "the bias of the attention's output is missing": lambda c, d, m: -c.depth * d,
    "the biases of the attention are missing": lambda c, d, m: -c.depth * 4 * d,
    "the attention's output projection is missing": lambda c, d, m: -c.depth * (d * d + d),
    "the whole attention is missing": lambda c, d, m: -c.depth * 4 * (d * d + d),
    "queries, keys and values are counted once, not three times": lambda c, d, m: -c.depth * 2 * (d * d + d),
    "the biases of the MLP are missing": lambda c, d, m: -c.depth * (d + m),
    "the first bias of the MLP is missing": lambda c, d, m: -c.depth * m,
    "the last bias of the MLP is missing": lambda c, d, m: -c.depth * d,
    "the second layer of the MLP is missing": lambda c, d, m: -c.depth * (m * d + d),
    "the whole MLP is missing": lambda c, d, m: -c.depth * (2 * m * d + m + d),
    "one of the two norms of a block is missing": lambda c, d, m: -c.depth * 2 * d,
    "the norms of the blocks are missing": lambda c, d, m: -c.depth * 4 * d,
    "the norms have gamma but no beta": lambda c, d, m: -(2 * c.depth + 1) * d,
    "the last norm is missing": lambda c, d, m: -2 * d,
    "the last norm is counted in every block": lambda c, d, m: (c.depth - 1) * 2 * d,
    "the bias of the head is missing": lambda c, d, m: -c.num_classes,
    "the head is missing": lambda c, d, m: -(d + 1) * c.num_classes,
    "the head is counted in every block": lambda c, d, m: (c.depth - 1) * (d + 1) * c.num_classes,
    "one block was counted, and there are depth of them": lambda c, d, m: -(c.depth - 1) * _block(d, m),
    "one block too many is counted": lambda c, d, m: _block(d, m),
    "every head was given the whole width": lambda c, d, m: c.depth * (c.num_heads - 1) * (4 * d * d + 3 * d),
    "patch_size stands in the place of its square": lambda c, d, m: (
        -(c.patch_size**2 - c.patch_size) * c.channels * d
    ),
    "the channels of a patch are left out": lambda c, d, m: -(c.channels - 1) * c.patch_size**2 * d,
    "mlp_dim is taken for 4 · hidden_dim": lambda c, d, m: c.depth * (4 * d - m) * (2 * d + 1),
}


def _block(d, m):
    return 4 * (d * d + d) + 2 * d * m + d + m + 4 * d


def _counted_with(config, **slips):
    d, m = config.hidden_dim, config.mlp_dim
    return _count(config) + sum(_OFF_BY[slip](config, d, m) for slip in slips)


_SWITCHES = Switches(_counted_with, {slip: {True: slip} for slip in _OFF_BY})


EXERCISE = Exercise(
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
        Mutant(_count_no_positions, "the position embedding is missing: num_tokens vectors of hidden_dim."),
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
    switches=_SWITCHES,
)
