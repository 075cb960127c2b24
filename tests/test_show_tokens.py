"""The maps of positions: each panel shows its own row, and what is no grid is refused."""

import numpy as np
import pytest

from helpers.show.tokens import position_maps


def test_each_panel_is_its_own_row():
    similarity = np.linspace(-0.5, 1, 81).reshape(9, 9)
    panels = [axes for axes in position_maps(similarity).axes if axes.images]
    assert len(panels) >= 9
    for row, panel in zip(similarity, panels, strict=False):
        np.testing.assert_allclose(panel.images[0].get_array(), row.reshape(3, 3))
        assert panel.images[0].get_clim() == (-0.5, 1)


def test_rows_and_columns_are_counted_from_zero_at_the_top_left():
    panels = [axes for axes in position_maps(np.eye(9)).axes if axes.images][:9]
    assert [panels[place].get_ylabel() for place in (0, 3, 6)] == ["0", "1", "2"]
    assert [panels[place].get_xlabel() for place in (6, 7, 8)] == ["0", "1", "2"]


@pytest.mark.parametrize("shape", [(9,), (9, 8), (8, 8), (1, 9, 9)])
def test_what_is_no_grid_is_told(shape):
    with pytest.raises(ValueError, match="square grid"):
        position_maps(np.zeros(shape))
