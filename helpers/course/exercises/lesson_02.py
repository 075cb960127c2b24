"""Lesson 02, from patches to tokens: projecting, the class token, and how alike positions are."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant, Question

# project_patches(patches, kernel, bias)


def _project_cases():
    rng = np.random.default_rng(2)

    def case(batch, count, size, channels, width):
        patches = rng.random((batch, count, size * size * channels), dtype="float32")
        kernel = rng.standard_normal((size, size, channels, width)).astype("float32")
        return patches, kernel, rng.standard_normal(width).astype("float32")

    return [case(2, 6, 4, 3, 8), case(1, 4, 2, 3, 5), case(3, 2, 3, 1, 4)]


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


# prepend_class_token(patch_embeddings, class_token)


def _token_cases():
    rng = np.random.default_rng(3)

    def case(batch, count, width):
        return rng.random((batch, count, width), dtype="float32"), rng.random((1, 1, width), dtype="float32")

    return [case(2, 6, 4), case(1, 3, 5), case(3, 1, 4)]


def _token_at_the_end(patch_embeddings, class_token):
    token = np.broadcast_to(class_token, (len(patch_embeddings), 1, class_token.shape[-1]))
    return np.concatenate([patch_embeddings, token], axis=1)


def _token_added(patch_embeddings, class_token):
    return patch_embeddings + class_token


def _token_in_the_place_of_the_first_patch(patch_embeddings, class_token):
    tokens = np.array(patch_embeddings)
    tokens[:, :1] = class_token
    return tokens


def _token_of_zeros(patch_embeddings, class_token):
    zeros = np.zeros_like(patch_embeddings[:, :1])
    return np.concatenate([zeros, patch_embeddings], axis=1)


def _token_is_the_mean(patch_embeddings, class_token):
    return np.concatenate([patch_embeddings.mean(axis=1, keepdims=True), patch_embeddings], axis=1)


def _token_not_copied(patch_embeddings, class_token):
    return np.concatenate([class_token, patch_embeddings], axis=1)


def _token_as_another_image(patch_embeddings, class_token):
    return np.concatenate([class_token, patch_embeddings], axis=0)


def _token_for_every_patch(patch_embeddings, class_token):
    return np.concatenate([np.broadcast_to(class_token, patch_embeddings.shape), patch_embeddings], axis=1)


def _token_beside_the_features(patch_embeddings, class_token):
    copies = np.broadcast_to(class_token, patch_embeddings.shape)
    return np.concatenate([copies, patch_embeddings], axis=-1)


# position_similarity(position_embedding)


def _similarity_cases():
    rng = np.random.default_rng(4)
    return [
        (rng.standard_normal((1, 9, 6)) * rng.uniform(0.5, 3, (1, 9, 1)),),
        (rng.standard_normal((1, 4, 12)),),
    ]


def _similarity_raw(position_embedding):
    return position_embedding[0] @ position_embedding[0].T


def _similarity_wrong_axis(position_embedding):
    positions = position_embedding[0] / np.linalg.norm(position_embedding[0], axis=0)
    return positions @ positions.T


def _similarity_half(position_embedding):
    positions = position_embedding[0]
    return positions @ positions.T / np.linalg.norm(positions, axis=1)


def _similarity_other_half(position_embedding):
    return _similarity_half(position_embedding).T


def _similarity_squared_lengths(position_embedding):
    positions = position_embedding[0] / np.sum(position_embedding[0] ** 2, axis=1, keepdims=True)
    return positions @ positions.T


def _similarity_one_length_for_all(position_embedding):
    positions = position_embedding[0] / np.linalg.norm(position_embedding[0])
    return positions @ positions.T


def _similarity_correlation(position_embedding):
    return np.corrcoef(position_embedding[0])


def _similarity_with_batch(position_embedding):
    positions = position_embedding / np.linalg.norm(position_embedding, axis=-1, keepdims=True)
    return positions @ positions.transpose(0, 2, 1)


def _similarity_unlikeness(position_embedding):
    return 1 - _similarity_with_batch(position_embedding)[0]


def _similarity_angle(position_embedding):
    return np.arccos(_similarity_with_batch(position_embedding)[0].clip(-1, 1))


def _similarity_distance(position_embedding):
    positions = position_embedding[0]
    return np.linalg.norm(positions[:, None] - positions[None], axis=-1)


def _similarity_of_features(position_embedding):
    positions = position_embedding[0] / np.linalg.norm(position_embedding[0], axis=0)
    return positions.T @ positions


EXERCISES = [
    Exercise(
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
                "the kernel's channels came first; in a patch the channels of one pixel lie side by side, "
                "last.",
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
        ),
        hints=(
            "A patch is a row of numbers. What shape must the kernel have so that `patches @ matrix` works?",
            "Flatten the kernel's first three axes and keep its last: reshape to (-1, hidden_dim).",
            "matrix = kernel.reshape(-1, kernel.shape[-1]); then patches @ matrix + bias.",
        ),
        difficulty=2,
        importance=5,
        minutes=8,
    ),
    Exercise(
        key="tokens.prepend_class_token",
        title="Put the class token in front",
        reference="helpers.model.tokens:prepend_class_token",
        cases=_token_cases,
        mutants=(
            Mutant(_token_at_the_end, "the class token stands at the end; the head reads token 0."),
            Mutant(_token_added, "the class token was added to every patch; it is a token of its own."),
            Mutant(
                _token_in_the_place_of_the_first_patch,
                "the class token took the place of the first patch; it stands before it.",
            ),
            Mutant(_token_of_zeros, "the new token is 0; it is the learned vector that you were given."),
            Mutant(
                _token_is_the_mean,
                "the new token is the mean of the patches; it is the learned vector that you were given.",
            ),
            Mutant(
                _token_not_copied,
                "this is right for a batch of one: every image of the batch needs its own copy of the class "
                "token.",
            ),
            Mutant(
                _token_as_another_image,
                "the class token was joined as one more image: axis 0 counts the images, axis 1 the tokens.",
            ),
            Mutant(
                _token_for_every_patch,
                "there are as many class tokens as patches; each image has one: (batch, 1, hidden_dim).",
            ),
            Mutant(
                _token_beside_the_features,
                "the class token was joined to the features of every patch: the tokens are axis 1.",
            ),
        ),
        hints=(
            "Every image of the batch needs its own copy of the one class token.",
            "np.broadcast_to makes the copies: (batch, 1, hidden_dim). Which axis counts the tokens?",
            "np.concatenate([copies, patch_embeddings], axis=1).",
        ),
        difficulty=1,
        importance=4,
        minutes=6,
    ),
    Exercise(
        key="position.position_similarity",
        title="Compare positions by their angle",
        reference="helpers.analysis.position:position_similarity",
        cases=_similarity_cases,
        mutants=(
            Mutant(
                _similarity_raw,
                "these are raw dot products: a long vector looks similar to all. Divide by both lengths.",
            ),
            Mutant(
                _similarity_wrong_axis,
                "each feature was scaled to length 1, not each position: take the norm over the last axis.",
            ),
            Mutant(
                _similarity_half, "only one of the two lengths was divided by: the result is not symmetric."
            ),
            Mutant(
                _similarity_other_half,
                "only one of the two lengths was divided by, and so the result is not symmetric.",
            ),
            Mutant(
                _similarity_squared_lengths,
                "you divided by squared lengths: the length is the root of the sum of squares.",
            ),
            Mutant(
                _similarity_one_length_for_all,
                "you divided by one length for all: each position has its own, so give the norm an axis.",
            ),
            Mutant(
                _similarity_of_features, "you compared features; compare positions, a token with a token."
            ),
            Mutant(
                _similarity_correlation,
                "this is the correlation: it takes the mean from each vector first. The cosine does not.",
            ),
            Mutant(
                _similarity_with_batch, "the batch axis is still there: take position_embedding[0] first."
            ),
            Mutant(
                _similarity_unlikeness,
                "this is 1 minus the cosine, a measure of how unlike two positions are.",
            ),
            Mutant(_similarity_angle, "this is the angle itself; its cosine is asked for."),
            Mutant(
                _similarity_distance,
                "this is the distance between the ends of the vectors; the cosine of the angle is asked for.",
            ),
        ),
        hints=(
            "The cosine of an angle does not change when a vector gets longer.",
            "Divide each position by its length first; then one matrix product does all pairs.",
            "p = position_embedding[0]; p = p / np.linalg.norm(p, axis=-1, keepdims=True); p @ p.T",
        ),
        difficulty=2,
        importance=3,
        minutes=8,
    ),
]

QUIZ = [
    Question(
        "A Conv2D with a 16×16 kernel turns a photograph into patch embeddings. What makes it a "
        "projection of patches?",
        [
            ("The activation after it", False, "There is none: a projection is linear."),
            (
                "Its stride equals its kernel, so that no two windows share a pixel",
                True,
                "Yes: every window is exactly one patch, and every patch meets the same matrix.",
            ),
            (
                "It has as many filters as patches",
                False,
                "Its filters are as many as hidden_dim, whatever the grid.",
            ),
            ("Its padding", False, "There is none; padding would shift the windows off the patches."),
        ],
    ),
    Question(
        "You shuffle the patches of an image and leave the position embeddings out. What happens to the "
        "class token's output?",
        [
            (
                "It stays the same",
                True,
                "Yes: attention sums over a set. Without positions the network cannot know the order.",
            ),
            (
                "It becomes random",
                False,
                "Nothing random happens: the same patches are there, in another order.",
            ),
            (
                "It is shuffled in the same way",
                False,
                "That happens to the patch tokens; the class token has one place.",
            ),
            (
                "The model raises an error",
                False,
                "The shapes are the same, and so nothing complains. That is the danger.",
            ),
        ],
    ),
    Question(
        "In Keras 3 you keep the class token in a plain attribute that holds a tensor, or in a "
        "tf.Variable. What goes wrong?",
        [
            (
                "Nothing: Keras finds it",
                False,
                "Keras 3 trains what add_weight made and the weights of sub-layers.",
            ),
            ("The shape is lost", False, "The shape is fine. Count the trainable weights instead."),
            (
                "It is never trained, and nobody tells you",
                True,
                "Yes: it is no weight of the layer, so the optimizer never sees it. Use add_weight.",
            ),
            ("The layer becomes slower", False, "Speed is not the trouble; silence is."),
        ],
    ),
    Question(
        "A model trained on 32 pixels is to read 48 pixels with the same patches of 4. What must change?",
        [
            (
                "The patch projection",
                False,
                "It reads one patch at a time and does not know how many there are.",
            ),
            (
                "The class token's position",
                False,
                "There is still one class token, in front, at its own position.",
            ),
            ("The attention matrices", False, "Attention takes any number of tokens with the same weights."),
            (
                "The grid of position embeddings, from 8×8 to 12×12",
                True,
                "Yes: 144 patches need 144 positions; interpolation stretches the 64 that were learned.",
            ),
        ],
    ),
]
