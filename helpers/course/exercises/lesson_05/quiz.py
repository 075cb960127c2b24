"""The quiz of lesson 05."""

from helpers.course.exercise import Question

QUIZ = [
    Question(
        "A run ends with 82 % on the training images, as the progress bar counted, and 88 % on the test"
        " images. The recipe has RandAugment and MixUp. What is the likely reason?",
        [
            (
                "Test images have leaked into the training set.",
                False,
                "A leak raises the test accuracy to that of the training images, not above it. Look for the "
                "simple reason first.",
            ),
            (
                "The training images were made harder, and the test images were not.",
                True,
                "The bar counts right answers on turned, cut and mixed images, while the weights are still "
                "changing. Score the plain training images and the order is as you expect.",
            ),
            (
                "The test set happens to be easier than the training set.",
                False,
                "Both are drawn from one collection at random. With 10,000 test images chance explains a "
                "few tenths of a percent, not six percent.",
            ),
            (
                "The model underfits, so it needs more training.",
                False,
                "Perhaps it does, but this gap does not show it: it is measured on two kinds of images.",
            ),
        ],
    ),
    Question(
        "You stop a run of 300 passes after 100 and go on tomorrow. What must be kept besides the "
        "weights, so that it goes on as if nothing had happened?",
        [
            (
                "Nothing: the weights are the model.",
                False,
                "Then the learning rate would warm up again from its first step, and AdamW would begin "
                "with empty averages of the gradient.",
            ),
            (
                "The number of the last pass.",
                False,
                "That gives the order of the images and the place on the cosine, but not AdamW's two "
                "averages for each weight, the averaged weights, or the random numbers.",
            ),
            (
                "The optimizer's state with its step, the averaged weights and the state of the random "
                "numbers.",
                True,
                "The learning rate is a function of the optimizer's step. All of it is in state.npz, "
                "written whole after each pass.",
            ),
            (
                "The learning rate.",
                False,
                "It follows from the step, which is in the optimizer's state; the rest of that state would "
                "still be missing.",
            ),
        ],
    ),
    Question(
        "A network ends in a softmax, and the loss applies a softmax of its own: `nn.Softmax` before "
        "`nn.CrossEntropyLoss` in PyTorch, say, or `from_logits=True` in Keras on JAX. What happens?",
        [
            (
                "An error, because probabilities are no logits.",
                False,
                "Ten numbers are ten numbers: nothing can tell. That is what makes it dangerous. Keras on "
                "TensorFlow looks whether they come straight from a softmax; it is alone in that.",
            ),
            (
                "Nothing: softmax of a softmax is the same.",
                False,
                "It is far flatter: probabilities lie between 0 and 1, so no ratio above e is left.",
            ),
            (
                "It trains, slowly, and its loss cannot fall below 1.46.",
                True,
                "A perfect answer, 1 and nine zeros, is taken for logits; the loss of that is "
                "ln(e + 9) - 1 = 1.46.",
            ),
            (
                "The accuracy is wrong, and the training is right.",
                False,
                "The other way round: the largest stays the largest, so the accuracy is counted rightly, and "
                "the gradients are too small.",
            ),
        ],
    ),
    Question(
        "One tutorial reports 78 % for a ViT on CIFAR-10 after 200 passes, another 93.58 % after 300. "
        "Neither network has convolutions or sees other images. What may you conclude?",
        [
            (
                "ViTs cannot reach convolutional networks on small data sets.",
                False,
                "93.58 % by a plain ViT says otherwise. The 78 % tells of one recipe.",
            ),
            (
                "The larger network wins.",
                False,
                "The better one of the two is the smaller: 2.70 million parameters against 3.2 million.",
            ),
            (
                "The recipe decides: augmentation, mixing, schedule, length.",
                True,
                "With nearly the same architecture the error falls to a third. Say the recipe whenever "
                "you say an accuracy.",
            ),
            (
                "The second number is simulated.",
                False,
                "It stands in the authors' own repository with the command that made it. Asking was "
                "right, though.",
            ),
        ],
    ),
]
