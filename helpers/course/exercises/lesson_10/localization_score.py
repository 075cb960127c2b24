"""localization_score(maps): one number a token: its own place less the others."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _score_cases():
    rng = np.random.default_rng(104)
    with_class_token, without = rng.random((2, 7, 2, 3)), rng.random((6, 3, 2))
    for maps in (with_class_token[:, 1:], without[None]):
        flat = maps.reshape(-1, 6, 6)  # a view: what is added here is added there
        flat += 0.5 * np.eye(6)
    by_hand = np.array([[[0.9, 0.9]], [[0.5, 0.1]], [[0.3, 0.4]]])  # a class token, then two on a row
    return [(with_class_token,), (without,), (by_hand,)]


def _own_and_all(maps, first=None):
    """Give each token's value at its own place and the sum over all places: (..., patches), twice."""
    maps = np.asarray(maps, "float64")
    places = maps.shape[-2] * maps.shape[-1]
    flat = maps.reshape(*maps.shape[:-2], places)
    flat = flat[..., -places:, :] if first is None else flat[..., first : first + places, :]
    return np.diagonal(flat, axis1=-2, axis2=-1), flat.sum(axis=-1), places, flat


def _laid_out(values, maps):
    return values.reshape(*values.shape[:-1], *np.shape(maps)[-2:])


def _score_own_in_the_mean(maps):
    own, total, places, _ = _own_and_all(maps)
    return _laid_out(own - total / places, maps)


def _score_own_alone(maps):
    return _laid_out(_own_and_all(maps)[0], maps)


def _score_ratio(maps):
    own, total, places, _ = _own_and_all(maps)
    return _laid_out(own / ((total - own) / (places - 1)), maps)


def _score_against_the_best(maps):
    own, _, places, flat = _own_and_all(maps)
    return _laid_out(own - np.where(np.eye(places, dtype=bool), -np.inf, flat).max(axis=-1), maps)


def _score_class_token_kept(maps):
    own, total, places, _ = _own_and_all(maps, first=0)
    return _laid_out(own - (total - own) / (places - 1), maps)


def _score_sum_of_others(maps):
    own, total, _, _ = _own_and_all(maps)
    return _laid_out(own - (total - own), maps)


def _score_one_number(maps):
    own, total, places, _ = _own_and_all(maps)
    return (own - (total - own) / (places - 1)).mean(axis=-1)


def _score_of_all(maps):
    own, total, places, _ = _own_and_all(maps)
    return (own - (total - own) / (places - 1)).mean()


def _score_not_laid_out(maps):
    own, total, places, _ = _own_and_all(maps)
    return own - (total - own) / (places - 1)


def _score_places_turned(maps):
    """For each place: its own token less the other tokens."""
    own, _, places, flat = _own_and_all(maps)
    return _laid_out(own - (flat.sum(axis=-2) - own) / (places - 1), maps)


def _score_wrong_divisor(maps):
    own, total, places, _ = _own_and_all(maps)
    return _laid_out(own - (total - own) / places, maps)


def _score_brightest(maps):
    _, total, places, flat = _own_and_all(maps)
    best = flat.max(axis=-1)
    return _laid_out(best - (total - best) / (places - 1), maps)


def _score_median(maps):
    own, _, places, flat = _own_and_all(maps)
    others = np.where(np.eye(places, dtype=bool), np.nan, flat)
    return _laid_out(own - np.nanmedian(others, axis=-1), maps)


def _score_sign_turned(maps):
    own, total, places, _ = _own_and_all(maps)
    return _laid_out((total - own) / (places - 1) - own, maps)


def _score_others_alone(maps):
    own, total, places, _ = _own_and_all(maps)
    return _laid_out((total - own) / (places - 1), maps)


def _score_mean_of_own(maps):
    """Subtract the mean of all own values."""
    own = _own_and_all(maps)[0]
    return _laid_out(own - own.mean(axis=-1, keepdims=True), maps)


def _score_share(maps):
    own, total, _, _ = _own_and_all(maps)
    return _laid_out(own / total, maps)


def _score_sizes(maps):
    own, total, places, _ = _own_and_all(maps)
    return _laid_out(np.abs(own - (total - own) / (places - 1)), maps)


def _score_deviations(maps):
    own, total, places, flat = _own_and_all(maps)
    return _laid_out((own - (total - own) / (places - 1)) / flat.std(axis=-1), maps)


EXERCISE = Exercise(
    key="localization.localization_score",
    title="One number a token: its own place less the others",
    reference="helpers.analysis.localization:localization_score",
    cases=_score_cases,
    mutants=(
        Mutant(
            _score_own_in_the_mean,
            "the mean holds the token's own place too; average over all the others.",
        ),
        Mutant(
            _score_own_alone,
            "this is the token's own place alone; a token that is as like all other places would score "
            "as well. Subtract their mean.",
        ),
        Mutant(
            _score_ratio,
            "you divide by the others; they may be near 0, and then it is anything. Subtract.",
        ),
        Mutant(
            _score_against_the_best,
            "you subtract the best of the others; subtract their mean.",
        ),
        Mutant(
            _score_class_token_kept,
            "the class token is counted as the first patch, so every token is one place off.",
        ),
        Mutant(
            _score_brightest,
            "you take each token's brightest place; take its own, be it bright or not.",
        ),
        Mutant(_score_sum_of_others, "you subtract the sum of the others; subtract their mean."),
        Mutant(_score_one_number, "one number for all tokens of a layer: keep one a token, (rows, columns)."),
        Mutant(_score_of_all, "one number for everything: keep one a token, (rows, columns)."),
        Mutant(_score_not_laid_out, "the values are right; lay them out as (rows, columns) at the end."),
        Mutant(
            _score_places_turned,
            "turned round: you compare the tokens at one place; asked is one token at all places.",
        ),
        Mutant(
            _score_wrong_divisor,
            "you leave the own place out of the sum, and still count it: divide by one fewer.",
        ),
        Mutant(_score_median, "you subtract the median of the others; subtract their mean."),
        Mutant(_score_sign_turned, "the sign is turned: the own place, less the mean of the others."),
        Mutant(_score_others_alone, "this is the mean of the others; subtract it from the own place."),
        Mutant(
            _score_mean_of_own,
            "you subtract the mean of all own places; subtract the mean of the other places of the "
            "same token.",
        ),
        Mutant(_score_share, "this is a share of the sum; subtract the mean of the others."),
        Mutant(_score_sizes, "the signs are lost: a token may be less like its own place than like others."),
        Mutant(_score_deviations, "you divide by the spread as well; subtract, and no more."),
    ),
    hints=(
        "Flatten the places: then token i's own place is entry (i, i).",
        "`flat = maps.reshape(..., num_patches)`, the last num_patches tokens of it; the diagonal, and "
        "the sum of each row without it.",
        "`own = np.diagonal(flat, axis1=-2, axis2=-1)`; `own - (flat.sum(-1) - own) / (num_patches - "
        "1)`; reshape to (rows, columns).",
    ),
    difficulty=2,
    importance=3,
    minutes=8,
)
