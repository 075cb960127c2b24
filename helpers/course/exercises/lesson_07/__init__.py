"""Lesson 07, attention rollout: one block's mixing, the product of all blocks, and gradients for a class."""

from helpers.course.exercises.lesson_07 import attention_rollout, block_mixing, gradient_rollout, quiz

EXERCISES = [
    block_mixing.EXERCISE,
    attention_rollout.EXERCISE,
    gradient_rollout.EXERCISE,
]
QUIZ = quiz.QUIZ
