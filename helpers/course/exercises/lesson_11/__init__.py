"""Lesson 11, the class embedding space: read a token, score and count it, and take the logits apart."""

from helpers.course.exercises.lesson_11 import (
    class_identifiability,
    direct_effect,
    identifiability_rate,
    quiz,
    read_tokens,
)

EXERCISES = [
    read_tokens.EXERCISE,
    class_identifiability.EXERCISE,
    identifiability_rate.EXERCISE,
    direct_effect.EXERCISE,
]
QUIZ = quiz.QUIZ
