"""What each choice of a recipe earns: short runs that differ in one thing, one command, one table.

    python benchmarks/ablate.py adamw no-crop --epochs 3 --write data/reference/ablation.json

Every run is `python -m helpers.train` with the recipe "cpu" and one change; the recipe as it is comes first.
Each is resumable, and what is finished is not run again. Without names, all are run. Arguments that this
program does not know go to every run: `--threads 1 --precision mixed_bfloat16 --set-model depth=6`.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AS_IT_IS = "as-it-is"
CHANGES = {
    AS_IT_IS: ("the recipe as it is", ""),
    "another-seed": ("another seed", "--seed 1"),
    "adamw": ("AdamW, no Muon", "--set optimizer=adamw"),
    "rate-high": ("rate 0.005, not 0.002", "--set learning_rate=0.005"),
    "rate-low": ("rate 0.001, not 0.002", "--set learning_rate=0.001"),
    "batch-256": ("batches of 256, not 128", "--set batch_size=256"),
    "no-mimetic": ("no mimetic start", "--set initialisation=plain"),
    "adamw-low": ("AdamW, rate 0.001", "--set optimizer=adamw --set learning_rate=0.001"),
    "adamw-no-mimetic": ("AdamW, no mimetic start", "--set optimizer=adamw --set initialisation=plain"),
    "no-crop": ("no crop", "--set crop_padding=0"),
    "no-flip": ("no flip", "--set flip=false"),
    "no-smoothing": ("no label smoothing", "--set label_smoothing=0.0"),
    "no-average": ("no averaged weights", "--set ema_momentum=0.0"),
    "no-clipping": ("no clipping", "--set clip_norm=0.0"),
    "no-decay": ("no weight decay", "--set weight_decay=0.0"),
    "mean-pooling": ("mean pooling, no class token", "--set-model pooling=mean"),
    "stochastic-depth": ("with stochastic depth 0.1", "--set stochastic_depth=0.1"),
    "rand-augment": ("with one RandAugment step", "--set rand_augment_operations=1"),
    "erasing": ("with RandomErasing, 1 of 4", "--set erasing_probability=0.25"),
    "mixing": ("with mixing, half of the images", "--set mix_probability=0.5"),
    "mixing-off-late": (
        "with mixing until two thirds",
        "--set mix_probability=0.5 --set mix_until=0.6",
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(CHANGES)}; all by default")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--model", default="cifar-small/4")
    parser.add_argument("--recipe", default="cpu")
    parser.add_argument("--out", default="runs/ablation", help="folder of the runs")
    parser.add_argument("--hardware", default="", help="what it ran on, in words; for --write")
    parser.add_argument("--write", help="write what was measured to this file, for the lessons")
    options, more = parser.parse_known_args()
    if unknown := set(options.names) - set(CHANGES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; expected some of {', '.join(CHANGES)}")
    rows = {}
    for name in CHANGES if not options.names else dict.fromkeys([AS_IT_IS, *options.names]):
        rows[name] = run(name, options, more)
        print_table(rows, options)
    if options.write:
        table = {"model": options.model, "changes": " ".join(more), "recipe": options.recipe}
        table |= {"passes": options.epochs, "hardware": options.hardware, "date": time.strftime("%Y-%m-%d")}
        table |= {"command": "python benchmarks/ablate.py"}
        table["rows"] = rows
        Path(options.write).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def run(name, options, more):
    """Train with one change, if that was not done before; give what a table says of it."""
    folder = (ROOT / options.out).resolve() / f"{name}-{options.epochs}"
    command = ["-m", "helpers.train", "--model", options.model, "--recipe", options.recipe]
    command += ["--epochs", str(options.epochs), "--out", str(folder), *more, *CHANGES[name][1].split()]
    row = kept_row(folder, options)
    if row is None or row["passes"] < options.epochs:
        subprocess.run([sys.executable, *command], cwd=ROOT, check=True)
        row = kept_row(folder, options)
    accuracies = [entry["test_accuracy"] for entry in row["history"][:-1]] + [row["test_accuracy"]]
    speed = row["num_training_images"] * row["passes"] / row["seconds"]
    found = {"what": CHANGES[name][0], "data": row["data"]}
    return found | {"test_accuracy": accuracies, "images_per_second": round(speed, 1)}


def kept_row(folder, options):
    """Read what a run kept of itself; None where it has kept nothing yet."""
    path = folder / "checkpoint" / "manifest.json"
    return json.loads(path.read_text(encoding="utf-8"))[options.model] if path.is_file() else None


def print_table(rows, options):
    print(f"\n{options.model}, recipe {options.recipe}, {options.epochs} passes\n")
    print("| change | test accuracy | against the recipe | images/s |\n|---|---:|---:|---:|")
    first = rows[AS_IT_IS]["test_accuracy"][-1]
    for row in rows.values():
        last = row["test_accuracy"][-1]
        gained, speed = 100 * (last - first), row["images_per_second"]
        print(f"| {row['what']} | {last:.2%} | {gained:+.2f} | {speed:.0f} |", flush=True)


if __name__ == "__main__":
    main()
