"""The ablation: every change changes a run, the command writes what its runs found, the table is whole."""

import json
import sys

import pytest

from benchmarks import ablate as benchmark
from helpers.model.vit import ViTConfig
from helpers.train.__main__ import assignment, parse
from helpers.train.recipe import find_recipe
from helpers.train.reference import load_reference


@pytest.mark.parametrize("name", [name for name in benchmark.CHANGES if name != benchmark.AS_IT_IS])
def test_every_change_changes_the_run(name):
    plain, options = (parse(["--out", "runs", *words.split()]) for words in ("", benchmark.CHANGES[name][1]))
    config = ViTConfig.variant("cifar-small/4")
    recipe, changes = find_recipe("cpu"), dict(assignment(text) for text in options.set)
    for field, value in changes.items():
        assert getattr(recipe, field) != value
    for field, value in map(assignment, options.set_model):
        assert getattr(config, field) != value
    find_recipe("cpu", **changes)  # raises where a field or a value is unknown
    assert options.set or options.set_model or options.seed != plain.seed


def test_the_command_runs_each_change_once_and_writes_the_table(tmp_path, monkeypatch, capsys):
    accuracies, commands = {"as-it-is": 0.6, "adamw": 0.5}, []

    def train(command, *, cwd, check):
        commands.append(command)
        folder = tmp_path / command[command.index("--out") + 1] / "checkpoint"
        folder.mkdir(parents=True)
        accuracy = accuracies[folder.parent.name.removesuffix("-2")]
        row = {"history": [{"test_accuracy": 0.3}, {"test_accuracy": accuracy - 0.1}], "passes": 2}
        row |= {"test_accuracy": accuracy, "num_training_images": 50, "seconds": 10.0, "data": "images"}
        (folder / "manifest.json").write_text(json.dumps({"cifar-small/4": row}))

    monkeypatch.setattr(benchmark.subprocess, "run", train)
    found = tmp_path / "found.json"
    words = f"adamw --epochs 2 --out {tmp_path / 'runs'} --hardware here --write {found} --threads 1"
    monkeypatch.setattr(sys, "argv", ["ablate.py", *words.split()])
    benchmark.main()
    assert ["optimizer=adamw" in command for command in commands] == [False, True]
    assert all(command[command.index("--threads") + 1] == "1" for command in commands)
    table = json.loads(found.read_text())
    assert (table["passes"], table["hardware"], table["changes"]) == (2, "here", "--threads 1")
    assert table["rows"]["adamw"]["test_accuracy"] == [0.3, 0.5]  # the last is of the weights that are kept
    assert table["rows"]["adamw"]["images_per_second"] == 10.0
    assert "| AdamW, no Muon | 50.00% | -10.00 | 10 |" in capsys.readouterr().out
    benchmark.main()
    assert len(commands) == 2, "what is finished is not run again"


def test_an_unknown_change_is_told(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["ablate.py", "sgd"])
    with pytest.raises(SystemExit):
        benchmark.main()
    assert "sgd" in (told := capsys.readouterr().err) and "no-crop" in told


def test_the_kept_table_is_of_this_command():
    table = load_reference("ablation")
    assert list(table["rows"])[:2] == [benchmark.AS_IT_IS, "another-seed"]
    for name, row in table["rows"].items():
        assert row["what"] == benchmark.CHANGES[name][0] and "CIFAR-10" in row["data"]
        assert len(row["test_accuracy"]) == table["passes"] and 0.1 < min(row["test_accuracy"]) < 1
    assert {"model", "changes", "recipe", "hardware", "date", "command"} <= set(table)
    assert table["hardware"]
