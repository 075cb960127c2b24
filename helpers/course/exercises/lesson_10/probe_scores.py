"""probe_scores(features, labels, new_features, penalty): a linear probe in closed form."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_10.made import numbers


def _probe_cases():
    found = []
    for seed, num_images, width, num_classes, penalty in ((105, 9, 4, 3, 2.0), (107, 8, 12, 2, 0.5)):
        # the means are not 0, nor the same in both parts, and one class is more frequent
        features, new = numbers(seed, num_images, width) + 2, numbers(seed + 1, 6, width) + 1.5
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


def _probe_penalty_square(features, labels, new_features, penalty):
    return _probe(features, labels, new_features, penalty**2)


def _probe_penalty_subtracted(features, labels, new_features, penalty):
    return _probe(features, labels, new_features, -penalty)


def _probe_features_not_centred(features, labels, new_features, penalty):
    y = _targets(labels)
    return new_features @ _solve(features, y - y.mean(axis=0), penalty) + y.mean(axis=0)


def _probe_mean_added_twice(features, labels, new_features, penalty):
    return _probe(features, labels, new_features, penalty) + _targets(labels).mean(axis=0)


def _probe_weights(features, labels, new_features, penalty):
    y = _targets(labels)
    return _solve(features - features.mean(axis=0), y - y.mean(axis=0), penalty)


def _probe_softmax(features, labels, new_features, penalty):
    exponentials = np.exp(_probe(features, labels, new_features, penalty))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _probe_ones(features, labels, new_features, penalty):
    """Take −1 for the class and 1 for the others."""
    return -_probe(features, labels, new_features, penalty)


def _probe_class_means(features, labels, new_features, penalty):
    means = np.stack([features[labels == label].mean(axis=0) for label in range(labels.max() + 1)])
    return -((new_features[:, None] - means) ** 2).sum(axis=-1)


def _probe_transposed(features, labels, new_features, penalty):
    return _probe(features, labels, new_features, penalty).T


EXERCISE = Exercise(
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
        Mutant(_probe_penalty_square, "the penalty is squared; here it stands as it is given."),
        Mutant(_probe_penalty_subtracted, "the penalty is subtracted; it is added on the diagonal."),
        Mutant(
            _probe_features_not_centred,
            "the features are not centred; the targets alone are. Subtract the mean of `features`, "
            "from the new ones too.",
        ),
        Mutant(
            _probe_mean_added_twice,
            "the mean of the targets is added twice; if they were not centred, it is in W already.",
        ),
        Mutant(
            _probe_weights,
            "these are the weights W; the scores are (new − mean) W + the mean of the targets.",
        ),
        Mutant(_probe_softmax, "a softmax went over the scores; leave them as they are."),
        Mutant(_probe_ones, "the signs are turned: 1 for the class, −1 for the others."),
        Mutant(
            _probe_class_means, "these are distances to the mean of each class; asked is a linear map, W."
        ),
        Mutant(_probe_transposed, "rows and columns are swapped: (images, classes)."),
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
)
