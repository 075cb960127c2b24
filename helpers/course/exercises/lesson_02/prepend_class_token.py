"""prepend_class_token(patch_embeddings, class_token): put the class token in front."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _token_cases():
    rng = np.random.default_rng(3)

    def case(batch, count, width):
        shapes = (batch, count, width), (1, 1, width)
        return tuple(rng.standard_normal(shape).astype("float32") for shape in shapes)

    by_hand = np.float32([[[1, 2], [3, 4]]]), np.float32([[[8, 9]]])
    return [case(2, 6, 4), case(1, 3, 5), case(3, 1, 4), by_hand]


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


def _token_after_the_first_patch(patch_embeddings, class_token):
    return np.insert(patch_embeddings, 1, class_token[0, 0], axis=1)


def _token_at_both_ends(patch_embeddings, class_token):
    token = np.broadcast_to(class_token, (len(patch_embeddings), 1, class_token.shape[-1]))
    return np.concatenate([token, patch_embeddings, token], axis=1)


def _token_twice(patch_embeddings, class_token):
    token = np.broadcast_to(class_token, (len(patch_embeddings), 2, class_token.shape[-1]))
    return np.concatenate([token, patch_embeddings], axis=1)


def _token_and_added(patch_embeddings, class_token):
    token = np.broadcast_to(class_token, (len(patch_embeddings), 1, class_token.shape[-1]))
    return np.concatenate([token, patch_embeddings + class_token], axis=1)


def _token_of_ones(patch_embeddings, class_token):
    return np.concatenate([np.ones_like(patch_embeddings[:, :1]), patch_embeddings], axis=1)


def _token_last_dropped(patch_embeddings, class_token):
    token = np.broadcast_to(class_token, (len(patch_embeddings), 1, class_token.shape[-1]))
    return np.concatenate([token, patch_embeddings[:, :-1]], axis=1)


def _token_number_one(patch_embeddings, class_token):
    """Take the first number of the class token for all of its features."""
    token = np.full_like(patch_embeddings[:, :1], class_token[0, 0, 0])
    return np.concatenate([token, patch_embeddings], axis=1)


def _token_one_more(patch_embeddings, class_token):
    """Put it in front of every patch in turn."""
    token = np.broadcast_to(class_token, patch_embeddings.shape)
    return np.stack([token, patch_embeddings], axis=2).reshape(len(token), -1, token.shape[-1])


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
        Mutant(
            _token_after_the_first_patch,
            "the class token stands after the first patch; it stands before all of them.",
        ),
        Mutant(_token_at_both_ends, "the class token stands at both ends; it stands in front alone."),
        Mutant(_token_twice, "there are two class tokens in front; each image has one."),
        Mutant(
            _token_and_added,
            "the class token stands in front, but it was added to the patches as well: leave them as "
            "they are.",
        ),
        Mutant(_token_of_ones, "the new token is 1; it is the learned vector that you were given."),
        Mutant(
            _token_last_dropped, "the last patch is gone: there is one token more than there are patches."
        ),
        Mutant(
            _token_number_one,
            "the new token repeats one number; it has all the numbers of the vector that you were given.",
        ),
        Mutant(
            _token_one_more,
            "there is a class token in front of every patch; each image has one, in front of all.",
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
