"""Scoring a network on the processor, beside an older build: processor time, and its ratio.

    COURSE_DATA=... python benchmarks/scoring.py --before REVISION

Each build scores the same images with the shipped network, `predict_logits`, in a process of its own that
has one backend; the two take turns. What is compiled is compiled within the measured time, as in a run that
scores once. The logits of the two builds are compared as well.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from older_build import ROOT, older_build

CHILD = """
import json, sys, time
import keras
import numpy as np
from helpers.data.cifar10 import load_cifar10
from helpers.model.checkpoints import load_checkpoint
from helpers.train.fit import predict_logits

name, count, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
keras.config.set_dtype_policy(sys.argv[4])
images, network = load_cifar10().x_test[:count], load_checkpoint(name)
began = time.process_time()
logits = predict_logits(network, images)
seconds = time.process_time() - began
np.save(out, logits)
print(json.dumps(seconds))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--before", required=True, help="a revision of this repository")
    parser.add_argument("--network", default="cifar/4")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--backends", default="jax,tensorflow")
    parser.add_argument("--precision", default="float32", help="mixed_bfloat16 is what training takes")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with older_build(options.before) as old, tempfile.TemporaryDirectory() as folder:
        for backend in options.backends.split(","):
            compare(backend, old, Path(folder), options)


def compare(backend, old, folder, options):
    """Let both builds score in turns on one backend, and print a line."""
    seconds, files = {"before": [], "now": []}, {name: folder / f"{name}.npy" for name in ("before", "now")}
    for _ in range(options.rounds):
        for name, root in (("before", old), ("now", ROOT)):
            environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": str(root)}
            command = [sys.executable, "-c", CHILD, options.network, str(options.images), str(files[name])]
            command.append(options.precision)
            child = subprocess.run(
                command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True, check=True
            )
            seconds[name].append(json.loads(child.stdout.strip().splitlines()[-1]))
    before, now = (statistics.median(seconds[name]) for name in ("before", "now"))
    apart = np.abs(np.load(files["before"]) - np.load(files["now"])).max()
    print(
        f"{backend:11} before {before:7.1f} s, now {now:6.1f} s of processor time, "
        f"{before / now:.1f} times as fast; logits differ by {apart:.0e} at most",
        flush=True,
    )


if __name__ == "__main__":
    main()
