"""Lesson 09, the residual stream: the block of the decision, carried against added, and a receptive field."""

import functools

import numpy as np

from helpers.course.exercise import Exercise, Mutant, Question

# decision_block(logits_per_block)


def _logits(predicted, seed):
    """Make logits (readings, batch, 5) whose largest stand at the classes `predicted`, one row an image."""
    noise = np.random.default_rng(seed).random((*np.shape(predicted), 5))
    return (noise + 3 * np.eye(5)[np.asarray(predicted)]).transpose(1, 0, 2).astype("float32")


def _decision_cases():
    return [
        (_logits([[0, 2, 1, 2, 2, 2], [4, 4, 4, 4, 4, 4], [1, 1, 3, 0, 3, 1], [2, 0, 0, 0, 0, 0]], 90),),
        (_logits([[3, 1, 3, 1], [0, 1, 2, 3], [2, 2, 0, 0]], 91),),
    ]


def _agrees(logits):
    predicted = np.argmax(logits, axis=-1)  # (readings, batch)
    return predicted == predicted[-1]


def _decision_first_once(logits_per_block):
    return _agrees(logits_per_block).argmax(axis=0)


def _decision_last_other(logits_per_block):
    agrees = _agrees(logits_per_block)
    return np.where(agrees.all(axis=0), 0, len(agrees) - 1 - (~agrees[::-1]).argmax(axis=0))


def _decision_never_other_is_last(logits_per_block):
    agrees = _agrees(logits_per_block)
    return len(agrees) - (~agrees[::-1]).argmax(axis=0)


def _decision_counted(logits_per_block):
    return (~_agrees(logits_per_block)).sum(axis=0)


def _decision_agreeing(logits_per_block):
    return _agrees(logits_per_block).sum(axis=0)


def _decision_from_the_end(logits_per_block):
    agrees = _agrees(logits_per_block)
    return np.where(agrees.all(axis=0), len(agrees), (~agrees[::-1]).argmax(axis=0))


def _decision_no_change(logits_per_block):
    """Take the first two neighbours that agree with each other."""
    predicted = np.argmax(logits_per_block, axis=-1)
    same = np.concatenate([predicted[1:] == predicted[:-1], np.ones_like(predicted[:1], bool)])
    return same.argmax(axis=0)


def _decision_from_one(logits_per_block):
    agrees = _agrees(logits_per_block)
    return 1 + np.where(agrees.all(axis=0), 0, len(agrees) - (~agrees[::-1]).argmax(axis=0))


# norm_ratios(skip, branch)


def _ratio_cases():
    rng = np.random.default_rng(92)
    return [
        tuple(scale * rng.standard_normal(shape).astype("float32") for scale in scales)
        for shape, scales in (((3, 7, 5), (2, 1)), ((2, 4, 3, 6), (1, 3)))
    ]


def _norm(values, axis=-1):
    return np.sqrt((values**2).sum(axis=axis))


def _ratio_upside_down(skip, branch):
    return _norm(branch) / _norm(skip)


def _ratio_after_the_add(skip, branch):
    return _norm(skip) / _norm(skip + branch)


def _ratio_share(skip, branch):
    return _norm(skip) / (_norm(skip) + _norm(branch))


def _ratio_squared(skip, branch):
    return (skip**2).sum(axis=-1) / (branch**2).sum(axis=-1)


def _ratio_over_tokens(skip, branch):
    return _norm(skip, -2) / _norm(branch, -2)


def _ratio_one_norm(skip, branch):
    return np.abs(skip).sum(axis=-1) / np.abs(branch).sum(axis=-1)


def _ratio_of_entries(skip, branch):
    return np.abs(skip / branch).mean(axis=-1)


def _ratio_all_tokens(skip, branch):
    return _norm(skip).mean(axis=-1) / _norm(branch).mean(axis=-1)


def _ratio_length_of_fraction(skip, branch):
    return _norm(skip / branch)


# effective_receptive_field(model, images, layer)


@functools.cache
def _small_vit(grid):
    from helpers.model.vit import VisionTransformer, ViTConfig

    config = ViTConfig(
        image_size=2 * grid, patch_size=2, hidden_dim=6, depth=2, num_heads=2, mlp_dim=8, num_classes=3
    )
    model, rng = VisionTransformer(config), np.random.default_rng(93 + grid)
    for weights in model.weights:
        if len(weights.shape) > 1:
            weights.assign(0.5 * rng.standard_normal(tuple(weights.shape)).astype("float32"))
    return model


def _field_cases():
    return [
        (_small_vit(grid), np.random.default_rng(seed).random((2, 2 * grid, 2 * grid, 3), "float32"), layer)
        for grid, seed, layer in ((4, 94, "block_0"), (3, 95, "block_1"))
    ]


@functools.lru_cache(maxsize=64)
def _kept_gradient(model, content, layer, token):
    """Differentiate the mean feature of a token, or of all for None: (batch, size, size, 3)."""
    from keras import ops

    from helpers.model.gradients import gradients
    from helpers.model.layers import layer_features

    size = model.config.image_size
    images = np.frombuffer(content, "float32").reshape(-1, size, size, 3)

    def read(arrays):
        features = layer_features(model, arrays[0], layer)[layer]
        chosen = features if token is None else features[:, token]
        return ops.sum(ops.mean(chosen, axis=-1))

    return gradients(read, [images])[1][0]


def _gradient(model, images, layer, token):
    """As `_kept_gradient`, which many mistakes share."""
    return _kept_gradient(model, np.asarray(images, "float32").tobytes(), layer, token)


def _middle(model):
    return 1 + (model.config.grid_size // 2) * (model.config.grid_size + 1)


def _field(model, images, layer, token):
    return np.abs(_gradient(model, images, layer, token)).mean(axis=(0, -1))


def _field_no_class_token(model, images, layer):
    return _field(model, images, layer, _middle(model) - 1)


def _field_of_class_token(model, images, layer):
    return _field(model, images, layer, 0)


def _field_of_first_patch(model, images, layer):
    return _field(model, images, layer, 1)


def _field_column_missing(model, images, layer):
    return _field(model, images, layer, _middle(model) - model.config.grid_size // 2)


def _field_of_all(model, images, layer):
    return _field(model, images, layer, None)


def _field_signed(model, images, layer):
    return _gradient(model, images, layer, _middle(model)).mean(axis=(0, -1))


def _field_images_first(model, images, layer):
    return np.abs(_gradient(model, images, layer, _middle(model)).mean(axis=0)).mean(axis=-1)


def _field_colours_first(model, images, layer):
    return np.abs(_gradient(model, images, layer, _middle(model)).mean(axis=-1)).mean(axis=0)


def _field_features_summed(model, images, layer):
    return model.config.hidden_dim * _field(model, images, layer, _middle(model))


def _field_images_summed(model, images, layer):
    return len(images) * _field(model, images, layer, _middle(model))


def _field_squared(model, images, layer):
    return (_gradient(model, images, layer, _middle(model)) ** 2).mean(axis=(0, -1))


EXERCISES = [
    Exercise(
        key="residual.decision_block",
        title="Find the block from which on the answer stays",
        reference="helpers.analysis.residual:decision_block",
        cases=_decision_cases,
        mutants=(
            Mutant(
                _decision_first_once,
                "this is the first reading that gives the final class once; it may leave it again. Asked is "
                "from which on it stays.",
            ),
            Mutant(
                _decision_last_other, "this is the last reading that still says something else; one more."
            ),
            Mutant(
                _decision_never_other_is_last,
                "an image that never says anything else is decided at 0: `argmax` of no True at all is 0 "
                "as well.",
            ),
            Mutant(
                _decision_counted,
                "you count the readings that differ; that is the same only if none of them comes after one "
                "that agrees.",
            ),
            Mutant(
                _decision_agreeing,
                "you count the readings that agree with the final one; asked is where they begin.",
            ),
            Mutant(_decision_from_the_end, "you count from the end; reading 0 is before the first block."),
            Mutant(
                _decision_no_change,
                "you compare each reading with the next; two neighbours may agree on a class that is not "
                "the final one.",
            ),
            Mutant(
                _decision_from_one, "one too many: reading 0 is before any block, reading i after block i."
            ),
        ),
        hints=(
            "The final class is the one of the last reading. Which readings differ from it?",
            "Turn the order round, and look for the first that differs; where none does, the answer is 0.",
            "`predicted = logits.argmax(-1)`; `differs = predicted != predicted[-1]`; "
            "`len(predicted) - differs[::-1].argmax(axis=0)`, but 0 where `differs` is never True.",
        ),
        difficulty=2,
        importance=4,
        minutes=8,
    ),
    Exercise(
        key="residual.norm_ratios",
        title="How much is carried?",
        reference="helpers.analysis.residual:norm_ratios",
        cases=_ratio_cases,
        mutants=(
            Mutant(
                _ratio_upside_down,
                "upside down: what the skip carries stands on top, so above 1 means carried.",
            ),
            Mutant(
                _ratio_after_the_add,
                "you divide by the stream after the addition, z + f(z); the branch is f(z), before it.",
            ),
            Mutant(_ratio_share, "this is a share, between 0 and 1; the ratio is ‖z‖ / ‖f(z)‖."),
            Mutant(_ratio_squared, "a root is missing: these are squared lengths."),
            Mutant(
                _ratio_over_tokens,
                "the lengths run over the tokens; a token's length runs over its features, the last axis.",
            ),
            Mutant(_ratio_one_norm, "you add up absolute values; ‖·‖ is the root of the sum of squares."),
            Mutant(
                _ratio_of_entries,
                "you divide entry by entry, and average; one small entry blows that up. Lengths first.",
            ),
            Mutant(_ratio_all_tokens, "one number for all tokens: keep the tokens' axis."),
            Mutant(
                _ratio_length_of_fraction,
                "you divide entry by entry and take the length of that; take two lengths, then divide.",
            ),
        ),
        hints=(
            "Two lengths a token, then one division.",
            "`np.linalg.norm(…, axis=-1)` gives the length of each token.",
            "`np.linalg.norm(skip, axis=-1) / np.linalg.norm(branch, axis=-1)`",
        ),
        difficulty=1,
        importance=5,
        minutes=5,
    ),
    Exercise(
        key="receptive_field.effective_receptive_field",
        title="The field of one place",
        reference="helpers.analysis.receptive_field:effective_receptive_field",
        cases=_field_cases,
        mutants=(
            Mutant(
                _field_no_class_token,
                "one patch off: the class token is token 0, so row r, column c is token 1 + r · grid + c.",
            ),
            Mutant(
                _field_of_class_token, "this is the field of token 0, the class token, and not of a place."
            ),
            Mutant(_field_of_first_patch, "this is the field of the first patch, in the corner."),
            Mutant(
                _field_of_all,
                "you differentiate all tokens together; the field of the whole layer has no centre. Choose "
                "one token.",
            ),
            Mutant(
                _field_column_missing,
                "this is the left edge of the middle row: add the column, grid // 2, as well.",
            ),
            Mutant(_field_signed, "no absolute value: what brightens and what darkens cancel."),
            Mutant(
                _field_images_first,
                "you average over the images before the absolute value, so images cancel one another.",
            ),
            Mutant(
                _field_colours_first,
                "you average over the colours before the absolute value, so colours cancel one another.",
            ),
            Mutant(_field_features_summed, "you add the features up; differentiate their mean."),
            Mutant(_field_images_summed, "you add the images up; the field is their average."),
            Mutant(_field_squared, "you square the gradient; the field is its absolute value."),
        ),
        hints=(
            "One token, one number: the mean of its features. Which token is the middle of the grid?",
            "`grid = model.config.grid_size`, `middle = grid // 2`; the token is `1 + middle * grid + "
            "middle`. Sum the images inside the function: each pixel belongs to one image.",
            "`read = lambda arrays: ops.sum(ops.mean(layer_features(model, arrays[0], layer)[layer][:, "
            "token], axis=-1))`; `np.abs(gradients(read, [images])[1][0]).mean(axis=(0, -1))`",
        ),
        difficulty=3,
        importance=4,
        minutes=12,
    ),
]

QUIZ = [
    Question(
        "The model's own head, put after block 2, is at chance. A linear probe there gets 70 % on images "
        "that it was not fitted on. What is so?",
        [
            ("The class is not in block 2 yet.", False, "The probe reads it there, on images it never saw."),
            (
                "The class can be read after block 2, in directions that the final head does not read.",
                True,
                "The head knows the ten directions that training chose for the end of the network.",
            ),
            (
                "The network uses the class after block 2.",
                False,
                "A probe shows that something can be read, and not that the network reads it.",
            ),
            (
                "The probe has overfitted.",
                False,
                "Then it would fail on images that it was not fitted on. 70 % was measured there.",
            ),
        ],
    ),
    Question(
        "A token's ratio ‖z‖ / ‖f(z)‖ falls from 9 to 2 over the last blocks. What has happened?",
        [
            (
                "The stream has become shorter, as the last blocks take back what earlier ones wrote.",
                False,
                "It may have. It may as well have grown: draw both lengths.",
            ),
            (
                "The branch has become stronger.",
                False,
                "Likely, but a ratio does not say which of its ends moved.",
            ),
            (
                "What is added has grown beside what is carried: one of the two moved, or both.",
                True,
                "A ratio has two ends. Section 2 draws both.",
            ),
        ],
    ),
    Question(
        "You remove the skips of block 5 in a trained ViT, and it falls to chance. Retrained without them, "
        "it loses 4 %. Which is the value of the skips?",
        [
            (
                "The fall to chance.",
                False,
                "That says how much the later blocks lean on what they were trained with.",
            ),
            (
                "The loss of 4 %.",
                False,
                "That says what a network can do without them when all other blocks may adapt.",
            ),
            (
                "Neither: they answer two questions, and a sentence must say which one it means.",
                True,
                "Reliance of a finished network, and need of an architecture.",
            ),
        ],
    ),
    Question(
        "Of 128 neurons you show the one whose nine best patches all lie on objects. What is missing?",
        [
            (
                "More patches of the same images.",
                False,
                "It was chosen for these images; more of them cannot tell.",
            ),
            (
                "Other images to judge it on, and an untrained network under the same search.",
                True,
                "The best of many looks good by chance, and objects have edges that excite anything.",
            ),
            ("The GELU.", False, "It keeps the order of large values; the best patches stay the best."),
            (
                "Nothing: nine patches out of nine is so clear that no further picture could change it.",
                False,
                "It is the best of 128 tries. Count the tries.",
            ),
        ],
    ),
]
