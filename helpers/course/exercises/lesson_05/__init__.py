"""Lesson 05, training: mixed images, soft labels, a learning rate, weight decay, and what went wrong."""

from helpers.course.exercises.lesson_05 import (
    confusion_matrix,
    decay_mask,
    mix_with_previous,
    quiz,
    smooth_labels,
    warmup_cosine,
)

EXERCISES = [
    mix_with_previous.EXERCISE,
    smooth_labels.EXERCISE,
    warmup_cosine.EXERCISE,
    decay_mask.EXERCISE,
    confusion_matrix.EXERCISE,
]
QUIZ = quiz.QUIZ
