"""The quiz of lesson 01."""

from helpers.course.exercise import Question

QUIZ = [
    Question(
        "An image has 224×224 pixels. You go from patches of 32 pixels to patches of 16. What happens to "
        "the number of patches, and to the cost of attention, which grows with its square?",
        [
            (
                "Twice the patches, four times the cost.",
                False,
                "Half the side gives twice the rows and twice the columns: from 7·7 = 49 to 14·14 = 196 "
                "patches.",
            ),
            (
                "Four times the patches, four times the cost.",
                False,
                "Four times the patches is right, 49 to 196. But every patch is compared with every patch, "
                "so the cost grows with the square.",
            ),
            (
                "Four times the patches, sixteen times the cost.",
                True,
                "49 becomes 196, and 49² = 2,401 pairs become 196² = 38,416.",
            ),
            (
                "The number of values stays the same, so the cost does too.",
                False,
                "The values are only regrouped, true: 196 vectors of 768 in place of 49 of 3,072. But "
                "attention compares vectors, and there are more of them.",
            ),
        ],
    ),
    Question(
        "Somebody cuts patches with `images.reshape(batch, num_patches, patch_size * patch_size * 3)` and "
        "nothing else. The shape is right. What is in the first “patch”?",
        [
            (
                "The top left square, as it should be.",
                False,
                "Only if the image is one patch wide. A reshape never moves a value in memory, and the "
                "second row of that square lies a whole image row further on.",
            ),
            (
                "The first pixels of the image in reading order: a piece of its top row or rows.",
                True,
                "Memory runs along the row. For 224 pixels and patch 16 these are 256 pixels: the whole "
                "first row and 32 pixels of the second.",
            ),
            (
                "The top left square, mirrored.",
                False,
                "That is what a wrong transpose gives. Without any transpose there is no square at all.",
            ),
        ],
    ),
    Question(
        "What has the model lost once the image is a sequence of patches, if nothing else is added?",
        [
            (
                "Detail: a patch is an average of its pixels.",
                False,
                "Nothing is averaged. Each patch keeps all its values, which is why the patches can be put "
                "back together without loss.",
            ),
            (
                "Colour, because each patch is flattened.",
                False,
                "Flattening keeps all three values of every pixel; it only puts them into one row.",
            ),
            (
                "Where each patch was.",
                True,
                "Attention treats its input as a set: shuffle the patches and it computes the same, "
                "shuffled. That is why lesson 02 adds position embeddings.",
            ),
        ],
    ),
    Question(
        "Your image has 30×30 pixels and the patches have 4. Which of these is a sound way out?",
        [
            (
                "Resize or crop to 28×28, or pad to 32×32, and know what it costs.",
                True,
                "Both sides are then multiples of 4. Cropping loses an edge, padding adds pixels that mean "
                "nothing, resizing blurs a little.",
            ),
            (
                "Use 30 / 4 = 7.5 patches a side.",
                False,
                "A grid has whole rows and columns, and every patch needs the same length, or no single "
                "matrix could embed them all.",
            ),
            (
                "Let `30 // 4` round down and carry on.",
                False,
                "In code this fails in the reshape, at best. At worst two pixel rows and columns are "
                "dropped and nobody notices.",
            ),
            (
                "Reshape the pixels into as many vectors of 48 values as there are.",
                False,
                "900 · 3 = 2,700 values are not a multiple of 48, and even where it fits such vectors are "
                "no squares.",
            ),
        ],
    ),
]
