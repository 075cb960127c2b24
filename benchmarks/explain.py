"""What explaining costs: our maps and measures beside Captum and Xplique, and beside bare forward passes.

    COURSE_DATA=... python -m benchmarks.explain --captum PYTHON --xplique PYTHON

The same images of CIFAR-10 go through `cifar/4`. Each contestant is a process of its own, held to one core,
that stays: it does its work once, so that all is compiled, and then again whenever its turn comes. Processor
seconds count, the median over the turns; ratios are of those. PYTHON is the interpreter of an environment
with the peer in it (explain.md says how to make one); a peer without one is left out.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
NETWORK = "cifar/4"
BATCH = 100  # images at a time where gradients are kept; perturbed images at a time for the peers
REMOVALS = 64

OURS, BARE, CAPTUM, XPLIQUE = "ours", "bare passes", "Captum 0.8.0", "Xplique 2.0.2"
# {work: the contestants, the first of which the others are compared with}
WORKS = {
    "all maps; the peers SmoothGrad alone": (OURS, CAPTUM, XPLIQUE),
    "gradient × input": (OURS, CAPTUM, XPLIQUE),
    "each patch alone": (OURS, CAPTUM),
    "deletion": (OURS, XPLIQUE),
    "removal curve": (OURS, BARE),
}


def our_work(work, images, labels, options):
    """Give the work as a function of nothing."""
    from helpers.analysis.baseline_maps import baseline_maps
    from helpers.analysis.faithfulness import perturbation_hits, saco
    from helpers.analysis.relevance import add_up, class_relevance, legrad
    from helpers.analysis.token_transformation import token_transformation
    from helpers.model.checkpoints import load_checkpoint
    from helpers.model.gradients import image_gradients

    model = load_checkpoint(NETWORK)
    scores = np.random.default_rng(0).random((len(images), REMOVALS))
    one_hot = np.eye(model.config.num_classes, dtype="float32")[labels]

    def gradient_times_input():
        parts = range(0, len(images), BATCH)
        return [
            image_gradients(model, label_logit, images[s : s + BATCH], one_hot[s : s + BATCH])
            * images[s : s + BATCH]
            for s in parts
        ]

    def removals(order="most_first"):
        return perturbation_hits(model, images, labels, scores, order, removed=np.arange(1, REMOVALS + 1))

    def all_maps():
        maps = baseline_maps(model, images, labels)
        maps["relevance"] = add_up(class_relevance(model, images, labels))
        maps["LeGrad"] = legrad(model, images, labels)
        maps["TokenTM"] = token_transformation(model, images)
        return maps

    return {
        "all maps; the peers SmoothGrad alone": all_maps,
        "gradient × input": gradient_times_input,
        "each patch alone": lambda: saco(model, images, labels, scores, num_groups=REMOVALS),
        "deletion": removals,
        "removal curve": removals,
    }[work]


def label_logit(model, images, one_hot):
    from keras import ops

    return ops.sum(ops.multiply(model(images), one_hot))


def bare_work(work, images, labels, options):
    """Run the blocks and the head on as many tokens as each removal leaves, ready-made, and nothing else."""
    import tensorflow as tf

    from helpers.model.checkpoints import load_checkpoint
    from helpers.model.compiled import BATCH_SIZE

    model = load_checkpoint(NETWORK)
    tokens = np.random.default_rng(0).standard_normal(
        (len(images), REMOVALS + 1, model.config.hidden_dim), "float32"
    )
    tokens = tf.constant(tokens)

    @tf.function(input_signature=[tf.TensorSpec([None, None, model.config.hidden_dim])], autograph=False)
    def walk(some):
        for block in model.blocks:
            some = block(some)
        return model.classify(some)

    def passes():
        starts = range(0, len(images), BATCH_SIZE)
        return [
            walk(tokens[start : start + BATCH_SIZE, :left]).numpy()
            for left in range(1, REMOVALS + 1)
            for start in starts
        ]

    return passes


def captum_work(work, images, labels, options):
    """Captum on the same weights, through torch's own operations and no layer of Keras between them."""
    import torch
    from captum.attr import FeatureAblation, InputXGradient, NoiseTunnel, Saliency

    from helpers.model.checkpoints import load_checkpoint
    from helpers.train.torch_forward import TorchForward

    model = load_checkpoint(NETWORK)
    model.trainable = False
    forward = TorchForward(model).run

    def logits(given):
        return forward(given, training=False)

    images, labels = torch.tensor(images), torch.tensor(labels)
    parts = [(images[s : s + BATCH], labels[s : s + BATCH]) for s in range(0, len(images), BATCH)]
    patches = torch.arange(REMOVALS).reshape(8, 8).repeat_interleave(4, 0).repeat_interleave(4, 1)[..., None]

    def input_x_gradient():
        explainer = InputXGradient(logits)
        return [explainer.attribute(x.clone().requires_grad_(), target=y) for x, y in parts]

    def smooth_grad():
        explainer = NoiseTunnel(Saliency(logits))
        settings = dict(nt_type="smoothgrad", nt_samples=options.samples, nt_samples_batch_size=1, stdevs=0.1)
        return [
            explainer.attribute(x.clone().requires_grad_(), target=y, abs=False, **settings) for x, y in parts
        ]

    def ablation():
        explainer = FeatureAblation(logits)
        with torch.no_grad():
            return [explainer.attribute(x, target=y, feature_mask=patches, baselines=0.5) for x, y in parts]

    return {
        "gradient × input": input_x_gradient,
        "all maps; the peers SmoothGrad alone": smooth_grad,
        "each patch alone": ablation,
    }[work]


def xplique_work(work, images, labels, options):
    """Xplique on the same network, as the functional model that it asks for."""
    import keras
    from xplique.attributions import GradientInput, SmoothGrad
    from xplique.metrics import Deletion

    from helpers.model.checkpoints import load_checkpoint

    network = load_checkpoint(NETWORK)
    given = keras.Input(images.shape[1:])
    # SmoothGrad's noise leaves [0, 1], which the network refuses.
    model = keras.Model(given, network(keras.ops.clip(given, 0, 1)))
    targets = np.eye(network.config.num_classes, dtype="float32")[labels]
    scores = np.random.default_rng(0).random((len(images), 8, 8)).repeat(4, axis=1).repeat(4, axis=2)
    if work == "deletion":
        metric = Deletion(model, images, targets, batch_size=BATCH, baseline_mode=0.5, steps=REMOVALS)
        return lambda: metric(scores.astype("float32"))
    explainer = (
        GradientInput(model, batch_size=BATCH)
        if work == "gradient × input"
        else SmoothGrad(model, batch_size=BATCH, nb_samples=options.samples, noise=0.1)
    )
    return lambda: explainer(images, targets)


MAKERS = {OURS: our_work, BARE: bare_work, CAPTUM: captum_work, XPLIQUE: xplique_work}


def child(contestant, work, options):
    """Work once, then once for each line that comes in, and answer with the processor seconds."""
    from helpers.data.cifar10 import load_cifar10

    data = load_cifar10()
    images = data.x_test[: options.images].astype("float32") / 255
    labels = data.y_test[: options.images].astype("int64")
    function = MAKERS[contestant](work, images, labels, options)
    print("ready", flush=True)
    for _ in sys.stdin:
        began = time.process_time()
        function()
        print("took", time.process_time() - began, flush=True)


def start(contestant, work, python, options):
    """Start a contestant on one core, and let it get ready."""
    environment = os.environ | {
        "KERAS_BACKEND": "torch" if contestant == CAPTUM else "tensorflow",
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    settings = ["--images", str(options.images), "--samples", str(options.samples)]
    process = subprocess.Popen(
        [python, "-m", "benchmarks.explain", "--child", contestant, work, *settings],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if options.verbose else subprocess.DEVNULL,
        text=True,
        preexec_fn=hold_to_one_core,
    )
    answer(process, "ready", contestant)
    return process


def hold_to_one_core():
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def answer(process, word, contestant):
    for line in process.stdout:
        if line.startswith(word):
            return line.split()[1:]
    raise SystemExit(f"{contestant} ended before its answer; --verbose shows why.")


def measure(work, pythons, options):
    """Let the contestants of a work take turns: {contestant: (first run, [seconds of the turns])}."""
    taking_part = [each for each in WORKS[work] if pythons[each]]
    processes = {each: start(each, work, pythons[each], options) for each in taking_part}
    times = {each: [] for each in taking_part}
    for _ in range(options.turns + 1):
        for each, process in processes.items():
            process.stdin.write("go\n")
            process.stdin.flush()
            times[each].append(float(answer(process, "took", each)[0]))
    for process in processes.values():
        process.stdin.close()
        process.wait()
    return {each: (seconds[0], seconds[1:]) for each, seconds in times.items()}


def ratio(ours, others):
    """Divide turn by turn, and take the median: a busy machine troubles both of a turn."""
    return statistics.median(one / other for one, other in zip(ours, others))


def rows(work, measured):
    """Make the lines of the table: a work's contestants, and the first one's time as a share of theirs."""
    first = next(iter(measured))
    for contestant, (cold, seconds) in measured.items():
        share = "" if contestant == first else f"{ratio(measured[first][1], seconds):.2f}"
        yield f"| {work} | {contestant} | {cold:.1f} | {statistics.median(seconds):.2f} | {share} |"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--captum", help="the Python of an environment with Captum")
    parser.add_argument("--xplique", help="the Python of an environment with Xplique")
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--samples", type=int, default=50, help="noisy copies of an image for SmoothGrad")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--works", default=",".join(WORKS))
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--child", nargs=2, metavar=("CONTESTANT", "WORK"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        return child(*options.child, options)
    pythons = {OURS: sys.executable, BARE: sys.executable, CAPTUM: options.captum, XPLIQUE: options.xplique}
    print(f"{options.images} images, {NETWORK}, one core of {platform.machine()}, {options.turns} turns\n")
    print("| work | who | first run, s | then, s | first one's share |\n|---|---|---:|---:|---:|", flush=True)
    for work in options.works.split(","):
        for line in rows(work, measure(work, pythons, options)):
            print(line, flush=True)
    return None


if __name__ == "__main__":
    main()
