"""The quiz of lesson 03."""

from helpers.course.exercise import Question

QUIZ = [
    Question(
        "Why are the dot products divided by √head_dim?",
        [
            (
                "So that each row of weights sums to 1.",
                False,
                "The softmax does that, with or without a scale.",
            ),
            (
                "So that the spread of the scores does not grow with head_dim.",
                True,
                "A sum of head_dim products has the variance head_dim; divided by its root it has 1, and "
                "the softmax stays soft.",
            ),
            (
                "So that fewer multiplications are needed.",
                False,
                "The scale adds a multiplication for each score; it saves none.",
            ),
            (
                "So that long sequences do not dominate.",
                False,
                "The number of tokens is not in the formula. The scale looks at how many numbers one vector "
                "has.",
            ),
        ],
    ),
    Question(
        "ViT-B has hidden_dim 768 and 12 heads. What is `key_dim` in `keras.layers.MultiHeadAttention`?",
        [
            (
                "768",
                False,
                "Then each of the 12 heads is as wide as the whole model: 398 million parameters, not 87.",
            ),
            ("64", True, "key_dim is the width of one head, 768 / 12."),
            ("12", False, "That is `num_heads`, the number of heads and not the width of one."),
            ("√768", False, "A square root appears in the scale, √64, and in no shape."),
        ],
    ),
    Question(
        "You shuffle the tokens that enter self-attention without positions. What happens to the output?",
        [
            (
                "It stays the same: attention is permutation invariant.",
                False,
                "The outputs are the same vectors, but each moves with its token. Only a sum or a mean over "
                "them would stay.",
            ),
            (
                "It is shuffled in the same way: attention is permutation equivariant.",
                True,
                "Each output belongs to its own query, and the average over the keys has no order.",
            ),
            (
                "It changes entirely, since each token has other neighbours.",
                False,
                "Attention has no neighbours: every token sees all tokens, wherever they stand.",
            ),
        ],
    ),
    Question(
        "An image of twice the height and width has four times the patches. What grows how much?",
        [
            (
                "Scores and projections both fourfold.",
                False,
                "The projections do: one token at a time. The scores are pairs of tokens.",
            ),
            (
                "The scores fourfold, the projections twofold.",
                False,
                "The number of tokens is already four times as large, and the scores go with its square.",
            ),
            (
                "The scores sixteenfold, the projections fourfold.",
                True,
                "Pairs of tokens against tokens: 4² and 4.",
            ),
            (
                "The parameters sixteenfold.",
                False,
                "The attention layer's parameters do not depend on the number of tokens at all.",
            ),
        ],
    ),
]
