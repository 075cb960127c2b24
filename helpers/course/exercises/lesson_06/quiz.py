"""The quiz of lesson 06."""

from helpers.course.exercise import Question

QUIZ = [
    Question(
        "`layer(tokens, tokens)` of a Keras `MultiHeadAttention` gives an array (batch, 65, 64). What is it?",
        [
            (
                "The attention weights, averaged over the heads, with a row for each of the 65 queries.",
                False,
                "Weights would be (65, 65): a query and a key for each entry. They come only with "
                "`return_attention_scores=True`.",
            ),
            (
                "The output: for each token, an average of values, projected.",
                True,
                "65 tokens of 64 features. It may be negative, and no row sums to 1.",
            ),
            (
                "The scores before the softmax.",
                False,
                "Scores have a key axis too. What Keras calls scores has been through the softmax.",
            ),
            (
                "The map of 64 patches, once for each token.",
                False,
                "That 64 is the width of the token. That there are 64 patches too is an accident.",
            ),
        ],
    ),
    Question(
        "A head's mean attention distance is 16.5 px in 32×32 images. What does it look at?",
        [
            (
                "Across the whole picture, from each patch to the patches on the other side.",
                False,
                "Farther than even attention would be more than 16.5 px; the corners are 39.6 px apart.",
            ),
            (
                "Evenly at everything, or sharply at places as far away on average.",
                True,
                "Uniform attention has this distance, and a sharp head may have it too. The entropy tells.",
            ),
            (
                "At its neighbours.",
                False,
                "A neighbour is 4 px away here, 5.7 px along the diagonal.",
            ),
            (
                "At the class token.",
                False,
                "The class token stands nowhere and has no distance; renormalising takes it out.",
            ),
        ],
    ),
    Question(
        "Two heads each look at one patch, and not at the same one. You average them, then take the entropy.",
        [
            (
                "0: both heads are sharp.",
                False,
                "Each has entropy 0, but their average has two equal halves.",
            ),
            (
                "ln 2: the average is blurred, though no head is.",
                True,
                "Measure each head, then average. The entropy of a mean is never less than the mean entropy.",
            ),
            (
                "ln 65: the average knows nothing.",
                False,
                "That would be an even look at 65 tokens; here only two get any weight.",
            ),
        ],
    ),
    Question(
        "The class token's map lies on the ball. Which of these does that show?",
        [
            (
                "The model says “football” because of the ball.",
                False,
                "In section 6 one map served two answers, and the second had nothing to do with the object.",
            ),
            (
                "The ball's pixels matter to the answer.",
                False,
                "Change them and see. A map shows neither which pixels made a token nor what was used.",
            ),
            (
                "In that layer, the class token mixes in values from the tokens at the ball's place.",
                True,
                "That is all. What those tokens carry by then, and whether it reaches the answer, takes an "
                "intervention to find out.",
            ),
            (
                "Nothing at all: attention is noise.",
                False,
                "Exchange the last map for another picture's and many answers change. It is a part of the "
                "computation, only not the reason.",
            ),
        ],
    ),
]
