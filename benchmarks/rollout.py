"""How quick attention rollout is beside a plain loop and beside public code, on the same attention weights.

    python -m benchmarks.rollout
    python -m benchmarks.rollout --images 16 --tokens 197 --depth 12 --heads 12

Each row is the best of several runs. "times ours" is the ratio to the first row; "largest difference"
compares the class token's rows with ours. fast-vit-rollout (0.1.1, on the package index) takes part where it
and torch are installed.
"""

import argparse
import os
import platform
import time

import numpy as np

from helpers.analysis.rollout import attention_rollout

SETTINGS = [dict(head_fusion="mean", discard_ratio=0.0), dict(head_fusion="max", discard_ratio=0.9)]


def make_attention(images=64, depth=9, heads=3, tokens=65, seed=0):
    """Draw attention weights (depth, images, heads, tokens, tokens), float32, unevenly spread."""
    shape = (depth, images, heads, tokens, tokens)
    weights = np.exp(2 * np.random.default_rng(seed).standard_normal(shape, "float32"))
    return weights / weights.sum(axis=-1, keepdims=True)


def loop(attention_weights, head_fusion="mean", discard_ratio=0.0):
    """Roll out as one would first write it: image by image, block by block, in float64."""
    rows = []
    for image in range(attention_weights.shape[1]):
        traced = np.eye(attention_weights.shape[-1])
        for block in range(len(attention_weights)):
            fused = getattr(np, head_fusion)(attention_weights[block, image].astype("float64"), axis=0)
            patches = fused[:, 1:]
            limit = np.sort(patches, axis=None)[int(discard_ratio * patches.size)]
            patches[patches < limit] = 0
            mixing = 0.5 * fused + 0.5 * np.eye(len(fused))
            traced = mixing / mixing.sum(axis=1, keepdims=True) @ traced
        rows.append(traced[0])
    return np.stack(rows)


def vit_explain(attention_weights, head_fusion="mean", discard_ratio=0.0):
    """Roll out as https://github.com/jacobgil/vit-explain defines it, rewritten for NumPy: one image a call.

    As published: it spares the first entry of the matrix alone, and divides columns where rows are meant.
    """
    rows = []
    for image in range(attention_weights.shape[1]):
        traced = np.eye(attention_weights.shape[-1], dtype="float32")
        for block in range(len(attention_weights)):
            fused = getattr(np, head_fusion)(attention_weights[block, image], axis=0)
            flat = fused.reshape(-1)
            number = int(discard_ratio * flat.size)
            lowest = np.argpartition(flat, number)[:number]
            flat[lowest[lowest != 0]] = 0
            mixing = (fused + np.eye(len(fused), dtype="float32")) / 2
            traced = mixing / mixing.sum(axis=-1) @ traced
        rows.append(traced[0])
    return np.stack(rows)


def fast_vit_rollout(attention_weights, head_fusion="mean", discard_ratio=0.0):
    """Call the installed fast-vit-rollout on weights that are there already, without its model and hooks."""
    import torch
    from fast_vit_rollout.vit_rollout import ViTAttentionRollout

    peer = ViTAttentionRollout.__new__(ViTAttentionRollout)
    peer.head_fusion, peer.discard_ratio = head_fusion, discard_ratio
    peer.attentions = [torch.from_numpy(block) for block in attention_weights]
    return peer._compute_rollout()[:, 0].numpy()


def ours(attention_weights, **settings):
    return attention_rollout(attention_weights, **settings)[:, 0]


def ours_one_row(attention_weights, **settings):
    return attention_rollout(attention_weights, queries=[0], **settings)[:, 0]


CONTESTANTS = {
    "attention_rollout": ours,
    "attention_rollout, queries=[0]": ours_one_row,
    "loop in float64": loop,
    "vit-explain, rewritten": vit_explain,
    "fast-vit-rollout 0.1.1": fast_vit_rollout,
}


def table(attention_weights, repeats=5, **settings):
    """Time all contestants in turn, round after round, so that a busy machine troubles all alike.

    Returns:
        {name: (best milliseconds, largest difference of the class token's rows from ours)}, and
        {name: missing module} for those that are not installed.
    """
    times, rows, missing = {}, {}, {}
    for _ in range(repeats):
        for name, function in CONTESTANTS.items():
            began = time.perf_counter()
            try:
                rows[name] = function(attention_weights, **settings)
            except ImportError as error:
                missing[name] = error.name
                continue
            times[name] = min(times.get(name, float("inf")), 1000 * (time.perf_counter() - began))
    reference = rows["attention_rollout"]
    return {name: (times[name], np.abs(rows[name] - reference).max()) for name in times}, missing


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in dict(images=64, depth=9, heads=3, tokens=65, repeats=7).items():
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args(arguments)
    attention = make_attention(options.images, options.depth, options.heads, options.tokens)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(
        f"{options.images} images, {options.depth} blocks, {options.heads} heads, {options.tokens} tokens; "
        f"{platform.machine()}, {cores} cores, NumPy {np.__version__}"
    )
    for settings in SETTINGS:
        print("\n" + ", ".join(f"{name}={value}" for name, value in settings.items()))
        print(f"{'':32}{'ms':>10}{'times ours':>12}{'largest difference':>20}")
        measured, missing = table(attention, options.repeats, **settings)
        first = measured["attention_rollout"][0]
        for name, (milliseconds, difference) in measured.items():
            print(f"{name:32}{milliseconds:10.2f}{milliseconds / first:12.2f}{difference:20.1e}")
        for name, module in missing.items():
            print(f"{name:32}{f'{module} is not installed':>42}")


if __name__ == "__main__":
    main()
