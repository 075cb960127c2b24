"""What an hour of two cores gives: our recipe beside a plain functional Keras ViT, side by side, one command.

    python benchmarks/hour.py --minutes 120 --backend torch --write data/reference/hour.json

Two processes, one core each, at the same time, so that a busy machine troubles both alike. The budget is
processor time for training: 120 minutes of one core are an hour of two. Ours is `cifar-hour` of the family.
The other network is what tutorials write: Keras' own layers, hidden 128, 6 blocks, 4 heads, MLP 512,
TensorFlow, mixed_bfloat16, batches of 256, AdamW 1e-3 with weight decay 0.05, 300 steps of warm-up, cosine to
the end, standardised images, crop and flip, label smoothing 0.1. Choose both lengths so that they fit the
budget: a schedule that is cut off loses its best passes. Both are resumable. Accuracy is over all 10,000 test
images after each pass. Arguments that this program does not know go to our run.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers.train.hardware import thread_settings  # noqa: E402
from helpers.train.members import SCALES, members  # noqa: E402

WARM_UP = 300
MEMBER = "cifar-hour"
NAMES = {"ours": "ours", "baseline": "functional Keras"}
FIELDS = ("test_accuracy", "processor_seconds")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120, help="processor time for each of the two")
    parser.add_argument("--passes", type=int, help="length of our schedule; the recipe's by default")
    parser.add_argument("--their-passes", type=int, default=20, help="length of the other's schedule")
    parser.add_argument("--backend", default="tensorflow", help="Keras' backend for ours; theirs: tensorflow")
    parser.add_argument("--cores", default="0,1", help="the core of each: ours, theirs")
    parser.add_argument("--out", default="runs/hour")
    parser.add_argument("--hardware", default="", help="what it ran on, in words; for --write")
    parser.add_argument("--write", help="write both histories to this file, for the lessons")
    parser.add_argument("--baseline", action="store_true", help=argparse.SUPPRESS)
    options, more = parser.parse_known_args()
    out = Path(options.out).resolve()
    if options.baseline:
        train_baseline(out / "baseline", options.minutes, options.their_passes)
        return
    run_both(out, options, more)
    histories = {name: json.loads((out / name / "history.json").read_text())["history"] for name in NAMES}
    print_table(histories, options.minutes)
    if options.write:
        manifest = json.loads((out / "ours" / "checkpoint" / "manifest.json").read_text(encoding="utf-8"))
        write_table(histories, options, manifest[MEMBER]["data"])


def run_both(out, options, more):
    """Train both, a process and a core each, as far as they have not been."""
    ours = ["-m", "helpers.train", *members(SCALES["cpu"])[MEMBER], "--name", MEMBER, "--threads", "1"]
    ours += ["--out", str(out / "ours"), "--precision", "mixed_bfloat16", "--hardware", options.hardware]
    ours += ["--epochs", str(options.passes)] if options.passes else []
    theirs = [__file__, "--baseline", "--minutes", str(options.minutes), "--out", str(out)]
    theirs += ["--their-passes", str(options.their_passes)]
    environment = os.environ | thread_settings(1) | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    runs = []
    both = ([*ours, *more], options.backend), (theirs, "tensorflow")
    for (command, backend), core in zip(both, options.cores.split(",")):
        environment["KERAS_BACKEND"] = backend
        # A process inherits the core that its parent is pinned to.
        pin = f"import os, sys; os.sched_setaffinity(0, [{core}]); os.execv(sys.executable, sys.argv[1:])"
        runs.append(
            subprocess.Popen([sys.executable, "-c", pin, sys.executable, *command], cwd=ROOT, env=environment)
        )
    if sum(run.wait() != 0 for run in runs):
        sys.exit("One of the two failed; what it printed stands above.")


def print_table(histories, minutes):
    """Print both histories, and what each had reached when its budget was spent."""
    print(f"\n| pass | {' | '.join(NAMES.values())} |\n|---:|---:|---:|")
    for number in range(max(map(len, histories.values()))):
        rows = [history[number : number + 1] for history in histories.values()]
        cells = [f"{row[0]['test_accuracy']:.2%}" if row else "" for row in rows]
        print(f"| {number + 1} | {' | '.join(cells)} |")
    reached = {name: within(history, minutes) for name, history in histories.items()}
    told = ", ".join(f"{NAMES[name]} {accuracy:.2%}" for name, accuracy in reached.items())
    ratio, date = reached["ours"] / reached["baseline"], time.strftime("%Y-%m-%d")
    print(f"\nWithin {minutes:.0f} minutes of one core: {told}, {ratio:.2f} times. {date}")


def write_table(histories, options, data):
    """Keep accuracy and processor time of each pass, and what they were measured on."""
    table = {"minutes": options.minutes, "data": data}
    table |= {"hardware": options.hardware, "date": time.strftime("%Y-%m-%d")}
    table |= {"command": "python benchmarks/hour.py", "runs": {}}
    for name, history in histories.items():
        table["runs"][name] = {field: [entry[field] for entry in history] for field in FIELDS}
    Path(options.write).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def within(history, minutes):
    """Give the test accuracy after the last pass that ended within so many minutes of processor time."""
    spent, reached = 0, float("nan")
    for entry in history:
        spent += entry["processor_seconds"]
        reached = entry["test_accuracy"] if spent <= 60 * minutes else reached
    return reached


def train_baseline(out, minutes, passes):
    """Train what tutorials write until its passes or its processor time end."""
    import keras
    from keras import layers

    from helpers.data import load_images

    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    keras.utils.set_random_seed(0)
    data = load_images("cifar10")
    steps = len(data.x_train) // 256
    model = functional_vit(keras, layers)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, passes * steps - WARM_UP, warmup_target=1e-3, warmup_steps=WARM_UP
    )
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=0.05),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        metrics=["accuracy"],
    )
    out.mkdir(parents=True, exist_ok=True)
    path, state = out / "history.json", out / "state.weights.h5"
    history = json.loads(path.read_text())["history"] if path.exists() else []
    if history:
        model.optimizer.build(model.trainable_variables)
        model.load_weights(state)
    target = keras.utils.to_categorical(data.y_test, 10)
    for number in range(len(history), passes):
        if sum(entry["processor_seconds"] for entry in history) > 60 * minutes:
            return
        began, spent = time.perf_counter(), time.process_time()
        batches = one_pass(keras, data.x_train, data.y_train, number)
        model.fit(batches, epochs=1, shuffle=False, verbose=0)
        seconds, processor_seconds = time.perf_counter() - began, time.process_time() - spent
        accuracy = model.evaluate(data.x_test.astype("float32") / 255, target, batch_size=250, verbose=0)[1]
        entry = {"pass": number + 1, "test_accuracy": accuracy, "seconds": seconds}
        history.append(entry | {"processor_seconds": processor_seconds})
        model.save_weights(state)
        path.write_text(json.dumps({"history": history}))
        print(f"functional Keras, pass {number + 1}: {100 * accuracy:.2f} %", flush=True)


def functional_vit(keras, layers, hidden=128, depth=6, heads=4):
    """A ViT of Keras' own layers: patches by a convolution, learned positions, mean of all tokens."""
    from helpers.model.vit import CIFAR10_MEAN, CIFAR10_STD

    class Positions(layers.Layer):
        def build(self, shape):
            self.table = self.add_weight(name="positions", shape=(1, *shape[1:]), initializer="uniform")

        def call(self, tokens):
            return tokens + self.table

    images = keras.Input((32, 32, 3))
    centred = layers.Normalization(mean=CIFAR10_MEAN, variance=[std**2 for std in CIFAR10_STD])(images)
    tokens = layers.Conv2D(hidden, 4, strides=4)(centred)
    tokens = Positions()(layers.Reshape((64, hidden))(tokens))
    for _ in range(depth):
        normed = layers.LayerNormalization(epsilon=1e-6)(tokens)
        tokens = tokens + layers.MultiHeadAttention(heads, hidden // heads)(normed, normed)
        wide = layers.Dense(4 * hidden, "gelu")(layers.LayerNormalization(epsilon=1e-6)(tokens))
        tokens = tokens + layers.Dense(hidden)(wide)
    tokens = layers.LayerNormalization(epsilon=1e-6)(tokens)
    logits = layers.Dense(10, dtype="float32")(layers.GlobalAveragePooling1D()(tokens))
    return keras.Model(images, logits)


def one_pass(keras, images, labels, seed):
    """Batches of 256 in random order, each image cropped from its reflection by 4 pixels and flipped."""
    import numpy as np

    rng = np.random.default_rng(seed)
    order = rng.permutation(len(images))
    padded = np.pad(images, ((0, 0), (4, 4), (4, 4), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (32, 32), axis=(1, 2))

    class Pass(keras.utils.PyDataset):
        def __len__(self):
            return len(images) // 256

        def __getitem__(self, step):
            chosen = order[256 * step : 256 * (step + 1)]
            top, left = np.random.default_rng([seed, step]).integers(0, 9, (2, len(chosen)))
            cut = windows[chosen, top, left].transpose(0, 2, 3, 1)
            flip = np.random.default_rng([seed, step, 1]).random(len(chosen)) < 0.5
            cut[flip] = cut[flip, :, ::-1]
            return cut.astype("float32") / 255, keras.utils.to_categorical(labels[chosen], 10)

    return Pass()


if __name__ == "__main__":
    main()
