"""The teaching: set-up, exercises and their checks, quizzes, progress, and the verdict on the environment."""
