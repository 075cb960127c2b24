"""The logits as a sum: what each block, branch, head and source token adds to each class, and nothing left.

The class token after the last block is the sum of where it began and of all that was added to it. The last
norm divides that sum by a number; with this number held, as the image has it, every part goes through norm
and head by itself (Gandelsman et al. 2024, https://arxiv.org/abs/2310.05916, section 3). Such an effect is
direct: what a part does by changing what later blocks do is counted as theirs.
"""

import dataclasses

import numpy as np

from helpers.analysis.attention import as_array
from helpers.analysis.class_space import check_labels, expect_head
from helpers.analysis.kept_fields import kept_fields, of_each_run

KEEP = ("tokens", "attention_weights", "values", "mlp_output")
BRANCHES = ("both", "attention", "mlp")
SUM_TOLERANCE = 0.02  # of the largest logit: how far bfloat16 may leave the parts from adding up


@dataclasses.dataclass(frozen=True)
class DirectEffects:
    """Parts of the class token's logits; all of them together are the logits.

    Attributes:
        constant: (num_classes,), the last norm's beta and the head's bias.
        embedding: (batch, num_classes), the class token as it enters the first block.
        heads: (depth, batch, num_heads, num_tokens, num_classes), what the class token takes from each
            source token through each head.
        attention_bias: (depth, batch, num_classes), the bias of each attention's output projection.
        mlp: (depth, batch, num_classes), each MLP's output, its bias too.
    """

    constant: np.ndarray
    embedding: np.ndarray
    heads: np.ndarray
    attention_bias: np.ndarray
    mlp: np.ndarray

    @property
    def attention(self):
        """What each attention adds in all, (depth, batch, num_classes): its heads, tokens and bias."""
        return self.heads.sum(axis=(2, 3)) + self.attention_bias

    @property
    def logits(self):
        """The sum of all parts, (batch, num_classes): the model's logits."""
        return self.constant + self.embedding + self.attention.sum(axis=0) + self.mlp.sum(axis=0)


def direct_effects(model, runs):
    """Take the logits apart into embedding, blocks, branches, heads and source tokens.

    The class token's last stream is x = embedding + Σ_b (Σ_h Σ_k A_b[h, class, k] · v_b[h, k] W_O[h] + b_O +
    mlp_b). A part t of it says (t − mean(t)) / √(var(x) + ε) · γ · W to the classes, mean and variance over
    the features, the variance that of x; β · W and the head's bias come on top, once.

    Args:
        model: VisionTransformer with a class token, a head, and a skip connection in every block.
        runs: what `activations(model, images, keep=("tokens", "attention_weights", "values", "mlp_output"))`
            gives; or several, such as `activation_batches` yields.
    Returns:
        DirectEffects of all images, float32; their sum is the logits to 1e-4.
    Raises:
        ValueError: for a model that is no VisionTransformer, has no head, no class token or not every skip;
            if a run lacks one of the four fields; or if the parts do not add up to its logits, as where a
            branch, a skip or a class token was changed in it.
    """
    expect_head(model)
    config = model.config
    if not config.has_class_token:
        raise ValueError(
            "Expected a model with a class token, whose stream is the sum; received one whose head reads the "
            'mean of the patches (pooling="mean"). Take one such as load_checkpoint("cifar/4").'
        )
    if config.blocks_without_skip:
        raise ValueError(
            "Expected a model with a skip connection in every block, so that the stream is a sum; received "
            f"one without in blocks {list(config.blocks_without_skip)}, from 0."
        )
    parts = of_each_run(lambda run: _effects_of_run(model, run), runs)
    joined = {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
    return DirectEffects(
        constant=_reader(model)[1].astype("float32"), **joined | {"embedding": joined["embedding"][0]}
    )


def mean_ablation(effects, labels, *, branch="both"):
    """Score the model when the direct effects of its first blocks are replaced by their mean over the images.

    What such a block adds to the logits is then the same for every image, and cannot help to tell them
    apart. What it did for later blocks stays. Gandelsman et al. 2024, section 3.2.

    Args:
        effects: DirectEffects.
        labels: int (batch,), of two classes at least: the mean of one class would still say the class.
        branch: "attention", "mlp", or "both".
    Returns:
        float64 (depth + 1,), the accuracy with the first 0, 1, …, depth blocks replaced; the first is the
        model's own.
    Raises:
        ValueError: for another branch, wrong labels, or images of one class alone.
    """
    if branch not in BRANCHES:
        raise ValueError(f"Expected a branch of {', '.join(BRANCHES)}; received {branch!r}.")
    logits = effects.logits.astype("float64")
    check_labels(labels, *logits.shape, several=True)
    added = {"attention": effects.attention, "mlp": effects.mlp}
    changed = sum(added.values()) if branch == "both" else added[branch]  # (depth, batch, num_classes)
    change = np.cumsum(changed.mean(axis=1, keepdims=True) - changed, axis=0, dtype="float64")
    scores = np.concatenate([logits[None], logits + change])  # (depth + 1, batch, num_classes)
    return (scores.argmax(axis=-1) == np.asarray(labels)).mean(axis=-1)


def token_map(effects, classes, *, blocks=None):
    """Say how much each source token speaks for a class: its direct effects, summed over blocks and heads.

    Args:
        effects: DirectEffects.
        classes: int, or (batch,), one an image.
        blocks: which to sum, from 0; None for all.
    Returns:
        float (batch, num_tokens), in logits; token 0 is the class token itself, and
        `helpers.analysis.attention.patch_map` lays the others out as the image is.
    Raises:
        ValueError: for a class or a block that is not there.
    """
    depth, batch, _, num_tokens, num_classes = effects.heads.shape
    classes = np.broadcast_to(np.asarray(classes), (batch,)) if np.ndim(classes) == 0 else np.asarray(classes)
    check_labels(classes, batch, num_classes)
    chosen = np.arange(depth) if blocks is None else np.asarray(blocks, int).reshape(-1)
    if not len(chosen) or chosen.min() < 0 or chosen.max() >= depth:
        raise ValueError(f"Expected blocks from 0 to {depth - 1}; received {blocks!r}.")
    summed = effects.heads[chosen].sum(axis=(0, 2))  # (batch, num_tokens, num_classes)
    return np.take_along_axis(summed, classes[:, None, None], axis=-1)[..., 0]


def _reader(model):
    """Give the matrix (hidden_dim, num_classes) that reads a part of the stream, and the constant."""
    from keras import ops  # only here: arrays need no backend, slow to load

    weights = [ops.convert_to_numpy(w).astype("float64") for w in (model.norm.gamma, model.head.kernel)]
    matrix = weights[0][:, None] * weights[1]
    beta, bias = (ops.convert_to_numpy(w).astype("float64") for w in (model.norm.beta, model.head.bias))
    return matrix - matrix.mean(axis=0), beta @ weights[1] + bias  # t − mean(t), moved into the matrix


def _effects_of_run(model, run):
    """Give the parts for the images of one run, the batch as the second axis of each."""
    from keras import ops

    tokens, attention_weights, values_of_blocks, mlp_output = kept_fields(run, KEEP)
    reader, constant = _reader(model)
    stream, num_heads = tokens[:, :, 0], model.config.num_heads  # (depth + 1, batch, hidden)
    deviation = np.sqrt(stream[-1].astype("float64").var(axis=-1, keepdims=True) + model.norm.epsilon)
    heads, biases = [], []
    for block, weights, values in zip(model.blocks, attention_weights, values_of_blocks):
        scale = 1.0 if block.scale1 is None else ops.convert_to_numpy(block.scale1.scale)
        projection = block.attention.output_projection
        kernel = ops.convert_to_numpy(projection.kernel) * scale
        kernel = kernel.reshape(num_heads, -1, kernel.shape[-1]) @ reader  # (num_heads, head_dim, classes)
        says = values.astype("float64") @ kernel  # (batch, num_heads, num_tokens, num_classes)
        weights = weights[:, :, 0, :, None].astype("float64")  # the class token's row
        heads.append(weights * says / deviation[:, None, None])
        biases.append(ops.convert_to_numpy(projection.bias) * scale @ reader / deviation)
    mlp = mlp_output[:, :, 0].astype("float64") @ reader / deviation
    parts = dict(embedding=stream[:1].astype("float64") @ reader / deviation, heads=np.stack(heads))
    parts |= dict(attention_bias=np.stack(biases), mlp=mlp)
    parts = {name: part.astype("float32") for name, part in parts.items()}
    total = constant + sum(part.sum(axis=(0, 2, 3) if name == "heads" else 0) for name, part in parts.items())
    logits = as_array(run.logits)
    if not np.abs(total - logits).max() <= SUM_TOLERANCE * max(1, np.abs(logits).max()):
        raise ValueError(
            "Expected a run whose parts add up to its logits; received one where they are off by up to "
            f"{np.abs(total - logits).max():.3g}. Take a run without interventions on branches, skips or "
            "class tokens, and the model that it came from."
        )
    return parts
