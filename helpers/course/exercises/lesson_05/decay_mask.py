"""decay_mask(paths): which weights decay?"""

import numpy as np

from helpers.course.exercise import Exercise, Mutant

_SPARED = ("bias", "gamma", "beta", "class_token", "position_embedding", "scale")


def _decay_cases():
    block = ["norm1/gamma", "norm1/beta", "attention/qkv/kernel", "attention/qkv/bias", "mlp/expand/kernel"]
    return [
        ([f"block_0/{path}" for path in block],),
        (
            [
                "patch_embedding/projection/kernel",
                "class_token_and_position/class_token",
                "class_token_and_position/position_embedding",
                "block_1/scale1/scale",
                "upscale/mlp/kernel",
                "head/bias",
                "head/kernel",
            ],
        ),
        (["kernel", "bias"],),
        (["head/upscale", "mlp/scale"],),
        (["bias/kernel", "tokens/class_token"],),
        (["mlp/bias_kernel", "position_embedding"],),
        (["a/kernel/gamma", "a/gamma/kernel"],),
        (["pooling/query", "mlp/depthwise_kernel"],),
    ]


def _as_array(answer, paths):
    return np.asarray(answer) if isinstance(answer, list | tuple) else answer


def _decay_turned_round(paths):
    return [path.split("/")[-1] in _SPARED for path in paths]


def _decay_all(paths):
    return [True for _ in paths]


def _decay_none(paths):
    return [False for _ in paths]


def _decay_biases_only(paths):
    return [path.split("/")[-1] != "bias" for path in paths]


def _decay_norms_forgotten(paths):
    return [path.split("/")[-1] not in ("bias", "class_token", "position_embedding") for path in paths]


def _decay_tokens_forgotten(paths):
    return [path.split("/")[-1] not in ("bias", "gamma", "beta", "scale") for path in paths]


def _decay_anywhere(paths):
    return [not any(name in path for name in _SPARED) for path in paths]


def _decay_first_part(paths):
    return [path.split("/")[0] not in _SPARED for path in paths]


def _decay_ends_with(paths):
    return [not path.endswith(_SPARED) for path in paths]


def _decay_part_of_the_name(paths):
    return [not any(name in path.split("/")[-1] for name in _SPARED) for path in paths]


def _decay_starts_with(paths):
    return [not path.split("/")[-1].startswith(_SPARED) for path in paths]


def _decay_any_part(paths):
    return [not set(path.split("/")) & set(_SPARED) for path in paths]


def _decay_kernels_alone(paths):
    return [path.split("/")[-1] == "kernel" for path in paths]


def _decay_kernel_at_the_end(paths):
    return [path.endswith("kernel") for path in paths]


def _decay_whole_path(paths):
    return [path not in _SPARED for path in paths]


def _decay_scale_forgotten(paths):
    return [path.split("/")[-1] not in set(_SPARED) - {"scale"} for path in paths]


def _decay_gamma_forgotten(paths):
    return [path.split("/")[-1] not in set(_SPARED) - {"gamma"} for path in paths]


def _decay_beta_forgotten(paths):
    return [path.split("/")[-1] not in set(_SPARED) - {"beta"} for path in paths]


def _decay_bias_forgotten(paths):
    return [path.split("/")[-1] not in set(_SPARED) - {"bias"} for path in paths]


def _decay_class_token_forgotten(paths):
    return [path.split("/")[-1] not in set(_SPARED) - {"class_token"} for path in paths]


def _decay_positions_forgotten(paths):
    return [path.split("/")[-1] not in set(_SPARED) - {"position_embedding"} for path in paths]


def _decay_second_part(paths):
    return [path.split("/")[1 if "/" in path else 0] not in _SPARED for path in paths]


def _decay_names(paths):
    return [path for path in paths if path.split("/")[-1] not in _SPARED]


def _decay_count(paths):
    return sum(path.split("/")[-1] not in _SPARED for path in paths)


def _decay_all_at_once(paths):
    return all(path.split("/")[-1] not in _SPARED for path in paths)


EXERCISE = Exercise(
    key="pieces.decay_mask",
    title="Which weights decay?",
    reference="helpers.train.pieces:decay_mask",
    cases=_decay_cases,
    mutants=(
        Mutant(
            _decay_turned_round,
            "it is the wrong way round: True is for the weights that decay, the matrices.",
        ),
        Mutant(
            _decay_all,
            "everything decays here: what NO_DECAY names has no reason to be pulled towards 0.",
        ),
        Mutant(_decay_none, "nothing decays here: the matrices should."),
        Mutant(
            _decay_biases_only,
            "only the biases are spared; the gains of the norms, the class token and the positions are not.",
        ),
        Mutant(
            _decay_norms_forgotten,
            "the gains and offsets (gamma, beta, scale) decay: a gain that is pulled to 0 switches "
            "its branch off.",
        ),
        Mutant(
            _decay_tokens_forgotten,
            "the class token and the positions decay: they are offsets, not matrices, whatever their shape.",
        ),
        Mutant(
            _decay_anywhere,
            "this looks for the names anywhere in the path, and spares a matrix inside a layer "
            "called upscale: look at the last part only.",
        ),
        Mutant(
            _decay_first_part,
            "this does not look at the last part of the path, which is the weight's name.",
        ),
        Mutant(
            _decay_ends_with,
            "this looks at the end of the path without its slash, and spares a matrix called upscale:"
            " compare the whole last part.",
        ),
        Mutant(
            _decay_part_of_the_name,
            "this looks for the names inside the last part, and spares upscale and bias_kernel too: "
            "compare the whole last part.",
        ),
        Mutant(
            _decay_starts_with,
            "this looks at the beginning of the last part, and spares bias_kernel too: compare the "
            "whole of it.",
        ),
        Mutant(
            _decay_any_part,
            "this spares a weight if any part of its path is such a name: look at the last part alone.",
        ),
        Mutant(
            _decay_kernels_alone,
            "only what is called kernel decays; everything decays that NO_DECAY does not name.",
        ),
        Mutant(
            _decay_kernel_at_the_end,
            "only what ends in kernel decays; everything decays that NO_DECAY does not name.",
        ),
        Mutant(
            _decay_whole_path,
            'the whole path is compared with the names; its last part is the name: path.split("/")[-1].',
        ),
        Mutant(_decay_scale_forgotten, "what is called scale decays: NO_DECAY spares it."),
        Mutant(_decay_gamma_forgotten, "what is called gamma decays: NO_DECAY spares it."),
        Mutant(_decay_beta_forgotten, "what is called beta decays: NO_DECAY spares it."),
        Mutant(_decay_bias_forgotten, "the biases decay: NO_DECAY spares them."),
        Mutant(_decay_class_token_forgotten, "the class token decays: NO_DECAY spares it."),
        Mutant(_decay_positions_forgotten, "the position embedding decays: NO_DECAY spares it."),
        Mutant(_decay_second_part, "this looks at the second part of the path; the name is the last, [-1]."),
        Mutant(_decay_names, "these are the names that decay; one True or False a path is asked for."),
        Mutant(_decay_count, "this is how many decay; one True or False a path is asked for."),
        Mutant(
            _decay_all_at_once, "this is one answer for all paths; one True or False a path is asked for."
        ),
    ),
    hints=(
        "The name of a weight is the last part of its path: block_0/norm1/gamma is a gamma.",
        'path.split("/")[-1] is that part. NO_DECAY holds the names that are spared.',
        '[path.split("/")[-1] not in NO_DECAY for path in paths].',
    ),
    difficulty=2,
    importance=4,
    minutes=8,
    probe=_as_array,
)
