"""What each choice of a recipe earns: short runs that differ in one thing, one command, one table.

    python benchmarks/ablate.py --epochs 3 --out runs/ablation adamw rate-high no-mimetic

Every run is `python -m helpers.train` with the recipe "cpu" and one change; each is resumable, and what is
finished is not run again. Without names, all are run.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHANGES = {
    "as it is": [],
    "adamw": ["--set", "optimizer=adamw"],
    "rate-high": ["--set", "learning_rate=0.005"],
    "rate-low": ["--set", "learning_rate=0.001"],
    "no-mimetic": ["--set", "initialisation=plain"],
    "no-crop": ["--set", "crop_padding=0"],
    "no-flip": ["--set", "flip=false"],
    "no-smoothing": ["--set", "label_smoothing=0.0"],
    "no-average": ["--set", "ema_momentum=0.0"],
    "no-clipping": ["--set", "clip_norm=0.0"],
    "no-decay": ["--set", "weight_decay=0.0"],
    "batch-256": ["--set", "batch_size=256"],
    "mean-pooling": ["--set-model", "pooling=mean"],
    "stochastic-depth": ["--set", "stochastic_depth=0.1"],
    "rand-augment": ["--set", "rand_augment_operations=1"],
    "erasing": ["--set", "erasing_probability=0.25"],
    "mixing": ["--set", "mix_probability=0.5"],
    "mixing-off-late": ["--set", "mix_probability=0.5", "--set", "mix_until=0.67"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(CHANGES)}; all by default")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--model", default="cifar-small/4")
    parser.add_argument("--recipe", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="runs/ablation", help="folder of the runs")
    options, more = parser.parse_known_args()
    if unknown := set(options.names) - set(CHANGES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; expected some of {', '.join(CHANGES)}")
    rows = {}
    for name in options.names or CHANGES:
        folder = Path(options.out) / f"{name.replace(' ', '-')}-{options.epochs}-{options.seed}"
        command = ["-m", "helpers.train", "--model", options.model, "--recipe", options.recipe]
        command += ["--epochs", str(options.epochs), "--seed", str(options.seed), "--out", str(folder)]
        subprocess.run([sys.executable, *command, *CHANGES[name], *more], cwd=ROOT, check=True)
        manifest = json.loads((ROOT / folder / "checkpoint" / "manifest.json").read_text(encoding="utf-8"))
        rows[name] = manifest[options.model]
        print_table(rows, options)


def print_table(rows, options):
    print(f"\n{options.model}, recipe {options.recipe}, {options.epochs} passes, seed {options.seed}\n")
    print("| change | test accuracy | against the first row | images/s |\n|---|---:|---:|---:|")
    first = next(iter(rows.values()))["test_accuracy"]
    for name, row in rows.items():
        found, speed = row["test_accuracy"], row["num_training_images"] * row["passes"] / row["seconds"]
        print(f"| {name} | {found:.2%} | {100 * (found - first):+.2f} | {speed:.0f} |", flush=True)


if __name__ == "__main__":
    main()
