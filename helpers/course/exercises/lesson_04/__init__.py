"""Lesson 04, the encoder and the whole ViT: norm, MLP, the wiring of a block, and counting parameters."""

from helpers.course.exercises.lesson_04 import count_parameters, encoder_block, layer_norm, mlp, quiz

EXERCISES = [
    layer_norm.EXERCISE,
    mlp.EXERCISE,
    encoder_block.EXERCISE,
    count_parameters.EXERCISE,
]
QUIZ = quiz.QUIZ
