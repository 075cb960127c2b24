"""The quiz of lesson 09."""

from helpers.course.exercise import Question

QUIZ = [
    Question(
        "The model's own head, put after block 2, is at chance. A linear probe there gets 70 % on images "
        "that it was not fitted on. What is so?",
        [
            ("The class is not in block 2 yet.", False, "The probe reads it there, on images it never saw."),
            (
                "The class can be read after block 2, in directions that the final head does not read.",
                True,
                "The head knows the ten directions that training chose for the end of the network.",
            ),
            (
                "The network uses the class after block 2.",
                False,
                "A probe shows that something can be read, and not that the network reads it.",
            ),
            (
                "The probe has overfitted.",
                False,
                "Then it would fail on images that it was not fitted on. 70 % was measured there.",
            ),
        ],
    ),
    Question(
        "A token's ratio ‖z‖ / ‖f(z)‖ falls from 9 to 2 over the last blocks. What has happened?",
        [
            (
                "The stream has become shorter, as the last blocks take back what earlier ones wrote.",
                False,
                "It may have. It may as well have grown: draw both lengths.",
            ),
            (
                "The branch has become stronger.",
                False,
                "Likely, but a ratio does not say which of its ends moved.",
            ),
            (
                "What is added has grown beside what is carried: one of the two moved, or both.",
                True,
                "A ratio has two ends. Section 2 draws both.",
            ),
        ],
    ),
    Question(
        "You remove the skips of block 5 in a trained ViT, and it falls to chance. Retrained without them, "
        "it loses 4 %. Which is the value of the skips?",
        [
            (
                "The fall to chance.",
                False,
                "That says how much the later blocks lean on what they were trained with.",
            ),
            (
                "The loss of 4 %.",
                False,
                "That says what a network can do without them when all other blocks may adapt.",
            ),
            (
                "Neither: they answer two questions, and a sentence must say which one it means.",
                True,
                "Reliance of a finished network, and need of an architecture.",
            ),
        ],
    ),
    Question(
        "Of 128 neurons you show the one whose nine best patches all lie on objects. What is missing?",
        [
            (
                "More patches of the same images.",
                False,
                "It was chosen for these images; more of them cannot tell.",
            ),
            (
                "Other images to judge it on, and an untrained network under the same search.",
                True,
                "The best of many looks good by chance, and objects have edges that excite anything.",
            ),
            ("The GELU.", False, "It keeps the order of large values; the best patches stay the best."),
            (
                "Nothing: nine patches out of nine is so clear that no further picture could change it.",
                False,
                "It is the best of 128 tries. Count the tries.",
            ),
        ],
    ),
]
