"""Position similarity by hand, and the share of neighbours on grids whose answer is known."""

import numpy as np
import pytest

from helpers.analysis.position import neighbour_share, position_similarity
from helpers.train.initialisation import sincos_positions


def test_by_hand():
    positions = [[1.0, 0.0], [0.0, 2.0], [3.0, 3.0], [-5.0, 0.0]]
    root = np.sqrt(0.5)
    expected = [[1, 0, root, -1], [0, 1, root, 0], [root, root, 1, -root], [-1, 0, -root, 1]]
    np.testing.assert_allclose(position_similarity(positions), expected, atol=1e-12)


def test_length_does_not_count():
    positions = np.random.default_rng(0).standard_normal((1, 17, 8))
    lengths = np.random.default_rng(1).uniform(0.1, 10, (1, 17, 1))
    np.testing.assert_allclose(position_similarity(positions), position_similarity(positions * lengths))


def test_neighbours_of_a_plane_and_of_chance():
    rows, columns = np.divmod(np.arange(64), 8)
    distance = np.hypot(rows[:, None] - rows, columns[:, None] - columns)
    assert neighbour_share(-distance, 8) == 1.0
    assert neighbour_share(distance, 8) == 0.0  # the farthest is never a neighbour
    draws = [neighbour_share(np.random.default_rng(s).random((64, 64)), 8) for s in range(200)]
    # 4 corners touch 3, 24 edges touch 5, 36 inner patches touch 8, each of 63 others
    assert np.mean(draws) == pytest.approx((4 * 3 + 24 * 5 + 36 * 8) / 64 / 63, abs=0.01)
    assert neighbour_share(position_similarity(sincos_positions(8, 64)), 8) == 1.0


@pytest.mark.parametrize("shape, told", [((2, 4, 8), "num_tokens"), ((8,), "num_tokens")])
def test_bad_shapes_are_told(shape, told):
    with pytest.raises(ValueError, match=told):
        position_similarity(np.ones(shape))


def test_a_position_of_nothing_is_told():
    with pytest.raises(ValueError, match="no direction"):
        position_similarity([[1.0, 0.0], [0.0, 0.0]])
