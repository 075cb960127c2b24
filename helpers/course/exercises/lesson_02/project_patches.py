"""project_patches(patches, kernel, bias): project patches with a convolution's kernel."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _project_cases():
    rng = np.random.default_rng(2)

    def case(batch, count, size, channels, width):
        patches = rng.random((batch, count, size * size * channels), dtype="float32")
        kernel = rng.standard_normal((size, size, channels, width)).astype("float32")
        return patches, kernel, rng.standard_normal(width).astype("float32")

    patches, powers = np.float32([[[1, 2, 3, 4]]]), np.float32([1, 10, 100, 1000])
    by_hand = patches, powers.reshape(2, 2, 1, 1), np.float32([0.5])
    return [case(2, 6, 4, 3, 8), case(1, 4, 2, 3, 5), case(3, 2, 3, 1, 4), by_hand]


def _project_without_bias(patches, kernel, bias):
    return patches @ kernel.reshape(-1, kernel.shape[-1])


def _project_columns_first(patches, kernel, bias):
    return patches @ kernel.transpose(1, 0, 2, 3).reshape(-1, kernel.shape[-1]) + bias


def _project_channels_first(patches, kernel, bias):
    return patches @ kernel.transpose(2, 0, 1, 3).reshape(-1, kernel.shape[-1]) + bias


def _project_flat_the_wrong_way(patches, kernel, bias):
    return patches @ kernel.reshape(kernel.shape[-1], -1).T + bias


def _project_first_image(patches, kernel, bias):
    return patches[0] @ kernel.reshape(-1, kernel.shape[-1]) + bias


def _project_then_activate(patches, kernel, bias):
    return np.maximum(patches @ kernel.reshape(-1, kernel.shape[-1]) + bias, 0)


def _project_turned_kernel(patches, kernel, bias):
    return patches @ kernel[::-1, ::-1].reshape(-1, kernel.shape[-1]) + bias


def _project_bias_subtracted(patches, kernel, bias):
    return patches @ kernel.reshape(-1, kernel.shape[-1]) - bias


def _project_bias_first(patches, kernel, bias):
    return patches @ (kernel.reshape(-1, kernel.shape[-1]) + bias)


def _project_bias_multiplied(patches, kernel, bias):
    return patches @ kernel.reshape(-1, kernel.shape[-1]) * bias


def _project_mean(patches, kernel, bias):
    return patches @ kernel.reshape(-1, kernel.shape[-1]) / patches.shape[-1] + bias


def _project_patches_summed(patches, kernel, bias):
    return (patches @ kernel.reshape(-1, kernel.shape[-1]) + bias).sum(axis=1)


def _project_patches_averaged(patches, kernel, bias):
    return (patches @ kernel.reshape(-1, kernel.shape[-1]) + bias).mean(axis=1)


def _project_read_by_columns(patches, kernel, bias):
    return patches @ kernel.reshape(-1, kernel.shape[-1], order="F") + bias


EXERCISE = Exercise(
    key="tokens.project_patches",
    title="Project patches with a convolution's kernel",
    reference="helpers.model.tokens:project_patches",
    cases=_project_cases,
    mutants=(
        Mutant(_project_without_bias, "the bias is missing: patches · W + b."),
        Mutant(
            _project_columns_first,
            "the kernel's rows and columns changed places: flatten it in the order in which it lies.",
        ),
        Mutant(
            _project_channels_first,
            "the kernel's channels came first; in a patch the channels of one pixel lie side by side, last.",
        ),
        Mutant(
            _project_flat_the_wrong_way,
            "reshaping to (hidden_dim, values) and transposing mixes the filters: "
            "keep hidden_dim the last axis.",
        ),
        Mutant(_project_first_image, "this projects the first image only: keep the whole batch."),
        Mutant(
            _project_then_activate,
            "everything below 0 is gone: the projection is linear, with no activation after it.",
        ),
        Mutant(
            _project_turned_kernel,
            "the kernel is turned upside down and left to right, as a textbook convolution does; "
            "Keras does not turn it, and neither do you.",
        ),
        Mutant(_project_bias_subtracted, "the bias is subtracted: add it."),
        Mutant(
            _project_bias_first,
            "the bias is added to the matrix: it comes after the product, once for each patch.",
        ),
        Mutant(_project_bias_multiplied, "the bias is multiplied: add it."),
        Mutant(
            _project_mean,
            "you divide by the number of values in a patch: the projection is a plain sum of products.",
        ),
        Mutant(
            _project_patches_summed, "you added all patches of an image up: each keeps its own embedding."
        ),
        Mutant(
            _project_patches_averaged, "you averaged all patches of an image: each keeps its own embedding."
        ),
        Mutant(
            _project_read_by_columns,
            'order="F" reads the kernel in another order than the patches lie in: leave it out.',
        ),
    ),
    hints=(
        "A patch is a row of numbers. What shape must the kernel have so that `patches @ matrix` works?",
        "Flatten the kernel's first three axes and keep its last: reshape to (-1, hidden_dim).",
        "matrix = kernel.reshape(-1, kernel.shape[-1]); then patches @ matrix + bias.",
    ),
    difficulty=2,
    importance=5,
    minutes=8,
)
