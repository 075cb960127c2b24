"""The networks that the course ships: which they are, and the command that trains each."""

import dataclasses


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
    "gpu": Scale("cifar-small/4", "gpu", 105, "resnet20", 40, "1,2,4,8,14,40,84"),
    "cpu": Scale("cifar-small/4", "cpu", 20, "resnet20", 10, "1,2,4,8,14"),
}
HOUR = "--model cifar-small/4 --recipe hour --set-model depth=6 --set-model pooling=mean".split()
OTHERS = {
    "cifar-hour": HOUR,
    "shapes/4": ["--data", "shapes", "--model", "shapes/4", "--recipe", "shapes"],
    "resnet-shapes": ["--data", "shapes", "--model", "resnet8", "--recipe", "resnet"],
}


def cifar_members(scale):
    """Give the command-line arguments of each network of the CIFAR-10 family, by its checkpoint's name.

    Members with fewer images see them more often: as many steps as the others, so that only data differ.

    Args:
        scale: Scale.
    Returns:
        dict from name to list of str, arguments of `python -m helpers.train` without --name and --out.
    """
    vit = ["--model", scale.model, "--recipe", scale.recipe, "--epochs", str(scale.epochs)]
    resnet = ["--model", scale.resnet, "--recipe", "resnet", "--epochs", str(scale.resnet_epochs)]
    middle = 4  # of 9 blocks

    def share(percent):
        return ["--images", str(500 * percent), "--set", "images_per_pass=50000"]

    return {
        "cifar/4": vit + ["--snapshots", scale.snapshots],
        "cifar/4-seed1": vit + ["--seed", "1"],
        "cifar/4-mean": vit + ["--set-model", "pooling=mean"],
        "cifar/4-no-skip": vit + ["--set-model", f"blocks_without_skip=[{middle}]"],
        "cifar/4-10pct": vit + share(10),
        "cifar/4-30pct": vit + share(30),
        "resnet-cifar": resnet,
        "resnet-cifar-seed1": resnet + ["--seed", "1"],
        "resnet-cifar-10pct": resnet + share(10),
    }


def members(scale):
    """Give the arguments of every shipped network: the CIFAR-10 family, `cifar-hour`, those for shapes."""
    return cifar_members(scale) | OTHERS
