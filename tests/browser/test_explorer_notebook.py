"""The explorer where it is used: in JupyterLab and in an exported page, moved over with a mouse.

A notebook is executed with the explorer of a 9-block run of 65 tokens, and of a 12-block, 12-head run of 257.
Pictures of the screen, for a person to look at, are kept in .cache/screenshots.
"""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("jupyterlab", reason="JupyterLab is not part of this environment")

import nbformat  # noqa: E402
from chromium import CHROMIUM, DEADLINE, Chromium, wait_until  # noqa: E402
from nbclient import NotebookClient  # noqa: E402
from nbconvert import HTMLExporter  # noqa: E402

from helpers.show import explorer, explorer_frame  # noqa: E402

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / ".cache" / "screenshots"
MOST_BYTES = 8_000_000  # of an output
BEFORE_THE_WEIGHTS = (
    400_000  # characters of the page that a browser reads until the picture is there, at most
)
RUNS = {"small": (9, 3, 8, 4), "large": (12, 12, 16, 14)}  # depth, num_heads, grid, patch_size

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; on Debian: apt-get install chromium"),
]

SETUP = """
from types import SimpleNamespace
import numpy as np
from helpers.data.photos import load_photo
from helpers.show.explorer import explore

def random_run(depth, num_heads, tokens):
    rng = np.random.default_rng(0)
    scores = 2 * rng.standard_normal((depth, 1, num_heads, tokens, tokens), "float32")
    odds = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return SimpleNamespace(attention_weights=odds / odds.sum(-1, keepdims=True), logits=None)
"""
CELL = """
run = random_run({depth}, {num_heads}, {tokens})
explore(run, load_photo("cat", size={size})[None], patch_size={patch_size}, titles=["cat"])
"""

# After the explorer's own listener, which draws: what the page says is written by the drawing.
WATCH = """(() => {
  window.hovers = [];
  const said = () => document.getElementById("from").textContent;
  document.addEventListener("pointermove", () => { hovers.push(said()); });
})()"""


def random_run(name):
    namespace = {}
    exec(SETUP, namespace)
    depth, num_heads, grid, _ = RUNS[name]
    return namespace["random_run"](depth, num_heads, grid**2 + 1).attention_weights[:, 0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of executed notebooks and their exported pages."""
    folder = tmp_path_factory.mktemp("notebooks")
    code = nbformat.v4.new_code_cell
    cells = [code(SETUP)]
    for depth, num_heads, grid, patch_size in RUNS.values():
        sizes = {"depth": depth, "num_heads": num_heads, "tokens": grid**2 + 1, "patch_size": patch_size}
        cells.append(code(CELL.format(size=grid * patch_size, **sizes)))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    whole = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    NotebookClient(whole, timeout=None, resources={"metadata": {"path": str(ROOT)}}).execute()
    for name, cell in zip(RUNS, whole.cells[1:], strict=True):
        notebook = nbformat.v4.new_notebook(cells=[whole.cells[0], cell], metadata=kernel)
        nbformat.write(notebook, folder / f"{name}.ipynb")
        page, _ = HTMLExporter().from_notebook_node(notebook)
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    notebook = nbformat.read(folder / "small.ipynb", as_version=4)
    notebook.cells[0].source += "# from somebody else"
    nbformat.write(notebook, folder / "untrusted.ipynb")
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("browser") / "profile") as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(folder, tmp_path_factory):
    """JupyterLab on the folder; small.ipynb and large.ipynb are trusted, as after a run in it."""
    from nbformat.sign import NotebookNotary

    home = tmp_path_factory.mktemp("jupyter")
    notary = NotebookNotary(data_dir=str(home))
    for name in RUNS:
        notary.sign(nbformat.read(folder / f"{name}.ipynb", as_version=4))
    notary.store.close()
    settings = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {f"JUPYTER_{name}_DIR": str(home) for name in ("DATA", "CONFIG", "RUNTIME")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}"]
    command += [f"--LabApp.user_settings_dir={home / 'settings'}"]
    with open(home / "log.txt", "w") as log:
        server = subprocess.Popen(command, env=os.environ | variables, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def answers():
        assert server.poll() is None, (home / "log.txt").read_text()
        try:
            return direct.open(f"{address}/api", timeout=5)
        except OSError:
            return None

    try:
        wait_until(answers, "JupyterLab").close()
        yield address
    finally:
        server.terminate()
        server.wait(DEADLINE)


def visit(browser, address, name, where):
    """Look at an explorer, load it once more, move over 48 of its patches, and compare with the arrays."""
    depth, num_heads, grid, _ = RUNS[name]
    page = browser.open(address)
    frame = shown_again(browser, page, browser.explorer(page))
    check_order(browser, page, frame, name)
    browser.evaluate(frame, WATCH)
    stored = browser.evaluate(frame, 'JSON.parse(document.getElementById("data").textContent)')
    assert stored["heads"] == num_heads
    weights, levels = random_run(name), stored["levels"]  # (depth, num_heads, tokens, tokens)
    for step in range(48):
        row, column = (5 * step) % grid, (3 * step + step // grid) % grid
        token = 1 + row * grid + column
        drawn = hover(browser, page, frame, row, column, grid)
        assert (drawn["token"], drawn["layer"], drawn["head"]) == (token, depth, "mean")
        said = browser.evaluate(frame, "hovers.at(-1)")
        assert said.startswith(f"From patch {token - 1} (row {row}, column {column})"), (
            "it was not drawn at once"
        )
        heads = weights[-1, :, token]  # (num_heads, tokens)
        error = np.abs(np.array(drawn["weights"]) - heads.mean(axis=0))
        assert (error <= heads.max(axis=-1).mean() / levels).all()
        if step % 12 == 0:
            one = browser.evaluate(frame, "explorerDebug.set({ head: 1 })")
            error = np.abs(np.array(one["weights"]) - heads[1])
            assert (error <= heads[1].max() / levels).all()
            browser.evaluate(frame, "explorerDebug.set({ head: -1 })")
    browser.screenshot(page, SCREENSHOTS / f"{where}_{name}.png")
    browser.close(page)


def hover(browser, page, frame, row, column, grid):
    """Move the mouse onto a patch; again where the page has moved meanwhile. What is drawn then."""

    def look():
        left, top, width, height = browser.where(page, frame)
        browser.mouse(page, left + (column + 0.5) * width / grid, top + (row + 0.5) * height / grid)
        drawn = browser.evaluate(
            frame, "new Promise(requestAnimationFrame).then(() => explorerDebug.drawn())"
        )
        return drawn if drawn["token"] == 1 + row * grid + column else None

    return wait_until(look, f"the patch in row {row}, column {column}")


def shown_again(browser, page, frame):
    """Load an explorer's output once more, as a notebook does that is scrolled; its new frame."""
    browser.evaluate(frame, "window.old = true")
    again = "(box => { box.innerHTML = box.innerHTML; })(document.querySelector('iframe').parentElement)"
    browser.evaluate(page, again)
    return browser.explorer(page, "window.explorerDebug && !window.old")


def check_order(browser, page, frame, name):
    """The picture waits for no weights: they are last in the page, or, if large, in a frame beside it."""
    stored = browser.evaluate(frame, 'document.querySelectorAll(".weights").length')
    last = browser.evaluate(frame, "document.body.lastElementChild.className")
    beside = browser.evaluate(page, "document.querySelectorAll('iframe[title=\"Attention weights\"]').length")
    assert (stored, last, beside) == {"small": (1, "weights", 0), "large": (0, "", 1)}[name]
    before = """(() => {
      const page = document.documentElement.outerHTML, at = page.indexOf('class="weights"');
      return at < 0 ? page.length : at;
    })()"""
    assert browser.evaluate(frame, before) < BEFORE_THE_WEIGHTS


@pytest.mark.parametrize("name", RUNS)
def test_an_exported_page(browser, folder, name):
    visit(browser, f"file://{folder}/{name}.html", name, "exported")


@pytest.mark.parametrize("name", RUNS)
def test_jupyterlab(browser, lab, name):
    visit(browser, f"{lab}/lab/tree/{name}.ipynb?reset", name, "jupyterlab")


def test_each_explorer_gets_the_weights_of_the_frame_beside_it(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(explorer_frame, "MAX_INLINE", 0)
    runs, outputs = [], []
    monkeypatch.setattr(explorer, "_display_page", lambda frame, text: outputs.append(frame))
    for seed in range(3):
        attention = np.random.default_rng(seed).dirichlet(np.ones(17), size=(2, 1, 2, 17)).astype("float32")
        runs.append(attention)
        run = SimpleNamespace(attention_weights=attention)
        explorer.explore(run, np.zeros((1, 32, 32, 3)), patch_size=8, titles=[f"run {seed}"], show_png=False)
    (tmp_path / "three.html").write_text("<!doctype html><body>" + "".join(outputs), encoding="utf-8")
    page = browser.open(f"file://{tmp_path}/three.html")
    for seed, attention in enumerate(runs):
        title = f'document.getElementById("caption").textContent === "run {seed}"'
        drawn = browser.evaluate(
            browser.explorer(page, f"window.explorerDebug && {title}"), "explorerDebug.drawn()"
        )
        np.testing.assert_allclose(drawn["weights"], attention[1, 0].mean(axis=0)[0], atol=1 / 255)
    browser.close(page)


def test_the_outputs_are_below_their_limit(folder):
    for name in RUNS:
        notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
        size = len(json.dumps(notebook.cells[1].outputs))
        print(name, size)
        assert 100_000 < size < MOST_BYTES


def test_an_untrusted_notebook_says_what_to_do(browser, lab):
    page = browser.open(f"{lab}/lab/tree/untrusted.ipynb?reset")
    output = 'document.querySelector(".jp-OutputArea-output img")'
    wait_until(lambda: browser.evaluate(page, f"!!{output} && {output}.naturalWidth > 400"), "the picture")
    text = browser.evaluate(page, 'document.querySelector(".jp-Notebook").innerText')
    browser.screenshot(page, SCREENSHOTS / "jupyterlab_untrusted.png")
    assert "works in a trusted notebook. Run this cell, or trust the notebook, to use it." in text
    assert browser.evaluate(page, 'document.querySelectorAll("iframe[srcdoc]").length') == 0
    browser.close(page)


def test_without_scripts_there_are_the_pictures_and_a_sentence(folder, tmp_path):
    with Chromium(tmp_path / "profile", scripts=False) as browser:
        page = browser.open(f"file://{folder}/small.html")
        frame = browser.explorer(page, 'document.readyState === "complete"')
        browser.screenshot(page, SCREENSHOTS / "exported_without_scripts.png")
        look = """({
          started: !!window.explorerDebug || document.documentElement.className !== "",
          text: document.body.innerText.trim(),
          width: document.querySelector("#static img").getBoundingClientRect().width,
          alt: document.querySelector("#static img").alt,
        })"""
        seen = browser.evaluate(frame, look)
        below = browser.evaluate(page, "document.querySelector('.jp-OutputArea-output img').naturalWidth")
    assert not seen["started"] and below > 400 and seen["width"] > 400
    assert seen["alt"].startswith("Attention maps of 1 image at layers 1, 5, 9 of 9, and rollout")
    assert seen["text"] == (
        "Here is a static picture: the explorer that follows your mouse needs JavaScript, "
        "in a browser of 2023 or later."
    )
