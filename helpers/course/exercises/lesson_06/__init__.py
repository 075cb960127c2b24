"""Lesson 06, attention maps: the class token's map, entropy, distance in pixels, and the focused layers."""

from helpers.course.exercises.lesson_06 import (
    attention_entropy,
    class_attention,
    mean_attention_distance,
    most_focused_layers,
    quiz,
)

EXERCISES = [
    class_attention.EXERCISE,
    attention_entropy.EXERCISE,
    mean_attention_distance.EXERCISE,
    most_focused_layers.EXERCISE,
]
QUIZ = quiz.QUIZ
