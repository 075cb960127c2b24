"""The family: members that differ in one thing, commands that parse, a run through the command line."""

import json

import pytest

from helpers.course.runner import ROOT
from helpers.model.checkpoints import load_manifest
from helpers.train import shipping
from helpers.train.__main__ import assignment, configuration, main, parse
from helpers.train.family import SCALES, is_finished, members
from helpers.train.family import main as family_main
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

    family = members(SCALES[scale])
    for kind in ("cifar/4", "resnet-cifar"):
        counts = {steps(arguments) for name, arguments in family.items() if name.startswith(kind)}
        assert len(counts) == 1


def test_commands_are_listed_and_not_run(capsys):
    assert family_main(["--list", "--scale", "cpu", "cifar/4-mean"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("python -m helpers.train --model cifar-small/4 --recipe cpu --epochs 20")
    assert "--set-model pooling=mean --name cifar/4-mean --out runs/cifar-4-mean" in printed


def test_an_unknown_member_is_told():
    with pytest.raises(SystemExit, match="Unknown: cifar/5. Expected some of cifar/4"):
        family_main(["cifar/5"])


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
