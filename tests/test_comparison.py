"""`compare`: a prediction beside what was measured."""

import numpy as np
import pytest

from helpers.course.checks import compare

COMPARISONS = [
    ((None, 196, "tokens"), "You made no prediction. Measured: 196 tokens."),
    ((14, 196, "tokens"), "You predicted 14 tokens. Measured: 196 tokens."),
    ((196, 196, "tokens"), "You predicted 196 tokens. Measured: 196 tokens. Exactly."),
    ((..., 1), "You made no prediction. Measured: 1."),
    (("  ", 1), "You made no prediction. Measured: 1."),
    ((90, 93.58, "%"), "You predicted 90%. Measured: 93.6%."),
    ((0.5, 1 / 3), "You predicted 0.5. Measured: 0.333."),
    ((None, 86567656, "parameters"), "You made no prediction. Measured: 86,567,656 parameters."),
    ((None, 1234.5678), "You made no prediction. Measured: 1,235."),
    ((None, 999.7), "You made no prediction. Measured: 1,000."),
    ((None, 1.2e-5), "You made no prediction. Measured: 1.2e-05."),
    ((None, float("nan")), "You made no prediction. Measured: nan."),
    (("yes", "no"), "You predicted yes. Measured: no."),
    ((True, False), "You predicted True. Measured: False."),
    (([14, 14], (14, 14)), "You predicted 14, 14. Measured: 14, 14. Exactly."),
    (({"b", "a"}, ["a", "b"]), "You predicted a, b. Measured: a, b. Exactly."),
    ((np.float32(0.25), np.array(0.25)), "You predicted 0.25. Measured: 0.25. Exactly."),
    ((np.arange(20), 3), "You predicted 0, 1, 2, 3, 4, 5, 6, 7, …. Measured: 3."),
    ((print, 3), "Your prediction is a builtin_function_or_method; write a number or a word. Measured: 3."),
    (({"a": 1}, 3), "Your prediction is a dict; write a number or a word. Measured: 3."),
    (("lots", 196, "tokens"), "You predicted lots. Measured: 196 tokens."),
    (("196 tokens", 196, "tokens"), "You predicted 196 tokens. Measured: 196 tokens. Exactly."),
    (("62%", 61.8, "%", 0), "You predicted 62%. Measured: 62%. Exactly."),
    ((0.62, 61.8, "%", 0), "You predicted 0.62%. Measured: 62%."),
    ((62, 61.8, "%", 0), "You predicted 62%. Measured: 62%. Exactly."),
    (("Ring", "ring"), "You predicted Ring. Measured: ring. Exactly."),
]  # fmt: skip


@pytest.mark.parametrize("arguments, line", COMPARISONS)
def test_a_prediction_stands_beside_what_was_measured(arguments, line, capsys):
    compare(*arguments)
    assert capsys.readouterr().out == line + "\n"


def test_digits_fix_the_decimals(capsys):
    compare(1, 2 / 3, "px", digits=2)
    compare(None, -0.0001, digits=2)
    assert capsys.readouterr().out == (
        "You predicted 1 px. Measured: 0.67 px.\nYou made no prediction. Measured: 0.00.\n"
    )


def test_a_tensor_of_any_backend_can_be_compared(capsys):
    from keras import ops

    compare(ops.convert_to_tensor(2), ops.convert_to_tensor([1.5, 2.5]))
    assert capsys.readouterr().out == "You predicted 2. Measured: 1.5, 2.5.\n"
