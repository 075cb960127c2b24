"""Train every shipped network again, from nothing: python -m helpers.train.family

One after the other, each resumable: what is finished is left alone, what was stopped goes on.
"""

import argparse
import dataclasses
import json
import subprocess
import sys
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Scale:
    """How large and how long the networks for CIFAR-10 are: the same for all, so that they compare."""

    model: str
    recipe: str
    epochs: int
    resnet: str
    resnet_epochs: int
    snapshots: str  # the passes after which cifar/4 is kept too


SCALES = {
    "gpu": Scale("cifar/4", "full", 300, "resnet20", 100, "1,3,10,30,100"),
    "cpu": Scale("cifar-small/4", "cpu", 20, "resnet20", 10, "1,2,4,8,14"),
}
HOUR = "--model cifar-small/4 --recipe hour --set-model depth=6 --set-model pooling=mean".split()
SHAPES = {
    "shapes/4": ["--data", "shapes", "--model", "shapes/4"],
    "resnet-shapes": ["--data", "shapes", "--model", "resnet8", "--recipe", "resnet"],
}


def members(scale):
    """Give the command-line arguments of each member of the family, by the name of its checkpoint.

    Members with fewer images see them more often: as many steps as the others, so that only data differ.

    Args:
        scale: Scale.
    Returns:
        dict from name to list of str, arguments of `python -m helpers.train` without --name and --out.
    """
    vit = ["--model", scale.model, "--recipe", scale.recipe]
    middle = 4  # of 9 blocks
    resnet = ["--model", scale.resnet, "--recipe", "resnet"]

    def share(percent):
        return ["--images", str(500 * percent), "--set", "images_per_pass=50000"]

    full, full_resnet = ["--epochs", str(scale.epochs)], ["--epochs", str(scale.resnet_epochs)]
    return {
        "cifar/4": vit + full + ["--snapshots", scale.snapshots],
        "cifar/4-seed1": vit + full + ["--seed", "1"],
        "cifar/4-mean": vit + full + ["--set-model", "pooling=mean"],
        "cifar/4-no-skip": vit + full + ["--set-model", f"blocks_without_skip=[{middle}]"],
        "cifar/4-10pct": vit + full + share(10),
        "cifar/4-30pct": vit + full + share(30),
        "resnet-cifar": resnet + full_resnet,
        "resnet-cifar-seed1": resnet + full_resnet + ["--seed", "1"],
        "resnet-cifar-10pct": resnet + full_resnet + share(10),
        "cifar-hour": HOUR,
    } | SHAPES


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m helpers.train.family", description=__doc__)
    parser.add_argument("names", nargs="*", help="members to train; all by default")
    parser.add_argument("--scale", default="gpu", choices=list(SCALES))
    parser.add_argument("--out", default="runs", help="folder of the runs, one folder each")
    parser.add_argument("--ship", action="store_true", help="put finished runs among the shipped checkpoints")
    parser.add_argument("--list", action="store_true", help="print the commands, and run nothing")
    options, more = parser.parse_known_args(arguments)
    family = members(SCALES[options.scale])
    if unknown := set(options.names) - set(family):
        raise SystemExit(f"Unknown: {', '.join(sorted(unknown))}. Expected some of {', '.join(family)}.")
    for name in options.names or family:
        folder = str(Path(options.out) / name.replace("/", "-"))
        command = ["-m", "helpers.train", *family[name], "--name", name, "--out", folder, *more]
        print("python", *command, flush=True)
        if options.list or is_finished(folder, name):
            continue
        if status := subprocess.call([sys.executable, *command]):
            return status
        if options.ship:
            subprocess.check_call([sys.executable, "-m", "helpers.train", "--ship", folder])
    return 0


def is_finished(folder, name):
    """Say whether the run in a folder has reached its last pass."""
    path = Path(folder) / "checkpoint" / "manifest.json"
    return path.exists() and json.loads(path.read_text(encoding="utf-8")).get(name, {}).get("finished", False)


if __name__ == "__main__":
    sys.exit(main())
