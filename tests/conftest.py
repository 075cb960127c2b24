"""What several test files share: small notebooks made in the test, and an exercise of our own."""

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from own_exercise import PATIENCE, own_exercise

from helpers.course import checks, explanations, handing_back, sandbox, trials


@pytest.fixture(autouse=True)
def no_shell_left_behind():
    """Take away the IPython shell that a test has started: the next would draw where it should print."""
    yield
    InteractiveShell.clear_instance()


@pytest.fixture
def gram_matrices(monkeypatch):
    """Note the shape of the features of each Gram matrix that CKA makes, in whichever way."""
    from helpers.analysis import layer_grams, similarity

    made = []

    def counted(function):
        def count(features, *others):
            made.extend([features.shape] if features.ndim == 2 else [features.shape[1:]] * len(features))
            return function(features, *others)

        return count

    for module, name in (
        (similarity, "gram_matrix"),
        (layer_grams, "quick_gram"),
        (layer_grams, "quick_grams"),
    ):
        monkeypatch.setattr(module, name, counted(getattr(module, name)))
    return made


@pytest.fixture
def notebook(monkeypatch):
    """Collect what a notebook would be sent, as (data, options). IPython seems to run; no shell is made."""
    shown = []
    monkeypatch.setattr(InteractiveShell, "initialized", lambda: True)
    monkeypatch.setattr(InteractiveShell, "instance", lambda: None)
    monkeypatch.setattr("IPython.display.display", lambda data, **options: shown.append((data, options)))
    return shown


@pytest.fixture
def make_notebook():
    """Make a notebook from ("markdown", text), ("code", source) and ("code", source, tags) rows."""

    def make(*rows):
        notebook = nbformat.v4.new_notebook()
        for kind, source, *tags in rows:
            new_cell = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
            notebook.cells.append(new_cell(source, metadata={"tags": tags[0]} if tags else {}))
        return notebook

    return make


@pytest.fixture
def hasty(monkeypatch):
    """Give every function minutes, since a busy machine is no loop without end, but those in this list."""
    functions = []

    def run_patiently(function, case, *, seconds, **others):
        seconds = seconds if any(function is one for one in functions) else PATIENCE
        return sandbox.run(function, case, seconds=seconds, **others)

    for module in (trials, handing_back, explanations):
        monkeypatch.setattr(module, "run", run_patiently)
    return functions


@pytest.fixture
def own(monkeypatch, capsys, hasty):
    """Try an answer on an exercise of our own; give what came back, and what is said of the answer."""

    def attempt(answer, **changes):
        exercise = own_exercise(**changes)
        monkeypatch.setattr(checks, "exercises_by_lesson", lambda: ({"99": (exercise,)}, {}))
        result = checks.check(exercise.key, answer)
        printed, errors = capsys.readouterr()
        assert errors == ""
        assert printed.count("\n") == 1, printed
        assert "the check itself failed" not in printed
        line = printed.strip().removeprefix(f"✗ {exercise.key}: ").removesuffix(f" {checks.FALLBACK}")
        return result, line

    return attempt
