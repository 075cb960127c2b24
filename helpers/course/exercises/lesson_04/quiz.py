"""The quiz of lesson 04."""

from helpers.course.exercise import Question

QUIZ = [
    Question(
        "In a pre-norm block, what does the skip connection carry past the attention?",
        [
            (
                "The tokens after norm1.",
                False,
                "That is what the branch reads. If the skip starts there, the norm stands on the stream, and "
                "shipped weights give nonsense: section 4 measured it.",
            ),
            (
                "The tokens as they came, untouched.",
                True,
                "So there is one straight way from the first block to the last, with nothing on it but sums.",
            ),
            (
                "The attention's output.",
                False,
                "That is the branch. The skip is the other summand.",
            ),
            (
                "The tokens after norm2.",
                False,
                "norm2 belongs to the second branch, the MLP's.",
            ),
        ],
    ),
    Question(
        "You port weights to your own code. The accuracy on 500 images is the same as published, to the last "
        "image. Is the port right?",
        [
            (
                "Yes: the accuracy is what counts.",
                False,
                "A forgotten last norm changed no answer of 500 in section 4, and the logits beyond "
                "recognition. Their probabilities would be wrong, and so would all that builds on them.",
            ),
            (
                "Not shown: compare logits with the original, to 1e-4 or so.",
                True,
                "The tanh GELU, Keras' epsilon and a missing last norm all kept the accuracy, and all showed "
                "in the logits.",
            ),
            (
                "No: equal accuracy means that both are overfitted.",
                False,
                "Nothing was trained. The question is whether two programs compute the same.",
            ),
        ],
    ),
    Question(
        "ViT-B/32 has patches with twice the side of ViT-B/16. How do their parameters compare?",
        [
            (
                "B/32 has a quarter, as it has a quarter of the patches.",
                False,
                "The number of patches decides the work, not the weights: every block uses the same matrices "
                "for all tokens.",
            ),
            (
                "They are the same: patches are no parameters.",
                False,
                "Nearly. But the patch embedding has a weight for each pixel of a patch, and there is a "
                "position for each token.",
            ),
            (
                "B/32 has a little more.",
                True,
                "Its patch embedding reads 3,072 values and not 768: 1.77 M more. 147 positions less save "
                "0.11 M.",
            ),
        ],
    ),
    Question(
        "Your network will not overfit one batch of 32 images: the loss stays at 2.3 with ten classes. What "
        "do you do first?",
        [
            (
                "Train longer, on more images.",
                False,
                "If it cannot learn 32 images by heart, more of them will not help. ln 10 = 2.30 is the "
                "price of guessing.",
            ),
            (
                "Look for a bug: loss and logits, labels, learning rate, a weight that is not trained.",
                True,
                "The network has far more parameters than the batch has labels. Section 7 shows one such "
                "bug: logits given to a loss that takes them for probabilities.",
            ),
            (
                "Make the network larger.",
                False,
                "The small one of section 7 has 4,600 parameters for each of its 32 labels.",
            ),
            (
                "Add augmentation and weight decay.",
                False,
                "Both make it harder to learn by heart. Here that is the aim.",
            ),
        ],
    ),
]
