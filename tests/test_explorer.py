"""The explorer's Python half: what the page stores, and what is refused. tests/browser has the other half."""

import base64
import json
import re
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from skimage import data
from skimage.transform import resize

from helpers.show import explorer


def softmax(scores):
    odds = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (odds / odds.sum(axis=-1, keepdims=True)).astype("float32")


def random_run(depth=3, batch=2, num_heads=2, tokens=17, seed=0):
    rng = np.random.default_rng(seed)
    scores = 3 * rng.normal(size=(depth, batch, num_heads, tokens, tokens))
    return SimpleNamespace(attention_weights=softmax(scores), logits=rng.normal(size=(batch, 2)))


def planted_run(tokens, target, depth=2, batch=1):
    """Every token looks at token `target` with all its weight."""
    attention = np.zeros((depth, batch, 1, tokens, tokens), "float32")
    attention[..., target] = 1
    return SimpleNamespace(attention_weights=attention, logits=None)


@pytest.fixture(scope="module")
def photos():
    cat, cup = data.chelsea()[:, 75:375], data.coffee()[:, 100:500]
    return np.stack([resize(photo, (32, 32), anti_aliasing=True) for photo in (cat, cup)]).astype("float32")


@pytest.fixture
def notebook(monkeypatch):
    shown = []
    monkeypatch.setattr(
        "IPython.core.interactiveshell.InteractiveShell.initialized", classmethod(lambda cls: True)
    )
    monkeypatch.setattr("IPython.display.display", lambda bundle, **options: shown.append((bundle, options)))
    return shown


def data_of(page):
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)[1])


def weights_of(page, image):
    """Decode an image's weights as the page's script does."""
    stored = data_of(page)
    shape = (stored["depth"], stored["heads"], stored["tokens"], stored["tokens"])
    packed, scales = (base64.b64decode(stored["images"][image][name]) for name in ("weights", "scales"))
    levels = np.frombuffer(zlib.decompress(packed), "uint8").reshape(shape)
    return np.frombuffer(scales, "<f4").reshape(shape[:3])[..., None] * (levels / 255.0) ** 2


def test_the_page_holds_every_weight_of_every_image(photos):
    run = random_run()
    page = explorer.explorer_html(run, photos, patch_size=8)
    for image in range(2):
        exact = run.attention_weights[:, image]
        error = np.abs(weights_of(page, image) - exact)
        assert (error <= exact.max(axis=-1, keepdims=True) / 255).all()
        strongest = exact.argmax(axis=-1)[..., None]
        stored = np.take_along_axis(weights_of(page, image), strongest, axis=-1)
        np.testing.assert_allclose(stored, np.take_along_axis(exact, strongest, axis=-1), rtol=1e-6)


def test_bytes_keep_zero_and_the_maximum_exactly():
    levels, scales = explorer.to_bytes(np.array([[0, 0.25, 1.0], [0, 0, 0]], "float32"))
    np.testing.assert_array_equal(levels, [[0, 128, 255], [0, 0, 0]])  # 255 · sqrt(0.25) = 127.5
    np.testing.assert_array_equal(scales, [1, 0])


def test_heads_mean_stores_the_mean(photos):
    run = random_run()
    page = explorer.explorer_html(run, photos, patch_size=8, heads="mean")
    assert data_of(page)["heads"] == 1 and data_of(page)["onlyMean"]
    np.testing.assert_allclose(
        weights_of(page, 1)[:, 0], run.attention_weights[:, 1].mean(axis=1), atol=1 / 255
    )


def test_the_page_asks_for_nothing_from_outside(photos):
    page = explorer.explorer_html(random_run(), photos, patch_size=8)
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|<link|@import|fetch\(|XMLHttpRequest|WebSocket", page)
    assert not re.search(r"__[A-Z]+__", page)  # every placeholder is filled


def test_without_javascript_the_page_shows_a_picture_and_a_sentence(photos):
    page = explorer.explorer_html(random_run(), photos, patch_size=8)
    fallback = re.search(r'<div id="static">(.*?)</div>', page, re.S)[1]
    assert "needs JavaScript" in fallback
    assert re.search(r'<img src="data:image/jpeg;base64,[\w+/=]+" alt="Attention maps of 2 images', fallback)
    assert '<main id="app" hidden>' in page


def test_titles_say_what_the_model_predicts_and_cannot_break_the_page(photos):
    run = random_run()
    run.logits = np.array([[0.0, np.log(3)], [0, -1000]])  # softmax: 25 and 75 %; 100 and 0 %
    titles = ["</script><b>cat", "cup"]
    page = explorer.explorer_html(run, photos, patch_size=8, class_names=["cat", "dog"], titles=titles)
    assert [image["title"] for image in data_of(page)["images"]] == [
        "</script><b>cat · predicted: dog, 75 %",
        "cup · predicted: cat, 100 %",
    ]
    assert "<b>cat" not in page


def test_tokens_without_a_class_token_are_recognised(photos):
    assert data_of(explorer.explorer_html(random_run(tokens=17), photos, patch_size=8))["hasClassToken"]
    assert not data_of(explorer.explorer_html(random_run(tokens=16), photos, patch_size=8))["hasClassToken"]


def test_an_oblong_image_has_an_oblong_grid(photos):
    stored = data_of(explorer.explorer_html(random_run(tokens=9), photos[:, :16], patch_size=8))
    assert (stored["rows"], stored["columns"]) == (2, 4)


def test_the_static_picture_shows_the_class_token(photos):
    run = random_run(depth=5)
    fig = explorer.explorer_figure(run.attention_weights, photos, (4, 4), ["a", "b"])
    titles = [axes.get_title(loc="left") for axes in fig.axes[:5]]
    assert titles == ["a", "Layer 1", "Layer 3", "Layer 5", "Rollout"]
    third = run.attention_weights[2, 1].mean(axis=0)[0, 1:].reshape(4, 4)
    np.testing.assert_allclose(fig.axes[7].images[-1].get_array(), 100 * third, rtol=1e-6)
    np.testing.assert_allclose(
        fig.axes[9].images[-1].get_array(),
        100 * rollout_by_matrices(run.attention_weights[:, 1])[0, 1:].reshape(4, 4),
        rtol=1e-5,
    )


def rollout_by_matrices(attention):
    """The definition, matrix by matrix: (depth, heads, tokens, tokens) -> (tokens, tokens)."""
    rollout = np.eye(attention.shape[-1])
    for block in attention.mean(axis=1):
        rollout = (0.5 * block + 0.5 * np.eye(len(block))) @ rollout
    return rollout


def test_the_rollout_row_is_the_row_of_the_product():
    attention = random_run(depth=4, batch=1).attention_weights[:, 0]
    row = explorer.rollout_row(attention.mean(axis=1), (4, 4))
    np.testing.assert_allclose(row, rollout_by_matrices(attention)[0], rtol=1e-5)
    assert row.sum() == pytest.approx(1, abs=1e-5)


def test_the_rollout_of_a_planted_run_in_closed_form():
    # Each block moves half of what is left to the target: after two blocks 3/4 lie there and 1/4 has stayed.
    row = explorer.rollout_row(planted_run(17, target=6).attention_weights[:, 0, 0], (4, 4))
    assert row[6] == 0.75 and row[0] == 0.25 and row.sum() == 1


def test_without_a_class_token_the_row_is_the_mean_over_the_patches():
    attention = random_run(depth=2, batch=1, tokens=16).attention_weights[:, 0].mean(axis=1)
    np.testing.assert_allclose(explorer.starting_row(attention[0], (4, 4)), attention[0].mean(axis=0))
    expected = rollout_by_matrices(attention[:, None]).mean(axis=0)
    np.testing.assert_allclose(explorer.rollout_row(attention, (4, 4)), expected, rtol=1e-5)


def test_explore_sends_a_sandboxed_frame_and_a_picture(photos, notebook):
    explorer.explore(random_run(), photos, patch_size=8)
    (frame, _), (picture, options) = notebook
    assert set(frame) == {"text/html", "text/plain"}
    assert frame["text/plain"] == "Attention explorer: images 2, layers 3, heads 2, tokens 17."
    assert frame["text/html"].startswith(
        '<iframe title="Attention explorer" sandbox="allow-scripts" srcdoc="'
    )
    assert "<script" not in frame["text/html"]  # the page is escaped into the attribute
    assert picture["text/plain"] == options["metadata"]["image/png"]["alt"]
    assert picture["text/plain"].startswith("Attention maps of 2 images at layers 1, 2, 3 of 3, and rollout")


def test_explore_can_leave_the_picture_out(photos, notebook):
    explorer.explore(random_run(), photos, patch_size=8, show_png=False)
    assert len(notebook) == 1


def test_outside_a_notebook_explore_prints_what_it_would_show(photos, capsys):
    explorer.explore(planted_run(17, 3), photos[:1], patch_size=8)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "Attention explorer: images 1, layers 2, heads 1, tokens 17.",
        "Attention maps of 1 image at layers 1, 2 of 2, and rollout, laid over the photograph.",
    ]


def test_four_images_of_the_courses_model_are_far_below_the_limit(photos):
    run = random_run(depth=9, batch=4, num_heads=3, tokens=65)
    page = explorer.explorer_html(run, np.concatenate([photos, photos]), patch_size=4)
    assert len(page) < 2_000_000


def test_a_page_that_is_too_large_says_what_to_do(photos, monkeypatch):
    monkeypatch.setattr(explorer, "MAX_BYTES", 20_000)
    with pytest.raises(ValueError, match=r'more than 0 MB. Pass the run of fewer images, or heads="mean"'):
        explorer.explorer_html(random_run(), photos, patch_size=8)


def broken(**changes):
    run = random_run()
    for name, value in changes.items():
        setattr(run, name, value)
    return run


@pytest.mark.parametrize(
    ("run", "options", "message"),
    [
        (broken(attention_weights=None), {}, r'keep=\("attention_weights",\)'),
        (broken(attention_weights=np.ones((2, 3, 4, 4))), {}, r"must be \(depth, batch, num_heads"),
        (broken(attention_weights=np.ones((1, 2, 1, 17, 17))), {}, "after the softmax, not the scores"),
        (broken(attention_weights=-np.ones((1, 2, 1, 17, 17))), {}, "after the softmax"),
        (broken(attention_weights=np.full((1, 2, 1, 17, 17), np.nan)), {}, "after the softmax"),
        (random_run(batch=1), {}, "the run has 1 images, you pass 2"),
        (random_run(tokens=21), {}, "make 16 patches, but the run has 21 tokens: neither 16 nor 17"),
        (random_run(), {"patch_size": 5}, "patches of 5 pixels do not tile images of 32 × 32"),
        (random_run(), {"patch_size": 0}, "patches of 0 pixels"),
        (random_run(), {"heads": 3}, 'heads must be "all" or "mean", got 3'),
        (random_run(), {"titles": ["cat"]}, "titles must hold 2 names"),
        (random_run(), {"class_names": ["cat"]}, "class_names must hold 2 names"),
    ],
)
def test_what_does_not_fit_is_refused(photos, run, options, message):
    with pytest.raises(ValueError, match=message):
        explorer.explorer_html(run, photos, **{"patch_size": 8, **options})


def test_one_image_and_five_images_are_refused(photos):
    with pytest.raises(ValueError, match=r"pass images\[None\]"):
        explorer.explorer_html(random_run(batch=1), photos[0], patch_size=8)
    with pytest.raises(ValueError, match="4 images at most, got 5"):
        explorer.explorer_html(random_run(batch=5), np.stack([photos[0]] * 5), patch_size=8)
