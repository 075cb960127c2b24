"""Lesson 03, self-attention: the weights, the masked average, the heads, the cost."""

from helpers.course.exercises.lesson_03 import (
    attention_cost,
    attention_weights,
    quiz,
    scaled_dot_product_attention,
    split_heads,
)

EXERCISES = [
    attention_weights.EXERCISE,
    scaled_dot_product_attention.EXERCISE,
    split_heads.EXERCISE,
    attention_cost.EXERCISE,
]
QUIZ = quiz.QUIZ
