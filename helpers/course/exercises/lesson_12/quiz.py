"""The quiz of lesson 12."""

from helpers.course.exercise import Question

QUIZ = [
    Question(
        "In a layer of a ten-class network, 97 % of the tokens have an active memory with the true class "
        "among its five best. What follows?",
        [
            (
                "Nearly all tokens use memories of their class.",
                False,
                "Five of ten classes are half of all. Of five memories, nearly always one passes by luck.",
            ),
            (
                "Nothing yet: memories drawn blindly reach the same.",
                True,
                "Yes. Without the chance level, the number says nothing.",
            ),
            (
                "The layer is the last: only there agreement is so high.",
                False,
                "With this measure it is that high in every layer, trained or not.",
            ),
        ],
    ),
    Question(
        "A value vector has cosine 0.6 with a row of E. What has been shown?",
        [
            (
                "When this memory is active, that class is predicted.",
                False,
                "It is one of hundreds that are added up, and later blocks change the sum.",
            ),
            (
                "When it is active, what it adds points towards that class, as the head would read it.",
                True,
                "Yes: a statement about weights, before any image is looked at.",
            ),
            (
                "The memory is excited by pictures of that class.",
                False,
                "That is a matter of its key. The value says what it writes, and not when.",
            ),
        ],
    ),
    Question(
        "The public code of the paper hands softmax(z) to a loss that applies the softmax again. What does "
        "this do to the gradient for a class with hardly any probability?",
        [
            (
                "Nothing: a softmax of a softmax has the same order.",
                False,
                "The order is the same, the slope is not.",
            ),
            (
                "It nearly vanishes, so that blocks where the class is still improbable hardly count.",
                True,
                "Yes: the inner softmax is flat there, and its slope is a factor of the whole.",
            ),
            (
                "It changes its sign.",
                False,
                "More of a class's logit still means less loss.",
            ),
        ],
    ),
    Question(
        "A map has the lowest area when its most important patches are removed first, and SaCo near 0. Which "
        "reading is the most careful?",
        [
            (
                "It is faithful: the area says so.",
                False,
                "The area rewards a good start of the order. SaCo asks about all of it, sizes included.",
            ),
            (
                "It is a random map: SaCo says so.",
                False,
                "A random map would not have a low area.",
            ),
            (
                "It finds what matters most, but its numbers are no measure of how much patches matter.",
                True,
                "Yes. Two measures, two questions; say which one you asked.",
            ),
        ],
    ),
    Question(
        "Random maps score worst, as they should. A method lies within the random maps' error. What do you "
        "report?",
        [
            (
                "Its rank: it is above random.",
                False,
                "With another draw it may be below.",
            ),
            (
                "That on these images it cannot be told from random, and how large the error is.",
                True,
                "Yes: a result, as long as the error stands beside it.",
            ),
            (
                "Nothing: a method that fails is left out of the chart.",
                False,
                "Leaving it out hides what the reader needs most.",
            ),
        ],
    ),
]
