"""Train from the command line.

python -m helpers.train --data cifar10 --model cifar/4 --epochs 300 --out runs/cifar-4
"""

import argparse
import dataclasses
import json
import os
import platform
import shlex
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(arguments=None):
    options = parse(arguments)
    if options.threads:
        for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
            os.environ[name] = str(options.threads)
    import keras

    from helpers.data import load_images
    from helpers.model.checkpoints import build_model, load_checkpoint, load_manifest, save_checkpoint
    from helpers.train.devices import data_parallel
    from helpers.train.fit import accuracy, train
    from helpers.train.recipe import find_recipe

    if options.verify:
        return verify(load_manifest(options.checkpoints), options)
    if options.ship:
        for name, row in load_manifest(Path(options.ship) / "checkpoint").items():
            save_checkpoint(
                load_checkpoint(name, Path(options.ship) / "checkpoint"), name, row, options.checkpoints
            )
            print(f"{name} is shipped: {row['test_accuracy']:.2%} on {row['data']}.")
        return 0
    dataset = load_dataset(options, load_images)
    changes = {"epochs": options.epochs} if options.epochs else {}
    for assignment in options.set:
        key, _, value = assignment.partition("=")
        changes[key] = json.loads(value) if value[:1] in '0123456789-.tfn[{"' else value
    recipe = find_recipe(options.recipe or ("shapes" if options.data == "shapes" else "full"), **changes)
    keras.utils.set_random_seed(options.seed)
    keras.config.set_dtype_policy(choose_precision(options.precision))
    kind, config = configuration(options.model, recipe, len(dataset.class_names))
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
            report=Reporter(recipe, len(dataset.x_train)),
            stop_after=options.stop_after,
        )
    if not outcome.history:
        print("\nStopped before the first pass was over: nothing is kept.")
        return 130
    row = {
        "recipe": dataclasses.asdict(recipe),
        "data": dataset.source,
        "num_training_images": len(dataset.x_train),
        "passes": len(outcome.history),
        "finished": outcome.finished,  # False: stopped before the last pass, its learning rate not yet at 0
        "seed": options.seed,
        "num_test_images": len(dataset.x_test),
        "hardware": options.hardware or describe_hardware(),
        "backend": f"{keras.backend.backend()}, {keras.config.dtype_policy().name}, "
        f"Keras {keras.__version__}",
        "seconds": round(sum(entry["seconds"] for entry in outcome.history)),
        "date": time.strftime("%Y-%m-%d"),
        "command": f"KERAS_BACKEND={keras.backend.backend()} python -m helpers.train "
        + shlex.join(a for a in (arguments or sys.argv[1:])),
        "history": outcome.history,
    }
    keras.config.set_dtype_policy("float32")  # score what is shipped, not what was trained
    shipped = build_model(kind, config)
    for variable, value in zip(shipped.weights, model.weights, strict=True):
        variable.assign(keras.ops.cast(keras.ops.cast(value, "float16"), "float32"))
    row["test_accuracy"] = round(accuracy(shipped, dataset.x_test, dataset.y_test), 4)
    save_checkpoint(shipped, options.name or options.model, row, folder=Path(options.out) / "checkpoint")
    test_images = f"{len(dataset.x_test):,} images of {dataset.source}"
    print(f"\nTest accuracy {row['test_accuracy']:.2%} over {test_images}.")
    if outcome.finished:
        return 0
    print(
        f"Stopped after pass {len(outcome.history)} of {recipe.epochs}. The same command goes on from there."
    )
    return 0 if options.stop_after else 130


def parse(arguments):
    parser = argparse.ArgumentParser(prog="python -m helpers.train", description=__doc__)
    parser.add_argument("--data", default="cifar10", choices=["cifar10", "shapes"])
    parser.add_argument("--model", default="cifar/4", help='a variant: "cifar/4", "shapes/4", "resnet20"')
    parser.add_argument("--name", help="the checkpoint's name; the model's by default")
    parser.add_argument("--recipe", help="laptop, cpu, colab, full, shapes, resnet")
    parser.add_argument("--epochs", type=int, help="passes over the training images; the recipe's by default")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="change a recipe's field"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, help="use the first so many training images")
    parser.add_argument("--out", help="folder for state, history and weights; resumes what is there")
    parser.add_argument(
        "--precision", default="auto", choices=["auto", "float32", "mixed_bfloat16", "mixed_float16"]
    )
    parser.add_argument(
        "--stop-after", type=int, help="end after so many passes in all; the next call goes on"
    )
    parser.add_argument(
        "--devices",
        default=1,
        type=lambda text: text if text == "all" else int(text),
        help='accelerators that share each batch: a number, or "all" (JAX and TensorFlow)',
    )
    parser.add_argument("--threads", type=int, help="processor threads to use")
    parser.add_argument("--hardware", help="how the manifest names this machine")
    parser.add_argument(
        "--verify", action="store_true", help="score every shipped checkpoint against its manifest"
    )
    parser.add_argument(
        "--ship", metavar="DIR", help="put the finished run of DIR among the shipped checkpoints"
    )
    parser.add_argument(
        "--checkpoints", help="folder of the shipped checkpoints; data/checkpoints by default"
    )
    options = parser.parse_args(arguments)
    if not (options.verify or options.ship or options.out):
        parser.error("--out DIR is needed: the state, the history and the weights go there")
    return options


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


def configuration(name, recipe, num_classes):
    """Give the kind and the configuration of a variant, with what the recipe says of it."""
    from helpers.model.resnet import ResNetConfig
    from helpers.model.vit import ViTConfig

    if name.startswith("resnet"):
        return "ResNet", ResNetConfig.variant(name, num_classes=num_classes)
    return "VisionTransformer", ViTConfig.variant(
        name, num_classes=num_classes, stochastic_depth=recipe.stochastic_depth
    )


def choose_precision(wanted="auto"):
    """Choose what the hardware is good at: float16 on a T4, bfloat16 on newer GPUs and CPUs that have it."""
    if wanted != "auto":
        return wanted
    import keras

    if keras.backend.backend() == "jax":
        import jax

        device = jax.devices()[0]
        if device.platform == "gpu":
            return (
                "mixed_float16"
                if any(old in device.device_kind for old in ("T4", "V100", "P100"))
                else "mixed_bfloat16"
            )
        return "mixed_bfloat16" if device.platform == "tpu" else "float32"
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if gpus := tf.config.list_physical_devices("GPU"):
            capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (7, 0))
            return "mixed_bfloat16" if capability >= (8, 0) else "mixed_float16"
        return "mixed_bfloat16" if cpu_flags() & {"amx_bf16", "avx512_bf16"} else "float32"
    import torch

    if torch.cuda.is_available():
        return "mixed_bfloat16" if torch.cuda.get_device_capability() >= (8, 0) else "mixed_float16"
    return "mixed_bfloat16" if cpu_flags() & {"amx_bf16", "avx512_bf16"} else "float32"


def cpu_flags():
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return set()
    return set(next((line for line in text.splitlines() if line.startswith("flags")), "").split())


def describe_hardware():
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        name = next(
            line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")
        )
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{os.cpu_count()} cores, {name}"


def verify(manifest, options):
    """Score every shipped checkpoint on all its test images; the exit status says whether all agree."""
    from helpers.data import load_images
    from helpers.model.checkpoints import load_checkpoint
    from helpers.train.fit import accuracy

    datasets, worst = {}, 0
    for name, row in manifest.items():
        data = "cifar10" if "CIFAR-10" in row["data"] else "shapes"
        datasets.setdefault(data, load_images(data))
        dataset = datasets[data]
        if data == "cifar10" and dataset.source != row["data"]:
            print(f"{name}: not verified: needs {row['data']}, received {dataset.source}.")
            continue
        found = accuracy(load_checkpoint(name, options.checkpoints), dataset.x_test, dataset.y_test)
        agrees = abs(found - row["test_accuracy"]) <= 0.002
        worst |= not agrees
        print(
            f"{name}: manifest {row['test_accuracy']:.2%}, measured {found:.2%}: "
            f"{'agrees' if agrees else 'DIFFERS'}"
        )
    return int(worst)


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
    sys.exit(main())
