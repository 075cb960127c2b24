"""The explorer's Python half: what the page stores, and what is refused. tests/browser has the other half."""

import base64
import html
import json
import re
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from skimage import data
from skimage.transform import resize

from helpers.show import explorer
from helpers.show.explorer_data import pack_weights, to_bytes
from helpers.show.explorer_picture import explorer_figure


def softmax(scores):
    odds = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (odds / odds.sum(axis=-1, keepdims=True)).astype("float32")


def random_run(depth=3, batch=2, num_heads=2, tokens=17, seed=0, spread=3):
    rng = np.random.default_rng(seed)
    scores = spread * rng.standard_normal((depth, batch, num_heads, tokens, tokens), "float32")
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


def data_of(page):
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)[1])


def weights_of(page, image):
    """Decode an image's weights as the page's script does."""
    stored = data_of(page)
    shape = (stored["depth"], stored["heads"], stored["tokens"], stored["tokens"])
    texts = re.findall(r'<script type="text/plain" class="weights">([\w+/= ]+)</script>', page)
    assert len(texts) == len(stored["images"])
    packed, scales = map(base64.b64decode, texts[image].split(" "))
    parts = np.frombuffer(zlib.decompress(packed), "uint8").reshape(shape) / stored["levels"]
    return np.frombuffer(scales, "<f4").reshape(shape[:3])[..., None] * parts**2


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
    levels, scales = to_bytes(np.array([[0, 0.25, 1.0], [0, 0, 0]], "float32"))
    np.testing.assert_array_equal(levels, [[0, 128, 255], [0, 0, 0]])  # 255 · sqrt(0.25) = 127.5
    np.testing.assert_array_equal(scales, [1, 0])


@pytest.mark.parametrize("levels", [255, 127, 63, 31])
def test_a_weight_is_stored_within_its_share_of_the_maximum(levels):
    weights = np.linspace(0, 0.8, 20_001, dtype="float32")
    stored, highest = to_bytes(weights, levels)
    error = np.abs(highest * (stored / levels) ** 2 - weights).max() / 0.8
    assert 0.9 / levels < error <= 1 / levels  # the bound is reached: just below the maximum


def test_weights_get_as_many_levels_as_fit():
    attention = random_run(depth=3, batch=2, tokens=64).attention_weights
    levels, packed = pack_weights(attention, room=10**6)
    size = sum(map(len, packed))
    assert levels == 255 and pack_weights(attention, room=size)[0] == 255
    fewer, packed = pack_weights(attention, room=int(0.9 * size))
    assert 0.8 * size < sum(map(len, packed)) <= 0.9 * size  # as many as fit, or nearly
    assert 31 < fewer < 200
    for text in packed:
        weights, scales = (base64.b64decode(part) for part in text.split(" "))
        levels_used = np.frombuffer(zlib.decompress(weights), "uint8")
        assert levels_used.size == 3 * 2 * 64 * 64 and levels_used.max() == fewer
        assert len(scales) == 4 * 3 * 2 * 64
    assert pack_weights(attention, room=0)[0] == 31


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
    titles = ["</script><b>cat", "__WEIGHTS__"]
    page = explorer.explorer_html(run, photos, patch_size=8, class_names=["cat", "dog"], titles=titles)
    assert [image["title"] for image in data_of(page)["images"]] == [
        "</script><b>cat · predicted: dog, 75 %",
        "__WEIGHTS__ · predicted: cat, 100 %",
    ]
    assert weights_of(page, 1).shape == run.attention_weights[:, 1].shape
    assert "<b>cat" not in page


def test_tokens_without_a_class_token_are_recognised(photos):
    assert data_of(explorer.explorer_html(random_run(tokens=17), photos, patch_size=8))["hasClassToken"]
    assert not data_of(explorer.explorer_html(random_run(tokens=16), photos, patch_size=8))["hasClassToken"]


def test_an_oblong_image_has_an_oblong_grid(photos):
    stored = data_of(explorer.explorer_html(random_run(tokens=9), photos[:, :16], patch_size=8))
    assert (stored["rows"], stored["columns"]) == (2, 4)


def test_the_static_picture_shows_the_class_token(photos):
    run = random_run(depth=5)
    fig = explorer_figure(run.attention_weights, photos, (4, 4), ["a", "b"])
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


def test_the_static_rollout_of_a_planted_run_in_closed_form(photos):
    # Each block moves half of what is left to the target: after two blocks 3/4 lie there and 1/4 has stayed.
    fig = explorer_figure(planted_run(17, target=6).attention_weights, photos[:1], (4, 4), [""])
    rollout = fig.axes[3].images[-1].get_array().ravel()
    assert fig.axes[3].get_title(loc="left") == "Rollout"
    assert rollout[6 - 1] == pytest.approx(75) and rollout.sum() == pytest.approx(75)


def test_without_a_class_token_the_static_maps_are_the_mean_over_the_patches(photos):
    attention = random_run(depth=2, batch=1, tokens=16).attention_weights
    fig = explorer_figure(attention, photos[:1], (4, 4), [""])
    maps = [panel.images[-1].get_array().ravel() / 100 for panel in fig.axes[1:4]]
    first, last, rollout = maps
    np.testing.assert_allclose(first, attention[0, 0].mean(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(last, attention[1, 0].mean(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(rollout, rollout_by_matrices(attention[:, 0]).mean(axis=0), rtol=1e-5)


def test_explore_sends_a_sandboxed_frame_and_a_picture(photos, notebook):
    explorer.explore(random_run(), photos, patch_size=8)
    (frame, _), (picture, options) = notebook
    assert set(frame) == {"text/html", "text/plain"}
    assert frame["text/plain"] == "Attention explorer: images 2, layers 3, heads 2, tokens 17."
    assert '<iframe title="Attention explorer" sandbox="allow-scripts" srcdoc="' in frame["text/html"]
    assert "<script" not in frame["text/html"]  # the page is escaped into the attribute
    assert re.sub(
        r"<style>.*</style>|<[^>]*>", "", frame["text/html"]
    ) == (  # what is left where frames and styles are taken out
        "The attention explorer, which follows your mouse, works in a trusted notebook. "
        "Run this cell, or trust the notebook, to use it."
    )
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


@pytest.mark.parametrize(("spread", "fewest"), [(3, 200), (1, 40)], ids=["peaked rows", "nearly even rows"])
def test_all_heads_of_the_largest_usual_run_fit_with_fewer_levels(photos, notebook, spread, fewest):
    run = random_run(depth=12, batch=1, num_heads=12, tokens=257, spread=spread)
    image = resize(photos[0], (224, 224))[None]
    explorer.explore(run, image, patch_size=14)
    (frame, _), (picture, _) = notebook
    size = len(json.dumps(frame)) + len(json.dumps(picture))
    assert size < 8_000_000
    pages = re.findall(r'<iframe [^>]*? sandbox="allow-scripts" srcdoc="(.*?)"', frame["text/html"], re.S)
    page, beside = map(html.unescape, pages)
    assert len(page) < 1_000_000  # the weights are beside it, so that the picture need not wait for them
    name = data_of(page)["name"]
    assert f'explorer = "{name}"' in beside and not re.search(r"__[A-Z]+__", page + beside)
    page += beside
    levels = data_of(page)["levels"]
    assert fewest <= levels < 255 and size > 7_000_000  # as many as fit
    error = np.abs(weights_of(page, 0) - run.attention_weights[:, 0])
    assert (error <= run.attention_weights[:, 0].max(axis=-1, keepdims=True) / levels).all()


def test_a_run_that_is_too_large_says_what_to_do(photos, monkeypatch, notebook):
    monkeypatch.setattr(explorer, "MAX_BYTES", 20_000)
    with pytest.raises(ValueError, match=r'more than 0 MB. Pass the run of fewer images, or heads="mean"'):
        explorer.explorer_html(random_run(), photos, patch_size=8)
    monkeypatch.setattr(explorer, "MAX_BYTES", 200_000)
    explorer.explore(random_run(), photos, patch_size=8, show_png=False)
    with pytest.raises(ValueError, match="more than 0 MB"):  # the picture counts too
        explorer.explore(random_run(), photos, patch_size=8)
    assert len(notebook) == 1


def broken(**changes):
    run = random_run()
    for name, value in changes.items():
        setattr(run, name, value)
    return run


@pytest.mark.parametrize(
    ("run", "options", "message"),
    [
        (broken(attention_weights=None), {}, 'keep="attention_weights"'),
        (
            broken(attention_weights=np.ones((2, 3, 4, 4))),
            {},
            r"weights \(depth, batch, num_heads.* \(2, 3, 4, 4\)",
        ),
        (
            broken(attention_weights=np.ones((1, 2, 1, 17, 17))),
            {},
            "after the softmax.*Scores need a softmax",
        ),
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
