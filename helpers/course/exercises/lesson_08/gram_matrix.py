"""gram_matrix(features): compare every image with every other one."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_08.by_hand import as_rows, random_features


def _gram_cases():
    by_hand = np.array([[[1.0, 2.0], [3.0, 0.0]], [[-1.0, 1.0], [-2.0, 2.0]]])
    return [
        (random_features(80, 6, 3, 4),),
        (random_features(81, 5, 7),),
        (random_features(82, 4, 2, 3, 2),),
        (by_hand,),
    ]


def _gram_of_tokens(features):
    tokens = features.reshape(-1, features.shape[-1])
    return tokens @ tokens.T


def _gram_of_features(features):
    return as_rows(features).T @ as_rows(features)


def _gram_of_features_tokens(features):
    tokens = features.reshape(-1, features.shape[-1])
    return tokens.T @ tokens


def _gram_tokens_averaged(features):
    pooled = features.reshape(len(features), -1, features.shape[-1]).mean(axis=1)
    return pooled @ pooled.T


def _gram_first_token(features):
    first = features.reshape(len(features), -1, features.shape[-1])[:, 0]
    return first @ first.T


def _gram_a_token_each(features):
    tokens = features.reshape(len(features), -1, features.shape[-1])
    return np.einsum("itd,jtd->tij", tokens, tokens)


def _gram_cosine(features):
    rows = as_rows(features) / np.linalg.norm(as_rows(features), axis=1, keepdims=True)
    return rows @ rows.T


def _gram_distances(features):
    rows = as_rows(features)
    return ((rows[:, None] - rows) ** 2).sum(axis=-1)


def _gram_centred(features):
    rows = as_rows(features) - as_rows(features).mean(axis=0)
    return rows @ rows.T


def _gram_mean(features):
    rows = as_rows(features)
    return rows @ rows.T / rows.shape[1]


def _gram_reshape_turned(features):
    columns = features.reshape(-1, len(features))
    return columns.T @ columns


def _gram_correlations(features):
    return np.corrcoef(as_rows(features))


def _gram_covariances(features):
    return np.cov(as_rows(features))


def _gram_feature_means_off_each(features):
    rows = as_rows(features) - as_rows(features).mean(axis=1, keepdims=True)
    return rows @ rows.T


def _gram_squared(features):
    rows = as_rows(features)
    return (rows @ rows.T) ** 2


def _gram_no_diagonal(features):
    rows = as_rows(features)
    return rows @ rows.T * (1 - np.eye(len(rows)))


def _gram_lengths_alone(features):
    return (as_rows(features) ** 2).sum(axis=1)


def _gram_by_number(features):
    rows = as_rows(features)
    return rows @ rows.T / len(rows)


def _gram_lengths(features):
    rows = as_rows(features)
    return np.sqrt(((rows[:, None] - rows) ** 2).sum(axis=-1))


def _gram_tokens_summed(features):
    pooled = features.reshape(len(features), -1, features.shape[-1]).sum(axis=1)
    return pooled @ pooled.T


EXERCISE = Exercise(
    key="hsic.gram_matrix",
    title="Compare every image with every other one",
    reference="helpers.analysis.hsic:gram_matrix",
    cases=_gram_cases,
    mutants=(
        Mutant(
            _gram_of_tokens,
            "you took each token for an example; an image is one example, with all of its tokens in one "
            "long row.",
        ),
        Mutant(
            _gram_of_features,
            "that compares features with features, XᵀX; compare images with images, XXᵀ.",
        ),
        Mutant(
            _gram_of_features_tokens,
            "that compares the features of a token, XᵀX; compare images with images, XXᵀ.",
        ),
        Mutant(
            _gram_tokens_averaged,
            "you averaged the tokens, which loses where in the image something is; lay them in a row.",
        ),
        Mutant(_gram_first_token, "only the first token is compared; all of them belong to the image."),
        Mutant(
            _gram_a_token_each,
            "that is a matrix for each token; add them up, or flatten before you multiply.",
        ),
        Mutant(
            _gram_cosine,
            "you divided by the lengths, which gives cosines; CKA divides once, and at the end.",
        ),
        Mutant(_gram_distances, "these are squared distances; the inner products are asked for."),
        Mutant(_gram_centred, "you centred already; here the features stay as they are."),
        Mutant(_gram_mean, "you divide by the number of features; an inner product is a sum."),
        Mutant(
            _gram_reshape_turned,
            "`reshape(-1, n)` mixes the images; the first axis must stay: `reshape(n, -1)`.",
        ),
        Mutant(
            _gram_correlations,
            "these are correlations; the inner products of the rows as they are are asked for.",
        ),
        Mutant(
            _gram_covariances,
            "these are covariances; the inner products of the rows as they are are asked for.",
        ),
        Mutant(
            _gram_feature_means_off_each,
            "you took from each image its own mean; the features stay as they are.",
        ),
        Mutant(_gram_squared, "the inner products are squared: leave them as they are."),
        Mutant(_gram_no_diagonal, "the diagonal is 0; here every image is compared with itself, too."),
        Mutant(_gram_lengths_alone, "this is each image with itself; every pair is asked for."),
        Mutant(_gram_by_number, "you divide by the number of images; an inner product is a sum."),
        Mutant(_gram_lengths, "these are distances; the inner products are asked for."),
        Mutant(
            _gram_tokens_summed,
            "you added the tokens up, which loses where in the image something is; lay them in a row.",
        ),
    ),
    hints=(
        "What is one example here, a token or an image? How many rows must there be?",
        "Flatten all axes but the first, so that an image is one long row; then all inner products are "
        "one matrix product.",
        "`rows = features.reshape(len(features), -1)`; `return rows @ rows.T`",
    ),
    difficulty=1,
    importance=5,
    minutes=5,
)
