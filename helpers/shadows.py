"""Files of the learner's that stand in the way of a module: a `keras.py` beside the lessons is what
`import keras` finds first, there and in everything that imports it.

Any Python 3 can read this file, and it imports only what is always loaded.
"""

import os
import sys
from importlib.machinery import PathFinder

OURS = ("helpers", "tests", "benchmarks", "conftest", "docs", "data")  # the course's own, beside each other
HARMLESS = ("test", "this", "antigravity", "turtle", "turtledemo", "idlelib")  # which nobody imports
COURSE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class NameTaken(ImportError):
    """A file of the learner's has the name of a module. Notebooks show the message alone, in one line."""

    def _render_traceback_(self):  # IPython asks for this; it replaces the traceback
        return [str(self)]


def find_shadows(path=None, folders=None):
    """Find the files that a program would import in the place of a module of Python or of a package.

    Args:
        path: list of str, where Python looks for modules, in order; None for sys.path.
        folders: list of str, the learner's: only files in these are reported. None for the folder where
            Python runs and, in the repository, those of the course and of the lessons.
    Returns:
        list of str, the paths of such files and packages.
    """
    path = [
        os.path.abspath(entry) for entry in (sys.path if path is None else path)
    ]  # "" is the folder itself
    folders = _learners_folders() if folders is None else [os.path.abspath(folder) for folder in folders]
    found = []
    for place, folder in enumerate(path):
        if folder not in folders or folder in path[:place]:
            continue
        behind = [entry for entry in path[place:] if entry not in folders]
        for file in _modules(folder):
            name = _name(file)
            if name in OURS or name in HARMLESS or name in sys.builtin_module_names:
                continue
            spec = PathFinder.find_spec(name, behind)
            if spec is not None and spec.origin is not None:
                found.append(file)
    return found


def forget_strangers():
    """Forget the modules of another package `helpers`, loaded before ours: the names may be the same."""
    ours = os.path.join(COURSE, "helpers") + os.sep
    for name in [name for name in sys.modules if name.startswith("helpers.")]:
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and not os.path.abspath(file).startswith(ours):
            del sys.modules[name]


def refuse_shadows():
    """Stop, in a sentence, where a file of the learner's stands in the way of a module.

    Raises:
        NameTaken: in a notebook; anywhere else Python ends with the sentence.
    """
    found = find_shadows()
    if not found:
        return
    name = _name(found[0])
    sentence = (
        f"{found[0]} has the name of the module {name}, which the course needs, and would be loaded in its "
        f"place: rename it (my_{name}, say), then restart the kernel."
    )
    if len(found) > 1:
        sentence += f" So do {', '.join(found[1:])}."
    if "IPython" in sys.modules:
        raise NameTaken(sentence)
    sys.exit(sentence)


def _learners_folders():
    try:
        folders = [os.getcwd()]
    except OSError:  # the folder was deleted
        folders = []
    notebooks = os.path.join(COURSE, "notebooks")
    return [*folders, COURSE, notebooks] if os.path.isdir(notebooks) else folders


def _modules(folder):
    """List the modules and packages that lie in a folder."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    files = [os.path.join(folder, name) for name in names]
    return [
        file
        for file in files
        if _name(file).isidentifier()
        and (file.endswith(".py") or os.path.isfile(os.path.join(file, "__init__.py")))
    ]


def _name(file):
    """Give the name under which a file or a folder is imported."""
    name = os.path.basename(file)
    return name[: -len(".py")] if name.endswith(".py") else name
