"""The family: members that differ in one thing, commands that parse, a run through the command line."""

import json

import pytest

from helpers.course.runner import ROOT
from helpers.model.checkpoints import load_manifest
from helpers.train import family, shipping
from helpers.train.__main__ import assignment, configuration, main, parse
from helpers.train.family import is_finished, program_of
from helpers.train.family import main as family_main
from helpers.train.members import SCALES, cifar_members, members
from helpers.train.recipe import find_recipe


@pytest.mark.parametrize("scale", SCALES)
def test_every_member_is_a_run_that_can_be_built(scale):
    for name, arguments in members(SCALES[scale]).items():
        options = parse([*arguments, "--name", name, "--out", "runs/x"])
        recipe = find_recipe(options.recipe or "shapes")
        kind, config = configuration(
            options.model, recipe, 10, dict(assignment(text) for text in options.set_model)
        )
        assert kind == ("ResNet" if "resnet" in name else "VisionTransformer")
        if "no-skip" in name:
            assert config.blocks_without_skip == (4,) and config.depth == 9
        if "mean" in name:
            assert not config.has_class_token


@pytest.mark.parametrize("scale", SCALES)
def test_members_take_the_same_number_of_steps(scale):
    def steps(arguments):
        options = parse([*arguments, "--out", "runs/x"])
        changes = dict(assignment(text) for text in options.set)
        recipe = find_recipe(options.recipe, epochs=options.epochs, **changes)
        return recipe.epochs * ((recipe.images_per_pass or options.images or 50_000) // recipe.batch_size)

    chosen = members(SCALES[scale])
    for kind in ("cifar/4", "resnet-cifar"):
        counts = {steps(arguments) for name, arguments in chosen.items() if name.startswith(kind)}
        assert len(counts) == 1


def test_commands_are_listed_and_not_run(capsys):
    assert family_main(["--list", "--scale", "cpu", "--members", "cifar/4-mean"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("python -m helpers.train --model cifar-small/4 --recipe cpu --epochs 20")
    assert "--set-model pooling=mean --name cifar/4-mean --out runs/cifar-4-mean" in printed


def test_an_unknown_member_is_told():
    with pytest.raises(SystemExit, match="Unknown: cifar/5. Expected some of cifar/4"):
        family_main(["--members", "cifar/5"])


@pytest.mark.parametrize(
    "text, expected",
    [("epochs=3", ("epochs", 3)), ("flip=false", ("flip", False)), ("pooling=mean", ("pooling", "mean"))],
)
def test_an_assignment_is_read(text, expected):
    assert assignment(text) == expected


def test_a_field_that_a_model_has_not_is_told():
    with pytest.raises(ValueError, match="A model's fields are image_size"):
        configuration("cifar/4", find_recipe("cpu"), 10, {"witdh": 3})


def test_a_run_is_kept_shipped_and_verified(tmp_path, capsys, monkeypatch):
    """A small network on the shapes, by the command line alone: snapshots, shipping, and the later check."""
    import helpers.data
    from helpers.data.shapes import make_shapes

    few = make_shapes(240, seed=0)
    monkeypatch.setattr(helpers.data, "load_images", lambda name: few)
    out, shipped = tmp_path / "run", tmp_path / "shipped"
    command = ["--data", "shapes", "--model", "shapes/16", "--epochs", "2", "--set", "batch_size=40"]
    command += ["--set-model", "depth=1", "--snapshots", "1", "--name", "tiny", "--out", str(out)]
    command += ["--precision", "float32"]
    assert main([*command, "--stop-after", "1"]) == 0
    manifest = json.loads((out / "checkpoint" / "manifest.json").read_text())
    assert set(manifest) == {"tiny", "tiny@1"} and not is_finished(out, "tiny")
    assert manifest["tiny"]["sha256"] == manifest["tiny@1"]["sha256"]  # both after pass 1
    assert main(command) == 0
    manifest = json.loads((out / "checkpoint" / "manifest.json").read_text())
    assert is_finished(out, "tiny") and manifest["tiny"]["config"]["depth"] == 1
    assert [len(manifest[name]["history"]) for name in ("tiny", "tiny@1")] == [2, 1]
    assert manifest["tiny"]["sha256"] != manifest["tiny@1"]["sha256"]
    assert main(["--ship", str(out), "--checkpoints", str(shipped)]) == 0
    capsys.readouterr()
    assert main(["--verify", "--checkpoints", str(shipped)]) == 0
    assert capsys.readouterr().out.count("agrees") == 2
    worse = json.loads((shipped / "manifest.json").read_text())
    worse["tiny"]["test_accuracy"] += 0.01
    (shipped / "manifest.json").write_text(json.dumps(worse))
    assert shipping.verify(shipped) == 1
    assert "tiny: manifest" in capsys.readouterr().out


def test_shipping_from_an_empty_folder_is_told(tmp_path):
    with pytest.raises(SystemExit, match="no checkpoint in"):
        shipping.ship(tmp_path)


def test_every_network_is_explained_beside_the_weights():
    """data/README.md has a row for each member of the family, and for each that is shipped."""
    text = (ROOT / "data/README.md").read_text(encoding="utf-8")
    names = set(load_manifest()) | set(members(SCALES["cpu"]))
    assert len(names) > 10
    assert not [name for name in sorted(names) if f"`{name}`" not in text]


# ---- the command that trains them all


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """The command with its children replaced: each "trains" at once, by writing what a run leaves."""
    started = []

    class Child:
        returncode = 0

        def __init__(self, command, options, **streams):
            started.append(command)
            self.command, self.options = command, options
            if "--probe" not in command and "--minutes" not in command:
                name = command[command.index("--name") + 1]
                folder = family.folder_of(name, options) / "checkpoint"
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "manifest.json").write_text(json.dumps({name: {"finished": True}}))

        def communicate(self):
            return json.dumps(SPEED | {"accelerated": runs.accelerated}), None

        def wait(self):
            return 0

    class Runs:
        accelerated = True

        def __call__(self, *arguments):
            return family_main(["--out", str(tmp_path), *arguments])

    runs = Runs()
    runs.started, runs.folder = started, tmp_path
    monkeypatch.setattr(family, "start", Child)
    return runs


SPEED = {"images_per_second": 50_000, "images_a_pass": 50_000, "steps_per_call": 48, "seconds_a_score": 1}


def trained(runs):
    commands = [command for command in runs.started if "--probe" not in command]
    return [command[command.index("--name") + 1] for command in commands]


def test_all_are_trained_one_after_the_other_and_only_once(runs, capsys):
    assert runs() == 0
    assert trained(runs) == list(cifar_members(SCALES["gpu"]))
    printed = capsys.readouterr().out
    assert "0 of 9 networks are trained already." in printed and "50,000 images/s" in printed
    assert "cifar/4              4 min" in printed  # 30 s, then 105 passes of a second and a score of another
    assert "All are trained." in printed
    runs.started.clear()
    assert runs() == 0 and runs.started == []
    assert "9 of 9 networks are trained already." in capsys.readouterr().out


def test_a_long_call_and_the_next_program_compiled_ahead(runs):
    """A seed has the program of its neighbour: nothing to compile. Mean pooling has another."""
    runs("--members", "cifar/4,cifar/4-seed1,cifar/4-mean")
    names = [
        (command[command.index("--name") + 1], "--probe" in command, command.count("--steps-per-call"))
        for command in runs.started
    ]
    assert names == [
        ("cifar/4", True, 0),  # its speed
        ("cifar/4", False, 1),
        ("cifar/4-seed1", False, 1),
        ("cifar/4-mean", True, 1),  # compiled ahead, while the seed trains
        ("cifar/4-mean", False, 1),
    ]


def test_programs_are_told_apart():
    chosen = cifar_members(SCALES["gpu"])
    programs = {name: program_of([*arguments, "--name", name]) for name, arguments in chosen.items()}
    assert programs["cifar/4"] == programs["cifar/4-seed1"]
    assert programs["resnet-cifar"] == programs["resnet-cifar-seed1"]
    assert len(set(programs.values())) == 7


def test_a_processor_says_its_hours_first(runs, capsys):
    runs.accelerated = False
    assert runs("--scale", "cpu", "--members", "cifar/4") == 2
    assert trained(runs) == [] and "add --yes" in capsys.readouterr().out
    assert runs("--scale", "cpu", "--members", "cifar/4", "--yes") == 0
    assert trained(runs) == ["cifar/4"] and "--steps-per-call" not in runs.started[-1]


def test_a_budget_ends_the_command_and_says_what_is_left(runs, capsys):
    assert runs("--members", "cifar/4,cifar/4-mean", "--budget", "0s") == 0
    assert trained(runs) == []
    assert "Left: cifar/4 (pass 0 is done), cifar/4-mean (pass 0 is done)" in capsys.readouterr().out
    assert runs("--members", "cifar/4", "--budget", "25m") == 0
    command = runs.started[-1]
    assert 24 < float(command[command.index("--minutes") + 1]) <= 25


@pytest.mark.parametrize("text, seconds", [("90s", 90), ("25m", 1500), ("1.5h", 5400)])
def test_a_budget_is_read(text, seconds):
    assert family.duration(text) == seconds


@pytest.mark.parametrize("text", ["25", "m", "=3m", "25 minutes"])
def test_a_budget_that_cannot_be_read_is_told(text, capsys):
    with pytest.raises(SystemExit):
        family_main(["--budget", text])
    assert "expected a time such as 90s, 25m or 2h" in capsys.readouterr().err


def test_all_are_shipped_or_none(runs, monkeypatch, capsys):
    shipped = []
    monkeypatch.setattr(family.subprocess, "check_call", lambda command: shipped.append(command[-1]))
    assert runs("--members", "cifar/4,cifar/4-mean", "--budget", "0s", "--ship") == 1
    assert shipped == [] and "Nothing is shipped. Not finished yet: cifar/4" in capsys.readouterr().out
    assert runs("--members", "cifar/4,cifar/4-mean", "--ship") == 0
    assert shipped == [str(runs.folder / "cifar-4"), str(runs.folder / "cifar-4-mean")]


def test_a_probe_measures_and_keeps_nothing(tmp_path, capsys, monkeypatch):
    import helpers.data
    from helpers.data.shapes import make_shapes

    monkeypatch.setattr(helpers.data, "load_images", lambda name: make_shapes(240, seed=0))
    command = ["--data", "shapes", "--model", "shapes/16", "--set", "batch_size=40", "--precision", "float32"]
    assert main([*command, "--set-model", "depth=1", "--probe", "0.01"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["images_a_pass"] == 160 and found["steps_per_call"] == 1 and not found["accelerated"]
    assert found["images_per_second"] > 0 and list(tmp_path.iterdir()) == []
