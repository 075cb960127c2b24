"""The cases of every exercise tell right answers from nearly right ones.

Three ways to be nearly right, each tried on every exercise: a step too many or too few at the end, arguments
that are misread, and a right answer in which one thing was changed. What remains right is listed here with
the reason why it is the same function; anything else is a case that is too tame.
"""

import inspect

import numpy as np
import pytest
from one_step_changes import changes
from own_exercise import PATIENCE
from right_answers import answer_to

from helpers.course import trials
from helpers.course.arguments import changed_case, slips_for
from helpers.course.exercises import exercises_by_lesson
from helpers.course.explanations import leaves
from helpers.course.fitting import fit, same
from helpers.course.relations import leads, steps_for
from helpers.course.sandbox import run

EXERCISES = {exercise.key: exercise for lesson in exercises_by_lesson()[0].values() for exercise in lesson}
pytestmark = pytest.mark.usefixtures("hasty")
each_exercise = pytest.mark.parametrize("key", EXERCISES)

NEVER_NEGATIVE = {"the absolute value", "setting to 0 what is below 0"}
SHARES = NEVER_NEGATIVE | {"cutting off what lies outside 0 to 1"}
COUNTS = NEVER_NEGATIVE | {"rounding", "rounding down", "rounding up"}
SYMMETRIC = {
    "exchanging axes 0 and 1",
    "reading axes 0 and 1 in the other order before the last reshape",
}
CENTRED = {f"subtracting {mean}" for mean in ("its mean over axis 0", "its mean over axis 1")} | {
    "subtracting the mean of everything"
}
# By part (0 for a single result): the steps that cannot change such a result, whatever the case.
UNCHANGED = {
    "patches.num_patches": [COUNTS],
    "patches.patch_of_pixel": [COUNTS],
    "position.position_similarity": [
        SYMMETRIC
        | {f"dividing by its maximum over axis {axis}" for axis in (0, 1)}
        | {"dividing everything by its maximum"}  # which is 1, on the diagonal
    ],
    "attention.attention_weights": [SHARES | {"dividing by its sum over axis -1"}],
    "attention.scaled_dot_product_attention": [set(), SHARES | {"dividing by its sum over axis -1"}],
    "attention.attention_cost": [COUNTS] * 3,
    "parts.count_parameters": [COUNTS],
    "augment.mix_with_previous": [set(), SHARES | {"dividing by its sum over axis 1"}],
    "pieces.smooth_labels": [SHARES | {"dividing by its sum over axis 1"}],
    "schedule.warmup_cosine": [NEVER_NEGATIVE],
    "pieces.decay_mask": [
        SHARES
        | COUNTS
        | {"squaring", "the square root", "dividing by its maximum over axis 0"}  # of True and False
    ],
    "pieces.confusion_matrix": [COUNTS],
    "attention.class_attention": [SHARES],
    "attention.attention_entropy": [NEVER_NEGATIVE],
    "attention.mean_attention_distance": [NEVER_NEGATIVE],
    "attention.most_focused_layers": [COUNTS, SHARES],
    "rollout.block_mixing": [SHARES | {"dividing by its sum over axis -1"}],
    "rollout.attention_rollout": [SHARES | {"dividing by its sum over axis 2"}],
    "rollout.gradient_rollout": [NEVER_NEGATIVE],
    "hsic.gram_matrix": [SYMMETRIC],
    "hsic.centre_gram": [SYMMETRIC | CENTRED],
    "hsic.u_centre_gram": [SYMMETRIC | CENTRED],
    "residual.decision_block": [COUNTS],
    "residual.norm_ratios": [NEVER_NEGATIVE],
    "receptive_field.effective_receptive_field": [NEVER_NEGATIVE],
    "class_space.class_identifiability": [SHARES],
    "class_space.identifiability_rate": [SHARES],
    "one_image.agreement_of_image": [SHARES],
    "faithfulness.area_under": [SHARES],  # of accuracies
    "regions.box_to_patches": [COUNTS] * 4,
    "regions.share_in_region": [SHARES],
    "regions.mean_of_others": [SHARES],
    "regions.shares_of_every_box": [SHARES],
}


def expected_values(exercise):
    """Give what is expected on each case, the parameters, and the reference."""
    reference = exercise.load_reference()
    names = trials.parameters_of(exercise, inspect.signature(reference))
    outcomes = trials.expected_outcomes(exercise, reference, names)
    cases = exercise.make_cases()
    values = [case.expected if case.may_be_refused else o.value for case, o in zip(cases, outcomes)]
    return values, names, reference


@each_exercise
def test_a_step_too_many_is_seen(key):
    exercise = EXERCISES[key]
    values, *_ = expected_values(exercise)
    parts = [leaves(value, value) for value in values]
    unchanged = UNCHANGED.get(key, [set()] * len(parts[0]))
    assert len(unchanged) == len(parts[0])
    for place, allowed in enumerate(unchanged):
        arrays = [part[place][1].astype("float64") for part in parts]
        with np.errstate(all="ignore"):
            unseen = {s.words for s in steps_for(arrays) if leads(s, arrays, arrays, exercise.tolerance)}
        assert unseen <= allowed, f"part {place} stays as it is: add a case for {unseen - allowed}"


@each_exercise
def test_arguments_that_are_misread_are_seen(key):
    exercise = EXERCISES[key]
    if key.startswith("receptive_field"):
        pytest.skip("its arguments are a network, pictures and a name")
    values, names, reference = expected_values(exercise)
    parameters = inspect.signature(reference).parameters.items()
    defaults = {name: p.default for name, p in parameters if p.default is not inspect.Parameter.empty}
    for slip in slips_for(exercise.make_cases(), names, defaults):
        for case, value in zip(exercise.make_cases(), values):
            changed = changed_case(case, names, slip)
            outcome = changed and run(reference, changed, seconds=PATIENCE)
            if not outcome or not outcome.returned:
                break
            if not same(value, fit(outcome.value, value), exercise.tolerance):
                break
        else:
            pytest.fail(f"nothing would change if {slip.words}: add a case")


# Changes of a right answer that leave it right, by a piece of their words, and why.
STILL_RIGHT = {
    "welcome.mean_colour": ["(0, 1) → (1, 0)"],  # the order of the axes of a mean
    "patches.extract_patches": [  # the same memory, whichever of the two comes first
        "images.reshape(rows, batch, patch_size",
        "images.reshape(batch, rows, patch_size, columns, channels, patch_size)",
        "-(-height // patch_size)",  # nothing is left over
        "-(-width // patch_size)",
    ],
    "patches.assemble_patches": [
        "patch_size), columns",
        "int((patches.shape[-1] / channels)",  # an exact root needs no rounding, nor a whole quotient
        "→ round((patches.shape[-1] / channels)",
        "→ (patches.shape[-1] / channels)",
        "→ patches.shape[-1] // channels",
        "-(-height // patch_size)",
        "-(-width // patch_size)",
        "patches.reshape(rows, len(patches)",
        "patches.reshape(len(patches), rows, columns, patch_size, channels, patch_size)",
    ],
    "patches.patch_of_pixel": ["→ image_size[1] / patch_size", "-(-image_size[1] // patch_size)"],
    "tokens.project_patches": ["1 → 2"],  # any negative number leaves a size of a reshape open
    "position.position_similarity": ["0 → -1", "-1 → 1"],  # one embedding; the last of two axes
    "attention.attention_weights": [  # a softmax does not see what is added to a whole row
        "→ scores + scores.max",
        "keepdims=True) → scores",
        "np.swapaxes(keys, -2, -1)",
        "→ scores.mean",
        "→ scores.min",
        "→ scores.max(keepdims=True)",
    ],
    "attention.scaled_dot_product_attention": ["np.swapaxes(keys, -2, -1)", "1000000000.0 →"],
    "attention.split_heads": ["-(-hidden_dim // num_heads)"],
    "parts.mlp": ["np.vectorize(math.erf)"],
    "parts.count_parameters": ["2 * 2 → 2 + 2"],
    "augment.mix_with_previous": ["1 → 2"],  # a size of a reshape that is left open
    "pieces.smooth_labels": ["-1 → 1"],  # the last of two axes
    "schedule.warmup_cosine": ["np.clip(0,", "0 → -1"],  # below 0 nothing is chosen
    "attention.class_attention": ["→ int(row.shape[-1] ** 0.5)"],
    "attention.attention_entropy": ["1 → 2"],  # 0 · ln 2 is 0 as well
    "attention.mean_attention_distance": [
        "→ int(seen.shape[-1] ** 0.5)",
        "→ seen.shape[-1] ** 0.5",
        "→ np.hypot(columns",
        "→ rows - rows[:, None]",
        "→ columns - columns[:, None]",
        "(3, 1)",
        "1 → 2",
    ],
    "attention.most_focused_layers": [
        "→ attention_weights[..., 0, 1:].sum(axis=2)",  # a share does not see a factor
        "→ (width // patch_size, height // patch_size)",  # the grid is a square
        "region.reshape(rows, -1,",
        "-(-height // patch_size)",
        "-(-width // patch_size)",
        "1 → 2",
        "(4, 2)",
    ],
    "rollout.block_mixing": ["1 → 2"],
    "rollout.attention_rollout": ["1 → 2"],
    "rollout.gradient_rollout": ["→ np.maximum(0,", "1 → 2"],
    "hsic.gram_matrix": ["1 → 2"],
    "hsic.centre_gram": ["0 → 1", "0 → -1"],  # a Gram matrix is symmetric
    "hsic.u_centre_gram": ["0 → 1", "0 → -1"],
    "minibatch.minibatch_cka": ["→ zip(batches_b, batches_a)", "→ (u_centre_gram(gram_matrix(y)), u_"],
    "one_token.locate_token": ["linear_cka(tokens[:, token], patches[:, place])", "linear_cka(patches"],
    "one_token.probe_scores": ["→ targets + mean_y", "→ targets"],  # centred features do not see it
    "class_space.class_identifiability": ["np.take_along_axis(class_logits, index)"],  # NumPy's own default
    "class_space.identifiability_rate": ["(-1, -2)"],
    "key_value.class_value_agreement": ["-1 → 1"],  # the last of two axes
    "one_image.agreement_of_image": ["→ np.argsort(-coefficients[1:])", "-1 → 1"],
    "one_image.relevance_of_patches": [  # a softmax does not see what is added to all logits
        "→ logits + logits.max()",
        "logits - logits.max() → logits",
        "→ logits.mean()",
        "→ logits.min()",
    ],
    "regions.share_in_region": ["(-1, -2)"],
    "regions.mean_of_others": ["(2, 1)"],
}


@each_exercise
def test_one_change_of_a_right_answer_is_seen(key):
    exercise = EXERCISES[key]
    if key.startswith("receptive_field"):
        pytest.skip("each change would be a gradient through a network: its mutants are tried elsewhere")
    values, names, _ = expected_values(exercise)
    allowed, unseen = STILL_RIGHT.get(key, []), []
    for words, changed in changes(answer_to(key)):
        if not any(piece in words for piece in allowed) and is_right(exercise, changed, values, names):
            unseen.append(words)
    assert not unseen, "add a case that tells these from the right answer"


def is_right(exercise, function, values, names):
    """Tell whether a function is right on every case; the first that is not ends it."""
    for case, value in zip(exercise.make_cases(), values):
        refused = case.may_be_refused
        outcome = run(function, case, seconds=PATIENCE, names=names)
        if refused and outcome.error is not None:
            continue
        if not outcome.returned or not same(value, fit(outcome.value, value), exercise.tolerance):
            return False
    return True
