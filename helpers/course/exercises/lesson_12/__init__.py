"""Lesson 12, memories and explanations: what memories are like, whether they agree, relevance, an area."""

from helpers.course.exercises.lesson_12 import (
    agreement_of_image,
    area_under,
    class_value_agreement,
    quiz,
    relevance_of_patches,
)

EXERCISES = [
    class_value_agreement.EXERCISE,
    agreement_of_image.EXERCISE,
    relevance_of_patches.EXERCISE,
    area_under.EXERCISE,
]
QUIZ = quiz.QUIZ
