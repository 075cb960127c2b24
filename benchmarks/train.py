"""Training speed beside the public ways to write the same network: one command, one table of ratios.

    python benchmarks/train.py --model cifar-small/4 --batch 128 --rounds 3

Every case runs in a process of its own, and the cases take turns, round after round, so that a busy machine
troubles all of them alike; each number is the median of its rounds. Ours is the whole step of
`python -m helpers.train` (crop and flip for each image, label smoothing, clipped gradients, averaged weights,
data on the device). The others get their images ready-made and only take AdamW's step: that favours them.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NETWORKS = {
    "ours": ("tensorflow", "torch", "jax"),
    "Keras layers": ("tensorflow", "torch", "jax"),
    "keras-hub ViTBackbone": ("tensorflow",),
    "plain PyTorch": ("torch",),
}
WARM_UP = 3


def main():
    options = read_options()
    if options.case:
        print(json.dumps(measure(*options.case.split("|"), options)))
        return
    cases = [
        (network, backend, dtype)
        for network, backends in NETWORKS.items()
        for backend in backends
        for dtype in ("float32", "bfloat16")
        if backend in options.backends.split(",")
    ]
    missing = {backend for _, backend, _ in cases if importlib.util.find_spec(backend) is None}
    for backend in sorted(missing):
        print(f"{backend} is not installed, so its rows are missing: pip install {backend}")
    cases = [case for case in cases if case[1] not in missing]
    rounds = [[run_case(case) for case in cases] for _ in range(options.rounds)]
    print_table(options, cases, [list(column) for column in zip(*rounds)])


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="cifar/4", help="a variant of ViTConfig")
    parser.add_argument("--batch", type=int, default=128, help="images a step")
    parser.add_argument("--steps", type=int, default=8, help="timed steps a case and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--backends", default="tensorflow,torch,jax")
    parser.add_argument("--case", help=argparse.SUPPRESS)  # NETWORK|BACKEND|DTYPE: what a child measures
    return parser.parse_args()


def run_case(case):
    """Measure one case in a process of its own: {"images_per_second", "peak_gflops", "gflops"}, or None."""
    command = [sys.executable, __file__, *sys.argv[1:], "--case", "|".join(case)]
    child = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if child.returncode:
        reason = child.stderr.strip().splitlines()[-1] if child.stderr.strip() else "no message"
        print(f"{' · '.join(case)}: failed ({reason})")
        return None
    return json.loads(child.stdout.strip().splitlines()[-1])


def print_table(options, cases, results):
    import platform

    print(f"\n{options.model}, batches of {options.batch}, {options.threads} threads, {platform.machine()}, ")
    print(f"medians of {options.rounds} rounds of {options.steps} steps, {time.strftime('%Y-%m-%d')}\n")
    print("| network | backend | numbers | images/s | share of the matmul peak | ours is faster by |")
    print("|---|---|---|---:|---:|---:|")
    speeds = {}
    for case, rows in zip(cases, results):
        rows = [row for row in rows if row]
        if rows:
            middle = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
            speeds[case] = middle["images_per_second"], middle["gflops"] / middle["peak_gflops"]
    for (network, backend, dtype), (speed, share) in speeds.items():
        rivals = speeds.get(("ours", backend, dtype))
        ratio = f"{rivals[0] / speed:.2f}" if rivals and network != "ours" else ""
        print(f"| {network} | {backend} | {dtype} | {speed:.0f} | {100 * share:.0f} % | {ratio} |")
    best = {}
    for (network, backend, dtype), (speed, _) in speeds.items():
        if backend == "tensorflow":
            best.setdefault(network == "ours", []).append((speed, network, dtype))
    if len(best) == 2:
        (mine, _, my_dtype), (theirs, rival, dtype) = max(best[True]), max(best[False])
        print(
            f"\nOn TensorFlow our fastest step ({my_dtype}) is {mine / theirs:.2f} times the fastest other "
            f"({rival}, {dtype})."
        )
        default = max(row for row in best[False] if row[2] == "float32")
        print(
            f"It is {mine / default[0]:.2f} times the fastest other of Keras' default policy ({default[1]})."
        )


def measure(network, backend, dtype, options):
    """Time the steps of one case, and a large matmul of the same numbers, in this process."""
    threads = str(options.threads)
    os.environ |= {"KERAS_BACKEND": backend, "OMP_NUM_THREADS": threads, "TF_CPP_MIN_LOG_LEVEL": "3"}
    os.environ |= {"TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": "1"}
    os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={'true' if options.threads > 1 else 'false'}"
    sys.path.insert(0, str(ROOT))
    if backend == "torch":
        import torch

        torch.set_num_threads(options.threads)
    import keras

    if dtype == "bfloat16":
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    from helpers.model.vit import ViTConfig

    config = ViTConfig.variant(options.model)
    step_times = {
        "ours": time_ours,
        "Keras layers": time_keras_layers,
        "keras-hub ViTBackbone": time_keras_hub,
        "plain PyTorch": time_pytorch,
    }[network](config, options, dtype)
    seconds = statistics.median(step_times[WARM_UP:])
    speed = options.batch / seconds
    return {
        "images_per_second": speed,
        "gflops": speed * training_gflop(config),
        "peak_gflops": matmul_gflops(backend, dtype),
    }


def training_gflop(config):
    """Count the matmuls of one image forwards and backwards, in 1e9 operations: 6 for each multiply-add."""
    tokens, width = config.num_tokens, config.hidden_dim
    block = tokens * (4 * width**2 + 2 * width * config.mlp_dim) + 2 * tokens**2 * width
    pixels = config.patch_size**2 * config.channels
    return 6e-9 * (config.num_patches * pixels * width + config.depth * block)


def matmul_gflops(backend, dtype, size=2048, repeats=5):
    """Measure the best of some square matmuls in 1e9 operations a second."""
    import numpy as np
    from keras import ops

    matrix = ops.cast(np.random.default_rng(0).normal(size=(size, size)).astype("float32"), dtype)
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        ops.convert_to_numpy(ops.cast(ops.matmul(matrix, matrix)[0, 0], "float32"))
        best = min(best, time.perf_counter() - began)
    return 2e-9 * size**3 / best


def make_batch(config, options):
    import numpy as np

    rng = np.random.default_rng(0)
    shape = (options.batch, config.image_size, config.image_size, config.channels)
    return rng.random(shape, dtype="float32"), rng.integers(0, config.num_classes, options.batch)


def time_fit(model, options, *data):
    """Let Keras' `fit` go over one batch again and again; returns the seconds between two batches."""
    import keras

    times = []

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            times.append(time.perf_counter())

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return WARM_UP + options.steps + 1

        def __getitem__(self, step):
            return data

    model.fit(Batches(), epochs=1, verbose=0, shuffle=False, callbacks=[Clock()])
    return [after - before for before, after in zip(times, times[1:])]


def time_ours(config, options, dtype):
    import numpy as np

    from helpers.data import Dataset
    from helpers.model.vit import VisionTransformer
    from helpers.train.fit import TrainingModel, make_optimizer
    from helpers.train.recipe import find_recipe

    images, labels = make_batch(config, options)
    images = (255 * images).astype("uint8")
    names = [str(i) for i in range(config.num_classes)]
    dataset = Dataset(images, labels, images[:2], labels[:2], names)
    recipe = find_recipe("cpu", batch_size=options.batch, optimizer="adamw")
    training = TrainingModel(VisionTransformer(config), dataset, recipe, seed=0)
    training.compile(optimizer=make_optimizer(recipe, 100), loss=None)
    return time_fit(training, options, np.arange(options.batch, dtype="int32"))


def time_keras_layers(config, options, dtype):
    import keras
    from keras import layers

    class FrontToken(layers.Layer):
        def build(self, shape):
            width = shape[-1]
            self.token = self.add_weight(name="token", shape=(1, 1, width))
            self.positions = self.add_weight(name="positions", shape=(1, shape[1] + 1, width))

        def call(self, tokens):
            front = keras.ops.broadcast_to(self.token, (keras.ops.shape(tokens)[0], 1, tokens.shape[-1]))
            return keras.ops.concatenate([front, tokens], axis=1) + self.positions

    images = keras.Input((config.image_size, config.image_size, config.channels))
    grid = layers.Conv2D(config.hidden_dim, config.patch_size, config.patch_size)(images)
    tokens = FrontToken()(layers.Reshape((config.num_patches, config.hidden_dim))(grid))
    for _ in range(config.depth):
        normed = layers.LayerNormalization(epsilon=1e-6)(tokens)
        tokens += layers.MultiHeadAttention(config.num_heads, config.head_dim)(normed, normed)
        normed = layers.LayerNormalization(epsilon=1e-6)(tokens)
        tokens += layers.Dense(config.hidden_dim)(layers.Dense(config.mlp_dim, activation="gelu")(normed))
    first = layers.LayerNormalization(epsilon=1e-6)(tokens)[:, 0]
    model = keras.Model(images, layers.Dense(config.num_classes, dtype="float32")(first))
    compile_plainly(model)
    return time_fit(model, options, *make_batch(config, options))


def time_keras_hub(config, options, dtype):
    import keras
    import keras_hub

    backbone = keras_hub.models.ViTBackbone(
        image_shape=(config.image_size, config.image_size, config.channels),
        patch_size=config.patch_size,
        num_layers=config.depth,
        num_heads=config.num_heads,
        hidden_dim=config.hidden_dim,
        mlp_dim=config.mlp_dim,
    )
    head = keras.layers.Dense(config.num_classes, dtype="float32")
    model = keras.Model(backbone.input, head(backbone.output[:, 0]))
    compile_plainly(model)
    return time_fit(model, options, *make_batch(config, options))


def compile_plainly(model):
    import keras

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(1e-3, weight_decay=0.05), loss)


def time_pytorch(config, options, dtype):
    import torch
    from torch import nn

    class ViT(nn.Module):
        def __init__(self):
            super().__init__()
            self.patch = nn.Conv2d(config.channels, config.hidden_dim, config.patch_size, config.patch_size)
            self.token = nn.Parameter(torch.zeros(1, 1, config.hidden_dim))
            self.positions = nn.Parameter(torch.zeros(1, config.num_tokens, config.hidden_dim))
            layer = nn.TransformerEncoderLayer(
                config.hidden_dim,
                config.num_heads,
                config.mlp_dim,
                dropout=0.0,
                activation="gelu",
                batch_first=True,
                norm_first=True,
            )
            norm = nn.LayerNorm(config.hidden_dim)
            self.encoder = nn.TransformerEncoder(layer, config.depth, norm, enable_nested_tensor=False)
            self.head = nn.Linear(config.hidden_dim, config.num_classes)

        def forward(self, images):
            tokens = self.patch(images).flatten(2).transpose(1, 2)
            tokens = torch.cat([self.token.expand(len(images), -1, -1), tokens], 1) + self.positions
            return self.head(self.encoder(tokens)[:, 0])

    images, labels = (torch.tensor(array) for array in make_batch(config, options))
    images = images.permute(0, 3, 1, 2).contiguous()
    model = ViT()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.05)
    times = []
    for _ in range(WARM_UP + options.steps):
        began = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"):
            loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        times.append(time.perf_counter() - began)
    return times


if __name__ == "__main__":
    main()
