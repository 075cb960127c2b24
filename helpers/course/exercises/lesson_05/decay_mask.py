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
