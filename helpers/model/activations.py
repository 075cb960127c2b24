"""Look inside a Vision Transformer, and change one thing in it: no hooks, nothing global, nothing to undo.

run = activations(model, images, keep=("tokens", "attention_weights"), interventions=[DropTokens([5, 6])])
"""

import dataclasses

import keras
import numpy as np
from keras import ops

from helpers.model.compiled import FEWEST, as_floats, compiled
from helpers.model.image_checks import check_images

# Those that are not used below may be imported from here too.
from helpers.model.interventions import (  # noqa: F401
    INTERVENTIONS,
    CutAttention,
    DropTokens,
    KeepTokens,
    RemoveSkip,
    ReplaceBranch,
    SwapClassTokens,
    as_plan_and_arrays,
    check_interventions,
    check_rows,
    from_plan_and_arrays,
    of_images,
)
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


def activations(model, images, keep=("tokens", "attention_weights"), interventions=()):
    """Run a Vision Transformer and keep what goes on inside.

    Args:
        model: VisionTransformer.
        images: (batch, image_size, image_size, channels), float in [0, 1].
        keep: names of the fields of `Activations` to keep; "all" for every one.
        interventions: objects of `helpers.model.interventions`, applied in their order.
    Returns:
        Activations.
    Raises:
        ValueError: for a model that is no VisionTransformer, an unknown field, an unknown intervention, a
            block or branch that is not there, or images that the model was not built for.
    """
    expect_vit(model)
    keep = check_keep(keep)
    check_interventions(interventions, model.config)
    images = images if isinstance(images, np.ndarray) else ops.convert_to_numpy(images)
    check_images(images, model.config)
    (run,) = _run(model, images, len(images), keep, interventions)
    return run


def activation_batches(model, images, batch_size=256, keep=("tokens",), interventions=()):
    """Yield `activations` batch by batch, so that thousands of images fit into the memory.

    Args:
        images: (n, image_size, image_size, channels), float in [0, 1] or uint8 in 0 to 255.
        batch_size: int, images at a time; the last batch may be smaller.
        keep, interventions: as in `activations`.
    Yields:
        Activations of each batch, in order.
    """
    expect_vit(model)
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"batch_size must be a whole number, at least 1; received {batch_size!r}.")
    keep = check_keep(keep)
    check_interventions(interventions, model.config)
    yield from _run(model, images, batch_size, keep, interventions)


def _run(model, images, batch_size, keep, interventions):
    """Yield Activations batch by batch: compiled where images are many and the interventions allow it."""
    check_rows(interventions, len(images))
    for intervention in interventions:
        if hasattr(intervention, "check_batches"):
            intervention.check_batches(len(images), batch_size)
    plan, arrays = as_plan_and_arrays(interventions, model.config)
    if plan is not None and (len(images) >= FEWEST or keras.backend.backend() == "torch"):
        if not len(images):
            return
        parts = compiled(model, _walk_by_plan, keep, plan).batches(images, *arrays, batch_size=batch_size)
    else:
        spans = [(start, start + batch_size) for start in range(0, len(images), batch_size)]
        batches = ((as_floats(images[start:stop]), start, stop) for start, stop in spans)
        parts = (_walk(model, batch, keep, of_images(interventions, *span)) for batch, *span in batches)
    for logits, *kept in parts:
        stacked = [np.stack([ops.convert_to_numpy(tensor) for tensor in tensors]) for tensors in kept]
        yield Activations(logits=ops.convert_to_numpy(logits), **dict(zip(keep, stacked)))


def _walk_by_plan(model, images, *arrays_and_options):
    *arrays, keep, plan = arrays_and_options
    return _walk(model, images, keep, from_plan_and_arrays(plan, arrays))


def _walk(model, images, keep, interventions):
    """Go through the network: the logits, then for each name of `keep` its tensors, block after block."""
    kept = {name: [] for name in keep}

    def note(name, value):
        if name in kept:
            kept[name].append(value)

    def change(method, value, *where):
        for intervention in interventions:
            if hasattr(intervention, method):
                value = getattr(intervention, method)(*where, value)
        return value

    tokens = model.embed(images)
    for intervention in interventions:
        if hasattr(intervention, "change_tokens"):
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
        tokens = change("change_stream", tokens, index)
        note("tokens", tokens)
    return [model.classify(tokens), *(kept[name] for name in keep)]


def check_keep(keep):
    names = FIELDS if keep == "all" else (keep,) if isinstance(keep, str) else tuple(keep)
    if unknown := [name for name in names if name not in FIELDS]:
        raise ValueError(
            f'There is no activation {unknown[0]!r} to keep: expected some of {", ".join(FIELDS)}, or "all".'
        )
    return names
