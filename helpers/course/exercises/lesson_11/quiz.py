"""The quiz of lesson 11."""

from helpers.course.exercise import Question

QUIZ = [
    Question(
        "Ten classes. The patches of a block have a mean identifiability of .55. What do they know?",
        [
            (
                "More than half of what there is to know.",
                False,
                "The score does not start at 0. A guess gets 1/2 + 1/(2 · 10).",
            ),
            (
                "Nothing that this reading sees: .55 is what a guess gets.",
                True,
                "That is why chance is drawn on every figure. A probe may still find something.",
            ),
            (
                "55 % of them name the right class.",
                False,
                "That would be the rate. A guess gets .10 of it, not .55.",
            ),
        ],
    ),
    Question(
        "Early blocks: a probe reads the class off the class token, and the network's own head does not. "
        "Who is right?",
        [
            (
                "The probe: the head is a bad instrument.",
                False,
                "It is the instrument that the network has. What it does not see may never be used as it is.",
            ),
            (
                "The head: what it cannot read is not there.",
                False,
                "It is there, in other directions. Later blocks may turn it into what the head reads.",
            ),
            (
                "Both. The probe says what could be read off, the head what lies in its directions by now.",
                True,
                "And whether the network uses it is a third question: swap it, and see.",
            ),
        ],
    ),
    Question(
        "After block 3 the class tokens of a batch are swapped between images, and nearly every image keeps "
        "its class. What follows?",
        [
            (
                "The class token after block 3 holds no class.",
                False,
                "A probe can find one there. It is not used, which is something else.",
            ),
            (
                "Whatever it held by then did not decide: later blocks fetched the class from the patches.",
                True,
                "The swapped tokens carried other classes, and the decision stayed with the patches.",
            ),
            (
                "The class token is superfluous.",
                False,
                "Later it decides alone. Swapped after the last block, every decision goes with it.",
            ),
        ],
    ),
    Question(
        "You cut all attention between patches, and the rate falls to chance. Which control is missing?",
        [
            (
                "The same cut in an untrained network.",
                False,
                "That is at chance with the cut and without it.",
            ),
            (
                "The accuracy of the network.",
                False,
                "Good to know, but it would fall as well, and not say why.",
            ),
            (
                "A cut that leaves the blocks in the range they were trained on: any blow may do as much.",
                True,
                "Lost weights make a branch smaller as well. The cut from the class token is such a control.",
            ),
        ],
    ),
    Question(
        "The direct effects of the first six blocks can be replaced by their mean with little loss. May the "
        "six blocks be removed?",
        [
            (
                "Yes, they do nothing for the class.",
                False,
                "They do nothing for it directly. Later blocks read what they wrote.",
            ),
            (
                "No: only what they add to the logits directly was replaced. What later blocks made of it "
                "stayed.",
                True,
                "Remove one with ReplaceBranch, and see what happens to the accuracy.",
            ),
            (
                "Only their MLPs.",
                False,
                "The same holds for MLPs: a direct effect is not the whole effect.",
            ),
        ],
    ),
]
