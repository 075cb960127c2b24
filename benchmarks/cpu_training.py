"""A training step on one core beside an older build: one command, ratios, and what each change brings.

    KERAS_BACKEND=torch python benchmarks/cpu_training.py --before REVISION --turns 20

The step is that of the checkpoint `cifar-hour`: six blocks of 128, the recipe "hour" (Muon, crop and flip,
one RandAugment change, MixUp and CutMix), batches of 128, on images of noise. Each case has a process of its
own, with one thread, and they take turns, so that a busy machine troubles all alike. What counts is the
processor time of the process; a ratio is the median, over the turns, of the two times in one turn. On torch
each change that was made for a processor is also switched off by itself: how much slower the step then is, is
what it brings. `--before` names the revision to compare with; it is checked out beside this one, and removed
afterwards.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

from older_build import ROOT, older_build

BEFORE, OURS = "before", "ours"
WARM_UP = 3


def main():
    options = read_options()
    if options.case:
        serve(options)
        return
    with older_build(options.before) as old:
        print_table(options, take_turns(options, old))


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--before", required=True, help="the revision of this repository to compare with")
    parser.add_argument("--batch", type=int, default=128, help="images a step")
    parser.add_argument("--steps", type=int, default=2, help="steps a turn")
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--precision", default="mixed_bfloat16", help="a Keras dtype policy")
    parser.add_argument("--no-parts", action="store_true", help="leave out what each change brings")
    parser.add_argument("--case", help=argparse.SUPPRESS)  # what a child measures
    parser.add_argument("--root", help=argparse.SUPPRESS)  # and the checkout that it measures
    return parser.parse_args()


def without_forward():
    from helpers.train import training_model

    training_model.forward_pass = lambda model: model


def without_foreach():
    from helpers.train import optimizer

    optimizer.with_foreach = lambda steps: steps


def without_own_images():
    from helpers.data import augment

    augment.runs_at_once = lambda images: False


def without_stacks():
    import keras

    from helpers.train import optimizer

    without_foreach()
    optimizer.StackedMuon = keras.optimizers.Muon


def without_uniform():
    import keras

    from helpers.data import augment

    augment.draw_share = lambda batch, alpha, seed: keras.random.beta((batch,), alpha, alpha, seed=seed)


PARTS = {
    "the forward pass without Keras' layers": without_forward,
    "an optimizer's step for all weights at once": without_foreach,
    "… and without Muon's stacks": without_stacks,
    "each random change for its own images": without_own_images,
    "Beta(1, 1) drawn as uniform": without_uniform,
}


def take_turns(options, old):
    """Start a process a case, then let each take its steps, turn after turn.

    Returns:
        {case: processor seconds of a step, one number a turn}.
    """
    cases = [BEFORE, OURS]
    if os.environ.get("KERAS_BACKEND") == "torch" and not options.no_parts:
        cases += PARTS
    children, times = {}, {}
    for case in cases:
        command = [sys.executable, __file__, *sys.argv[1:], "--case", case]
        command += ["--root", str(old if case == BEFORE else ROOT)]
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        children[case] = subprocess.Popen(command, **pipes)
        if not children[case].stdout.readline():  # it is warm
            raise SystemExit(f"{case}: failed; its error stands above.")
        times[case] = []
    for _ in range(options.turns):
        for case, child in children.items():
            print("go", file=child.stdin, flush=True)
            times[case].append(float(child.stdout.readline()))
    for child in children.values():
        child.communicate()
    return times


def serve(options):
    """Build one case, say when it is warm, then take steps for each line that comes and tell their time."""
    sys.path[0] = options.root
    from helpers.train.hardware import thread_settings

    os.environ |= thread_settings(1) | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    if os.environ.get("KERAS_BACKEND") == "torch":
        import torch

        torch.set_num_threads(1)
    import keras

    keras.config.set_dtype_policy(options.precision)
    if options.case in PARTS:
        PARTS[options.case]()
    step = make_step(options.batch)
    for _ in range(WARM_UP):
        step()
    print(json.dumps("warm"), flush=True)
    for _ in sys.stdin:
        began = time.process_time()
        for _ in range(options.steps):
            step()
        print((time.process_time() - began) / options.steps, flush=True)


def make_step(batch):
    import dataclasses

    import keras
    import numpy as np

    from helpers.data import Dataset
    from helpers.model.vit import VisionTransformer, ViTConfig
    from helpers.train.fit import TrainingModel, make_optimizer
    from helpers.train.recipe import find_recipe

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (batch, 32, 32, 3), "uint8"), rng.integers(0, 10, batch)
    dataset = Dataset(images, labels, images[:2], labels[:2], [str(number) for number in range(10)])
    recipe = find_recipe("hour", batch_size=batch)
    config = dataclasses.replace(ViTConfig.variant("cifar-small/4"), depth=6, pooling="mean")
    training = TrainingModel(VisionTransformer(config), dataset, recipe, seed=0)
    training.compile(optimizer=make_optimizer(recipe, 390), loss=None)
    training.optimizer.build(training.trainable_variables)
    training.mix_probability.assign(recipe.mix_probability)
    indices = np.arange(batch, dtype="int32")
    return lambda: training.train_on_batch(indices)


def print_table(options, times):
    """Print the speed of each case, how ours compares with the older build, and what each change brings."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    print(f"\ncifar-hour, {backend}, {options.precision}, batches of {options.batch}, one thread, ", end="")
    print(f"{options.turns} turns of {options.steps} steps, ", end="")
    print(f"before: {options.before}, {time.strftime('%Y-%m-%d')}\n")
    print("| | ms a step | images/s | |\n|---|---:|---:|---|")
    for case, seconds in times.items():
        middle = statistics.median(seconds)
        name = case if case in (BEFORE, OURS) else f"without: {case}"
        said = ""
        if case == OURS:
            said = f"**{ratio(times[BEFORE], seconds):.2f} times** as fast as before"
        elif case != BEFORE:
            said = f"{ratio(seconds, times[OURS]):.2f} times as long as ours"
        print(f"| {name} | {1e3 * middle:.0f} | {options.batch / middle:.0f} | {said} |")


def ratio(slower, faster):
    """Give the median, over the turns, of how many times as long one took as the other."""
    return statistics.median(a / b for a, b in zip(slower, faster, strict=True))


if __name__ == "__main__":
    main()
