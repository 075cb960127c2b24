"""Rollout by closed forms, by hand, by loops and by an independent solver of flows."""

import itertools

import numpy as np
import pytest
from keras import ops

from benchmarks import rollout as benchmark
from helpers.analysis import rollout as module
from helpers.analysis.rollout import attention_flow, attention_rollout, block_mixing, gradient_rollout

OPTIONS = [
    dict(head_fusion=head_fusion, discard_ratio=discard_ratio, residual=residual)
    for head_fusion in ("mean", "max", "min")
    for discard_ratio in (0.0, 0.5, 0.9, 0.99)
    for residual in (0.0, 0.3, 0.5, 1.0)
]
each_option = pytest.mark.parametrize(
    "options", OPTIONS, ids=lambda options: "-".join(map(str, options.values()))
)


def random_attention(*shape, seed=0):
    weights = np.exp(2 * np.random.default_rng(seed).standard_normal(shape))
    return weights / weights.sum(axis=-1, keepdims=True)


def one_head(*blocks):
    """(depth, batch 1, one head, tokens, tokens)"""
    return np.array(blocks, "float64")[:, None, None]


def slow_rollout(attention_weights, residual=0.5, head_fusion="mean", discard_ratio=0.0):
    """The definition in loops: the class token is token 0; one image at a time."""
    depth, batch, heads, tokens, _ = attention_weights.shape
    fuse = {"mean": lambda values: sum(values) / heads, "max": max, "min": min}[head_fusion]
    result = []
    for image in range(batch):
        product = np.eye(tokens)
        for block in range(depth):
            fused = [
                [
                    fuse([attention_weights[block, image, h, q, k] for h in range(heads)])
                    for k in range(tokens)
                ]
                for q in range(tokens)
            ]
            patches = sorted((fused[q][k], q, k) for q in range(tokens) for k in range(1, tokens))
            for _, q, k in patches[: int(discard_ratio * len(patches))]:
                fused[q][k] = 0
            rows = []
            for q in range(tokens):
                row = [(1 - residual) * fused[q][k] + residual * (q == k) for k in range(tokens)]
                if sum(row) == 0:
                    row[q] = 1
                rows.append([value / sum(row) for value in row])
            product = np.array(rows) @ product
        result.append(product)
    return np.array(result)


# attention_rollout


@pytest.mark.parametrize("depth", [1, 2, 5, 12])
@pytest.mark.parametrize("residual", [0, 0.3, 0.5, 1])
def test_even_attention(depth, residual):
    """(residual · I + (1 − residual) U)^depth has a closed form, since U U = U."""
    tokens, keep = 65, residual**depth
    expected = (1 - keep) / tokens + keep * np.eye(tokens)
    weights = np.full((depth, 2, 3, tokens, tokens), 1 / tokens)
    found = attention_rollout(weights, residual=residual)
    np.testing.assert_allclose(found, np.stack([expected, expected]), atol=1e-14)


@each_option
def test_tokens_that_look_at_themselves_stay_themselves(options):
    weights = np.tile(np.eye(10), (4, 2, 3, 1, 1))
    np.testing.assert_array_equal(attention_rollout(weights, **options), np.tile(np.eye(10), (2, 1, 1)))


def test_the_first_block_is_the_rightmost_factor():
    """Block 1 swaps tokens 0 and 1, block 2 swaps 1 and 2: the two do not commute."""
    first, second = np.eye(3)[[1, 0, 2]], np.eye(3)[[0, 2, 1]]
    found = attention_rollout(one_head(first, second), residual=0)[0]
    np.testing.assert_array_equal(found, np.eye(3)[[1, 2, 0]])  # token 0 holds what was token 1
    with_skip = attention_rollout(one_head(first, second))[0]
    np.testing.assert_array_equal(with_skip, [[0.5, 0.5, 0], [0.25, 0.25, 0.5], [0.25, 0.25, 0.5]])


def test_fusing_by_hand():
    """Without division the maximum would leave rows of 1.25 · …, and the minimum rows of 0.75."""
    heads = np.array([[[1, 0], [0.5, 0.5]], [[0.5, 0.5], [0, 1]]])
    np.testing.assert_allclose(block_mixing(heads), [[0.875, 0.125], [0.125, 0.875]])
    np.testing.assert_allclose(block_mixing(heads, head_fusion="max"), [[0.8, 0.2], [0.2, 0.8]])
    np.testing.assert_allclose(block_mixing(heads, head_fusion="min"), np.eye(2))
    heads = np.array([[[0.5, 0.5], [0.25, 0.75]], [[0.5, 0.5], [0.5, 0.5]]])
    np.testing.assert_allclose(block_mixing(heads, head_fusion="min"), [[3 / 4, 1 / 4], [1 / 7, 6 / 7]])
    np.testing.assert_allclose(
        block_mixing(heads, head_fusion="max", residual=0.2), [[0.6, 0.4], [1 / 3, 2 / 3]]
    )


def test_discarding_by_hand():
    """Of the six weights to patches the lowest three go: 0.15, 0.3 and 0.3. All to the class token stay."""
    block = np.array([[[0.2, 0.5, 0.3], [0.1, 0.6, 0.3], [0.05, 0.15, 0.8]]])
    kept = np.array([[1.2, 0.5, 0], [0.1, 1.6, 0], [0.05, 0, 1.8]])
    expected = kept / [[1.7], [1.7], [1.85]]
    np.testing.assert_allclose(block_mixing(block, discard_ratio=0.5), expected)
    # Two to discard, and two equal ones at the limit: they stay.
    kept = np.array([[1.2, 0.5, 0.3], [0.1, 1.6, 0.3], [0.05, 0, 1.8]])
    np.testing.assert_allclose(block_mixing(block, discard_ratio=0.34), kept / [[2], [2], [1.85]])
    # Without a class token, all nine count: 0.05, 0.1, 0.15 and 0.2 go.
    kept = np.array([[1, 0.5, 0.3], [0, 1.6, 0.3], [0, 0, 1.8]])
    found = block_mixing(block, discard_ratio=0.5, has_class_token=False)
    np.testing.assert_allclose(found, kept / kept.sum(axis=1, keepdims=True))


def test_without_a_class_token_no_patch_is_spared():
    """A mean-pooled model of 4 × 4 patches: patch 0 gets the least from everyone, and goes first."""
    weights = random_attention(2, 1, 3, 16, 16)
    weights[..., 0] = weights[..., 1:].min() / 10
    weights /= weights.sum(axis=-1, keepdims=True)
    options = dict(discard_ratio=0.1, residual=0)
    found = block_mixing(weights[0, 0], **options)
    assert (found[:, 0] == 0).all() and (found == 0).sum() == 25
    traced = attention_rollout(weights, **options)
    np.testing.assert_array_equal(traced, attention_rollout(weights, has_class_token=False, **options))
    assert (block_mixing(weights[0, 0], has_class_token=True, **options)[:, 0] > 0).all()
    with_token = random_attention(3, 17, 17)
    found, expected = (block_mixing(with_token, discard_ratio=0.5, has_class_token=c) for c in (None, True))
    np.testing.assert_array_equal(found, expected)


def test_a_tenth_is_a_tenth():
    """0.29 · 100 is 28.999999999999996 in floating point; 29 weights are to go all the same."""
    weights = random_attention(1, 10, 10)
    found = block_mixing(weights, discard_ratio=0.29, residual=0, has_class_token=False)
    assert (found == 0).sum() == 29


@pytest.mark.parametrize("head_fusion", ["mean", "max", "min"])
def test_the_class_token_is_never_discarded(head_fusion):
    """Every query gives the class token less than any patch; it is all that is surely left."""
    weights = random_attention(3, 17, 17)
    weights[:, :, 0] = weights[:, :, 1:].min() / 10
    weights /= weights.sum(axis=-1, keepdims=True)
    fused = getattr(weights, head_fusion)(axis=0)
    found = block_mixing(weights, residual=0, head_fusion=head_fusion, discard_ratio=0.9)
    assert (found[:, 0] > 0).all()
    kept = found > 0
    assert kept[:, 1:].sum() == 17 * 16 - int(0.9 * 17 * 16)
    np.testing.assert_allclose(
        found, np.where(kept, fused, 0) / np.where(kept, fused, 0).sum(axis=-1, keepdims=True)
    )


@each_option
def test_against_loops(options):
    weights = random_attention(3, 2, 3, 5, 5)
    np.testing.assert_allclose(attention_rollout(weights, **options), slow_rollout(weights, **options))


@each_option
def test_rows_sum_to_1(options):
    weights = random_attention(9, 2, 3, 65, 65).astype("float32")
    found = attention_rollout(weights, **options)
    assert found.shape == (2, 65, 65) and found.dtype == np.float32 and (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)


def test_a_row_with_nothing_left_keeps_its_own_token():
    heads = np.array([np.eye(3), np.eye(3)[[1, 2, 0]]])  # no key is shared by the heads
    np.testing.assert_array_equal(block_mixing(heads, head_fusion="min", residual=0), np.eye(3))


@each_option
def test_each_image_by_itself(options):
    weights = random_attention(4, 5, 3, 10, 10)
    alone = [attention_rollout(weights[:, [image]], **options)[0] for image in range(5)]
    np.testing.assert_allclose(attention_rollout(weights, **options), alone)


@each_option
def test_patches_in_another_order_give_the_same_in_that_order(options):
    weights = random_attention(4, 2, 3, 10, 10)
    order = np.concatenate([[0], 1 + np.random.default_rng(1).permutation(9)])
    found = attention_rollout(weights[..., order, :][..., order], **options)
    np.testing.assert_allclose(found, attention_rollout(weights, **options)[:, order][..., order])


@each_option
def test_chosen_rows_are_those_of_the_whole(options):
    weights = random_attention(4, 2, 3, 10, 10)
    whole = attention_rollout(weights, **options)
    np.testing.assert_allclose(attention_rollout(weights, queries=[0], **options), whole[:, :1])
    np.testing.assert_allclose(attention_rollout(weights, queries=[7, 2], **options), whole[:, [7, 2]])


def test_leading_axes_are_kept():
    weights = random_attention(3, 2, 4, 2, 5, 5)
    found = attention_rollout(weights)
    assert found.shape == (2, 4, 5, 5)
    np.testing.assert_allclose(found[1, 2], attention_rollout(weights[:, 1, 2]))


def test_vit_explain_agrees_where_it_is_right():
    """One image, nothing discarded, mean of heads: there its missing keepdims changes nothing."""
    weights = benchmark.make_attention(images=3, depth=4, tokens=17)
    np.testing.assert_allclose(
        attention_rollout(weights)[:, 0], benchmark.vit_explain(weights), rtol=1e-4, atol=1e-7
    )


@pytest.mark.parametrize(
    "options, told",
    [
        (dict(head_fusion="median"), '"mean", "max", "min"; received \'median\''),
        (dict(residual=-0.1), "residual from 0 .*received -0.1"),
        (dict(residual=1.5), "received 1.5"),
        (dict(discard_ratio=1), "less than 1; received 1"),
        (dict(discard_ratio=-0.5), "received -0.5"),
        (dict(discard_ratio=float("nan")), "received nan"),
        (dict(queries=[5]), r"from 0 to 4; received \[5\]"),
        (dict(queries=[-1]), "from 0 to 4"),
        (dict(queries=0), "a list of tokens"),
        (dict(queries=[]), "a list of tokens"),
        (dict(queries=[0.5]), "a list of tokens"),
    ],
)
def test_options_out_of_range_are_told(options, told):
    with pytest.raises(ValueError, match=told):
        attention_rollout(random_attention(2, 1, 2, 5, 5), **options)


# gradient_rollout

ATTENTION = one_head([[0.5, 0.5], [0.25, 0.75]], [[0.2, 0.8], [1, 0]])
GRADIENTS = one_head([[2, -1], [0, 4]], [[5, -1], [1, 7]])


def test_gradient_rollout_by_hand():
    """C₁ = diag(1, 3), C₂ = [[1, 0], [1, 0]], so (I + C₂)(I + C₁) = [[2, 0], [1, 1]] · diag(2, 4)."""
    np.testing.assert_array_equal(gradient_rollout(ATTENTION, GRADIENTS), [[[4, 0], [2, 4]]])
    np.testing.assert_array_equal(
        gradient_rollout(ATTENTION, GRADIENTS, normalise=True), [[[1, 0], [0.5, 0.5]]]
    )
    np.testing.assert_array_equal(gradient_rollout(ATTENTION, GRADIENTS, queries=[1]), [[[2, 4]]])


def test_what_speaks_against_the_class_does_not_cancel_another_head():
    attention = np.full((1, 1, 2, 2, 2), 0.5)
    gradients = np.stack([np.full((2, 2), 2.0), np.full((2, 2), -2.0)])[None, None]
    np.testing.assert_array_equal(gradient_rollout(attention, gradients), [[[1.5, 0.5], [0.5, 1.5]]])


def test_gradient_rollout_against_loops():
    weights, gradients = (
        random_attention(3, 2, 4, 5, 5),
        np.random.default_rng(1).normal(size=(3, 2, 4, 5, 5)),
    )
    for normalise, image in itertools.product((False, True), range(2)):
        relevance = np.eye(5)
        for block in range(3):
            mixing = np.eye(5)
            for head, q, k in itertools.product(range(4), range(5), range(5)):
                where = (block, image, head, q, k)
                mixing[q, k] += max(weights[where] * gradients[where], 0) / 4
            relevance = (mixing / mixing.sum(axis=1, keepdims=True) if normalise else mixing) @ relevance
        found = gradient_rollout(weights, gradients, normalise=normalise)
        np.testing.assert_allclose(found[image], relevance)
        if normalise:
            np.testing.assert_allclose(found.sum(axis=-1), 1)


def test_no_gradient_leaves_each_token_to_itself():
    weights = random_attention(3, 2, 4, 5, 5)
    np.testing.assert_array_equal(
        gradient_rollout(weights, np.zeros_like(weights)), np.tile(np.eye(5), (2, 1, 1))
    )


def test_gradients_that_do_not_belong_are_told():
    with pytest.raises(ValueError, match=r"weights, \(2, 1, 1, 2, 2\); received \(1, 1, 1, 2, 2\)"):
        gradient_rollout(ATTENTION, GRADIENTS[:1])
    with pytest.raises(ValueError, match="finite gradients"):
        gradient_rollout(ATTENTION, GRADIENTS * np.nan)
    with pytest.raises(ValueError, match="after the softmax"):
        gradient_rollout(GRADIENTS, ATTENTION)


# attention_flow


def smallest_cut(mixing, source, sink):
    """The maximum flow is the smallest cut (Ford & Fulkerson 1956); here by trying all cuts.

    Only tokens between the first and the last layer can lie on a path on either side of the cut.
    """
    depth, tokens, _ = mixing.shape
    inner = list(itertools.product(range(1, depth), range(tokens)))
    best = float("inf")
    for sides in itertools.product((False, True), repeat=len(inner)):
        near = {node for node, side in zip(inner, sides) if side} | {(depth, source)}
        cut = sum(
            mixing[layer - 1, token, key]
            for layer, token in near
            for key in range(tokens)
            if ((layer - 1, key) not in near if layer > 1 else key == sink)
        )
        best = min(best, cut)
    return best


def test_one_block_is_the_block():
    weights = random_attention(1, 2, 3, 5, 5)
    np.testing.assert_allclose(attention_flow(weights), attention_rollout(weights), atol=1e-8)


def test_two_blocks_by_the_narrower_pipe_of_each_path():
    """Paths of two pipes share none, so flow(s, t) = Σ_j min(A₂[s, j], A₁[j, t])."""
    weights = random_attention(2, 1, 2, 6, 6)
    first, second = (block_mixing(block[0]) for block in weights)
    expected = np.minimum(second[:, :, None], first[None]).sum(axis=1)
    np.testing.assert_allclose(attention_flow(weights, normalise=False)[0], expected, atol=1e-7)
    np.testing.assert_allclose(
        attention_flow(weights)[0], expected / expected.sum(axis=1, keepdims=True), atol=1e-7
    )


def test_flow_by_hand():
    """Without skips. Token 0 looks at both evenly, then each looks at one: rollout 0.5 · 0.4, flow 0.4."""
    first, second = [[0.4, 0.6], [0, 1]], [[0.5, 0.5], [0, 1]]
    flow = attention_flow(one_head(first, second), residual=0, normalise=False)[0]
    np.testing.assert_allclose(flow, [[0.4, 1.0], [0, 1]], atol=1e-8)
    np.testing.assert_allclose(
        attention_rollout(one_head(first, second), residual=0)[0], [[0.2, 0.8], [0, 1]]
    )


@pytest.mark.parametrize("head_fusion, residual", [("mean", 0.5), ("max", 0.2), ("min", 0)])
def test_flow_is_the_smallest_cut(head_fusion, residual):
    weights = random_attention(4, 2, 2, 3, 3, seed=3) ** 3
    weights /= weights.sum(axis=-1, keepdims=True)
    options = dict(head_fusion=head_fusion, residual=residual)
    found = attention_flow(weights, normalise=False, **options)
    for image in range(2):
        mixing = np.stack([block_mixing(block[image], **options) for block in weights])
        expected = [[smallest_cut(mixing, source, sink) for sink in range(3)] for source in range(3)]
        np.testing.assert_allclose(found[image], expected, atol=1e-7)
    assert (found < 0.99).sum() > 6  # not all of it saturated, which any solver would get right


def test_flow_against_networkx():
    networkx = pytest.importorskip("networkx")
    weights = random_attention(4, 1, 2, 6, 6, seed=5) ** 4
    weights /= weights.sum(axis=-1, keepdims=True)
    graph = networkx.DiGraph()
    for layer, block in enumerate(weights):
        for query, key in itertools.product(range(6), range(6)):
            capacity = block_mixing(block[0], residual=0.2)[query, key]
            graph.add_edge((layer + 1, query), (layer, key), capacity=capacity)
    expected = [networkx.maximum_flow_value(graph, (4, 2), (0, key)) for key in range(6)]
    found = attention_flow(weights, residual=0.2, queries=[2], normalise=False)
    np.testing.assert_allclose(found, [[expected]], atol=1e-7)


def test_wide_attention_saturates():
    """All that a token has gets through to each token: over enough blocks, flow says nothing any more.

    With even attention and skips, let what leaves s spread for half of the blocks as the weights say, and
    come together at t in the other half likewise: where they meet, all but 2^(−depth / 2) of it fits.
    """
    assert (attention_flow(np.full((12, 1, 5, 5), 0.2), normalise=False) >= 1 - 2**-6).all()
    two = attention_flow(np.full((2, 1, 5, 5), 0.2), normalise=False)
    np.testing.assert_allclose(two, np.where(np.eye(5), 1, 0.5), atol=1e-8)  # 0.5 from 5 pipes of 0.1
    no_skip = attention_flow(np.full((2, 1, 5, 5), 0.2), residual=0, normalise=False)
    np.testing.assert_allclose(no_skip, 1, atol=1e-8)  # 5 pipes of 0.2


def test_no_flow_exceeds_what_the_token_has():
    """In whole units the pipes of these tokens sum to a little more than 1."""
    flows = [attention_flow(random_attention(6, 1, 2, 7, 7, seed=s), normalise=False) for s in range(5)]
    assert 0 <= np.min(flows) and np.max(flows) <= 1


def test_flows_of_chosen_queries_and_leading_axes():
    weights = random_attention(3, 2, 2, 2, 5, 5)
    whole = attention_flow(weights)
    assert whole.shape == (2, 2, 5, 5) and whole.dtype == np.float64
    np.testing.assert_allclose(whole.sum(axis=-1), 1)
    np.testing.assert_array_equal(attention_flow(weights, queries=[3, 0]), whole[..., [3, 0], :])
    np.testing.assert_array_equal(attention_flow(weights[:, 1, 0]), whole[1, 0])


# What all of them take and refuse

FUNCTIONS = {
    "attention_rollout": attention_rollout,
    "discarding": lambda weights: attention_rollout(weights, head_fusion="max", discard_ratio=0.5),
    "block_mixing": lambda weights: block_mixing(weights),
    "gradient_rollout": lambda weights: gradient_rollout(weights, weights),
    "attention_flow": attention_flow,
}
each_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)


@each_function
def test_any_backend_and_precision(function):
    shares = np.random.default_rng(0).multinomial(64, [0.1, 0.4, 0.1, 0.3, 0.1], size=(2, 3, 2, 5))
    weights = shares / 64  # exact in every precision
    exact = function(weights)
    assert isinstance(exact, np.ndarray) and exact.dtype == np.float64
    for values in [
        ops.convert_to_tensor(weights, dtype="float32"),
        ops.convert_to_tensor(weights, dtype="bfloat16"),
        weights.astype("float16"),
        weights.tolist(),
    ]:
        found = function(values)
        assert isinstance(found, np.ndarray)
        np.testing.assert_allclose(found, exact, atol=1e-6)


@each_function
def test_the_weights_are_left_as_they_were(function):
    weights = random_attention(2, 3, 2, 5, 5)
    before = weights.copy()
    function(weights)
    function(weights[:, :, :1])  # one head: nothing to fuse
    np.testing.assert_array_equal(weights, before)


@each_function
def test_what_is_no_attention_is_told(function):
    weights = random_attention(2, 3, 2, 5, 5)
    with pytest.raises(ValueError, match="after the softmax.*Scores need a softmax"):
        function(np.log(weights))
    with pytest.raises(ValueError, match=r"received \(2, 3, 2, 4, 5\)"):
        function(weights[..., :4, :])
    with pytest.raises(ValueError, match=r"num_tokens\); received \(5, 5\)"):
        function(weights[0, 0, 0])
    with pytest.raises(ValueError, match="None.*keep="):
        function(None)


# Work


class Counted(np.ndarray):
    """An array that notes the matrix products it takes part in, by the shapes of their factors."""

    products = []

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        plain = [np.asarray(one) for one in inputs]
        if ufunc is np.matmul:
            self.products.append(tuple(one.shape for one in plain))
        if out is not None:
            options["out"] = tuple(np.asarray(one) for one in out)
        result = getattr(ufunc, method)(*plain, **options)
        return result.view(Counted) if isinstance(result, np.ndarray) else result


def products_of(function, monkeypatch):
    """Which blocks were mixed, by their shapes, and which products were taken of them."""
    mixed, products = [], []
    mix = module._mix

    def counted(weights, *options):
        mixed.append(weights.shape)
        return mix(weights, *options).view(Counted)

    with monkeypatch.context() as patch:
        patch.setattr(module, "_mix", counted)
        patch.setattr(Counted, "products", products)
        function()
    return mixed, products


def test_all_images_go_through_a_block_at_once_and_only_the_rows_that_are_asked_for(monkeypatch):
    weights = random_attention(4, 6, 3, 9, 9)  # depth, images, heads, tokens, tokens
    once_a_block, all_rows, one_row = [(6, 3, 9, 9)] * 4, ((6, 9, 9),) * 2, ((6, 1, 9), (6, 9, 9))
    for queries, product in ((None, all_rows), ([0], one_row)):
        found = products_of(lambda q=queries: attention_rollout(weights, queries=q), monkeypatch)
        assert found == (once_a_block, [product] * 3)

    def image_by_image():  # the slow way, as a check of the count
        for image in range(6):
            attention_rollout(weights[:, image : image + 1])

    assert len(products_of(image_by_image, monkeypatch)[1]) == 6 * 3


def test_the_loop_of_the_benchmark_gives_the_same():
    measured, _ = benchmark.table(benchmark.make_attention(images=2, tokens=17, depth=3), repeats=1)
    assert measured["loop in float64"][1] < 1e-6


def test_the_benchmark_prints_a_row_for_each(capsys):
    benchmark.main(["--images", "2", "--depth", "2", "--tokens", "10", "--repeats", "1"])
    printed = capsys.readouterr().out
    for name in benchmark.CONTESTANTS:
        assert printed.count(f"\n{name} ") == 2
