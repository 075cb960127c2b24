"""position_similarity(position_embedding): compare positions by their angle."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _similarity_cases():
    rng = np.random.default_rng(4)
    return [
        (rng.standard_normal((1, 9, 6)) * rng.uniform(0.5, 3, (1, 9, 1)),),
        (rng.standard_normal((1, 4, 12)),),
        (np.array([[[2.0, 0.0], [3.0, 4.0], [-1.0, 0.0]]]),),
    ]


def _similarity_raw(position_embedding):
    return position_embedding[0] @ position_embedding[0].T


def _similarity_wrong_axis(position_embedding):
    positions = position_embedding[0] / np.linalg.norm(position_embedding[0], axis=0)
    return positions @ positions.T


def _similarity_half(position_embedding):
    positions = position_embedding[0]
    return positions @ positions.T / np.linalg.norm(positions, axis=1)


def _similarity_other_half(position_embedding):
    return _similarity_half(position_embedding).T


def _similarity_squared_lengths(position_embedding):
    positions = position_embedding[0] / np.sum(position_embedding[0] ** 2, axis=1, keepdims=True)
    return positions @ positions.T


def _similarity_one_length_for_all(position_embedding):
    positions = position_embedding[0] / np.linalg.norm(position_embedding[0])
    return positions @ positions.T


def _similarity_correlation(position_embedding):
    return np.corrcoef(position_embedding[0])


def _similarity_with_batch(position_embedding):
    positions = position_embedding / np.linalg.norm(position_embedding, axis=-1, keepdims=True)
    return positions @ positions.transpose(0, 2, 1)


def _similarity_unlikeness(position_embedding):
    return 1 - _similarity_with_batch(position_embedding)[0]


def _similarity_angle(position_embedding):
    return np.arccos(_similarity_with_batch(position_embedding)[0].clip(-1, 1))


def _similarity_distance(position_embedding):
    positions = position_embedding[0]
    return np.linalg.norm(positions[:, None] - positions[None], axis=-1)


def _similarity_of_features(position_embedding):
    positions = position_embedding[0] / np.linalg.norm(position_embedding[0], axis=0)
    return positions.T @ positions


def _similarity_no_signs(position_embedding):
    return np.abs(_similarity_with_batch(position_embedding)[0])


def _similarity_zero_to_one(position_embedding):
    return (1 + _similarity_with_batch(position_embedding)[0]) / 2


def _similarity_of_the_first(position_embedding):
    return _similarity_with_batch(position_embedding)[0, 0]


def _similarity_by_mean(position_embedding):
    positions = position_embedding[0]
    return positions @ positions.T / positions.shape[-1]


def _similarity_centred(position_embedding):
    return _similarity_with_batch(position_embedding - position_embedding.mean(axis=1, keepdims=True))[0]


def _similarity_one_norm(position_embedding):
    positions = position_embedding[0] / np.abs(position_embedding[0]).sum(axis=-1, keepdims=True)
    return positions @ positions.T


def _similarity_by_root(position_embedding):
    positions = position_embedding[0]
    lengths = np.linalg.norm(positions, axis=-1)
    return positions @ positions.T / np.sqrt(np.outer(lengths, lengths))


def _similarity_softmax(position_embedding):
    exponentials = np.exp(_similarity_with_batch(position_embedding)[0])
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _similarity_without_itself(position_embedding):
    similarity = _similarity_with_batch(position_embedding)[0]
    return similarity - np.diag(np.diag(similarity))


EXERCISE = Exercise(
    key="position.position_similarity",
    title="Compare positions by their angle",
    reference="helpers.analysis.position:position_similarity",
    cases=_similarity_cases,
    mutants=(
        Mutant(
            _similarity_raw,
            "these are raw dot products: a long vector looks similar to all. Divide by both lengths.",
        ),
        Mutant(
            _similarity_wrong_axis,
            "each feature was scaled to length 1, not each position: take the norm over the last axis.",
        ),
        Mutant(_similarity_half, "only one of the two lengths was divided by: the result is not symmetric."),
        Mutant(
            _similarity_other_half,
            "only one of the two lengths was divided by, and so the result is not symmetric.",
        ),
        Mutant(
            _similarity_squared_lengths,
            "you divided by squared lengths: the length is the root of the sum of squares.",
        ),
        Mutant(
            _similarity_one_length_for_all,
            "you divided by one length for all: each position has its own, so give the norm an axis.",
        ),
        Mutant(_similarity_of_features, "you compared features; compare positions, a token with a token."),
        Mutant(
            _similarity_correlation,
            "this is the correlation: it takes the mean from each vector first. The cosine does not.",
        ),
        Mutant(_similarity_with_batch, "the batch axis is still there: take position_embedding[0] first."),
        Mutant(
            _similarity_unlikeness,
            "this is 1 minus the cosine, a measure of how unlike two positions are.",
        ),
        Mutant(_similarity_angle, "this is the angle itself; its cosine is asked for."),
        Mutant(
            _similarity_distance,
            "this is the distance between the ends of the vectors; the cosine of the angle is asked for.",
        ),
        Mutant(_similarity_no_signs, "the signs are lost: two opposite directions have the cosine −1."),
        Mutant(_similarity_zero_to_one, "you moved the cosine to 0 … 1; leave it between −1 and 1."),
        Mutant(
            _similarity_of_the_first,
            "this compares the first position alone with the others; every pair is asked for.",
        ),
        Mutant(
            _similarity_by_mean,
            "you divide by the number of features; divide by the lengths of the two vectors.",
        ),
        Mutant(
            _similarity_centred,
            "you subtract the mean position first; the cosine is that of the vectors as they are.",
        ),
        Mutant(
            _similarity_one_norm,
            "you divide by the sum of absolute values; the length is the root of the sum of squares.",
        ),
        Mutant(_similarity_by_root, "you divide by the root of the two lengths; divide by their product."),
        Mutant(_similarity_softmax, "a softmax went over the cosines; leave them as they are."),
        Mutant(_similarity_without_itself, "the diagonal is 0; each position has the cosine 1 with itself."),
    ),
    hints=(
        "The cosine of an angle does not change when a vector gets longer.",
        "Divide each position by its length first; then one matrix product does all pairs.",
        "p = position_embedding[0]; p = p / np.linalg.norm(p, axis=-1, keepdims=True); p @ p.T",
    ),
    difficulty=2,
    importance=3,
    minutes=8,
)
