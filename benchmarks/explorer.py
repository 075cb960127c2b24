"""How quick the explorer draws, beside the time that a frame of the screen has (1000 / 60 = 16.7 ms).

    python -m benchmarks.explorer
    python -m benchmarks.explorer --moves 256 --loads 9

Chromium, without a screen and without a graphics card, shows the explorer in the frame that a notebook gives
it. "move" is from a new patch under the mouse until the picture and all small maps are painted, the median
and the 95th percentile over the moves. "first picture" is from the start of the frame until the photograph is
drawn, before the weights are read; the best and the median of several loads. Attention is random.
"""

import argparse
import os
import platform
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from helpers.data.photos import load_photo
from helpers.show.explorer import explorer_html
from helpers.show.explorer_frame import in_frame
from tests.browser.chromium import CHROMIUM, Chromium, wait_until

RUNS = {  # depth, num_heads, patches on a side, patch_size
    "9 blocks, 65 tokens, 3 heads": (9, 3, 8, 4),
    "12 blocks, 197 tokens, 12 heads": (12, 12, 14, 16),
    "12 blocks, 257 tokens, 12 heads": (12, 12, 16, 14),
}
READY = (
    "picture.rollouts[layer] = whole;"  # a line of the page: the rollouts are computed while nothing happens
)
MOVES = """(() => {
  const pen = document.getElementById("picture").getContext("2d"), times = {};
  for (const mode of ["attention", "rollout"]) {
    times[mode] = [];
    for (let move = 0; move < %d; move++) {
      const start = performance.now();
      explorerDebug.set({ mode, token: 1 + (7 * move) %% %d });
      pen.getImageData(0, 0, 1, 1);  // waits until it is really painted
      times[mode].push(performance.now() - start);
    }
  }
  return times;
})()"""
AGAIN = "(box => { box.innerHTML = box.innerHTML; })(document.querySelector('iframe').parentElement)"


def frame_of(depth, num_heads, grid, patch_size):
    """The explorer of random attention as the output of a cell."""
    rng, tokens = np.random.default_rng(0), grid * grid + 1
    odds = np.exp(3 * rng.standard_normal((depth, 1, num_heads, tokens, tokens), "float32"))
    run = SimpleNamespace(attention_weights=odds / odds.sum(axis=-1, keepdims=True), logits=None)
    page = explorer_html(
        run, load_photo("cat", grid * patch_size)[None], patch_size=patch_size, titles=["cat"]
    )
    assert page.count(READY) == 1, "the page has changed"
    page = page.replace(READY, f"{READY} window.ready = layer + 1 === depth;")
    start, end = page.index('<script type="text/plain" class="weights">'), page.rindex("\n</body>")
    return in_frame(page[:start] + "__WEIGHTS__" + page[end:], page[start:end])


def measure(sizes, moves, loads):
    """Show one explorer: {"attention": milliseconds a move, "rollout": the same, "first": of each load}."""
    with tempfile.TemporaryDirectory() as folder, Chromium(Path(folder) / "profile") as browser:
        file = Path(folder) / "explorer.html"
        file.write_text(f"<!doctype html><body>{frame_of(*sizes)}</body>", encoding="utf-8")
        page = browser.open(f"file://{file}")
        frame, first = browser.explorer(page), []
        for _ in range(loads):
            first.append(browser.evaluate(frame, "explorerDebug.times.picture"))
            browser.evaluate(frame, "window.old = true")
            browser.evaluate(page, AGAIN)
            frame = browser.explorer(page, "window.explorerDebug && !window.old")
        wait_until(lambda: browser.evaluate(frame, "!!window.ready"), "the prepared rollouts")
        return browser.evaluate(frame, MOVES % (moves, sizes[2] ** 2)) | {"first": first}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=64)
    parser.add_argument("--loads", type=int, default=5)
    options = parser.parse_args(arguments)
    if CHROMIUM is None:
        parser.error("there is no chromium here; on Debian: apt-get install chromium")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(
        f"{options.moves} moves, {options.loads} loads; {platform.machine()}, {cores} cores; milliseconds\n"
    )
    print("| | move, attention | 95 % below | move, rollout | 95 % below | first picture, best | median |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, sizes in RUNS.items():
        found = measure(sizes, options.moves, options.loads)
        cells = [
            f(found[mode])
            for mode in ("attention", "rollout")
            for f in (np.median, lambda t: np.percentile(t, 95))
        ]
        cells += [min(found["first"]), np.median(found["first"])]
        print(f"| {name} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |")


if __name__ == "__main__":
    main()
