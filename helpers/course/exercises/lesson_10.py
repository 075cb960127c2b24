"""Lesson 10, where information lives: a token's place, a layer's score, a probe, the mean of patches."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant, Question


def _numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


# locate_token(tokens, patches, token)


def _locate_cases():
    found = []
    for seed, num_tokens, token in ((100, 7, 3), (102, 6, 4)):  # with a class token, and without one
        patches, tokens = _numbers(seed, 12, 6, 4) + 0.5, _numbers(seed + 1, 12, num_tokens, 5) + 0.5
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


# localization_score(maps)


def _score_cases():
    rng = np.random.default_rng(104)
    with_class_token, without = rng.random((2, 7, 2, 3)), rng.random((6, 3, 2))
    for maps in (with_class_token[:, 1:], without[None]):
        flat = maps.reshape(-1, 6, 6)  # a view: what is added here is added there
        flat += 0.5 * np.eye(6)
    return [(with_class_token,), (without,)]


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


# probe_scores(features, labels, new_features, penalty)


def _probe_cases():
    found = []
    for seed, num_images, width, num_classes, penalty in ((105, 9, 4, 3, 2.0), (107, 8, 12, 2, 0.5)):
        # the means are not 0, nor the same in both parts, and one class is more frequent
        features, new = _numbers(seed, num_images, width) + 2, _numbers(seed + 1, 6, width) + 1.5
        labels = np.minimum(np.arange(num_images) % (num_classes + 1), num_classes - 1)
        features[np.arange(num_images), labels] += 1.5
        found.append((features, labels, new, penalty))
    return found


def _targets(labels, low=-1.0):
    return low + (1 - low) * np.eye(labels.max() + 1)[labels]


def _solve(x, y, penalty):
    return np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y)


def _probe(features, labels, new, penalty, *, new_mean=None, low=-1.0, scale=1.0):
    mean, y = features.mean(axis=0), _targets(labels, low)
    weights = _solve((features - mean) / scale, y - y.mean(axis=0), penalty)
    return (new - (mean if new_mean is None else new_mean)) / scale @ weights + y.mean(axis=0)


def _probe_no_bias(features, labels, new_features, penalty):
    return new_features @ _solve(features, _targets(labels), penalty)


def _probe_no_bias_zero_one(features, labels, new_features, penalty):
    return new_features @ _solve(features, _targets(labels, 0.0), penalty)


def _probe_new_not_centred(features, labels, new_features, penalty):
    return _probe(features, labels, new_features, penalty, new_mean=0)


def _probe_new_own_mean(features, labels, new_features, penalty):
    return _probe(features, labels, new_features, penalty, new_mean=new_features.mean(axis=0))


def _probe_no_mean_of_targets(features, labels, new_features, penalty):
    return _probe(features, labels, new_features, penalty) - _targets(labels).mean(axis=0)


def _probe_product_alone(features, labels, new_features, penalty):
    return _probe(features, labels, new_features, penalty, new_mean=0) - _targets(labels).mean(axis=0)


def _probe_mean_of_both(features, labels, new_features, penalty):
    mean, y = np.concatenate([features, new_features]).mean(axis=0), _targets(labels)
    return (new_features - mean) @ _solve(features - mean, y - y.mean(axis=0), penalty) + y.mean(axis=0)


def _probe_each_example_centred(features, labels, new_features, penalty):
    x, new = (rows - rows.mean(axis=1, keepdims=True) for rows in (features, new_features))
    y = _targets(labels)
    return new @ _solve(x, y - y.mean(axis=0), penalty) + y.mean(axis=0)


def _probe_zero_one(features, labels, new_features, penalty):
    return _probe(features, labels, new_features, penalty, low=0.0)


def _probe_on_training_images(features, labels, new_features, penalty):
    return _probe(features, labels, features, penalty)


def _probe_no_penalty(features, labels, new_features, penalty):
    rows = np.c_[features, np.ones(len(features))]
    return np.c_[new_features, np.ones(len(new_features))] @ np.linalg.pinv(rows) @ _targets(labels)


def _probe_penalty_times_images(features, labels, new_features, penalty):
    return _probe(features, labels, new_features, penalty * len(features))


def _probe_penalty_everywhere(features, labels, new_features, penalty):
    mean, y = features.mean(axis=0), _targets(labels)
    x = features - mean
    return (new_features - mean) @ np.linalg.solve(x.T @ x + penalty, x.T @ y) + y.mean(axis=0)


def _probe_bias_held_down(features, labels, new_features, penalty):
    rows = np.c_[features, np.ones(len(features))]
    return np.c_[new_features, np.ones(len(new_features))] @ _solve(rows, _targets(labels), penalty)


def _probe_standardised(features, labels, new_features, penalty):
    return _probe(features, labels, new_features, penalty, scale=features.std(axis=0))


def _probe_classes(features, labels, new_features, penalty):
    return _probe(features, labels, new_features, penalty).argmax(axis=1)


def _probe_label_as_number(features, labels, new_features, penalty):
    mean = features.mean(axis=0)
    weights = _solve(features - mean, labels - labels.mean(), penalty)
    return (new_features - mean) @ weights + labels.mean()


# mean_of_patches(tokens, num_patches)


def _mean_cases():
    return [
        (_numbers(109, 2, 7, 5), 6),  # with a class token
        (_numbers(110, 3, 4, 6), 4),  # without one
    ]


def _mean_with_class_token(tokens, num_patches):
    return tokens.mean(axis=-2)


def _mean_first_always_dropped(tokens, num_patches):
    return tokens[..., 1:, :].mean(axis=-2)


def _mean_first_ones(tokens, num_patches):
    return tokens[..., :num_patches, :].mean(axis=-2)


def _mean_over_features(tokens, num_patches):
    return tokens[..., -num_patches:, :].mean(axis=-1)


def _mean_over_images(tokens, num_patches):
    return tokens[..., -num_patches:, :].mean(axis=0)


def _mean_first_token(tokens, num_patches):
    return tokens[..., 0, :]


def _mean_sum(tokens, num_patches):
    return tokens[..., -num_patches:, :].sum(axis=-2)


def _mean_axis_kept(tokens, num_patches):
    return tokens[..., -num_patches:, :].mean(axis=-2, keepdims=True)


def _mean_of_everything(tokens, num_patches):
    return tokens[..., -num_patches:, :].mean()


def _mean_one_short(tokens, num_patches):
    return tokens[..., 1:num_patches, :].mean(axis=-2)


def _mean_all_summed(tokens, num_patches):
    return tokens.sum(axis=-2) / num_patches


EXERCISES = [
    Exercise(
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
        ),
        hints=(
            "For one place there is a token of every image, and a patch of every image: two layers, in the "
            "sense of lesson 08.",
            "`tokens[:, token]` and `patches[:, place]` have one row an image; `linear_cka` compares them.",
            "`np.array([linear_cka(tokens[:, token], patches[:, place]) for place in "
            "range(patches.shape[1])])`",
        ),
        difficulty=2,
        importance=5,
        minutes=8,
    ),
    Exercise(
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
            Mutant(
                _score_one_number, "one number for all tokens of a layer: keep one a token, (rows, columns)."
            ),
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
    ),
    Exercise(
        key="one_token.probe_scores",
        title="A linear probe in closed form",
        reference="helpers.analysis.one_token:probe_scores",
        cases=_probe_cases,
        mutants=(
            Mutant(
                _probe_no_bias,
                "no bias: neither features nor targets are centred, so the weights must also make up for the "
                "mean of the features.",
            ),
            Mutant(
                _probe_no_bias_zero_one,
                "targets of 0 and 1, and no bias: the classes may come out otherwise now. Take targets of "
                "−1 and 1, and centre features and targets.",
            ),
            Mutant(
                _probe_new_not_centred,
                "the new features are not centred: subtract the mean that you fitted with.",
            ),
            Mutant(
                _probe_new_own_mean,
                "you centre the new features with their own mean, so a score hangs on which others are "
                "tested with it. Subtract the mean that you fitted with.",
            ),
            Mutant(
                _probe_no_mean_of_targets,
                "the mean of the targets is not added back: that is the bias.",
            ),
            Mutant(
                _probe_product_alone,
                "new features times W alone: subtract the mean of X from them first, and add the mean of Y.",
            ),
            Mutant(
                _probe_mean_of_both,
                "the mean is taken over the new features too, so they take part in the fit. Use the mean of "
                "`features` alone.",
            ),
            Mutant(
                _probe_each_example_centred,
                "you centre each example over its features; centre each feature over the examples, axis 0.",
            ),
            Mutant(
                _probe_zero_one,
                "targets of 0 and 1; asked are −1 and 1. The class comes out the same, the scores do not.",
            ),
            Mutant(
                _probe_on_training_images,
                "you score the images that the probe was fitted to. With more features than images it can "
                "learn those by heart; score the new ones.",
            ),
            Mutant(_probe_no_penalty, "no penalty: this is plain least squares, which fits noise."),
            Mutant(
                _probe_penalty_times_images,
                "the penalty is multiplied by the number of images; here it stands as it is given.",
            ),
            Mutant(
                _probe_penalty_everywhere,
                "the penalty is added to the whole matrix; it belongs on the diagonal, λ I.",
            ),
            Mutant(
                _probe_bias_held_down,
                "the column of ones is penalised too, so the bias is pulled to 0. Centre instead.",
            ),
            Mutant(
                _probe_standardised,
                "you divide by the deviations as well; here features are centred and no more.",
            ),
            Mutant(_probe_classes, "these are the classes; the scores are asked for, one a class."),
            Mutant(
                _probe_label_as_number,
                "you regress on the number of the class, as if class 4 were twice class 2. Make one target a "
                "class.",
            ),
        ),
        hints=(
            "Two means, one system of equations, one product.",
            "`targets = 2 * np.eye(num_classes)[labels] - 1`; centre features and targets with the means of "
            "the images you fit to, and keep both means for the end.",
            "`W = np.linalg.solve(x.T @ x + penalty * np.eye(width), x.T @ y)`; "
            "`(new_features - mean_x) @ W + mean_y`",
        ),
        difficulty=3,
        importance=5,
        minutes=12,
    ),
    Exercise(
        key="one_token.mean_of_patches",
        title="The mean of the patch tokens",
        reference="helpers.analysis.one_token:mean_of_patches",
        cases=_mean_cases,
        mutants=(
            Mutant(
                _mean_with_class_token,
                "the class token is averaged in, where there is one: one part in 65, and the one that knows "
                "the class.",
            ),
            Mutant(
                _mean_first_always_dropped,
                "you always drop the first token; a network with mean pooling has no class token, and there "
                "you lose a patch.",
            ),
            Mutant(
                _mean_first_ones,
                "you keep the first tokens; the class token stands in front, so take the last ones.",
            ),
            Mutant(
                _mean_one_short,
                "`1:num_patches` ends one token short; counted from the end, the patches need no such care.",
            ),
            Mutant(
                _mean_all_summed,
                "the class token, where there is one, is in the sum and not in the count: leave it out.",
            ),
            Mutant(_mean_over_features, "you average over the features; average over the tokens, axis −2."),
            Mutant(_mean_over_images, "you average over the images; average over the tokens, axis −2."),
            Mutant(_mean_first_token, "this is the first token; asked is the mean of the patches."),
            Mutant(_mean_sum, "this is the sum; divide by the number of patches."),
            Mutant(_mean_axis_kept, "the tokens' axis is still there, with one entry: leave it out."),
            Mutant(_mean_of_everything, "one number for everything: average over the tokens alone, axis −2."),
        ),
        hints=(
            "The patches are the last tokens, with or without a class token in front.",
            "`tokens[..., -num_patches:, :]` are the patches.",
            "`tokens[..., -num_patches:, :].mean(axis=-2)`",
        ),
        difficulty=1,
        importance=4,
        minutes=3,
    ),
]

QUIZ = [
    Question(
        "A token after the last block has CKA 0.12 with its own raw patch. What follows?",
        [
            (
                "12 % of the patch is left in the token.",
                False,
                "CKA is no share. It compares which images are alike, and the loudest directions weigh most.",
            ),
            (
                "Judged by this token, other images are alike than judged by its own patch.",
                True,
                "It says that, and no more. A faint direction may still hold the patch.",
            ),
            (
                "The patch cannot be reconstructed from the token: most of it was overwritten.",
                False,
                "That would take a probe that tries. CKA hardly counts a faint direction, which may do.",
            ),
            (
                "The token has moved to another place.",
                False,
                "Its number says where it stands. Its map says what it is alike to.",
            ),
        ],
    ),
    Question(
        "Your untrained ViT is better localized than the trained one. What does that say of the claim that "
        "“ViTs keep spatial information”?",
        [
            (
                "The claim is wrong.",
                False,
                "What is kept, is kept, whoever brought it there. But it is no merit of training.",
            ),
            (
                "Something is wrong with the measure.",
                False,
                "An untrained network hands its patches on through the skips, and mixes them at random.",
            ),
            (
                "The place comes with the architecture, and training may use it up: say which network you "
                "compare with.",
                True,
                "Skips carry the patch. Training writes other things over it.",
            ),
        ],
    ),
    Question(
        "A probe with 100 images and 128 features is right on 100 % of them. What do you know?",
        [
            (
                "The class can be read off this layer.",
                False,
                "With more features than images, even noise can be fitted.",
            ),
            (
                "Nothing about the layer, until it is tested on other images.",
                True,
                "And those images should be ones that the network was not trained on either.",
            ),
            (
                "The penalty is too large.",
                False,
                "A large penalty makes the fit worse on the images it was fitted to.",
            ),
        ],
    ),
    Question(
        "In a ViT with a class token, the single patch tokens of the last block classify worse than those of "
        "a ViT with mean pooling. Which reason do you accept without another experiment?",
        [
            (
                "Patch tokens of a ViT cannot hold the class.",
                False,
                "Those of the network with mean pooling do.",
            ),
            (
                "The head does not read them, so nothing asked them for the class.",
                True,
                "The head reads the class token, so the loss does not reach the patches of the last block.",
            ),
            (
                "They are well localized, so there is no room left in them for the class.",
                False,
                "A story about room needs a test: a token can hold both, in different directions.",
            ),
        ],
    ),
    Question(
        "At equal steps, a network trained on 10 % of the images differs from the full one most in its last "
        "layers. What must stand beside that?",
        [
            (
                "The accuracy of both, on the images that they were trained on and on others.",
                False,
                "Good to know, but it does not say how much layers differ for other reasons.",
            ),
            (
                "A second network on all images, from another seed.",
                True,
                "Last layers differ between any two trainings. What the data change goes beyond that.",
            ),
            (
                "A network trained on 1 %.",
                False,
                "It would add a point to the line, and not say where the line starts.",
            ),
        ],
    ),
]
