"""Measure what a network learns from few and from many images, at the same number of steps.

    python -m helpers.train.data_sizes --out data/reference/data_sizes.json

This measured the last figure of lesson 05. It takes a quarter of an hour to two hours on a CPU.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SIZES = (100, 500, 2_000, 8_000)
NETWORKS = {"shapes/4": {"recipe": "shapes"}, "resnet8": {"recipe": "resnet"}}


def accuracy_by_size(variant, dataset, size, recipe, *, seed=0, report=None):
    """Train one network from scratch on the first `size` images of a data set, and score it.

    They are repeated until a pass is as long as with all of them, so that every run makes the same number of
    steps: what differs is how many different images it sees.

    Args:
        variant: str, "shapes/4" or "resnet8".
        dataset: Dataset; its training images say how long a pass is, its test images score every run.
        size: int, different training images.
        recipe: Recipe.
    Returns:
        float, test accuracy in [0, 1] after the last pass.
    Raises:
        ValueError: if there are fewer images than `size`.
    """
    import keras

    from helpers.data import Dataset
    from helpers.model.checkpoints import build_model
    from helpers.train.__main__ import configuration
    from helpers.train.fit import train

    if not 1 <= size <= len(dataset.x_train):
        raise ValueError(
            f"size must lie between 1 and {len(dataset.x_train)}, the images there are; received {size}."
        )
    repeated = np.arange(len(dataset.x_train)) % size
    few = Dataset(
        dataset.x_train[repeated],
        dataset.y_train[repeated],
        dataset.x_test,
        dataset.y_test,
        dataset.class_names,
    )
    keras.utils.set_random_seed(seed)
    model = build_model(*configuration(variant, recipe, dataset.num_classes))
    return train(model, few, recipe, seed=seed, report=report).test_accuracy


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m helpers.train.data_sizes", description=__doc__)
    parser.add_argument("--out", required=True, help="the file to write")
    parser.add_argument("--epochs", type=int, default=12, help="passes of 8,000 images, whatever the size")
    parser.add_argument("--batch-size", type=int, default=64)
    options = parser.parse_args(arguments)
    Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    import keras

    from helpers.data import make_shapes
    from helpers.model.checkpoints import write_whole
    from helpers.train.hardware import choose_precision, describe_hardware
    from helpers.train.recipe import find_recipe

    keras.config.set_dtype_policy(choose_precision())
    dataset = make_shapes(max(SIZES) + 2_000, test_fraction=2_000 / (max(SIZES) + 2_000))
    table = {
        "sizes": list(SIZES),
        "test_accuracy": {name: [] for name in NETWORKS},
        "data": dataset.source,
        "num_test_images": len(dataset.x_test),
        "steps": options.epochs * (max(SIZES) // options.batch_size),
        "batch_size": options.batch_size,
        "seed": 0,
        "hardware": describe_hardware(),
        "backend": f"{keras.backend.backend()}, {keras.config.dtype_policy().name}",
        "date": time.strftime("%Y-%m-%d"),
        "command": f"KERAS_BACKEND={keras.backend.backend()} python -m helpers.train.data_sizes "
        "--out data/reference/data_sizes.json",
    }
    for size in SIZES:
        for name, choices in NETWORKS.items():
            recipe = find_recipe(choices["recipe"], epochs=options.epochs, batch_size=options.batch_size)
            found = accuracy_by_size(name, dataset, size, recipe)
            table["test_accuracy"][name].append(round(found, 4))
            print(f"{name}, {size:,} images: {found:.2%}", flush=True)
            write_whole(Path(options.out), (json.dumps(table, indent=2) + "\n").encode("utf-8"))


if __name__ == "__main__":
    main()
