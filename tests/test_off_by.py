"""A count is told what product of sizes it is off by, if one product alone fits every case."""

import pytest

from helpers.course.off_by import off_by_sizes

SIZES = [
    {"depth": 2, "width": 5, "three": 3},
    {"depth": 3, "width": 7, "three": 3},
    {"depth": 5, "width": 11, "three": 3},
]
RIGHT = [100, 1000, 10_000]


def off(change):
    return [right + change(case) for right, case in zip(RIGHT, SIZES)]


PRODUCTS = {
    "a size": (lambda c: -c["width"], "it is too small by width, in every case"),
    "twice a product": (lambda c: 2 * c["depth"] * c["width"], "too large by 2 · depth · width,"),
    "a square": (lambda c: -(c["width"] ** 2), "too small by width²,"),
    "three and more": (lambda c: 4 * c["depth"] * c["width"] ** 2, "too large by 4 · depth · width²,"),
    "a size that never changes is a number": (lambda c: c["three"] * c["depth"], "too large by 3 · depth,"),
}


@pytest.mark.parametrize("what", PRODUCTS)
def test_the_product_is_found(what):
    change, words = PRODUCTS[what]
    assert words in off_by_sizes(RIGHT, off(change), SIZES)


SILENT = {
    "one case is right": off(lambda c: 0 if c["depth"] == 2 else c["depth"]),
    "once more, once less": off(lambda c: c["depth"] * (1 if c["depth"] == 2 else -1)),
    "no product": off(lambda c: c["depth"] * c["width"] + 1),
    "the same number always": off(lambda c: 6),
    "NaN": off(lambda c: float("nan")),
    "infinity": off(lambda c: float("inf")),
    "no whole number": off(lambda c: c["depth"] / 2),
}


@pytest.mark.parametrize("what", SILENT)
def test_nothing_is_said_where_no_product_fits(what):
    assert off_by_sizes(RIGHT, SILENT[what], SIZES) == ""


def test_two_products_that_fit_alike_say_nothing():
    alike = [case | {"depth again": case["depth"]} for case in SIZES]
    assert off_by_sizes(RIGHT, off(lambda c: c["depth"]), alike) == ""


def test_two_cases_are_too_few():
    assert off_by_sizes(RIGHT[:2], off(lambda c: c["depth"])[:2], SIZES[:2]) == ""


def test_the_sizes_of_a_configuration_are_named(monkeypatch, capsys, tmp_path, hasty):
    """Four vectors of the width too few, and so for the biases of a layer that the course does not have."""
    from right_answers import answer_to

    from helpers.course.checks import check

    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    right = answer_to("parts.count_parameters")
    check("parts.count_parameters", lambda config: right(config) + 3 * config.depth * config.mlp_dim)
    said = capsys.readouterr().out
    assert "it is too large by 3 · depth · mlp_dim, in every case. Smallest case that fails" in said
