"""The speed table: what is counted, how the turns are compared, and that real cases take them."""

import argparse
import importlib.util

import pytest

from benchmarks import train as benchmark
from helpers.model.vit import ViTConfig


@pytest.mark.parametrize("depth, mlp_dim, tokens", [(6, 256, 65), (2, 512, 65)])
def test_the_arithmetic_of_an_image_by_hand(depth, mlp_dim, tokens):
    config = ViTConfig.variant("cifar-small/4", depth=depth, mlp_dim=mlp_dim)
    projections = tokens * (3 * 128 * 128 + 128 * 128 + 2 * 128 * mlp_dim)
    attention = 2 * tokens * tokens * 128  # scores, then the weighted mean
    patches = 64 * 48 * 128
    expected = 3 * 2 * (patches + depth * (projections + attention)) / 1e9  # forwards once, backwards twice
    assert benchmark.training_gflop(config) == pytest.approx(expected)


def test_a_ratio_compares_within_a_turn():
    """The machine is ten times slower in the second turn, for both: it changes nothing."""
    assert benchmark.ratio([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == 2.0


def test_the_table_compares_like_with_like(capsys):
    def result(*seconds):
        return {"seconds": seconds, "gflop": 1.0, "peak_gflops": 1280.0}

    results = {
        ("ours", "tensorflow", "float32"): result(1.0, 1.0, 1.0),
        (benchmark.BARE, "tensorflow", "float32"): result(0.8, 0.8, 0.8),
        ("Keras layers", "tensorflow", "float32"): result(1.2, 1.2, 9.0),
        ("ours", "tensorflow", "bfloat16"): result(0.5, 0.5, 0.5),
        ("Keras layers", "tensorflow", "bfloat16"): result(0.6, 0.6, 0.6),
    }
    benchmark.print_table(argparse.Namespace(model="m", batch=128, threads=1, turns=3), results)
    printed = capsys.readouterr().out
    assert "| Keras layers | tensorflow | float32 | 107 | 8% | 1.20 | 1.50 |" in printed
    assert "| Keras layers | tensorflow | bfloat16 | 213 | 17% | 1.20 |  |" in printed
    assert "bfloat16, is 1.20 times as fast as Keras layers, tensorflow, bfloat16." in printed
    assert "bfloat16, is 2.40 times as fast as Keras layers, tensorflow, float32." in printed


def test_cases_take_turns(monkeypatch):
    backend = next(name for name in ("tensorflow", "jax", "torch") if importlib.util.find_spec(name))
    options = ["train.py", "--model", "shapes/4", "--batch", "8", "--turns", "2", "--threads", "1"]
    monkeypatch.setattr("sys.argv", options)
    cases = [("ours", backend, "float32"), ("Keras layers", backend, "bfloat16")]
    results = benchmark.take_turns(cases, 2)
    assert list(results) == cases
    for result in results.values():
        assert [type(each) for each in result["seconds"]] == [float, float]
        assert result["gflop"] == benchmark.training_gflop(ViTConfig.variant("shapes/4"))
