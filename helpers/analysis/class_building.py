"""Who builds the class: attention, MLP or what the stream held before, each read in the class space.

A branch is read by itself, as `project_to_classes` reads a token: its output before it is added to the
stream (Vilas et al. 2023, https://arxiv.org/abs/2310.18969, section 6).
"""

import dataclasses

import numpy as np

from helpers.analysis.class_space import check_labels, own_logits, project_to_classes
from helpers.analysis.kept_fields import kept_fields, of_each_run
from helpers.analysis.residual import SUM_TOLERANCE

BRANCHES = ("attention", "mlp", "block")
MLP_INPUTS = ("mlp", "block")


@dataclasses.dataclass(frozen=True)
class BranchLogits:
    """What each part of each block says of the classes: logits (depth, batch, num_tokens, num_classes).

    Attributes:
        block_input: the stream before the block, which its attention reads.
        attention: the attention's output, before it is added.
        mlp_input: the stream between the branches: block input and attention, which the MLP reads.
        mlp: the MLP's output, before it is added.
        block_output: the stream after the block.
    """

    block_input: np.ndarray
    attention: np.ndarray
    mlp_input: np.ndarray
    mlp: np.ndarray
    block_output: np.ndarray

    @property
    def stream(self):
        """The stream before the first and after every block: (depth + 1, batch, num_tokens, num_classes)."""
        return np.concatenate([self.block_input[:1], self.block_output])


def project_branches(model, runs, *, final_norm=True):
    """Project the stream and the branches of every block to the classes.

    Args:
        model: VisionTransformer with a head, and with a skip connection in every block.
        runs: what `activations(model, images, keep=("tokens", "attention_output", "mlp_output"))` gives; or
            several, such as `activation_batches` yields: thousands of images in bounded memory.
        final_norm: as in `project_to_classes`.
    Returns:
        BranchLogits of all images.
    Raises:
        ValueError: as `project_to_classes`; if a run lacks one of the three fields, or its stream is not the
            sum of its branches, as where a skip was removed.
    """
    parts = of_each_run(lambda run: _project_run(model, run, final_norm), runs)
    names = [field.name for field in dataclasses.fields(BranchLogits)]
    return BranchLogits(**{name: np.concatenate([part[name] for part in parts], axis=1) for name in names})


def class_similarity_change_rate(branch_logits, labels, branch, *, mlp_input="mlp"):
    """Give the share of images in which a branch's output has a higher true logit than its input.

    The output is the branch alone, the input is the stream that it reads; the logits are compared as they
    are, without a softmax. Of the block, the output is the stream after it, and the input the one before it.
    A branch that says as often more as less gets .5; equal logits are no rise.

    Args:
        branch_logits: BranchLogits.
        labels: int (batch,), the true classes.
        branch: "attention", "mlp" or "block".
        mlp_input: "mlp" compares the MLP with what it reads, the stream after the attention: the paper's
            text. "block" compares it with the stream before the block, as the authors' code does.
    Returns:
        float64 (depth, num_tokens) in [0, 1]; token 0 is the class token, where there is one.
    Raises:
        ValueError: for another branch or input, wrong labels, or images of one class alone.
    """
    if branch not in BRANCHES or mlp_input not in MLP_INPUTS:
        raise ValueError(
            f"Expected a branch of {', '.join(BRANCHES)} and an mlp_input of {', '.join(MLP_INPUTS)}; "
            f"received {branch!r} and {mlp_input!r}."
        )
    reads = branch_logits.mlp_input if (branch, mlp_input) == ("mlp", "mlp") else branch_logits.block_input
    says = branch_logits.block_output if branch == "block" else getattr(branch_logits, branch)
    before, after = (own_logits(values, labels)[1] for values in (reads, says))
    check_labels(labels, before.shape[-2], says.shape[-1], several=True)
    return (after > before).mean(axis=-2)


def residual_composition(branch_logits):
    """Say whom the stream follows: whose highest class is the highest class of the stream after the block.

    For each of the attention's output, the MLP's output and the stream before the block, the share of images
    in which it is; and the share in which none of the three is: the stream says something of its own. The
    three can agree with each other, so they may add up to more than 1. Of equal logits the lowest class
    counts. The authors' code compares the MLP's output with another stream and tests the attention twice;
    here all four are what they say.

    Args:
        branch_logits: BranchLogits.
    Returns:
        dict "attention", "mlp", "input", "none" of float64 (depth, num_tokens) in [0, 1].
    """
    said = branch_logits.block_output.argmax(axis=-1)  # (depth, batch, num_tokens)
    who = dict(attention=branch_logits.attention, mlp=branch_logits.mlp, input=branch_logits.block_input)
    follows = {name: logits.argmax(axis=-1) == said for name, logits in who.items()}
    follows["none"] = ~np.logical_or.reduce(list(follows.values()))
    return {name: found.mean(axis=1) for name, found in follows.items()}


def _project_run(model, run, final_norm):
    stream, attention, mlp = kept_fields(run, ("tokens", "attention_output", "mlp_output"))
    between = stream[:-1] + attention
    error = np.linalg.norm(between + mlp - stream[1:], axis=(-2, -1)).max(axis=-1)  # (depth,)
    if (wrong := ~(error <= SUM_TOLERANCE * np.linalg.norm(stream[1:], axis=(-2, -1)).max(axis=-1))).any():
        raise ValueError(
            "Expected a stream that each block adds its branches to; received one where block "
            f"{int(wrong.argmax())}, from 0, does not. Take a model with all its skip connections, and a run "
            "without RemoveSkip or SwapClassTokens."
        )
    read = {"stream": stream, "attention": attention, "mlp_input": between, "mlp": mlp}
    read = {name: project_to_classes(model, each, final_norm=final_norm) for name, each in read.items()}
    stream = read.pop("stream")
    return read | {"block_input": stream[:-1], "block_output": stream[1:]}
