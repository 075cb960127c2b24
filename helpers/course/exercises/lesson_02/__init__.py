"""Lesson 02, from patches to tokens: projecting, the class token, and how alike positions are."""

from helpers.course.exercises.lesson_02 import position_similarity, prepend_class_token, project_patches, quiz

EXERCISES = [
    project_patches.EXERCISE,
    prepend_class_token.EXERCISE,
    position_similarity.EXERCISE,
]
QUIZ = quiz.QUIZ
