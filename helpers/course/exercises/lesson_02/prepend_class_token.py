"""prepend_class_token(patch_embeddings, class_token): put the class token in front."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


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


EXERCISE = Exercise(
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
)
