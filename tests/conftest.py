"""What several test files share: small notebooks made in the test."""

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell


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
            made.append(features.shape)
            return function(features, *others)

        return count

    for module, name in ((similarity, "gram_matrix"), (layer_grams, "quick_gram")):
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
