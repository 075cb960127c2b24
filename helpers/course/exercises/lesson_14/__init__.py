"""Lesson 14, the lab: a box in patches, the share of a map inside it, and two controls."""

from helpers.course.exercises.lesson_14 import (
    box_to_patches,
    mean_of_others,
    quiz,
    share_in_region,
    shares_of_every_box,
)

EXERCISES = [
    box_to_patches.EXERCISE,
    share_in_region.EXERCISE,
    mean_of_others.EXERCISE,
    shares_of_every_box.EXERCISE,
]
QUIZ = quiz.QUIZ
