"""Look inside a Vision Transformer, and change one thing in it: no hooks, nothing global, nothing to undo.

run = activations(model, images, keep=("tokens", "attention_weights"), interventions=[DropTokens([5, 6])])
"""

import dataclasses

import numpy as np
from keras import ops

from helpers.model.kinds import expect_vit
from helpers.model.vit import gelu

FIELDS = ("tokens", "attention_weights", "attention_output", "mlp_output", "values", "mlp_hidden")


@dataclasses.dataclass(frozen=True)
class Activations:
    """What went on in a forward pass, as NumPy arrays; a field that was not kept is None.

    Attributes:
        logits: (batch, num_classes), equal to model(images).
        tokens: (depth + 1, batch, num_tokens, hidden_dim), the residual stream; 0 is after the position
            embedding.
        attention_weights: (depth, batch, num_heads, queries, keys), after the softmax.
        attention_output, mlp_output: (depth, batch, num_tokens, hidden_dim), the branches before the residual
            add.
        values: (depth, batch, num_heads, num_tokens, head_dim).
        mlp_hidden: (depth, batch, num_tokens, mlp_dim), before the GELU.
    """

    logits: np.ndarray
    tokens: np.ndarray | None = None
    attention_weights: np.ndarray | None = None
    attention_output: np.ndarray | None = None
    mlp_output: np.ndarray | None = None
    values: np.ndarray | None = None
    mlp_hidden: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class CutAttention:
    """Stop some tokens from looking at others.

    Args:
        edges: bool (queries, keys), or a shape that broadcasts against (batch, num_heads, queries, keys);
            True is cut.
        blocks: the blocks to change, counted from 0; None for all.
        renormalise: whether the weights that are left are scaled to sum to 1 again. A row with nothing left
            stays 0.
    """

    edges: np.ndarray
    blocks: tuple[int, ...] | None = None
    renormalise: bool = False

    def change_attention(self, block, attention_weights):
        if self.blocks is not None and block not in self.blocks:
            return attention_weights
        edges = np.asarray(self.edges)
        shape = tuple(attention_weights.shape)
        if edges.dtype != bool or edges.ndim < 2 or not broadcasts(edges.shape, shape):
            raise ValueError(
                f"CutAttention needs boolean edges (queries, keys) of {shape[-2:]}, True where to cut; "
                f"received {edges.dtype} {edges.shape}."
            )
        kept = ops.where(edges, 0.0, attention_weights)
        if not self.renormalise:
            return kept
        total = ops.sum(kept, axis=-1, keepdims=True)
        return ops.where(total > 0, kept / ops.where(total > 0, total, 1.0), 0.0)


@dataclasses.dataclass(frozen=True)
class DropTokens:
    """Take tokens away after the position embedding, as if those patches had never been there.

    Args:
        tokens: indices of the tokens to drop; 0 is the class token where the model has one.
    """

    tokens: tuple[int, ...]

    def change_tokens(self, tokens, config):
        dropped = sorted({int(index) for index in self.tokens})
        if dropped and (dropped[0] < 0 or dropped[-1] >= config.num_tokens):
            raise ValueError(
                f"DropTokens takes indices from 0 to {config.num_tokens - 1}; received {dropped}."
            )
        if config.has_class_token and 0 in dropped:
            raise ValueError("Token 0 is the class token, which the head reads; drop patches, from 1 on.")
        kept = [index for index in range(config.num_tokens) if index not in set(dropped)]
        if not kept:
            raise ValueError("DropTokens was asked to drop every token; leave one at least.")
        return ops.take(tokens, np.array(kept), axis=1)


@dataclasses.dataclass(frozen=True)
class RemoveSkip:
    """Leave the residual connection out: the stream after the branch is the branch alone.

    Args:
        block: int, from 0.
        branch: "attention" or "mlp".
    """

    block: int
    branch: str = "attention"

    def change_skip(self, block, branch, tokens):
        return ops.zeros_like(tokens) if (block, branch) == (self.block, self.branch) else tokens


@dataclasses.dataclass(frozen=True)
class ReplaceBranch:
    """Put something else in the place of a branch's output.

    Args:
        block: int, from 0.
        branch: "attention" or "mlp".
        value: number or array that broadcasts to (batch, num_tokens, hidden_dim), or a function of the
            output.
    """

    block: int
    branch: str
    value: object = 0.0

    def change_branch(self, block, branch, output):
        if (block, branch) != (self.block, self.branch):
            return output
        new = self.value(output) if callable(self.value) else self.value
        return ops.broadcast_to(ops.cast(ops.convert_to_tensor(new), output.dtype), ops.shape(output))


INTERVENTIONS = (CutAttention, DropTokens, RemoveSkip, ReplaceBranch)


def activations(model, images, keep=("tokens", "attention_weights"), interventions=()):
    """Run a Vision Transformer and keep what goes on inside.

    Args:
        model: VisionTransformer.
        images: (batch, image_size, image_size, channels), float in [0, 1].
        keep: names of the fields of `Activations` to keep; "all" for every one.
        interventions: objects of this module, applied in their order.
    Returns:
        Activations.
    Raises:
        ValueError: for a model that is no VisionTransformer, an unknown field, an unknown intervention, a
            block or branch that is not there, or images that the model was not built for.
    """
    expect_vit(model)
    keep = check_keep(keep)
    check_interventions(interventions, model.config)
    kept = {name: [] for name in keep}

    def note(name, value):
        if name in kept:
            kept[name].append(ops.convert_to_numpy(value))

    def change(method, value, *where):
        for intervention in interventions:
            if hasattr(intervention, method):
                value = getattr(intervention, method)(*where, value)
        return value

    tokens = model.embed(images)
    for intervention in interventions:
        if isinstance(intervention, DropTokens):
            tokens = intervention.change_tokens(tokens, model.config)
    note("tokens", tokens)
    for index, block in enumerate(model.blocks):
        attention_weights, values = block.attention.weights_and_values(block.norm1(tokens))
        attention_weights = change("change_attention", attention_weights, index)
        output = block.finish(block.attention.combine(attention_weights, values), block.scale1)
        output = change("change_branch", output, index, "attention")
        tokens = block.join(change("change_skip", tokens, index, "attention"), output)
        note("attention_weights", attention_weights)
        note("values", values)
        note("attention_output", output)

        mlp_hidden = block.mlp.expand(block.norm2(tokens))
        output = block.finish(block.mlp.contract(gelu(mlp_hidden)), block.scale2)
        output = change("change_branch", output, index, "mlp")
        tokens = block.join(change("change_skip", tokens, index, "mlp"), output)
        note("mlp_hidden", mlp_hidden)
        note("mlp_output", output)
        note("tokens", tokens)
    logits = ops.convert_to_numpy(model.classify(tokens))
    return Activations(logits=logits, **{name: np.stack(arrays) for name, arrays in kept.items()})


def activation_batches(model, images, batch_size=256, keep=("tokens",), interventions=()):
    """Yield `activations` batch by batch, so that thousands of images fit into the memory.

    Args:
        images: (n, image_size, image_size, channels), float in [0, 1] or uint8 in 0 to 255.
        batch_size: int, images at a time; the last batch may be smaller.
        keep, interventions: as in `activations`.
    Yields:
        Activations of each batch, in order.
    """
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"batch_size must be a whole number, at least 1; received {batch_size!r}.")
    for start in range(0, len(images), batch_size):
        batch = np.asarray(images[start : start + batch_size])
        if batch.dtype == np.uint8:
            batch = batch.astype("float32") / 255
        yield activations(model, batch, keep=keep, interventions=interventions)


def check_keep(keep):
    names = FIELDS if keep == "all" else (keep,) if isinstance(keep, str) else tuple(keep)
    if unknown := [name for name in names if name not in FIELDS]:
        raise ValueError(
            f'There is no activation {unknown[0]!r} to keep: expected some of {", ".join(FIELDS)}, or "all".'
        )
    return names


def check_interventions(interventions, config):
    for intervention in interventions:
        if not isinstance(intervention, INTERVENTIONS):
            names = ", ".join(kind.__name__ for kind in INTERVENTIONS)
            raise ValueError(
                f"interventions holds objects of {names}; received {type(intervention).__name__}."
            )
        branch = getattr(intervention, "branch", "mlp")
        if branch not in ("attention", "mlp"):
            raise ValueError(f'A branch is "attention" or "mlp"; received {branch!r}.')
        blocks = getattr(intervention, "blocks", None) or (getattr(intervention, "block", 0),)
        if any(not 0 <= block < config.depth for block in blocks):
            raise ValueError(f"This model has blocks 0 to {config.depth - 1}; received {list(blocks)}.")


def broadcasts(shape, target):
    try:
        return np.broadcast_shapes(shape, target) == tuple(target)
    except ValueError:
        return False
