"""`pip install .` gives a package that works anywhere: its code, its weights, its page, what it needs."""

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from helpers.course.setup import parse_version
from helpers.shipped import REPOSITORY, shipped

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PARTS = ("helpers", "data", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The course as pip installs it, from a copy without what git ignores, into a folder of its own."""
    wanted, found = PROJECT["build-system"]["requires"][0], importlib.metadata.version("setuptools")
    if parse_version(found) < parse_version(wanted.partition(">=")[2]):
        pytest.skip(f"building needs {wanted}, this environment has {found}")
    tree, target = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("installed")
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", "cache"))
        else:
            shutil.copy2(ROOT / name, tree / name)
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index"]
    command += ["--quiet", "--disable-pip-version-check", "--no-compile", "--target", str(target), str(tree)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=250, cwd=tree)
    assert result.returncode == 0, result.stdout + result.stderr
    return target


def python(code, installed, folder):
    """Run code with the installed course, in a folder that is not the repository."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("COURSE_", "PYTHON"))}
    path = os.pathsep.join([str(installed), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=folder,
        env=inherited | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=250,
    )


def test_its_weights_are_found_from_another_folder(installed, tmp_path):
    code = """
import helpers, numpy as np
from helpers.model.checkpoints import load_checkpoint, load_manifest
from helpers.train.reference import load_reference
from helpers.course.environment import judge_checkpoints
import helpers.show.explorer
print(helpers.__file__)
print(load_checkpoint("cifar/4")(np.zeros((1, 32, 32, 3), "float32")).shape[-1], len(load_manifest()))
print(len(load_reference("cifar10_plain_vits")) > 0, judge_checkpoints().verdict)
"""
    result = python(code, installed, tmp_path)
    assert result.returncode == 0, result.stderr
    manifest = json.loads((ROOT / "data" / "checkpoints" / "manifest.json").read_text(encoding="utf-8"))
    assert result.stdout.splitlines() == [
        str(installed / "helpers" / "__init__.py"),
        f"10 {len(manifest)}",
        "True ok",
    ]


def test_every_file_is_in_it_and_nothing_else(installed):
    def files(folder):
        return {
            str(path.relative_to(folder))
            for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and "cache" not in path.parts
        }

    code = {name for name in files(installed / "helpers") if not name.startswith("data_files")}
    assert code == files(ROOT / "helpers")
    assert files(installed / "helpers" / "data_files") == files(ROOT / "data")
    assert {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")} == {"helpers"}


def test_every_folder_of_code_is_a_package_of_the_project():
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "helpers").rglob("*.py")}
    expected = {".".join(folder.parts) for folder in folders} | {"helpers.data_files"}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == expected


def test_in_the_repository_the_data_are_those_of_the_repository():
    assert REPOSITORY == ROOT
    assert shipped("checkpoints", "manifest.json") == ROOT / "data" / "checkpoints" / "manifest.json"
    assert shipped("reference").is_dir()


IMPORT_NAMES = {"pillow": "PIL", "scikit-image": "skimage"}
# Imported only where they happen to be there, or with what needs them.
OPTIONAL = {"jax", "torch", "keras_hub", "psutil", "google", "nbval"}
# Brought by what is declared: IPython by ipywidgets, certifi by pooch, the rest by JupyterLab and nbclient.
BROUGHT = {"IPython", "certifi", "nbformat", "ipykernel", "jupyter_client"}


def test_what_it_imports_is_declared():
    project = PROJECT["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["lessons"]]
    names = {re.match(r"[\w.-]+", line)[0].lower() for line in declared}
    modules = {IMPORT_NAMES.get(name, name) for name in names} | OPTIONAL | BROUGHT | {"helpers"}
    for path in (ROOT / "helpers").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            unknown = {name.partition(".")[0] for name in found} - modules - sys.stdlib_module_names
            assert not unknown, f"{path.name} imports {unknown}"


def test_the_project_and_the_requirements_say_the_same():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    required = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
    project = PROJECT["project"]
    declared = {*project["dependencies"], *project["optional-dependencies"]["lessons"]}
    assert declared <= required
    assert {re.match(r"[\w.-]+", line)[0] for line in required - declared} == {"nbval", "pytest"}
