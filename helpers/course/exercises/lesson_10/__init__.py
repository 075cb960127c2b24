"""Lesson 10, where information lives: a token's place, a layer's score, a probe, the mean of patches."""

from helpers.course.exercises.lesson_10 import (
    localization_score,
    locate_token,
    mean_of_patches,
    probe_scores,
    quiz,
)

EXERCISES = [
    locate_token.EXERCISE,
    localization_score.EXERCISE,
    probe_scores.EXERCISE,
    mean_of_patches.EXERCISE,
]
QUIZ = quiz.QUIZ
