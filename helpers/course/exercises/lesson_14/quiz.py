"""The quiz of lesson 14."""

from helpers.course.exercise import Question

QUIZ = [
    Question(
        "Your box covers half of a photograph, and the last layer puts 60 % of its map into it. What do you "
        "report?",
        [
            (
                "That most of the attention lies on the object.",
                False,
                "60 % is more than half, and an even map would have 50 %: the number needs its yardstick.",
            ),
            (
                "60 %, beside 50 % by area and what the other controls give.",
                True,
                "The reader can then see how little is left to explain.",
            ),
            (
                "Nothing: the box is too large.",
                False,
                "A large box makes a weak test. That is worth saying, with the number.",
            ),
        ],
    ),
    Question(
        "You take the best of 12 layers for your box. What is that number, if the maps know nothing of the "
        "object?",
        [
            (
                "On average the area of the box.",
                False,
                "One layer's share is. The best of twelve lies above it by choice alone.",
            ),
            (
                "More than the area, since the best was chosen.",
                True,
                "So say “best of 12”, or choose the layer on one photograph and report the other.",
            ),
            (
                "It cannot be said: choosing by number is objective.",
                False,
                "It is repeatable. Chosen it is all the same.",
            ),
        ],
    ),
    Question(
        "The same layer, averaged over other photographs, puts as much into your box as on your own "
        "photograph. What follows?",
        [
            (
                "The network looks at your object in every photograph.",
                False,
                "Your object is not in them.",
            ),
            (
                "The share in your box tells of the layer's habit, and not of what your photograph shows.",
                True,
                "A claim about the object needs more than the habit gives.",
            ),
            (
                "The network does not see the object.",
                False,
                "Where the class token looks is one thing, what the tokens hold another.",
            ),
        ],
    ),
    Question(
        "Which sentence could go into a report as it stands?",
        [
            (
                "The network understands that a rocket is what matters.",
                False,
                "No map shows what is understood, nor what matters to whom.",
            ),
            (
                "The network says “rocket” because it looks at the rocket.",
                False,
                "“Because” needs an intervention, and this network has no head that says anything.",
            ),
            (
                "In layer 8 the class token gives the box 32 % of what it gives to patches; its area is 8 %.",
                True,
                "What was measured, where, and beside what. It claims no more.",
            ),
        ],
    ),
]
