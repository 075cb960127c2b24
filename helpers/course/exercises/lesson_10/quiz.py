"""The quiz of lesson 10."""

from helpers.course.exercise import Question

QUIZ = [
    Question(
        "A token after the last block has CKA 0.12 with its own raw patch. What follows?",
        [
            (
                "12 % of the patch is left in the token.",
                False,
                "CKA is no share. It compares which images are alike, and the loudest directions weigh most.",
            ),
            (
                "Judged by this token, other images are alike than judged by its own patch.",
                True,
                "It says that, and no more. A faint direction may still hold the patch.",
            ),
            (
                "The patch cannot be reconstructed from the token: most of it was overwritten.",
                False,
                "That would take a probe that tries. CKA hardly counts a faint direction, which may do.",
            ),
            (
                "The token has moved to another place.",
                False,
                "Its number says where it stands. Its map says what it is alike to.",
            ),
        ],
    ),
    Question(
        "Your untrained ViT is better localized than the trained one. What does that say of the claim that "
        "“ViTs keep spatial information”?",
        [
            (
                "The claim is wrong.",
                False,
                "What is kept, is kept, whoever brought it there. But it is no merit of training.",
            ),
            (
                "Something is wrong with the measure.",
                False,
                "An untrained network hands its patches on through the skips, and mixes them at random.",
            ),
            (
                "The place comes with the architecture, and training may use it up: say which network you "
                "compare with.",
                True,
                "Skips carry the patch. Training writes other things over it.",
            ),
        ],
    ),
    Question(
        "A probe with 100 images and 128 features is right on 100 % of them. What do you know?",
        [
            (
                "The class can be read off this layer.",
                False,
                "With more features than images, even noise can be fitted.",
            ),
            (
                "Nothing about the layer, until it is tested on other images.",
                True,
                "And those images should be ones that the network was not trained on either.",
            ),
            (
                "The penalty is too large.",
                False,
                "A large penalty makes the fit worse on the images it was fitted to.",
            ),
        ],
    ),
    Question(
        "In a ViT with a class token, the single patch tokens of the last block classify worse than those of "
        "a ViT with mean pooling. Which reason do you accept without another experiment?",
        [
            (
                "Patch tokens of a ViT cannot hold the class.",
                False,
                "Those of the network with mean pooling do.",
            ),
            (
                "The head does not read them, so nothing asked them for the class.",
                True,
                "The head reads the class token, so the loss does not reach the patches of the last block.",
            ),
            (
                "They are well localized, so there is no room left in them for the class.",
                False,
                "A story about room needs a test: a token can hold both, in different directions.",
            ),
        ],
    ),
    Question(
        "At equal steps, a network trained on 10 % of the images differs from the full one most in its last "
        "layers. What must stand beside that?",
        [
            (
                "The accuracy of both, on the images that they were trained on and on others.",
                False,
                "Good to know, but it does not say how much layers differ for other reasons.",
            ),
            (
                "A second network on all images, from another seed.",
                True,
                "Last layers differ between any two trainings. What the data change goes beyond that.",
            ),
            (
                "A network trained on 1 %.",
                False,
                "It would add a point to the line, and not say where the line starts.",
            ),
        ],
    ),
]
