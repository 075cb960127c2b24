"""locate_token(tokens, patches, token): compare one token with every patch."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_10.made import numbers


def _locate_cases():
    found = []
    for seed, num_tokens, token in ((100, 7, 3), (102, 6, 4)):  # with a class token, and without one
        patches, tokens = numbers(seed, 12, 6, 4) + 0.5, numbers(seed + 1, 12, num_tokens, 5) + 0.5
        tokens[:, -6:, :4] += patches
        tokens[:, :, 4] += patches.mean(axis=(1, 2))[:, None]
        found.append((tokens, patches, token))
    return found


def _cka(x, y, debiased=True):
    from helpers.analysis.similarity import linear_cka

    return linear_cka(x, y, debiased=debiased)


def _places(patches):
    return range(patches.shape[1])


def _locate_tokens_as_examples(tokens, patches, token):
    rows = tokens[:, -patches.shape[1] :]
    return _cka(rows.reshape(-1, rows.shape[-1]), patches.reshape(-1, patches.shape[-1]))


def _locate_tokens_as_examples_each(tokens, patches, token):
    """Take the patches of one image for examples, and average over the images."""
    rows = tokens[:, -patches.shape[1] :]
    return np.mean([_cka(one, other) for one, other in zip(rows, patches)])


def _locate_among_tokens(tokens, patches, token):
    """Compare the token with its neighbours in each image."""
    lengths = np.linalg.norm(tokens, axis=-1)
    cosines = np.einsum("nh,nth->nt", tokens[:, token], tokens) / lengths / lengths[:, [token]]
    return cosines.mean(axis=0)[-patches.shape[1] :]


def _locate_with_diagonal(tokens, patches, token):
    return np.array([_cka(tokens[:, token], patches[:, p], False) for p in _places(patches)])


def _locate_not_centred(tokens, patches, token):
    x = tokens[:, token]
    grams = [patches[:, p] @ patches[:, p].T for p in _places(patches)]
    return np.array([np.sum(x @ x.T * g) / np.linalg.norm(x @ x.T) / np.linalg.norm(g) for g in grams])


def _locate_one_before(tokens, patches, token):
    return np.array([_cka(tokens[:, token - 1], patches[:, p]) for p in _places(patches)])


def _locate_one_after(tokens, patches, token):
    return np.array([_cka(tokens[:, token + 1], patches[:, p]) for p in _places(patches)])


def _locate_all_tokens(tokens, patches, token):
    return np.array([_cka(tokens, patches[:, p]) for p in _places(patches)])


def _locate_turned(tokens, patches, token):
    return np.array([_cka(tokens[:, p - patches.shape[1]], patches[:, token]) for p in _places(patches)])


def _locate_all_patches(tokens, patches, token):
    return np.array([_cka(tokens[:, token], patches)] * patches.shape[1])


def _locate_not_divided(tokens, patches, token):
    from helpers.analysis.hsic import gram_matrix, hsic

    return np.array(
        [hsic(gram_matrix(tokens[:, token]), gram_matrix(patches[:, p])) for p in _places(patches)]
    )


def _locate_squared(tokens, patches, token):
    return np.array([_cka(tokens[:, token], patches[:, p]) ** 2 for p in _places(patches)])


def _locate_every_token_itself(tokens, patches, token):
    return np.array([_cka(tokens[:, p - patches.shape[1]], patches[:, p]) for p in _places(patches)])


def _locate_places_for_tokens(tokens, patches, token):
    return np.array([_cka(tokens[:, p], patches[:, p]) for p in _places(patches)])


def _locate_other_tokens(tokens, patches, token):
    return np.array([_cka(tokens[:, token], tokens[:, p - patches.shape[1]]) for p in _places(patches)])


def _locate_sign_lost(tokens, patches, token):
    return np.abs([_cka(tokens[:, token], patches[:, p]) for p in _places(patches)])


def _locate_not_below_zero(tokens, patches, token):
    return np.maximum([_cka(tokens[:, token], patches[:, p]) for p in _places(patches)], 0)


def _locate_best(tokens, patches, token):
    return np.array([_cka(tokens[:, token], patches[:, p]) for p in _places(patches)]).argmax()


def _locate_mean_token(tokens, patches, token):
    return np.array([_cka(tokens.mean(axis=1), patches[:, p]) for p in _places(patches)])


def _locate_last_missing(tokens, patches, token):
    return np.array([_cka(tokens[:, token], patches[:, p]) for p in range(patches.shape[1] - 1)])


def _locate_as_share(tokens, patches, token):
    found = np.array([_cka(tokens[:, token], patches[:, p]) for p in _places(patches)])
    return found / found.sum()


def _locate_other_way(tokens, patches, token):
    return np.array([_cka(tokens[:, token], patches[:, p]) for p in _places(patches)])[::-1]


def _locate_first_token(tokens, patches, token):
    return np.array([_cka(tokens[:, 0], patches[:, p]) for p in _places(patches)])


EXERCISE = Exercise(
    key="one_token.locate_token",
    title="Compare one token with every patch",
    reference="helpers.analysis.one_token:locate_token",
    cases=_locate_cases,
    mutants=(
        Mutant(
            _locate_tokens_as_examples,
            "tokens taken as examples: one CKA over all patches of all images says how alike two layers "
            "are, and nothing of places. The examples are the images, at one place at a time.",
        ),
        Mutant(
            _locate_tokens_as_examples_each,
            "tokens taken as examples, image by image, gives one number; fix one token and one place, "
            "and take the images as examples.",
        ),
        Mutant(
            _locate_among_tokens,
            "you compare the token with other tokens of its image; asked is which raw patch it is like, "
            "over many images.",
        ),
        Mutant(
            _locate_with_diagonal,
            "this is the plain estimate, which compares an image with itself: it is above 0 for any two "
            "places. Take debiased=True.",
        ),
        Mutant(
            _locate_not_centred,
            "the Gram matrices are not centred: any two places are alike, for all share their mean.",
        ),
        Mutant(
            _locate_one_before,
            "one token too early: `token` counts the class token already, where there is one.",
        ),
        Mutant(
            _locate_one_after,
            "one token too late: `token` counts the class token already, where there is one.",
        ),
        Mutant(_locate_all_tokens, "you lay all tokens in a row; take the one that is asked for."),
        Mutant(
            _locate_turned,
            "turned round: this says which tokens are like one patch; asked is which patches are like "
            "one token.",
        ),
        Mutant(
            _locate_all_patches,
            "you compare the token with the whole picture each time; take the patch at one place.",
        ),
        Mutant(_locate_not_divided, "this is HSIC; divide by the sizes of both, as CKA does."),
        Mutant(
            _locate_every_token_itself,
            "each place is compared with its own token; hold the one token that is asked for, and go "
            "through the places.",
        ),
        Mutant(
            _locate_places_for_tokens,
            "you count one number through tokens and places alike; hold the token that is asked for, and "
            "go through the places.",
        ),
        Mutant(
            _locate_other_tokens,
            "you compare the token with the other tokens; asked is which raw patch it is like.",
        ),
        Mutant(_locate_squared, "you square CKA; its own value is asked for."),
        Mutant(
            _locate_sign_lost,
            "the signs are lost: the debiased CKA may fall below 0 by chance. Leave it there.",
        ),
        Mutant(
            _locate_not_below_zero,
            "what falls below 0 was set to 0: leave it there, or the mean of many places is too high.",
        ),
        Mutant(_locate_best, "this is the place that is most alike; the CKA with every place is asked for."),
        Mutant(_locate_mean_token, "you average the tokens; take the one that is asked for."),
        Mutant(_locate_last_missing, "the last place is missing: a range ends before its end."),
        Mutant(_locate_as_share, "you made the values sum to 1; leave each CKA as it is."),
        Mutant(_locate_other_way, "the places come in the reverse order."),
        Mutant(_locate_first_token, "this is token 0, whichever was asked for: use `token`."),
    ),
    hints=(
        "For one place there is a token of every image, and a patch of every image: two layers, in the "
        "sense of lesson 08.",
        "`tokens[:, token]` and `patches[:, place]` have one row an image; `linear_cka` compares them.",
        "`np.array([linear_cka(tokens[:, token], patches[:, place]) for place in range(patches.shape[1])])`",
    ),
    difficulty=2,
    importance=5,
    minutes=8,
)
