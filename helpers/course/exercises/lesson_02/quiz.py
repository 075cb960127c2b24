"""The quiz of lesson 02."""

from helpers.course.exercise import Question

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
