"""The quiz of lesson 07."""

from helpers.course.exercise import Question

QUIZ = [
    Question(
        "Two blocks have the factors A₁ (first) and A₂. Which product is the rollout, rows as queries?",
        [
            (
                "A₁ A₂, in the order in which the blocks run.",
                False,
                "That sends the input through the second block first. In section 2 it lost patch b.",
            ),
            (
                "A₂ A₁.",
                True,
                "New tokens are A₁ · tokens, then A₂ · (A₁ · tokens). The later block stands on the left.",
            ),
            (
                "Either: the rows sum to 1 in both.",
                False,
                "They do, and so the sums cannot tell you. Matrices do not commute.",
            ),
        ],
    ),
    Question(
        "You let `residual` go towards 1. What does the class token's map over the patches become?",
        [
            (
                "The average of the raw maps of all layers.",
                True,
                "The few steps left are single steps: the product has one term of attention a layer.",
            ),
            (
                "The raw map of the last layer.",
                False,
                "No layer is special: each gives one small term.",
            ),
            (
                "Even over all patches.",
                False,
                "Its sum goes to 0, not its shape. Scaled to sum 1, it is the average of the layers.",
            ),
            (
                "The plain product of the attention matrices.",
                False,
                "That is the other end, residual 0.",
            ),
        ],
    ),
    Question(
        "In an image with a crescent and a heart, which of these maps depends on the class you ask about?",
        [
            (
                "The rollout.",
                False,
                "It takes attention weights and nothing else; no class comes in.",
            ),
            (
                "The raw attention of the last layer.",
                False,
                "It is the same whichever logit you read afterwards.",
            ),
            (
                "The gradient rollout.",
                True,
                "The gradient belongs to one logit, and weighs every head and token by what it does for it.",
            ),
            (
                "Attention flow.",
                False,
                "Its capacities are the factors of the rollout; no class comes in.",
            ),
        ],
    ),
    Question(
        "Rollout puts less of its map on the object than the last layer's raw attention. What follows?",
        [
            (
                "Rollout is wrong.",
                False,
                "It answers another question: where content came from, if blocks only mixed tokens.",
            ),
            (
                "Raw attention explains the answer better.",
                False,
                "Lying on the object is what we find pretty. Blanking patches out ranked them the other way.",
            ),
            (
                "Nothing about faithfulness: share inside the object and effect on the answer are two "
                "measurements.",
                True,
                "And here they disagree. Say which one you mean.",
            ),
        ],
    ),
]
