"""Lesson 01, images become sequences: counting, cutting, joining and finding patches."""

from helpers.course.exercises.lesson_01 import (
    assemble_patches,
    extract_patches,
    num_patches,
    patch_of_pixel,
    quiz,
)

EXERCISES = [
    num_patches.EXERCISE,
    extract_patches.EXERCISE,
    assemble_patches.EXERCISE,
    patch_of_pixel.EXERCISE,
]
QUIZ = quiz.QUIZ
