"""The table of what explaining costs: who takes part, and what is divided by what."""

import numpy as np
import pytest

from benchmarks import explain as benchmark
from helpers.model.vit import VisionTransformer, ViTConfig


def test_a_share_compares_within_a_turn():
    """The machine is ten times slower in the second turn, for both: it changes nothing."""
    assert benchmark.ratio([1.0, 10.0, 1.0], [2.0, 20.0, 4.0]) == 0.5


def test_the_first_of_a_work_is_compared_with_each_other():
    measured = {"ours": (9.0, [1.0, 2.0, 1.0]), "bare passes": (5.0, [0.8, 1.6, 0.5])}
    assert list(benchmark.rows("removal curve", measured)) == [
        "| removal curve | ours | 9.0 | 1.00 |  |",
        "| removal curve | bare passes | 5.0 | 0.80 | 1.25 |",
    ]


def test_every_work_has_its_contestants():
    for contestants in benchmark.WORKS.values():
        assert set(contestants) <= set(benchmark.MAKERS)


@pytest.mark.parametrize("work", [work for work, names in benchmark.WORKS.items() if benchmark.OURS in names])
def test_our_works_run(monkeypatch, work):
    config = ViTConfig.variant("shapes/4", depth=1)
    monkeypatch.setattr("helpers.model.checkpoints.load_checkpoint", lambda name: VisionTransformer(config))
    images = np.random.default_rng(0).random((2, 32, 32, 3), dtype="float32")
    found = benchmark.our_work(work, images, np.array([0, 1]), None)()
    assert len(found)
    if benchmark.BARE in benchmark.WORKS[work]:
        passes = benchmark.bare_work(work, images, None, None)()
        assert len(passes) == len(found) == 64  # as many removals
