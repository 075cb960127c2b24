"""The order of the images, and the pieces of a pass."""

import numpy as np
import pytest

from helpers.train.order import ShuffledIndices, piece_lengths
from helpers.train.pace import Pace


@pytest.mark.parametrize(
    "steps, longest, expected",
    [
        (390, 64, [39] * 10),  # seven pieces would have two lengths, ten have one
        (97, 97, [97]),
        (97, 64, [49, 48]),  # a prime number: two lengths
        (195, 64, [39] * 5),
        (10, 3, [2] * 5),
        (10, 1, [1] * 10),
        (1, 50, [1]),
    ],
)
def test_pieces_by_hand(steps, longest, expected):
    assert piece_lengths(steps, longest) == expected


def test_pieces_cover_the_pass_in_at_most_two_lengths():
    for steps in range(1, 200):
        for longest in (1, 2, 7, 16, 64, 300):
            pieces = piece_lengths(steps, longest)
            assert sum(pieces) == steps and max(pieces) <= longest and max(pieces) - min(pieces) <= 1
            assert len(pieces) <= 1.5 * -(-steps // longest)


@pytest.mark.parametrize("steps, longest", [(0, 5), (5, 0), (5, -1)])
def test_no_pieces_of_nothing(steps, longest):
    with pytest.raises(ValueError, match="at least one step"):
        piece_lengths(steps, longest)


def test_pieces_hold_the_batches_in_their_order():
    """A piece has a batch a column; read column by column, the pieces are the batches one by one."""
    plain = ShuffledIndices(50, 8, seed=3, epoch=1)
    pieces = ShuffledIndices(50, 8, seed=3, epoch=1, pieces=[4, 2])
    assert len(plain) == 6 and len(pieces) == 2
    assert [pieces[item][0].shape for item in range(2)] == [(8, 4), (8, 2)]
    columns = np.concatenate([pieces[item][0].T for item in range(2)])
    np.testing.assert_array_equal(columns, np.stack([plain[step][0] for step in range(6)]))
    for indices in (plain, pieces):
        indices.on_epoch_end()
    np.testing.assert_array_equal(pieces[1][0].T[0], plain[4][0])


@pytest.mark.parametrize(
    "steps, asked, expected",
    [
        (390, None, ""),
        (390, 39, ""),
        (390, 64, "64 steps a call do not divide a pass of 390 steps: it takes 10 calls of 39."),
        (97, 32, "32 steps a call do not divide a pass of 97 steps: it takes 4 calls of 25 or 24."),
        (15, 40, "40 steps a call do not divide a pass of 15 steps: it takes one call of 15."),
    ],
)
def test_a_number_that_does_not_divide_the_pass_is_told(steps, asked, expected):
    notice = Pace(steps, asked).notice()
    assert notice.startswith(expected) and bool(notice) == bool(expected)
