"""The teaching: set-up, exercises and their checks, quizzes, progress, and the verdict on the environment."""

from helpers.shadows import forget_strangers, refuse_shadows

forget_strangers()
refuse_shadows()
