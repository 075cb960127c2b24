"""Lesson 00, welcome: one small exercise to see how exercises work."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant, Question


def mean_colour(image):
    """Average an image over its pixels: one red, one green and one blue value.

    Args:
        image: (height, width, 3).
    Returns:
        (3,), the mean of each channel over height and width.
    """
    return np.mean(np.asarray(image), axis=(0, 1))


def _cases():
    image = np.random.default_rng(0).normal(0.5, 0.8, (4, 6, 3)).astype("float32")
    by_hand = np.float32([[[0, 0.2, 1.5], [-1, 0.4, 3.5]]])
    return [(image,), (image[:, :4] * [1.0, 0.5, 0.1],), (by_hand,)]


def _one_number(image):
    return np.mean(image)


def _each_column(image):
    return np.mean(image, axis=0)


def _each_row(image):
    return np.mean(image, axis=1)


def _each_pixel(image):
    return np.mean(image, axis=-1)


def _channels_first(image):
    return np.mean(image, axis=(1, 2))


def _sum(image):
    return np.sum(image, axis=(0, 1))


def _rows_for_channels(image):
    return np.array([image[0].mean(), image[1].mean(), image[2].mean()])


def _columns_for_channels(image):
    return np.array([image[:, 0].mean(), image[:, 1].mean(), image[:, 2].mean()])


def _red_alone(image):
    return image[..., 0].mean()


def _median(image):
    return np.median(image, axis=(0, 1))


def _blue_first(image):
    return image.mean(axis=(0, 1))[::-1]


def _sum_over_height(image):
    return image.sum(axis=(0, 1)) / image.shape[0]


def _sum_over_all_numbers(image):
    return image.sum(axis=(0, 1)) / image.size


EXERCISES = [
    Exercise(
        key="welcome.mean_colour",
        title="The mean colour of an image",
        reference="helpers.course.exercises.lesson_00:mean_colour",
        cases=_cases,
        mutants=(
            Mutant(
                _one_number, "this mixes the three colours: average over height and width only, axis=(0, 1)."
            ),
            Mutant(_each_column, "this averages over the height only: the width is still there."),
            Mutant(_each_row, "this averages over the width only: the height is still there."),
            Mutant(
                _each_pixel,
                "this averages the colours of each pixel: it is the pixels that go, not the colours.",
            ),
            Mutant(
                _channels_first, "this averages over width and channels: here the channels are the last axis."
            ),
            Mutant(_sum, "this is the sum over the pixels: divide by their number, or use np.mean."),
            Mutant(
                _rows_for_channels, "image[0] is the first row of pixels; the first colour is image[:, :, 0]."
            ),
            Mutant(
                _columns_for_channels,
                "image[:, 0] is the first column of pixels; the first colour is image[:, :, 0].",
            ),
            Mutant(
                _red_alone,
                "this is the mean of red alone: one number for each of the three colours is asked for.",
            ),
            Mutant(_median, "this is the median; the mean is asked for."),
            Mutant(
                _blue_first,
                "the colours come in the other order: red, green, blue, as they stand in the image.",
            ),
            Mutant(
                _sum_over_height, "you divide the sum by the height alone; there are height · width pixels."
            ),
            Mutant(
                _sum_over_all_numbers,
                "you divide by all numbers of the image; each colour has height · width of them.",
            ),
        ),
        hints=(
            "The image has the shape (height, width, 3). Which two axes have to go?",
            "np.mean takes an `axis`, and that may be a tuple of axes.",
            "The axes of height and width are 0 and 1: np.mean(image, axis=(0, 1)).",
        ),
        difficulty=1,
        importance=2,
        minutes=3,
    ),
]

QUIZ = [
    Question(
        "You leave an exercise at `return None` and run the rest of the lesson. What happens?",
        [
            (
                "The next cells fail with an error, since there is nothing that they could call.",
                False,
                "`check` hands back the course's own, tested function, so everything below has one to call.",
            ),
            (
                "The next cells run, with the course's own function.",
                True,
                "`my_fn = check(…, my_fn)` gives your function back only once it is correct, and the "
                "course's until then.",
            ),
            (
                "The next cells run, but show wrong figures.",
                False,
                "A missing or wrong answer goes no further than its own cell: `check` replaces it.",
            ),
        ],
    ),
    Question(
        "`check` says: wrong shape, expected (3,), received (4, 3). What is the best next step?",
        [
            (
                "Run `solution(…)` at once.",
                False,
                "It is always there, but the line has already told you what differs: one axis too many. "
                "Try that first, then a hint.",
            ),
            (
                "Add `.reshape(3)` so that the shape fits.",
                False,
                "Twelve numbers cannot become three by reshaping, and where a reshape does fit it often "
                "only hides a wrong order.",
            ),
            (
                "Ask which axis of your result should have gone, and run the cell again.",
                True,
                "Shapes are the first thing to read in this field: each axis has a name, and here height "
                "has stayed.",
            ),
        ],
    ),
    Question(
        "Why does the course ask for a prediction before it shows a result?",
        [
            (
                "Because the predictions are marked.",
                False,
                "Nobody sees or keeps them; `compare` prints yours beside what was measured, and that is "
                "all.",
            ),
            (
                "Because a guess that turns out wrong shows you what to look at.",
                True,
                "A result that surprises you is one you remember, and you can only be surprised if you "
                "expected something.",
            ),
            (
                "Because the next cell needs the number.",
                False,
                "Every cell runs with `my_prediction = None` as well.",
            ),
        ],
    ),
    Question(
        "The class token's attention lies on the object, and covering the patches that it looks at did more "
        "harm than any other cover that we tried. What do you know now?",
        [
            (
                "That the map explains the answer: the model says “star” because of these patches.",
                False,
                "You know that they matter, not how. Values, the MLPs and the paths between the layers are "
                "in no map, and the grey squares are themselves new to the model.",
            ),
            (
                "That the answer depends on these patches, in this model and under this kind of cover.",
                True,
                "That is what was measured, against two rivals. Saying what was measured, and no more, is "
                "half of this course.",
            ),
            (
                "Nothing: a map is only a picture.",
                False,
                "The map alone was only a picture. The test went beyond it: the map chose patches that "
                "matter more than those which hold most of the object.",
            ),
        ],
    ),
]
