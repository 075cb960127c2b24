"""Train from the command line.

python -m helpers.train --data cifar10 --model cifar/4 --epochs 300 --out runs/cifar-4
python -m helpers.train family --scale cpu --yes      every shipped network for CIFAR-10, one after the other
"""

import argparse
import dataclasses
import json
import os
import sys
import time
from pathlib import Path

from helpers.keras_settings import in_words, put_right
from helpers.model.manifest import file_name_for
from helpers.train.hardware import thread_settings
from helpers.train.refusals import in_a_sentence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(arguments=None):
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["family"]:
        from helpers.train import family

        return family.main(arguments[1:])
    options = parse(arguments)
    if options.threads:
        os.environ |= thread_settings(options.threads)
    import keras

    from helpers.train import shipping

    if changed := in_words(put_right(keras)):
        print(changed)
    if options.verify:
        return shipping.verify(options.checkpoints)
    if options.score:
        return shipping.score(options.checkpoints)
    if options.ship:
        shipping.ship(options.ship, options.checkpoints)
        return 0
    return run(options, arguments)


def run(options, arguments):
    """Train as the options say; returns the exit status, 130 where Ctrl-C ended it."""
    import keras

    from helpers.data import load_images
    from helpers.model.checkpoints import build_model
    from helpers.train.devices import data_parallel
    from helpers.train.fit import train
    from helpers.train.hardware import choose_precision, describe_hardware
    from helpers.train.pace import Pace
    from helpers.train.shipping import keep_checkpoint

    dataset = load_dataset(options, load_images)
    recipe = choose_recipe(options)
    keras.utils.set_random_seed(options.seed)
    keras.config.set_dtype_policy(choose_precision(options.precision))
    kind, config = configuration(
        options.model, recipe, len(dataset.class_names), dict(assignment(text) for text in options.set_model)
    )
    if options.probe:
        from helpers.train.probe import probe

        model = build_model(kind, config)
        print(
            json.dumps(
                probe(model, dataset, recipe, seconds=options.probe, steps_per_call=options.steps_per_call)
            )
        )
        return 0
    shown = recipe.images_per_pass or len(dataset.x_train)
    if notice := Pace(shown // recipe.batch_size, options.steps_per_call).notice():
        print(notice)
    reporter = Reporter(recipe, shown)
    name = options.name or options.model
    known = dict(
        arguments=arguments,
        folder=Path(options.out) / "checkpoint",
        seed=options.seed,
        hardware=options.hardware or describe_hardware(options.threads),
    )

    def keep_snapshot(history):
        if len(history) in options.snapshots:
            keep_checkpoint(model, f"{name}@{len(history)}", dataset, recipe, history, **known)

    with data_parallel(options.devices, recipe.batch_size):
        model = build_model(kind, config)
        print(
            f"{options.model}: {model.count_params():,} parameters; {len(dataset.x_train):,} images of "
            f"{dataset.source}; recipe {recipe.name}, {recipe.epochs} passes; {keras.backend.backend()}, "
            f"{keras.config.dtype_policy().name}."
        )
        outcome = train(
            model,
            dataset,
            recipe,
            seed=options.seed,
            out=options.out,
            report=reporter,
            stop_after=options.stop_after,
            seconds=None if options.minutes is None else 60 * options.minutes,
            steps_per_call=options.steps_per_call,
            each_pass=keep_snapshot,
        )
    if not outcome.history:
        print("\nStopped before the first pass was over: nothing is kept.")
        return 0 if options.minutes is not None else 130
    row = keep_checkpoint(model, name, dataset, recipe, outcome.history, **known)
    print(
        f"\nTest accuracy {row['test_accuracy']:.2%} over {len(dataset.x_test):,} images of {dataset.source}."
    )
    if outcome.finished:
        return 0
    print(
        f"Stopped after pass {len(outcome.history)} of {recipe.epochs}. The same command goes on from there."
    )
    return 0 if options.stop_after or options.minutes is not None else 130


def parse(arguments):
    parser = argparse.ArgumentParser(prog="python -m helpers.train", description=__doc__)
    add = parser.add_argument
    add("--data", default="cifar10", choices=["cifar10", "shapes"])
    add("--model", default="cifar/4", help='a variant: "cifar/4", "shapes/4", "resnet20"')
    add("--set-model", action="append", default=[], metavar="FIELD=VALUE", help="change a model's field")
    add("--name", help="the checkpoint's name; the model's by default")
    add("--recipe", help="laptop, hour, cpu, gpu, colab, full, shapes, resnet")
    add("--epochs", type=int, help="passes over the training images; the recipe's by default")
    add("--set", action="append", default=[], metavar="FIELD=VALUE", help="change a recipe's field")
    add("--seed", type=int, default=0)
    add("--images", type=int, help="use the first so many training images")
    add("--out", help="folder for state, history and weights; resumes what is there")
    add("--precision", default="auto", choices=["auto", "float32", "mixed_bfloat16", "mixed_float16"])
    add("--stop-after", type=int, help="end after so many passes in all; the next call goes on")
    add("--minutes", type=float, help="end after the pass in which so many minutes are over")
    add(
        "--probe",
        type=float,
        metavar="SECONDS",
        help="keep nothing: compile, train for about so long, and print the speed",
    )
    add(
        "--snapshots",
        default=(),
        type=lambda text: [int(number) for number in text.split(",")],
        help="keep a checkpoint after these passes too: 1,2,5,10",
    )
    add(
        "--devices",
        default=1,
        type=lambda text: text if text == "all" else int(text),
        help='accelerators that share each batch: a number, or "all" (JAX and TensorFlow)',
    )
    add(
        "--steps-per-call",
        type=int,
        help="training steps of one compiled call; by default about a second's worth on an accelerator",
    )
    add("--threads", type=int, help="processor threads to use")
    add("--hardware", help="how the manifest names this machine")
    add("--verify", action="store_true", help="score every shipped checkpoint against its manifest")
    add("--score", action="store_true", help="score them on the CIFAR-10 at hand, and write that down")
    add("--ship", metavar="DIR", help="put the finished run of DIR among the shipped checkpoints")
    add("--checkpoints", help="folder of the shipped checkpoints; data/checkpoints by default")
    options = parser.parse_args(arguments)
    if options.name:
        try:
            file_name_for(options.name, {})  # now, and not when the training is over
        except ValueError as error:
            parser.error(f"--name: {error}")
    if not (options.verify or options.score or options.ship or options.out or options.probe):
        parser.error("--out DIR is needed: the state, the history and the weights go there")
    return options


def choose_recipe(options):
    """Give the recipe that the options name, with what they change of it."""
    from helpers.train.recipe import find_recipe

    changes = {"epochs": options.epochs} if options.epochs else {}
    changes |= dict(assignment(text) for text in options.set)
    return find_recipe(options.recipe or ("shapes" if options.data == "shapes" else "full"), **changes)


def assignment(text):
    """Read FIELD=VALUE: a number, a list, true, false, null, or else the text itself."""
    key, _, value = text.partition("=")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def load_dataset(options, load_images):
    dataset = load_images(options.data)
    if options.data == "cifar10" and "CIFAR-10" not in dataset.source:
        raise SystemExit(
            "CIFAR-10 is not to be had here. Set COURSE_DATA to a folder with cifar10.npz, or --data shapes."
        )
    if options.images:
        changes = {"x_train": dataset.x_train[: options.images], "y_train": dataset.y_train[: options.images]}
        for field in dataclasses.fields(dataset):
            value = getattr(dataset, field.name)
            if field.name not in changes and field.name.endswith("_train") and value is not None:
                changes[field.name] = value[: options.images]
        dataset = dataclasses.replace(dataset, **changes)
    return dataset


def configuration(name, recipe, num_classes, changes=()):
    """Give the kind and the configuration of a variant, with what the recipe and the changes say of it."""
    from helpers.model.resnet import ResNetConfig
    from helpers.model.vit import ViTConfig

    changes = dict(num_classes=num_classes) | dict(changes)
    if name.startswith("resnet"):
        return "ResNet", ResNetConfig.variant(name, **changes)
    changes = dict(stochastic_depth=recipe.stochastic_depth) | changes
    try:
        return "VisionTransformer", ViTConfig.variant(name, **changes)
    except TypeError as error:
        fields = ", ".join(field.name for field in dataclasses.fields(ViTConfig))
        raise ValueError(f"A model's fields are {fields}; received {', '.join(changes)}.") from error


class Reporter:
    """One line a pass, and between them one that is written over, with images/s and the time left."""

    def __init__(self, recipe, num_images, stream=None):
        self.recipe, self.num_images, self.stream = recipe, num_images, stream or sys.stdout
        self.written = 0.0

    def __call__(self, entry):
        if "test_accuracy" in entry:
            left = (self.recipe.epochs - entry["pass"]) * entry["seconds"]
            text = f"\rpass {entry['pass']:3d}/{self.recipe.epochs}  loss {entry['loss']:.3f}"
            text += f"  test {entry['test_accuracy']:.2%}  {entry['images_per_second']:,.0f} images/s"
            print(f"{text}  {left / 60:.0f} min left".ljust(79), file=self.stream, flush=True)
        elif self.stream.isatty() and time.perf_counter() - self.written > 0.5:
            self.written = time.perf_counter()
            rate = entry["images"] / entry["seconds"]
            left = (self.num_images - entry["images"]) / rate
            text = f"\rpass {entry['pass']:3d}  {entry['images']:,} images  {rate:,.0f} images/s"
            text += f"  {left:.0f} s left"
            print(text.ljust(79), end="", file=self.stream, flush=True)


if __name__ == "__main__":
    sys.exit(in_a_sentence(main))
