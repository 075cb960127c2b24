"""Training speed beside the public ways to write the same network: one command, one table of ratios.

    python benchmarks/train.py --model cifar-small/4 --batch 128 --turns 30

Every case has a process of its own. They take turns, step by step, so that a busy machine troubles all of
them alike; a speed is the median of the turns, a ratio the median, over the turns, of the two times in one
turn. Ours is the whole step of `python -m helpers.train` (crop and flip for each image, label smoothing,
clipped gradients, averaged weights, data on the device). The others get their images ready-made and only take
AdamW's step: that favours them. "Ours, AdamW alone" leaves out what they leave out.
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
OURS, BARE = "ours", "ours, AdamW alone"
NETWORKS = {
    OURS: ("tensorflow", "torch", "jax"),
    BARE: ("tensorflow", "torch", "jax"),
    "Keras layers": ("tensorflow", "torch", "jax"),
    "keras-hub ViTBackbone": ("tensorflow",),
    "plain PyTorch": ("torch",),
}
DTYPES = ("float32", "bfloat16")
WARM_UP = 3


def main():
    options = read_options()
    if options.case:
        serve(*options.case.split("|"), options)
        return
    cases = [
        (network, backend, dtype)
        for backend in filter(is_installed, options.backends.split(","))
        for dtype in DTYPES
        for network, backends in NETWORKS.items()
        if backend in backends
    ]
    print_table(options, take_turns(cases, options.turns))


def is_installed(backend):
    if found := importlib.util.find_spec(backend) is not None:
        return found
    print(f"{backend} is not installed, so its rows are missing: pip install {backend}")
    return False


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="cifar/4", help="a variant of ViTConfig")
    parser.add_argument("--batch", type=int, default=128, help="images a step")
    parser.add_argument("--turns", type=int, default=30, help="timed steps of each case")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--backends", default="tensorflow,torch,jax")
    parser.add_argument("--case", help=argparse.SUPPRESS)  # NETWORK|BACKEND|DTYPE: what a child measures
    return parser.parse_args()


def take_turns(cases, turns):
    """Start a process a case, then let each take a step, turn after turn.

    Returns:
        {case: {"seconds": one number a turn, "gflop": of an image, "peak_gflops": of a large matmul}}.
    """
    children, results = {}, {}
    for case in cases:
        command = [sys.executable, __file__, *sys.argv[1:], "--case", "|".join(case)]
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        children[case] = subprocess.Popen(command, **pipes)
        if answer := children[case].stdout.readline():  # it is warm
            results[case] = json.loads(answer) | {"seconds": []}
        else:
            print(f"{' · '.join(case)}: failed; its error stands above.")
    for _ in range(turns):
        for case, result in results.items():
            print("step", file=children[case].stdin, flush=True)
            result["seconds"].append(float(children[case].stdout.readline()))
    for child in children.values():
        child.communicate()
    return results


def print_table(options, results):
    """Print speeds, shares of the matmul peak, and how many times faster ours is, turn by turn."""
    import platform

    print(f"\n{options.model}, batches of {options.batch}, {options.threads} threads, {platform.machine()}, ")
    print(f"{options.turns} turns, {time.strftime('%Y-%m-%d')}\n")
    print("| network | backend | numbers | images/s | of the matmul peak | ours is faster | AdamW alone |")
    print("|---|---|---|---:|---:|---:|---:|")
    times = {case: result["seconds"] for case, result in results.items()}
    for (network, backend, dtype), result in results.items():
        speed = options.batch / statistics.median(result["seconds"])
        share = speed * result["gflop"] / result["peak_gflops"]
        rivals = (
            [] if network in (OURS, BARE) else [times.get((mine, backend, dtype)) for mine in (OURS, BARE)]
        )
        ratios = [f"{ratio(result['seconds'], ours):.2f}" if ours else "" for ours in rivals] or ["", ""]
        print(f"| {network} | {backend} | {dtype} | {speed:.0f} | {share:.0%} | {' | '.join(ratios)} |")
    for backend in dict.fromkeys(case[1] for case in times):
        print_verdict({case: seconds for case, seconds in times.items() if case[1] == backend})


def ratio(theirs, ours):
    """Give the median, over the turns, of how many times as long theirs took."""
    return statistics.median(their / our for their, our in zip(theirs, ours, strict=True))


def print_verdict(times):
    """Say how our quickest step stands beside the quickest other one, of any numbers and of float32."""
    quickest = {case: statistics.median(seconds) for case, seconds in times.items()}
    mine = min((case for case in quickest if case[0] == OURS), key=quickest.get)
    others = [case for case in quickest if case[0] not in (OURS, BARE)]
    plain = [case for case in others if case[2] == "float32"]
    for rival in dict.fromkeys(min(rivals, key=quickest.get) for rivals in (others, plain)):
        found = f"{ratio(times[rival], times[mine]):.2f} times as fast as {', '.join(rival)}"
        print(f"\nOurs, {', '.join(mine[1:])}, is {found}.")


def serve(network, backend, dtype, options):
    """Build one case, say when it is warm, then take a step for each line that comes and tell its time."""
    sys.path.insert(0, str(ROOT))
    from helpers.train.hardware import thread_settings

    os.environ |= thread_settings(options.threads) | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={'true' if options.threads > 1 else 'false'}"
    if backend == "torch":
        import torch

        torch.set_num_threads(options.threads)
    import keras

    from helpers.model.vit import ViTConfig

    keras.config.set_dtype_policy("mixed_bfloat16" if dtype == "bfloat16" else "float32")
    config = ViTConfig.variant(options.model)
    makers = {
        OURS: our_step,
        BARE: our_bare_step,
        "Keras layers": keras_layers_step,
        "keras-hub ViTBackbone": keras_hub_step,
        "plain PyTorch": pytorch_step,
    }
    step = makers[network](config, options, dtype)
    for _ in range(WARM_UP):
        step()
    warm = {"gflop": training_gflop(config), "peak_gflops": matmul_gflops(dtype)}
    print(json.dumps(warm), flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        step()
        print(time.perf_counter() - began, flush=True)


def training_gflop(config):
    """Count the matmuls of one image forwards and backwards, in 1e9 operations: 6 for each multiply-add."""
    tokens, width = config.num_tokens, config.hidden_dim
    block = tokens * (4 * width**2 + 2 * width * config.mlp_dim) + 2 * tokens**2 * width
    pixels = config.patch_size**2 * config.channels
    return 6e-9 * (config.num_patches * pixels * width + config.depth * block)


def matmul_gflops(dtype, size=2048, repeats=5):
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


def our_bare_step(config, options, dtype):
    return our_step(config, options, dtype, crop_padding=0, flip=False, ema_momentum=0.0, clip_norm=0.0)


def our_step(config, options, dtype, **changes):
    import numpy as np

    from helpers.data import Dataset
    from helpers.model.vit import VisionTransformer
    from helpers.train.fit import TrainingModel, make_optimizer
    from helpers.train.recipe import find_recipe

    images, labels = make_batch(config, options)
    images = (255 * images).astype("uint8")
    names = [str(i) for i in range(config.num_classes)]
    dataset = Dataset(images, labels, images[:2], labels[:2], names)
    recipe = find_recipe("cpu", batch_size=options.batch, optimizer="adamw", **changes)
    training = TrainingModel(VisionTransformer(config), dataset, recipe, seed=0)
    training.compile(optimizer=make_optimizer(recipe, 100), loss=None)
    indices = np.arange(options.batch, dtype="int32")
    return lambda: training.train_on_batch(indices)


def keras_layers_step(config, options, dtype):
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
    return plain_step(model, config, options)


def keras_hub_step(config, options, dtype):
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
    return plain_step(model, config, options)


def plain_step(model, config, options):
    import keras

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(1e-3, weight_decay=0.05), loss)
    images, labels = make_batch(config, options)
    return lambda: model.train_on_batch(images, labels)


def pytorch_step(config, options, dtype):
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

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"):
            loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


if __name__ == "__main__":
    main()
