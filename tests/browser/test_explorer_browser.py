"""The explorer in a real browser: it draws what the arrays hold, at once, with no more work than a row each.

A small server on this machine hands out the frame just as a notebook shows it. A script added to the page
drives it with real events and posts what it saw; the page's own rules (sandbox, content security policy) stay
in force. No other tool is needed than chromium.
"""

import http.server
import json
import re
import shutil
import subprocess
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from skimage import data
from skimage.transform import resize

from helpers.show import explorer
from helpers.show.explorer_frame import in_frame

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1000,800"
).split()
DEADLINE = 250  # seconds for a page, on however busy a machine

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; on Debian: apt-get install chromium"),
]

# Runs inside the explorer's page, whose policy forbids it to send anything: the outer page takes the result.
DRIVER = """<script>
(async () => {
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  while (!window.explorerDebug) await wait(20);
  await wait(200);
  const debug = window.explorerDebug, canvas = document.getElementById("picture");
  const key = (key, target = document) => {
    target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    return debug.drawn();
  };
  const pointer = (type, row, column, rows, columns, pointerType = "mouse") => {
    const box = canvas.getBoundingClientRect();
    canvas.dispatchEvent(new PointerEvent(type, { pointerType, bubbles: true,
      clientX: box.left + (column + 0.5) * box.width / columns,
      clientY: box.top + (row + 0.5) * box.height / rows }));
    return debug.drawn();
  };
  const text = (id) => document.getElementById(id).textContent;
  let result;
  try { result = await (async () => { %s })(); }
  catch (error) { result = { error: String(error.stack || error) }; }
  parent.postMessage(JSON.stringify(result), "*");
})();
</script>"""
OUTER = """<!doctype html><meta charset="utf-8"><body><script>
addEventListener("message", (event) => fetch("/result", { method: "POST", body: event.data }));
</script>%s</body>"""


def drive(page, script, tmp_path):
    """Show `page` in the frame of `explore`; return what `script`, an async function's body, returns."""
    page = page.replace("</body>", DRIVER.replace("%s", script) + "</body>")
    outer = OUTER.replace("%s", in_frame(page, "")).encode()
    answered, answer, requests = threading.Event(), [], []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(outer if self.path == "/" else b"")

        def do_POST(self):
            answer.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            answered.set()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    # With a debugging port open, the browser stays until it is told to go.
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path}/profile", "--remote-debugging-port=0", address]
    browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert answered.wait(DEADLINE), "the page gave no answer"
    finally:
        browser.terminate()
        browser.wait(DEADLINE)
        server.shutdown()
        server.server_close()
    assert set(requests) <= {"/", "/favicon.ico"}, "the page asked for something from outside"
    [result] = answer
    assert not (isinstance(result, dict) and "error" in result), result["error"]
    return result


# What an explorer has done: the page itself does not count. {line of the page: what is counted there}
COUNTERS = {
    "function draw() {": "work.draws += 1;",
    "function addRow(out, picture, layer, head, token, factor) {": "work.rows += 1;",
    "function addProduct(out, row, matrix, factor) {": "work.products += row.filter(Boolean).length;",
    "picture.rollouts[layer] = whole;": "work.rollouts += 1;",
}


def counting(page):
    """A page whose `work` counts draws, rows of weights, rows of matrices added up, and rollouts prepared."""
    for line, counter in COUNTERS.items():
        assert page.count(line) == 1, f"the page has changed: {line}"
        page = page.replace(line, f"{line} {counter}")
    start = "window.work = { draws: 0, rows: 0, products: 0, rollouts: 0 };"
    return page.replace("<head>", f"<head><script>{start}</script>", 1)


def photo(size):
    return resize(data.chelsea()[:, 75:375], (size, size), anti_aliasing=True).astype("float32")


def random_run(depth, batch, num_heads, tokens, seed=0):
    scores = 3 * np.random.default_rng(seed).normal(size=(depth, batch, num_heads, tokens, tokens))
    odds = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return SimpleNamespace(
        attention_weights=(odds / odds.sum(-1, keepdims=True)).astype("float32"), logits=None
    )


def rollout(attention):
    """(depth, heads, tokens, tokens) -> (tokens, tokens), matrix by matrix."""
    product = np.eye(attention.shape[-1])
    for block in attention.mean(axis=1):
        product = (0.5 * block + 0.5 * np.eye(len(block))) @ product
    return product


@pytest.fixture(scope="module")
def run():
    return random_run(depth=3, batch=2, num_heads=2, tokens=17)


@pytest.fixture(scope="module")
def page(run):
    images = np.stack([photo(32), photo(32)[::-1]])
    return explorer.explorer_html(run, images, patch_size=8, titles=["cat", "turned cat"])


def test_the_drawn_weights_are_those_of_the_array(run, page, tmp_path):
    states = [
        {"image": image, "layer": layer, "head": head, "token": token, "mode": mode}
        for image in (0, 1)
        for layer in (0, 2)
        for head in (-1, 0, 1)
        for token in (0, 1, 16)
        for mode in ("attention", "rollout")
    ]
    script = f"""
        const draw = () => {json.dumps(states)}.map((state) => debug.set(state));
        const early = draw();                             // a rollout is computed row by row
        const prepared = work.rollouts;
        while (work.rollouts < 6) await wait(20);         // 2 images, 3 layers
        return [prepared, ...early, ...draw()];           // and later looked up in the whole one
    """
    prepared, *found = drive(counting(page), script, tmp_path)
    assert prepared < 6
    for state, drawn in zip(states + states, found, strict=True):
        attention = run.attention_weights[: state["layer"] + 1, state["image"]]
        if state["mode"] == "rollout":
            exact = rollout(attention)[state["token"]]
        elif state["head"] == -1:
            exact = attention[-1].mean(axis=0)[state["token"]]
        else:
            exact = attention[-1, state["head"], state["token"]]
        np.testing.assert_allclose(drawn["weights"], exact, atol=1 / 255, err_msg=str(state))
        assert sum(drawn["weights"]) == pytest.approx(1, abs=0.02)
        assert drawn["layer"] == state["layer"] + 1
        assert drawn["highest"] == pytest.approx(exact[1:].max(), abs=1 / 255)
        assert drawn["strongest"] == list(np.argsort(-np.array(drawn["weights"]), kind="stable")[:5])


def test_a_planted_run_points_at_its_patch(tmp_path):
    attention = np.zeros((2, 1, 1, 65, 65), "float32")
    attention[..., 1 + 3 * 8 + 5] = 1  # every token looks at row 3, column 5
    planted = SimpleNamespace(attention_weights=attention, logits=None)
    page = explorer.explorer_html(planted, photo(32)[None], patch_size=4)
    drawn, spoken, first_line = drive(
        page,
        """
        const drawn = pointer("pointermove", 7, 0, 8, 8);
        await wait(400);
        return [drawn, text("spoken"), text("strongest").slice(0, 60)];
        """,
        tmp_path,
    )
    assert drawn["token"] == 1 + 7 * 8
    assert np.argmax(drawn["weights"]) == 30 and drawn["highest"] == 1
    assert spoken.startswith(
        "Layer 2, mean of heads: patch 56 (row 7, column 0) looks most at patch 29 (row 3, column 5) 100 %"
    )
    assert first_line.startswith("1Patch 29 (row 3, column 5)100 %")


def test_mouse_and_touch(page, tmp_path):
    moved, kept, left, touched, after_touch = drive(
        page,
        """
        const moved = pointer("pointermove", 1, 2, 4, 4).token;
        pointer("pointerdown", 3, 3, 4, 4);
        const kept = pointer("pointermove", 0, 0, 4, 4).kept;
        const left = pointer("pointerleave", 0, 0, 4, 4).token;
        const touched = pointer("pointerdown", 2, 1, 4, 4, "touch").token;
        const after = pointer("pointermove", 0, 0, 4, 4, "touch").token;
        return [moved, kept, left, touched, after];
        """,
        tmp_path,
    )
    assert moved == 1 + 1 * 4 + 2
    assert kept == left == 16  # the clicked patch stays when the mouse has gone
    assert touched == after_touch == 1 + 2 * 4 + 1  # a finger that scrolls does not change it


def test_keys(page, tmp_path):
    result = drive(
        page,
        """
        const first = debug.drawn(), seen = {};
        seen.start = [first.token, first.layer, first.head, first.mode];
        seen.arrow = key("ArrowRight").token;     // from the class token to the middle of the grid
        seen.moves = ["Up", "Left", "Down", "Right"].map((way) => key("Arrow" + way).token);
        seen.edge = Array.from({ length: 6 }, () => key("ArrowRight").token).pop();
        seen.layers = [key("[").layer, key("[").layer, key("[").layer, key("]").layer];
        seen.heads = [key("h").head, key("h").head, key("h").head];
        seen.rollout = [key("r").mode, key("r").mode, key("R").mode, key("h").mode];
        seen.classToken = key("c").token;
        seen.smooth = [key("s").smooth, key("s").smooth];
        seen.images = [key("n").image, key("n").image];
        seen.slider = key("ArrowLeft", document.getElementById("layer")).token;  // which keeps its own arrows
        document.dispatchEvent(new KeyboardEvent("keydown", { key: "r", ctrlKey: true }));
        seen.ctrl = debug.drawn().mode;
        return seen;
        """,
        tmp_path,
    )
    token = lambda row, column: 1 + row * 4 + column  # noqa: E731
    assert result["start"] == [0, 3, "mean", "attention"]
    assert result["arrow"] == token(2, 2)
    assert result["moves"] == [token(1, 2), token(1, 1), token(2, 1), token(2, 2)]
    assert result["edge"] == token(2, 3)
    assert result["layers"] == [2, 1, 1, 2]
    assert result["heads"] == [1, 2, "mean"]
    assert result["rollout"] == ["rollout", "attention", "rollout", "attention"]
    assert result["classToken"] == 0 and result["slider"] == 0
    assert result["smooth"] == [True, False] and result["images"] == [1, 0]
    assert result["ctrl"] == "attention"


def test_controls_and_words(page, tmp_path):
    result = drive(
        page,
        """
        const click = (selector) => { document.querySelector(selector).click(); return debug.drawn(); };
        const find = (id) => document.getElementById(id), page = document.documentElement;
        const nameOf = (button) => button.getAttribute("aria-label") || button.textContent;
        const pressed = Array.from(document.querySelectorAll('[aria-pressed="true"]'), nameOf);
        const seen = { pressed, canvas: canvas.tabIndex, live: find("spoken").getAttribute("aria-live") };
        seen.layer = click("#layers button:nth-child(1)").layer;
        seen.head = click("#heads button:nth-child(3)").head;
        seen.image = click("#thumbs button:nth-child(2)").image;
        seen.caption = text("caption");
        seen.rollout = click("#rollout").mode;
        const slider = document.getElementById("layer");
        slider.value = 2; slider.dispatchEvent(new Event("input"));
        seen.slider = debug.drawn().layer;
        const spokenValue = slider.getAttribute("aria-valuetext");
        seen.words = [text("layerText"), text("headText"), text("verb"), spokenValue];
        seen.legend = text("highest");
        seen.highest = debug.drawn().highest;
        seen.unnamed = Array.from(document.querySelectorAll("button")).filter((one) => !nameOf(one)).length;
        seen.visible = [find("app").hidden, getComputedStyle(find("static")).display];
        seen.sideways = page.scrollWidth > page.clientWidth;
        seen.spill = page.scrollHeight - page.clientHeight;
        return seen;
        """,
        tmp_path,
    )
    assert {"Class token", "Attention", "Layer 3", "Mean of heads", "cat"} == set(result["pressed"])
    assert result["canvas"] == 0 and result["live"] == "polite"
    assert (result["layer"], result["head"], result["image"], result["caption"]) == (1, 2, 1, "turned cat")
    assert result["rollout"] == "rollout" and result["slider"] == 2
    assert result["words"] == [
        "2 of 3",
        "(a rollout takes the mean of all heads)",
        "Receives most from",
        "layer 2 of 3",
    ]
    assert float(result["legend"].rstrip(" %")) == pytest.approx(100 * result["highest"], abs=0.5)
    assert result["unnamed"] == 0
    assert result["visible"] == [False, "none"]
    assert not result["sideways"] and result["spill"] <= 0  # all of it fits into the frame's fixed height


def test_without_a_class_token_it_starts_from_the_mean_of_the_patches(tmp_path):
    run = random_run(depth=2, batch=1, num_heads=2, tokens=16)
    page = explorer.explorer_html(run, photo(32)[None], patch_size=8)
    attention, rolled, patch = drive(
        page,
        """
        const attention = debug.drawn(), rollout = debug.set({ mode: "rollout" });
        return [attention, rollout, debug.set({ mode: "attention", token: 15 })];
        """,
        tmp_path,
    )
    exact = run.attention_weights[:, 0]
    np.testing.assert_allclose(attention["weights"], exact[1].mean(axis=(0, 1)), atol=1 / 255)
    np.testing.assert_allclose(rolled["weights"], rollout(exact).mean(axis=0), atol=1 / 255)
    np.testing.assert_allclose(patch["weights"], exact[1].mean(axis=0)[15], atol=1 / 255)
    assert "patch 15 (row 3, column 3)" in patch["spoken"]
    assert "mean of all patches looks most at" in attention["spoken"]


def test_a_browser_that_cannot_start_it_shows_the_picture(page, tmp_path):
    old_browser = page.replace("<head>", "<head><script>delete window.DecompressionStream;</script>")
    # The driver would wait for ever: it needs a hook of its own here.
    old_browser = old_browser.replace(
        "</body>", "<script>addEventListener('load', () => { window.explorerDebug = {}; });</script></body>"
    )
    script = """
      const picture = document.querySelector("#static img"), fallback = document.getElementById("static");
      const app = document.getElementById("app");
      return [app.hidden, getComputedStyle(fallback).display, picture.naturalWidth];
    """
    hidden, display, width = drive(old_browser, script, tmp_path)
    assert hidden and display == "block" and width > 400


def test_weights_that_do_not_arrive_are_missed(run, tmp_path):
    images = np.stack([photo(32), photo(32)])
    page = explorer.explorer_html(run, images, patch_size=8)
    page = re.sub(r'<script type="text/plain" class="weights">.*?</script>', "", page).replace("20000", "200")
    page = page.replace(
        "</body>", "<script>addEventListener('load', () => { window.explorerDebug = {}; });</script></body>"
    )
    said, (red, green, blue) = drive(
        page,
        """
        const pixel = () => Array.from(canvas.getContext("2d").getImageData(canvas.width / 2, 20, 1, 1).data);
        while (text("from").startsWith("Reading the weights") || pixel()[0] === 128) await wait(20);
        return [text("from"), pixel().slice(0, 3)];
        """,
        tmp_path,
    )
    assert said.startswith("The weights have not arrived. Run the cell again")
    assert red == green == blue != 128  # the photograph is there, in grey


@pytest.mark.parametrize(
    ("depth", "num_heads", "grid", "patch_size"),
    [(9, 3, 8, 4), (12, 12, 14, 16), (12, 3, 16, 14)],
    ids=["9 blocks, 65 tokens", "12 blocks, 197 tokens, 12 heads", "12 blocks, 257 tokens"],
)
def test_a_move_reads_rows_and_multiplies_no_matrices(depth, num_heads, grid, patch_size, tmp_path):
    """Rows of as many numbers as there are tokens: one a head and map; of a prepared rollout, one a layer.

    benchmarks/explorer.py measures how long that takes.
    """
    run = random_run(depth, 1, num_heads, grid * grid + 1)
    page = explorer.explorer_html(run, photo(grid * patch_size)[None], patch_size=patch_size)
    script = f"""
      while (work.rollouts < {depth}) await wait(20);  // they are computed while nothing happens
      const counts = {{}};
      for (const mode of ["attention", "rollout"]) {{
        counts[mode] = [];
        for (let token = 1; token <= 64; token++) {{
          Object.assign(work, {{ draws: 0, rows: 0, products: 0 }});
          debug.set({{ mode, token }});
          counts[mode].push([work.draws, work.rows, work.products]);
        }}
      }}
      return counts;
    """
    strip_of_heads = 2 * num_heads  # the mean of heads, and each
    every_map = num_heads + depth * num_heads + strip_of_heads  # the picture and the strip of layers: means
    expected = {"attention": [1, every_map, 0], "rollout": [1, strip_of_heads, 1 + depth]}
    assert drive(counting(page), script, tmp_path) == {mode: [count] * 64 for mode, count in expected.items()}


def test_it_draws_at_once_and_then_once_a_frame_of_the_screen(page, tmp_path):
    """A hand quicker than the screen gets its first patch at once, and its last with the next frame."""
    at_once, within_the_frame, next_frame, token = drive(
        counting(page),
        """
        const frame = () => new Promise(requestAnimationFrame);
        const box = canvas.getBoundingClientRect();
        const move = (column) => canvas.dispatchEvent(new PointerEvent("pointermove", { pointerType: "mouse",
          bubbles: true, clientX: box.left + (column + 0.5) * box.width / 4, clientY: box.top + 1 }));
        await frame(); await frame();
        work.draws = 0;
        move(0);
        const atOnce = [work.draws, text("from").slice(0, 12)];
        move(1); move(2); move(3);
        const within = [work.draws, text("from").slice(0, 12)];
        await frame();
        return [atOnce, within, [work.draws, text("from").slice(0, 12)], debug.drawn().token];
        """,
        tmp_path,
    )
    assert at_once == within_the_frame == [1, "From patch 0"]
    assert next_frame == [2, "From patch 3"] and token == 4


def test_the_benchmark_measures_what_it_says(capsys, monkeypatch):
    pytest.importorskip("websocket", reason="a part of JupyterLab, which this environment has not")
    from benchmarks import explorer as benchmark

    monkeypatch.setattr(benchmark, "RUNS", {"2 blocks, 5 tokens, 1 head": (2, 1, 2, 16)})
    benchmark.main(["--moves", "3", "--loads", "2"])
    assert re.search(
        r"^\| 2 blocks, 5 tokens, 1 head \|( [\d.]+ \|){6}$", capsys.readouterr().out, re.MULTILINE
    )
