"""The exercises and quizzes, a file a lesson: `lesson_NN.py` with EXERCISES and QUIZ, found by its name.

How to write one:

    import numpy as np
    from helpers.course.exercise import Case, Exercise, Mutant, Question

    def _cases():                       # made anew for every run: no global random numbers, always the same
        images = np.random.default_rng(0).random((2, 8, 12, 3), dtype="float32")
        return [(images, 4), Case(images[:1, :6, :6], patch_size=3)]

    def _plain_reshape(images, patch_size):           # a mutant is plain NumPy, as a learner would write it
        return images.reshape(len(images), -1, patch_size * patch_size * images.shape[-1])

    EXERCISES = [
        Exercise(
            key="patches.extract_patches",            # module.function
            title="Cut images into patches",
            reference="helpers.model.patches:extract_patches",
            cases=_cases,
            mutants=(Mutant(_plain_reshape, "a plain reshape cuts strips, not squares."), ...),  # two or more
            hints=("a nudge", "the way", "nearly the answer"),
            difficulty=2, importance=5, minutes=10,
        ),
    ]
    QUIZ = [Question("Why …?", [("one answer", False, "No, because …"), ("another", True, "Yes: …")])]

The lesson's stub has a body of `return None` and takes the parameters of the cases. An answer is compared
with the reference on every case, and, where it is wrong, with every mutant: each must differ from the
reference and from the other mutants on some case. Where the answer is a layer or a class,
`probe(answer, *args, **kwargs)` turns it into arrays. A mutant may fail with an exception on some cases, but
not on all. tests/test_checks.py tries every file that is here; it needs no edit.
"""

import importlib
import pkgutil
import re


def lesson_numbers():
    """List the lessons that have a file here, such as ["00", "01"]."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    return sorted(match[1] for name in names if (match := re.fullmatch(r"lesson_(\d\d)", name)))


def load_lesson(number):
    """Import a lesson's file.

    Args:
        number: "01", or 1.
    Returns:
        module with EXERCISES and QUIZ.
    Raises:
        ValueError: if the lesson has no file; the message lists those that have.
    """
    number = f"{number:02d}" if isinstance(number, int) else str(number)
    if number not in lesson_numbers():
        raise ValueError(
            f"There is no lesson {number!r} with exercises; expected one of {', '.join(lesson_numbers())}."
        )
    return importlib.import_module(f"{__name__}.lesson_{number}")


def exercises_by_lesson():
    """Collect the exercises of all lessons.

    Returns:
        dict of lesson number -> tuple of Exercise, and dict of lesson number -> the exception that kept its
        file from loading, normally empty.
    """
    found, broken = {}, {}
    for number in lesson_numbers():
        try:
            found[number] = tuple(load_lesson(number).EXERCISES)
        except Exception as error:  # a lesson whose file is broken must not take the others with it
            broken[number] = error
    return found, broken
