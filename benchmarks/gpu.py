"""A whole training run on one GPU beside an older build, the bare step and timm: one command, ratios.

    python benchmarks/gpu.py --data DIR --before REVISION

Needs JAX with CUDA, and for the last two rows torch and timm. Every case has a process of its own, one after
the other, since two trainings at once on one GPU are slower than one; the cases take turns, `--rounds` times,
and a ratio is the median over the rounds. A whole run counts from the end of its first pass, which compiles,
to the end of the last: every score and every saved state is in it. `--before` names the revision of this
repository to compare with; without it the row is left out. On a machine without a GPU the command runs too,
with --passes 2 --images 2048 --seconds 2, and says what it ran on.
"""

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from older_build import ROOT, older_build

BEFORE, OURS = "whole run, before", "whole run, ours"
STEP, PLAIN = "bare step, ours", "bare step, ours, without augmentation"
EAGER, COMPILED = "timm, eager", "timm, torch.compile"


def main():
    options = read_options()
    if options.case:
        print(json.dumps(CASES[options.case](options)))
        return
    results = {name: [] for name in CASES if name != BEFORE or options.before}
    with older_build(options.before) if options.before else contextlib.nullcontext() as old:
        for _ in range(options.rounds):
            for name, found in results.items():
                found.append(run_case(name, old if name == BEFORE else ROOT, options))
    print_table(options, results)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", help="the folder with cifar10.npz; COURSE_DATA by default")
    parser.add_argument("--before", help="a revision of this repository")
    parser.add_argument("--model", default="cifar-small/4")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--passes", type=int, default=12, help="of a whole run")
    parser.add_argument("--images", type=int, default=50_000, help="training images a pass")
    parser.add_argument("--seconds", type=float, default=10, help="of a bare step")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.data:
        os.environ["COURSE_DATA"] = str(Path(options.data).resolve())
    return options


def run_case(name, root, options):
    """Measure one case in a process of its own; returns images a second, or None where it failed."""
    if name in (BEFORE, OURS):
        return whole_run(root, options)
    command = [sys.executable, __file__, *sys.argv[1:], "--case", name]
    child = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    if child.returncode:
        print(f"{name}: failed; its error stands above.")
        return None
    return json.loads(child.stdout.strip().splitlines()[-1])


def whole_run(root, options):
    """Train as a user does, and read the time at which each pass is reported."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "helpers.train", "--data", "cifar10", "--model", options.model]
        command += ["--recipe", "hour", "--epochs", str(options.passes), "--out", out]
        command += ["--set", f"batch_size={options.batch}", "--set", "learning_rate=0.003"]
        command += ["--images", str(options.images)]
        environment = {"KERAS_BACKEND": "jax", "PYTHONUNBUFFERED": "1"} | os.environ
        child = subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True)
        ends = [time.perf_counter() for line in child.stdout if re.search(r"pass +\d+/\d+ ", line)]
        if child.wait() or len(ends) != options.passes:
            print(f"The run in {root.name} ended with {child.returncode} after {len(ends)} passes.")
            return None
    shown = options.images // options.batch * options.batch
    return (options.passes - 1) * shown / (ends[-1] - ends[0])


def bare_step(options, **changes):
    """Give images a second of the jitted training step alone, called again and again on the device's data."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import jax
    import keras
    import numpy as np

    from helpers.data import load_images
    from helpers.model.vit import VisionTransformer, ViTConfig
    from helpers.train.hardware import choose_precision
    from helpers.train.optimizer import make_optimizer
    from helpers.train.recipe import find_recipe
    from helpers.train.training_model import TrainingModel

    keras.config.set_dtype_policy(choose_precision())
    recipe = find_recipe("hour", batch_size=options.batch, learning_rate=3e-3, **changes)
    training = TrainingModel(
        VisionTransformer(ViTConfig.variant(options.model)), load_images("cifar10"), recipe, 0
    )
    training.compile(optimizer=make_optimizer(recipe, 100), loss=None)
    indices = np.random.default_rng(0).permutation(options.images)[: options.batch].astype("int32")
    training.train_on_batch(indices)  # makes what is still missing
    parts = (training.trainable_variables, training.non_trainable_variables)
    parts += (training.optimizer.variables, training.metrics_variables)
    state = tuple([variable.value for variable in part] for part in parts)
    step = jax.jit(training.train_step, donate_argnums=0)
    indices = jax.numpy.asarray(indices)
    for _ in range(3):
        logs, state = step(state, (indices,))
    jax.block_until_ready(logs)
    steps, began = 0, time.perf_counter()
    while time.perf_counter() - began < options.seconds:
        for _ in range(10):
            logs, state = step(state, (indices,))
        jax.block_until_ready(logs)
        steps += 10
    return steps * options.batch / (time.perf_counter() - began)


def step_without_augmentation(options):
    nothing = dict(crop_padding=0, flip=False, rand_augment_operations=0, mix_probability=0.0)
    return bare_step(options, **nothing)


def timm_step(options, compile_it=False):
    """Give images a second of timm's network of the same sizes, bfloat16, fused AdamW, no augmentation."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("KERAS_BACKEND", "torch")  # for the table of sizes alone
    import timm
    import torch

    from helpers.model.vit import ViTConfig

    device = "cuda" if torch.cuda.is_available() else "cpu"
    config = ViTConfig.variant(options.model)
    model = timm.models.VisionTransformer(
        img_size=config.image_size,
        patch_size=config.patch_size,
        embed_dim=config.hidden_dim,
        depth=config.depth,
        num_heads=config.num_heads,
        mlp_ratio=config.mlp_dim / config.hidden_dim,
        num_classes=config.num_classes,
    ).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.05, fused=True)
    images = torch.rand(options.batch, config.channels, config.image_size, config.image_size, device=device)
    labels = torch.randint(config.num_classes, (options.batch,), device=device)
    forward = torch.compile(model) if compile_it else model

    def step():
        with torch.autocast(device, torch.bfloat16):
            loss = torch.nn.functional.cross_entropy(forward(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def wait():
        if device == "cuda":
            torch.cuda.synchronize()

    for _ in range(3):
        step()
    wait()
    steps, began = 0, time.perf_counter()
    while time.perf_counter() - began < options.seconds:
        for _ in range(10 if device == "cuda" else 1):
            step()
            steps += 1
        wait()
    return steps * options.batch / (time.perf_counter() - began)


CASES = {
    BEFORE: None,
    OURS: None,
    STEP: bare_step,
    PLAIN: step_without_augmentation,
    EAGER: timm_step,
    COMPILED: lambda options: timm_step(options, compile_it=True),
}


def print_table(options, results):
    """Print the speed of each case, the ratios, and the share of a step that augmentation takes."""
    found = {name: [rate for rate in rates if rate] for name, rates in results.items()}
    print(f"\n{options.model}, batches of {options.batch}, {describe()}, {time.strftime('%Y-%m-%d')}")
    print(f"median of {options.rounds} rounds; {options.passes} passes of {options.images:,} images\n")
    print("| case | images/s |\n|---|---:|")
    for name, rates in found.items():
        print(f"| {name} | {f'{statistics.median(rates):,.0f}' if rates else 'not measured'} |")
    print("\n| ratio | found | wanted |\n|---|---:|---:|")
    for first, second, least in ((OURS, BEFORE, "4"), (OURS, COMPILED, "2.5"), (OURS, STEP, "0.85")):
        text = f"{ratio(found[first], found[second]):.2f}" if found.get(first) and found.get(second) else ""
        print(f"| {first} over {second} | {text or 'not measured'} | at least {least} |")
    if found[STEP] and found[PLAIN]:
        share = 1 - ratio(found[STEP], found[PLAIN])
        print(f"| augmentation, of a step | {share:.1%} | at most 5 % |")


def ratio(first, second):
    """Give the median over the rounds of one speed over another."""
    return statistics.median(a / b for a, b in zip(first, second))


def describe():
    """Name the device in a process of its own, so that none is held while the cases run."""
    code = "from helpers.train.hardware import describe_hardware; print(describe_hardware())"
    environment = {"KERAS_BACKEND": "jax"} | os.environ
    child = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    return child.stdout.strip()


if __name__ == "__main__":
    main()
