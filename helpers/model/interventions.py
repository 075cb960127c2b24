"""What can be changed in a Vision Transformer while it runs: small objects, handed to `activations`.

They say what is to be changed and hold nothing of the model, so that there is nothing to undo.
"""

import dataclasses

import keras
import numpy as np
from keras import ops

from helpers.model.class_token_swap import SwapAfter, SwapClassTokens
from helpers.model.compiled import PerImage
from helpers.model.keep_tokens import KeepTokens, check_once, take_tokens

BRANCHES = ("attention", "mlp")


@dataclasses.dataclass(frozen=True)
class CutAttention:
    """Stop some tokens from looking at others.

    Args:
        edges: bool (queries, keys), or a shape that broadcasts against (batch, num_heads, queries, keys);
            True is cut. Edges of single images go with their images, batch by batch.
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
        edges = self.edges if hasattr(self.edges, "dtype") else np.asarray(self.edges)
        shape, dtype = tuple(attention_weights.shape), keras.backend.standardize_dtype(edges.dtype)
        if dtype != "bool" or len(edges.shape) < 2 or not broadcasts(tuple(edges.shape), shape):
            raise ValueError(
                f"CutAttention needs boolean edges (queries, keys) of {shape[-2:]}, True where to cut; "
                f"received {dtype} {tuple(edges.shape)}."
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
        return take_tokens(tokens, self.tokens_left(config))

    def tokens_left(self, config):
        """Give the indices of the tokens that stay, int32."""
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
        return np.array(kept, "int32")


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


@dataclasses.dataclass(frozen=True)
class _KeepSkips:
    """RemoveSkip for any number of skips at once: bool (depth, 2), True where the connection stays."""

    kept: object

    def change_skip(self, block, branch, tokens):
        return ops.where(self.kept[block, BRANCHES.index(branch)], tokens, ops.zeros_like(tokens))


@dataclasses.dataclass(frozen=True)
class _KeepTokens:
    """DropTokens and KeepTokens by the indices of the tokens that stay."""

    kept: object

    def change_tokens(self, tokens, config):
        return take_tokens(tokens, self.kept)


INTERVENTIONS = (CutAttention, DropTokens, KeepTokens, RemoveSkip, ReplaceBranch, SwapClassTokens)

# What may be another for each image, and how many axes it has when it is; the first of them is the images.
PER_IMAGE = {CutAttention: ("edges", 4), KeepTokens: ("tokens", 2), ReplaceBranch: ("value", 3)}


def as_plan_and_arrays(interventions, config):
    """Part what to do from the numbers to do it with, so that it is compiled once for all numbers.

    Which edges are cut, which tokens are dropped, which skips are removed, what takes a branch's place, and
    whose class token goes where after which block are numbers; how many tokens stay, and in which blocks
    something is cut or replaced, is the plan.

    Args:
        interventions: as `activations` takes them.
        config: ViTConfig.
    Returns:
        plan: hashable; and a list of arrays, one a step of it. Or None and an empty list for interventions
        that are a learner's own code: a function as a branch's value, or another class.
    """
    plan, arrays = [], []
    skips = np.ones((config.depth, len(BRANCHES)), bool)
    for each in interventions:
        if type(each) not in INTERVENTIONS or callable(getattr(each, "value", None)):
            return None, []
        if isinstance(each, CutAttention):
            blocks = None if each.blocks is None else tuple(int(block) for block in each.blocks)
            plan.append((CutAttention, blocks, bool(each.renormalise)))
            arrays.append(each.edges)
        elif isinstance(each, ReplaceBranch):
            plan.append((ReplaceBranch, int(each.block), each.branch))
            arrays.append(each.value)
        elif isinstance(each, SwapClassTokens):
            plan.append((SwapAfter,))
            arrays.append(np.array([each.block, *each.permutation], "int32"))
        elif isinstance(each, (DropTokens, KeepTokens)):
            plan.append((_KeepTokens,))
            arrays.append(each.tokens_left(config))
        else:
            skips[each.block, BRANCHES.index(each.branch)] = False
        if differs_by_image(each):
            arrays[-1] = PerImage(np.asarray(arrays[-1]))
    if not skips.all():
        plan.append((_KeepSkips,))
        arrays.append(skips)
    return tuple(plan), arrays


def from_plan_and_arrays(plan, arrays):
    """Put together again what `as_plan_and_arrays` parted."""
    interventions = []
    for (kind, *settings), array in zip(plan, arrays, strict=True):
        if kind is CutAttention:
            interventions.append(CutAttention(array, *settings))
        elif kind is ReplaceBranch:
            interventions.append(ReplaceBranch(*settings, array))
        else:
            interventions.append(kind(array))
    return interventions


def differs_by_image(intervention):
    """Say whether an intervention brings an array with one entry an image."""
    name, axes = PER_IMAGE.get(type(intervention), (None, None))
    shape = np.shape(getattr(intervention, name)) if name else ()
    return len(shape) == axes and shape[0] != 1


def check_rows(interventions, num_images):
    for each in interventions:
        if differs_by_image(each) and len(rows := getattr(each, PER_IMAGE[type(each)][0])) != num_images:
            raise ValueError(
                f"{type(each).__name__} needs an entry for each of {num_images} images; received {len(rows)}."
            )


def of_images(interventions, start, stop):
    """Give the interventions for the images from `start` to `stop`, out of those for all images."""
    found = []
    for each in interventions:
        if differs_by_image(each):
            name, _ = PER_IMAGE[type(each)]
            each = dataclasses.replace(each, **{name: getattr(each, name)[start:stop]})
        found.append(each)
    return found


def check_interventions(interventions, config):
    check_once(interventions, (DropTokens, KeepTokens))
    for intervention in interventions:
        if not isinstance(intervention, INTERVENTIONS):
            names = ", ".join(kind.__name__ for kind in INTERVENTIONS)
            raise ValueError(
                f"interventions holds objects of {names}; received {type(intervention).__name__}."
            )
        branch = getattr(intervention, "branch", "mlp")
        if branch not in BRANCHES:
            raise ValueError(f'A branch is "attention" or "mlp"; received {branch!r}.')
        blocks = getattr(intervention, "blocks", None) or (getattr(intervention, "block", 0),)
        if any(not 0 <= block < config.depth for block in blocks):
            raise ValueError(f"This model has blocks 0 to {config.depth - 1}; received {list(blocks)}.")
        if isinstance(intervention, SwapClassTokens):
            intervention.check(config)


def broadcasts(shape, target):
    """Say whether a shape broadcasts to a target, whose first axis may be unknown (None)."""
    if target[0] is None:
        target = (shape[0] if len(shape) == len(target) else 1, *target[1:])
    try:
        return np.broadcast_shapes(shape, target) == tuple(target)
    except ValueError:
        return False
