"""Lesson 08, CKA: the Gram matrix, centring it with and without its diagonal, and one ratio over batches."""

from helpers.course.exercises.lesson_08 import centre_gram, gram_matrix, minibatch_cka, quiz, u_centre_gram

EXERCISES = [
    gram_matrix.EXERCISE,
    centre_gram.EXERCISE,
    u_centre_gram.EXERCISE,
    minibatch_cka.EXERCISE,
]
QUIZ = quiz.QUIZ
