"""Linear probes against least squares by another road, planted answers and invariants."""

import numpy as np
import pytest
from keras import ops

from benchmarks import probes as benchmark
from helpers.analysis.linear_probe import fit_probes, pick_few_shot, token_probes

LABELS = np.repeat(np.arange(4), 6)  # 24 images, 4 classes


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def by_least_squares(train, labels, test, ridge):
    """One probe: ridge regression as plain least squares with √λ · I below X, in float64."""
    train, test = train.astype("float64"), test.astype("float64")
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    x, x_test = (train - mean) / deviation, (test - mean) / deviation
    classes = sorted(set(labels.tolist()))
    targets = np.array([[1.0 if label == name else -1.0 for name in classes] for label in labels])
    penalty = np.sqrt(ridge * train.shape[1]) * np.eye(train.shape[1])
    below = np.zeros((train.shape[1], len(classes)))
    bias = targets.mean(axis=0)
    weights = np.linalg.lstsq(
        np.concatenate([x, penalty]), np.concatenate([targets - bias, below]), rcond=None
    )[0]
    return x_test @ weights + bias


# fit_probes


@pytest.mark.parametrize("hidden", [5, 24, 40])  # fewer features than images, as many, and more
@pytest.mark.parametrize("ridge", [1e-3, 1.0, 50.0])
def test_every_probe_is_the_least_squares_solution(hidden, ridge):
    train = 3 * numbers(2, 24, 3, hidden) + 5
    test = 3 * numbers(2, 7, 3, hidden, seed=1) + 5
    labels = np.array([0, 1, 1, 3, 3, 3] * 4)  # uneven classes, one of four missing
    probes = fit_probes(train, labels, ridge=ridge)
    assert probes.weights.shape == (2, 3, hidden, 3) and probes.bias.shape == (2, 3, 3)
    for layer in range(2):
        for token in range(3):
            expected = by_least_squares(train[layer, :, token], labels, test[layer, :, token], ridge)
            found = test[layer, :, token] @ probes.weights[layer, token] + probes.bias[layer, token]
            np.testing.assert_allclose(found, expected, atol=2e-4 * np.abs(expected).max())
            predicted = probes.predict(test)[layer, :, token]
            np.testing.assert_array_equal(predicted, probes.classes[expected.argmax(axis=1)])


def test_one_feature_by_hand():
    """x = −1, 1 and targets ∓1: w = Σ x y / (Σ x² + λ) = 2 / (2 + 2) for λ = 2 · 1 feature; deviation 3."""
    tokens = np.array([4.0, 10.0]).reshape(2, 1, 1)
    probes = fit_probes(tokens, [5, 8], ridge=2.0)
    np.testing.assert_allclose(probes.weights, np.array([-0.5, 0.5]).reshape(1, 1, 2) / 3)
    np.testing.assert_allclose(probes.bias, [[7 / 6, -7 / 6]], rtol=1e-6)
    np.testing.assert_array_equal(probes.predict(np.array([6.9, 7.1, 0]).reshape(3, 1, 1))[:, 0], [5, 8, 5])


def test_the_size_and_origin_of_a_feature_do_not_matter():
    train, test = numbers(1, 24, 2, 9), numbers(1, 50, 2, 9, seed=1)
    plain = fit_probes(train, LABELS).predict(test)
    size, origin = np.logspace(-3, 3, 9, dtype="float32"), np.linspace(-5, 5, 9, dtype="float32")
    changed = fit_probes(train * size + origin, LABELS).predict(test * size + origin)
    assert (plain == changed).mean() > 0.98


def test_the_test_images_are_standardised_by_the_training_images():
    """So an image gets the same label whatever the images beside it."""
    probes = fit_probes(numbers(2, 24, 3, 9), LABELS)
    test = numbers(2, 20, 3, 9, seed=1) + 2
    together = probes.predict(test)
    alone = np.concatenate([probes.predict(test[:, [image]]) for image in range(20)], axis=1)
    np.testing.assert_array_equal(together, alone)


def test_a_constant_feature_is_left_out_and_a_constant_token_gets_the_most_frequent_class():
    train, test = numbers(1, 24, 2, 9), numbers(1, 30, 2, 9, seed=1)
    expected = fit_probes(train[..., :8] * 8 / 9, LABELS, ridge=9 / 8).predict(test[..., :8] * 8 / 9)
    train[..., 8], test[..., 8] = 0.1, 0.1
    np.testing.assert_array_equal(fit_probes(train, LABELS).predict(test), expected)
    labels = np.array([0] * 8 + [2] * 9 + [7] * 7)
    probes = fit_probes(np.full((24, 1, 9), 0.1, "float32"), labels)
    np.testing.assert_array_equal(probes.predict(test[0, :, :1]), 2)
    np.testing.assert_array_equal(probes.weights, 0)


# token_probes


def planted(seed=0, classes=5, shots=10, test=600):
    """Noise everywhere, but the class in token 2 of layer 1."""
    rng = np.random.default_rng(seed)
    directions = rng.standard_normal((classes, 16))
    drawn = []
    for labels in (np.repeat(np.arange(classes), shots), np.arange(test) % classes):
        tokens = rng.standard_normal((3, len(labels), 4, 16))
        tokens[1, :, 2] += 2 * directions[labels]
        drawn += [tokens.astype("float32"), labels]
    return drawn


def test_planted_information_is_found_where_it_is_and_chance_elsewhere():
    accuracy = token_probes(*planted())
    assert accuracy.shape == (3, 4) and accuracy.dtype == np.float64
    assert accuracy[1, 2] > 0.95
    accuracy[1, 2] = 0.2
    np.testing.assert_allclose(accuracy, 0.2, atol=0.07)  # four standard deviations of 600 images


def test_the_score_is_the_share_of_test_images_that_a_loop_finds():
    train, labels, test, test_labels = planted(seed=3)
    expected = np.empty((3, 4))
    for layer, token in np.ndindex(expected.shape):
        scores = by_least_squares(train[layer, :, token], labels, test[layer, :, token], ridge=0.3)
        expected[layer, token] = (scores.argmax(axis=1) == test_labels).mean()
    np.testing.assert_allclose(token_probes(train, labels, test, test_labels, ridge=0.3), expected)


def test_what_is_learned_by_heart_does_not_count():
    """Labels without a rule: the training images are all right, others no better than chance."""
    train, test = numbers(2, 40, 3, 64), numbers(2, 1000, 3, 64, seed=1)
    labels, test_labels = np.arange(40) % 4, np.arange(1000) % 4
    assert token_probes(train, labels, train, labels, ridge=1e-3).min() == 1
    np.testing.assert_allclose(token_probes(train, labels, test, test_labels, ridge=1e-3), 0.25, atol=0.06)


def test_the_names_of_the_classes_do_not_matter():
    train, labels, test, test_labels = planted()
    names = np.array([30, -2, 11, 4, 7])
    np.testing.assert_array_equal(
        token_probes(train, names[labels], test, names[test_labels]),
        token_probes(train, labels, test, test_labels),
    )


def test_the_order_of_the_images_does_not_matter():
    train, labels, test, test_labels = planted()
    order, test_order = (np.random.default_rng(1).permutation(len(each)) for each in (labels, test_labels))
    found = token_probes(train[:, order], labels[order], test[:, test_order], test_labels[test_order])
    np.testing.assert_allclose(found, token_probes(train, labels, test, test_labels), atol=0.004)


def test_leading_axes_are_kept():
    train, labels, test, test_labels = planted()
    whole = token_probes(train, labels, test, test_labels)
    np.testing.assert_array_equal(token_probes(train[1], labels, test[1], test_labels), whole[1])
    found = token_probes(train[None, :2], labels, test[None, :2], test_labels)
    np.testing.assert_array_equal(found, whole[None, :2])


@pytest.mark.parametrize("sizes", [[600], [250, 250, 100], [1, 599]])
def test_batches_give_what_the_whole_gives(sizes):
    train, labels, test, test_labels = planted()
    edges = np.cumsum([0, *sizes])
    batches = (test[:, start:end] for start, end in zip(edges, edges[1:]))
    found = token_probes(train, labels, batches, test_labels)
    np.testing.assert_array_equal(found, token_probes(train, labels, test, test_labels))


def test_any_backend_and_precision():
    train, labels, test, test_labels = planted()
    exact = token_probes(train, labels, test, test_labels)
    for convert in (ops.convert_to_tensor, lambda a: a.astype("float64"), lambda a: a.astype("float16")):
        found = token_probes(convert(train), labels, convert(test), test_labels.tolist())
        np.testing.assert_allclose(found, exact, atol=0.01)


def test_what_does_not_fit_is_told():
    train, labels, test, test_labels = planted()
    with pytest.raises(ValueError, match=r"each of the 50 training images.*received shape \(49,"):
        token_probes(train, labels[1:], test, test_labels)
    with pytest.raises(ValueError, match="two classes at least.*with 1 classes"):
        fit_probes(train, np.zeros(50, int))
    with pytest.raises(ValueError, match="received 599 labels for 600 images|599 labels for at least 600"):
        token_probes(train, labels, test, test_labels[1:])
    with pytest.raises(ValueError, match="received 600 labels for 300 images"):
        token_probes(train, labels, [test[:, :300]], test_labels)
    with pytest.raises(ValueError, match="5 classes that were trained on.*9"):
        token_probes(train, labels, test, np.where(test_labels == 4, 9, test_labels))
    with pytest.raises(ValueError, match=r"fitted to, \(3, 4, 16\).*received \(3, 3, 16\)"):
        token_probes(train, labels, test[:, :, 1:], test_labels)
    with pytest.raises(ValueError, match=r"test tokens|tokens to predict.*received \(600, 16\)"):
        token_probes(train[0], labels, test[0, :, 0], test_labels)
    with pytest.raises(ValueError, match=r"training tokens as \(layers, n.*received None"):
        fit_probes(None, labels)
    with pytest.raises(ValueError, match="finite training tokens"):
        fit_probes(np.where(train > 2, np.nan, train), labels)
    for ridge in (0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="a ridge above 0"):
            fit_probes(train, labels, ridge=ridge)


# pick_few_shot


def test_the_chosen_images_are_so_many_of_each_class():
    labels = np.random.default_rng(0).integers(0, 5, 400) * 3
    chosen = pick_few_shot(labels, 10, seed=1)
    np.testing.assert_array_equal(labels[chosen], np.repeat([0, 3, 6, 9, 12], 10))
    assert len(set(chosen.tolist())) == 50
    np.testing.assert_array_equal(chosen, pick_few_shot(labels, 10, seed=1))
    assert (chosen != pick_few_shot(labels, 10, seed=2)).mean() > 0.5


def test_every_image_has_the_same_chance():
    labels = np.repeat([0, 1], 10)
    times = np.bincount(np.concatenate([pick_few_shot(labels, 3, seed) for seed in range(1000)]))
    np.testing.assert_allclose(times, 300, atol=60)  # four standard deviations


@pytest.mark.parametrize(
    "labels, shots", [([0, 0, 1], 2), ([0, 1], 0), ([0, 1], 1.5), ([], 1), ([[0, 1]], 1)]
)
def test_too_few_images_are_told(labels, shots):
    with pytest.raises(ValueError, match="images of each class, 1 or more; received shape"):
        pick_few_shot(labels, shots)


# Work


@pytest.mark.parametrize("hidden, size", [(40, 12), (7, 7)])
def test_all_tokens_of_a_layer_are_solved_together_with_the_smaller_matrix(hidden, size, monkeypatch):
    """12 images, 9 tokens, 2 layers: two calls of the solver, 9 systems each; a loop makes 18 calls."""
    solved, solve = [], np.linalg.solve

    def counted(matrices, right):
        solved.append(matrices.shape)
        return solve(matrices, right)

    monkeypatch.setattr(np.linalg, "solve", counted)
    tokens = benchmark.make_tokens(layers=2, tokens=9, hidden=hidden, classes=4, shots=3, test=20)
    benchmark.ours(*tokens)
    assert solved == [(9, size, size)] * 2
    solved.clear()
    benchmark.loop(*tokens)  # the slow way, as a check of the count
    assert solved == [(hidden, hidden)] * 18


def test_the_loop_of_the_benchmark_gives_the_same():
    measured, _ = benchmark.table(benchmark.make_tokens(layers=2, tokens=4, hidden=96), repeats=1)
    assert measured["loop in float64"][1] <= 0.002  # two images of 1000


def test_the_benchmark_prints_a_row_for_each(capsys):
    benchmark.main(["--layers", "2", "--tokens", "3", "--hidden", "8", "--test", "20", "--repeats", "1"])
    printed = capsys.readouterr().out
    for name in benchmark.CONTESTANTS:
        assert printed.count(f"\n{name} ") == 1
