"""Lesson 09, the residual stream: the block of the decision, carried against added, and a receptive field."""

from helpers.course.exercises.lesson_09 import decision_block, effective_receptive_field, norm_ratios, quiz

EXERCISES = [
    decision_block.EXERCISE,
    norm_ratios.EXERCISE,
    effective_receptive_field.EXERCISE,
]
QUIZ = quiz.QUIZ
