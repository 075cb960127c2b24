"""Reading a token by hand, and parts of a sum that add up to what the whole says."""

import numpy as np
import pytest
from keras import ops
from test_class_space import IMAGES, make_model

from helpers.analysis.class_reading import direct_effect, read_tokens
from helpers.analysis.class_space import project_to_classes
from helpers.model.activations import activations


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def test_a_token_by_hand():
    """1 3 is −1 1 when centred, and its variance is 1; twice and once that, plus 0 and 5, is −2 6."""
    kernel, bias = np.array([[1.0, 0, 1], [0, 1, 1]]), [0.5, 0, 0]
    found = read_tokens([1.0, 3], [2.0, 1], [0.0, 5], kernel, bias, epsilon=0)
    np.testing.assert_allclose(found, [-1.5, 6, 4])
    found = direct_effect([[4.0, 0], [-3, 3]], [[1.0, 3]] * 2, [2.0, 1], kernel, epsilon=0)
    np.testing.assert_allclose(found, [[4, -2, 2], [-6, 3, -3]])  # 2 −2 and −3 3, times 2 1


def test_it_is_what_a_model_reads():
    model = make_model()
    run = activations(model, IMAGES)
    weights = [ops.convert_to_numpy(w) for w in model.norm.weights + model.head.weights]
    found = read_tokens(run.tokens, *weights)
    np.testing.assert_allclose(found, project_to_classes(model, run.tokens), atol=2e-5)


def test_parts_add_up_to_the_whole():
    parts, gamma, beta, kernel = (
        numbers(7, 3, 6),
        numbers(6, seed=1),
        numbers(6, seed=2),
        numbers(6, 4, seed=3),
    )
    stream = parts.sum(axis=0)
    effects = direct_effect(parts, np.broadcast_to(stream, parts.shape), gamma, kernel)
    expected = read_tokens(stream, gamma, beta, kernel, np.ones(4)) - beta @ kernel - 1
    np.testing.assert_allclose(effects.sum(axis=0), expected, atol=1e-12)
    np.testing.assert_allclose(direct_effect(2 * parts, stream, gamma, kernel), 2 * effects, atol=1e-12)


def test_other_widths_are_told():
    for call in (
        lambda: read_tokens(np.ones(5), np.ones(6), np.ones(6), np.ones((6, 4)), np.ones(4)),
        lambda: direct_effect(np.ones(6), np.ones(5), np.ones(6), np.ones((6, 4))),
    ):
        with pytest.raises(ValueError, match=r"of one width; received \(5,\), \(6,\) and \(6, 4\)"):
            call()
