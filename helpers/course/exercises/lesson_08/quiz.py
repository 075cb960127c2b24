"""The quiz of lesson 08."""

from helpers.course.exercise import Question

QUIZ = [
    Question(
        "One layer has 128 features a token, the other 64 channels a pixel. Why can CKA compare them?",
        [
            (
                "It cuts the wider one down to the width of the other.",
                False,
                "Nothing is cut. All features take part, in an inner product.",
            ),
            (
                "It compares two matrices of images × images, and these have the same size.",
                True,
                "Features are never compared with features, only the answers to “which images are alike?”.",
            ),
            (
                "It looks for the best linear map from one to the other.",
                False,
                "That is regression, and CCA's idea. CKA fits nothing, and a general linear map changes it.",
            ),
            (
                "It cannot; both must be averaged over tokens and pixels first.",
                False,
                "Averaging is a choice. (n, 65, 128) and (n, 8, 8, 64) both flatten to n rows.",
            ),
        ],
    ),
    Question(
        "Two layers with 8,320 features each, 100 images, plain HSIC: CKA is 0.98. What do you know?",
        [
            (
                "Both layers find the same images alike, and nearly to the same degree.",
                False,
                "That is what 0.98 would mean if noise did not reach it too.",
            ),
            (
                "One of them is a turned and scaled copy of the other, with little noise on top.",
                False,
                "A copy would have 1, but so little under 1 proves nothing here.",
            ),
            (
                "Nothing yet: noise of this shape has 0.99.",
                True,
                "1 / (1 + 100 / 8,320). Each image resembles itself in both layers. Debias, then look.",
            ),
            (
                "Somebody forgot to centre.",
                False,
                "Centring does not cure it: in section 4 both layers were noise around 0.",
            ),
        ],
    ),
    Question(
        "A map of a trained network with itself is bright from corner to corner. What has training done?",
        [
            (
                "It made all layers do the same.",
                False,
                "Look at the map of the untrained network first: in section 6 it was the brighter one.",
            ),
            (
                "You cannot tell from this map alone: it takes the untrained network's map beside it.",
                True,
                "Skips, positions and the pictures themselves make layers alike before the first step.",
            ),
            (
                "It made the later layers superfluous.",
                False,
                "Alike is not equal. A small difference between two layers may be all that the answer hangs "
                "on.",
            ),
        ],
    ),
    Question(
        "Two layers have a CKA of 0.99. A linear probe reads the class from one of them. And from the other?",
        [
            (
                "As well, give or take a percent.",
                False,
                "So one would think. In section 3 one layer had the label and the other had lost it, at 0.99 "
                "and more.",
            ),
            (
                "It may fail.",
                True,
                "CKA weighs a direction by its variance, and the class may lie in a faint one.",
            ),
            (
                "It must fail, for otherwise CKA would be 1.",
                False,
                "It may work too: a probe reads just as well from many layers that have less than 1.",
            ),
        ],
    ),
]
