"""Read a learner's function: is it still the stub, which names does it use, which of its lines failed."""

import ast
import builtins
import dis
import functools
import inspect
import linecache
import re
import textwrap
import types

MEANINGS = {
    "np": ("NumPy", "import numpy as np", "numpy"),
    "keras": ("Keras", "import keras", "keras"),
    "ops": ("keras.ops", "from keras import ops", "ops"),
    "layers": ("keras.layers", "from keras import layers", "layers"),
    "plt": ("matplotlib.pyplot", "import matplotlib.pyplot as plt", "pyplot"),
    "tf": ("TensorFlow", "import tensorflow as tf", "tensorflow"),
    "math": ("Python's math", "import math", "math"),
}
STUB_OPERATIONS = {
    "RESUME",
    "NOP",
    "LOAD_CONST",
    "RETURN_VALUE",
    "RETURN_CONST",
    "COPY_FREE_VARS",
    "MAKE_CELL",
}
MAX_MESSAGE = 160  # characters of somebody else's error message
MAX_LINE = 70  # characters of a learner's line
MAX_LAYERS = 20  # wrappers round a function


def unwrapped(function):
    """Take all wrappers off a function: functools.partial and wraps, a bound method, tf.function."""
    for _ in range(MAX_LAYERS):
        inner = getattr(function, "__wrapped__", None) or getattr(function, "python_function", None)
        if isinstance(function, functools.partial):
            inner = function.func
        elif inspect.ismethod(function):
            inner = function.__func__
        if inner is None:
            break
        function = inner
    return function


def code_of(function):
    """Give the code object behind a function, a method, a partial or a wrapper; None for anything else."""
    code = getattr(unwrapped(function), "__code__", None)
    return code if isinstance(code, types.CodeType) else None


def is_stub(answer):
    """Tell whether a function does nothing but `return None`, or a class has only such methods."""
    if inspect.isclass(answer):
        functions = [part for part in vars(answer).values() if inspect.isfunction(part)]
        return bool(functions) and all(is_stub(function) for function in functions)
    code = code_of(answer)
    if code is None:
        return False
    steps = list(dis.get_instructions(code))
    constants = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    return constants == [None] and {step.opname for step in steps} <= STUB_OPERATIONS


def forgets_return(function):
    """Tell whether a function has code and yet no `return` at all; False where its source is unknown."""
    return _returned_values(function) == [] and not is_stub(function)


def returns_a_value(function):
    """Tell whether some `return` of a function names more than None; False where its source is unknown."""
    values = _returned_values(function) or []
    return any(value is not None and ast.unparse(value) != "None" for value in values)


def _returned_values(function):
    """Give what stands behind each `return` of a `def`, as syntax trees; None where there is no source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code_of(function))))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    if not tree.body or not isinstance(getattr(tree.body[0], "body", None), list):
        return None
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]


def overwritten_name(function):
    """Find a name that the function uses and that no longer means what it should in its notebook.

    Returns:
        str, what is wrong and what to do; "" if nothing is.
    """
    code = code_of(function)
    namespace = _globals_of(function)
    if code is None or namespace is None:
        return ""
    for name in sorted(_global_names(code) & set(namespace)):
        value = namespace[name]
        if name in MEANINGS:
            meaning, statement, module = MEANINGS[name]
            if not isinstance(value, types.ModuleType) or module not in value.__name__:
                return f"`{name}` no longer means {meaning} in your notebook: run `{statement}` again."
        elif callable(getattr(builtins, name, None)) and not callable(value):
            return f"`{name}` no longer means Python's own `{name}` in your notebook: run `del {name}`."
    return ""


def describe_error(error, function):
    """Say what an exception means, in one line without addresses: type, message and the learner's line."""
    place = _failing_line(error, code_of(function))
    if isinstance(error, RecursionError):
        return f"it calls itself without end (RecursionError{place})."
    if isinstance(error, MemoryError):
        return f"it asks for more memory than this machine has (MemoryError{place})."
    if isinstance(error, SystemExit):
        return f"it leaves Python (SystemExit{place}): return the answer, and do not call exit()."
    if isinstance(error, NameError) and not isinstance(error, UnboundLocalError) and error.name:
        advice = f"run `{MEANINGS[error.name][1]}`" if error.name in MEANINGS else "run the cells above first"
        return f"it uses `{error.name}`, which is not defined{place}: {advice}."
    message = clean_message(error)
    return f"{type(error).__name__}{place}{': ' + message if message else ''}"


def clean_message(error):
    """Give an exception's message as one short line, the same on every machine."""
    try:
        text = str(error)
    except BaseException:  # an exception of the learner's own, whose __str__ fails
        return ""
    text = re.sub(
        r"\{\{function_node .*?\}\}|\[Op:\w+\].*|\bat 0x[0-9a-fA-F]+|\x1b\[[0-9;]*m", "", text, flags=re.S
    )
    text = re.sub(r"\s+", " ", text).strip().rstrip(".")
    return (text[: MAX_MESSAGE - 1] + "…" if len(text) > MAX_MESSAGE else text) + "." if text else ""


def _failing_line(error, code):
    """Give " in line 3, `…`" for the last step in the learner's own file; "" where there is none."""
    if code is None:
        return ""
    number, step = None, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == code.co_filename:
            number = step.tb_lineno
        step = step.tb_next
    if number is None:
        return ""
    line = linecache.getline(code.co_filename, number).strip()
    line = line[: MAX_LINE - 1] + "…" if len(line) > MAX_LINE else line
    return f" in line {number}, `{line}`" if line else f" in line {number}"


def _globals_of(function):
    for candidate in (function, getattr(function, "__wrapped__", None), getattr(function, "func", None)):
        found = getattr(candidate, "__globals__", None)
        if isinstance(found, dict):
            return found
    return None


def _global_names(code):
    names = set()
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            names.add(step.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _global_names(constant)
    return names
