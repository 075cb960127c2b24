"""One image by hand, and as all at once."""

import numpy as np
import pytest
from test_relevance import CLASSES, IMAGES, Slow, make_model, slopes

from helpers.analysis.key_value import key_value_agreement_rate
from helpers.analysis.memory_use import most_active
from helpers.analysis.one_image import agreement_of_image, relevance_of_patches
from helpers.analysis.relevance import class_relevance


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


CLASS_VALUES = np.array([[3.0, 0.0, -5.0], [40.0, 10.0, 0.0], [7.0, 4.0, 15.0], [-7.0, -1.0, 5.0]])


def test_agreement_by_hand():
    # Most active: memory 1 in the class token, then 0, 3 and 2. For class 2 the best two are 2 and 3.
    coefficients = np.array([[0.0, 9, 0, 0], [5, 1, 2, 3], [0, 0, 0, 1], [-1, -2, 0, -9]])
    assert agreement_of_image(coefficients, CLASS_VALUES, 0, 1) == 0
    assert agreement_of_image(coefficients, CLASS_VALUES, 2, 1) == pytest.approx(1 / 3)
    assert agreement_of_image(coefficients, CLASS_VALUES, 2, 2) == 1
    assert agreement_of_image(coefficients, CLASS_VALUES, 0, 4) == 1


def test_it_is_what_all_at_once_says():
    coefficients, class_values, labels = numbers(3, 9, 12), numbers(12, 5, seed=1), np.array([4, 0, 2])
    active = most_active(coefficients, 3)[:, 1:]
    together = key_value_agreement_rate(active, class_values, labels, k=3)
    alone = [agreement_of_image(c, class_values, label, 3) for c, label in zip(coefficients, labels)]
    assert np.mean(alone) == pytest.approx(together) and 0 < together < 1


def test_relevance_by_hand():
    # Probabilities ½, ¼, ¼. For class 1: (−½, ¾, −¼) · slopes.
    logits, table = np.log([2.0, 1.0, 1.0]), np.array([[9.0, 4, 0], [9, 0, 8], [9, 0, 4]])
    np.testing.assert_allclose(relevance_of_patches(logits, table, 1), [-2, 5])
    np.testing.assert_allclose(relevance_of_patches(logits + 700, table, 1), [-2, 5])


def test_it_is_what_class_relevance_says():
    """With the slopes of every logit by finite differences, head by head."""
    model = make_model()
    slow, found = Slow(model), class_relevance(model, IMAGES, CLASSES)
    for block, image, head in np.ndindex(2, 3, 2):
        row = slow.run.attention_weights[block, image, :, :1].astype("float64")
        table = [
            slopes(lambda w, c=c, b=block, i=image: slow.logits(slow.branch(w, b, i)[0])[c], row)[head, 0]
            for c in range(3)
        ]
        logits = slow.logits(slow.branch(row, block, image)[0])
        expected = relevance_of_patches(logits, np.array(table), CLASSES[image])
        np.testing.assert_allclose(found[block, image, head], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: agreement_of_image(numbers(3, 5), CLASS_VALUES, 0, 1), r"received \(3, 5\) and \(4, 3\)"),
        (lambda: agreement_of_image(numbers(1, 4), CLASS_VALUES, 0, 1), "one patch at least"),
        (lambda: agreement_of_image(numbers(3, 4), CLASS_VALUES, 3, 1), "from 0 to 2; received 3"),
        (lambda: agreement_of_image(numbers(3, 4), CLASS_VALUES, 0, 5), "from 1 to the 4 memories"),
        (lambda: relevance_of_patches(numbers(3), numbers(4, 5), 0), r"received \(3,\) and \(4, 5\)"),
        (lambda: relevance_of_patches(numbers(3), numbers(3, 1), 0), "two tokens or more"),
        (lambda: relevance_of_patches(numbers(3), numbers(3, 5), -1), "from 0 to 2; received -1"),
    ],
)
def test_what_cannot_be_asked(call, message):
    with pytest.raises(ValueError, match=message):
        call()
