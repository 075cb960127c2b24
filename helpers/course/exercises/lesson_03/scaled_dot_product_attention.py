"""scaled_dot_product_attention(queries, keys, values, mask=None): average the values, with a mask."""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant, Switches
from helpers.course.exercises.lesson_03.by_hand import dot_products, scaled_scores, softmax


def _attend_cases():
    random = np.random.default_rng(4)

    def make(*shapes):
        return [random.normal(size=shape).astype("float32") for shape in shapes]

    some = random.random((5, 7)) < 0.6
    some[:, 2] = True
    keys, values = [[4, 0, 0, 0], [0, 1, 0, 0], [9, 0, 0, 0]], [[1], [5], [7]]
    by_hand = [np.float32(x) for x in ([[0, 0, 0, 1]], keys, values)]
    return [
        tuple(make((3, 4), (3, 4), (3, 2))),
        Case(*make((2, 5, 16), (2, 7, 16), (2, 7, 3)), mask=some),
        Case(*make((2, 3, 6, 8), (2, 3, 6, 8), (2, 3, 6, 8)), mask=np.tril(np.ones((6, 6), bool))),
        Case(*by_hand, mask=np.array([[True, True, False]])),
    ]


def _average(weights, values):
    return weights @ values, weights


def _attend_no_mask(queries, keys, values, mask=None):
    return _average(softmax(scaled_scores(queries, keys)), values)


def _attend_mask_after(queries, keys, values, mask=None):
    weights = softmax(scaled_scores(queries, keys))
    return _average(weights if mask is None else weights * mask, values)


def _attend_mask_reversed(queries, keys, values, mask=None):
    scores = scaled_scores(queries, keys)
    return _average(softmax(scores if mask is None else np.where(mask, -1e9, scores)), values)


def _attend_mask_to_zero(queries, keys, values, mask=None):
    scores = scaled_scores(queries, keys)
    return _average(softmax(scores if mask is None else scores * mask), values)


def _attend_mask_added(queries, keys, values, mask=None):
    scores = scaled_scores(queries, keys)
    return _average(softmax(scores if mask is None else scores + mask), values)


def _attend_unscaled(queries, keys, values, mask=None):
    scores = dot_products(queries, keys)
    return _average(softmax(scores if mask is None else np.where(mask, scores, -1e9)), values)


def _attend_results_swapped(queries, keys, values, mask=None):
    scores = scaled_scores(queries, keys)
    weights = softmax(scores if mask is None else np.where(mask, scores, -1e9))
    return weights, weights @ values


def _attend_scores_returned(queries, keys, values, mask=None):
    scores = scaled_scores(queries, keys)
    scores = scores if mask is None else np.where(mask, scores, -1e9)
    return softmax(scores) @ values, scores


def _masked(scores, mask, blocked=-1e9):
    return scores if mask is None else np.where(mask, scores, blocked)


def _attend_mask_reversed_infinity(queries, keys, values, mask=None):
    scores = scaled_scores(queries, keys)
    with np.errstate(all="ignore"):  # a row with nothing left is 0/0
        return _average(softmax(scores if mask is None else np.where(mask, -np.inf, scores)), values)


def _attend_mask_reversed_added(queries, keys, values, mask=None):
    scores = scaled_scores(queries, keys).astype("float64")
    return _average(softmax(scores if mask is None else scores - 1e9 * mask), values)


def _attend_reversed_after(queries, keys, values, mask=None):
    weights = softmax(scaled_scores(queries, keys))
    return _average(weights if mask is None else weights * ~mask, values)


def _attend_block_of(blocked):
    def attend(queries, keys, values, mask=None):
        return _average(softmax(_masked(scaled_scores(queries, keys), mask, blocked)), values)

    return attend


def _attend_mask_lowest(queries, keys, values, mask=None):
    scores = scaled_scores(queries, keys)
    return _average(softmax(_masked(scores, mask, scores.min())), values)


def _attend_over_queries(queries, keys, values, mask=None):
    return _average(softmax(_masked(scaled_scores(queries, keys), mask), axis=-2), values)


def _attend_over_both(queries, keys, values, mask=None):
    return _average(softmax(_masked(scaled_scores(queries, keys), mask), axis=(-2, -1)), values)


def _attend_by_head_dim(queries, keys, values, mask=None):
    return _average(softmax(_masked(dot_products(queries, keys) / queries.shape[-1], mask)), values)


def _attend_scores_averaged(queries, keys, values, mask=None):
    scores = _masked(scaled_scores(queries, keys), mask)
    return scores @ values, softmax(scores)


def _attend_masked_after_both(queries, keys, values, mask=None):
    """Mask the weights that are returned, but not those that average."""
    weights = softmax(scaled_scores(queries, keys))
    return weights @ values, weights if mask is None else weights * mask


def _attend_weights_unmasked(queries, keys, values, mask=None):
    scores = scaled_scores(queries, keys)
    return softmax(_masked(scores, mask)) @ values, softmax(scores)


def _attend_mean_of_values(queries, keys, values, mask=None):
    weights = softmax(_masked(scaled_scores(queries, keys), mask))
    return weights @ values / values.shape[-2], weights


def _attend(queries, keys, values, mask=None, *, divide=None, block=None, axis=-1, returned=None):
    head_dim = queries.shape[-1]
    divisor = {None: head_dim**0.5, "no": 1, "all": head_dim, "times": head_dim**-0.5}[divide]
    scores = dot_products(queries, keys).astype("float64") / divisor
    plain = softmax(scores, axis)
    if mask is not None and block not in ("no", "after"):
        blocked = {"reversed": ~mask, "transposed": mask.T}.get(block, mask) if block else mask
        blocked = mask if blocked.shape != mask.shape else blocked
        others = {"zero": scores * mask, "added": scores + mask, "weak": np.where(mask, scores, -1.0)}
        scores = others[block] if block in others else np.where(blocked, scores, -1e9)
    weights = softmax(scores, axis)
    if block == "after" and mask is not None:
        weights = plain * mask
    output = weights @ values
    return (weights, output) if returned == "swapped" else (output, scores if returned else weights)


_SWITCHES = Switches(
    _attend,
    {
        "divide": {
            "no": "the scale is missing",
            "all": "head_dim divides and not its root",
            "times": "√head_dim multiplies instead of dividing",
        },
        "block": {
            "no": "the mask is not used",
            "after": "the mask comes after the softmax",
            "reversed": "the mask is reversed, though True may be looked at",
            "zero": "blocked scores are 0, and so still get weight",
            "added": "the mask is added as 0 and 1",
            "weak": "blocked scores are −1, and so still get weight",
        },
        "axis": {
            -2: "the softmax runs over the queries",
            (-2, -1): "the softmax runs over queries and keys at once",
        },
        "returned": {
            "swapped": "the two results have changed places",
            "scores": "the second result is the scores, before the softmax",
        },
    },
)


EXERCISE = Exercise(
    key="attention.scaled_dot_product_attention",
    title="Average the values, with a mask",
    reference="helpers.model.attention:scaled_dot_product_attention",
    cases=_attend_cases,
    mutants=(
        Mutant(_attend_no_mask, "the mask is not used."),
        Mutant(
            _attend_mask_after,
            "you mask after the softmax: the blocked keys have already taken their share, and the rows "
            "do not sum to 1.",
        ),
        Mutant(_attend_mask_reversed, "the mask is reversed: True means that the query may look."),
        Mutant(
            _attend_mask_to_zero,
            "blocked scores are 0, or hardly more, and still get weight, as e⁰ is 1: it takes -1e9.",
        ),
        Mutant(
            _attend_mask_added,
            "you add the mask as 0 and 1; a blocked score needs a huge negative number, such as -1e9.",
        ),
        Mutant(_attend_unscaled, "the scale is missing; divide the dot products by √head_dim."),
        Mutant(
            _attend_results_swapped,
            "the two results have changed places: first the output, then the weights.",
        ),
        Mutant(
            _attend_scores_returned,
            "you return the scores as second result; return the weights, after the softmax.",
        ),
        Mutant(
            _attend_mask_reversed_infinity,
            "the mask is reversed: True means that the query may look; where a row is all True, "
            "nothing is left but 0/0.",
        ),
        Mutant(
            _attend_mask_reversed_added,
            "the mask is reversed: −1e9 is added where the mask is True, but True means that the "
            "query may look.",
        ),
        Mutant(
            _attend_reversed_after,
            "the mask is reversed, and it comes after the softmax: it must act on the scores, where "
            "it is False.",
        ),
        Mutant(
            _attend_block_of(-10),
            "a blocked key still gets a share: e⁻¹⁰ is small, and not 0. Take a far lower score, such"
            " as -1e9.",
        ),
        Mutant(
            _attend_block_of(-1),
            "a blocked key still gets a share: e⁻¹ is not 0. Take a far lower score, such as -1e9.",
        ),
        Mutant(
            _attend_mask_lowest,
            "blocked keys got the lowest score there is, which still gets weight; take -1e9.",
        ),
        Mutant(
            _attend_over_queries,
            "your softmax runs over the queries; each query, a row, must share out its own attention:"
            " axis=-1.",
        ),
        Mutant(
            _attend_over_both,
            "your softmax runs over queries and keys together; each row sums to 1 by itself: axis=-1.",
        ),
        Mutant(_attend_by_head_dim, "you divide by head_dim; its square root is what evens the spread."),
        Mutant(
            _attend_scores_averaged,
            "the output averages the values with the scores; average them with the weights, after the"
            " softmax.",
        ),
        Mutant(
            _attend_masked_after_both,
            "the mask comes after the softmax, and only in the weights that you return; it must act "
            "before, on the scores.",
        ),
        Mutant(
            _attend_weights_unmasked,
            "the output is masked, but the weights that you return are not: they come from the same softmax.",
        ),
        Mutant(
            _attend_mean_of_values,
            "you divide the output by the number of keys; the weights sum to 1 already.",
        ),
    ),
    hints=(
        "Which score gets the weight 0 from a softmax?",
        "np.where(mask, scores, -1e9), then the softmax, then one matrix product with the values.",
        "`weights = ops.softmax(scores, axis=-1)` with the masked scores; "
        "`return ops.matmul(weights, values), weights`",
    ),
    difficulty=3,
    importance=5,
    minutes=12,
    switches=_SWITCHES,
)
