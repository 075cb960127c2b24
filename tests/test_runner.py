"""The runner is tried on small notebooks that go right and wrong in the ways lessons do."""

import json
import os
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from helpers.course import runner
from helpers.course.runner import ROOT, find_lessons, main, normalise, run_lesson, times_table, write_notebook


@pytest.fixture
def lesson(tmp_path, make_notebook):
    """Write a notebook of code cells and give its path."""

    def write(*sources, name="00_lesson.ipynb", tags=()):
        path = tmp_path / name
        nbformat.write(make_notebook(*[("code", source, list(tags)) for source in sources]), path)
        return path

    return write


def outputs(run):
    return [cell.outputs for cell in run.notebook.cells if cell.cell_type == "code"]


def test_a_lesson_is_run_in_order_with_counts_from_one(lesson):
    run = run_lesson(lesson("x = 20", "x + 1", "print('done')"))
    assert run.problem == ""
    assert [cell.execution_count for cell in run.notebook.cells] == [1, 2, 3]
    assert outputs(run)[1][0].data["text/plain"] == "21"
    assert outputs(run)[2][0].text == "done\n"
    assert len(run.cell_seconds) == 3


def test_the_kernel_starts_in_the_lessons_folder_with_this_python(lesson, tmp_path):
    run = run_lesson(lesson("import os, sys\nprint(os.getcwd())\nprint(sys.executable)"))
    assert outputs(run)[0][0].text.split() == [str(tmp_path), sys.executable]


def test_the_kernel_knows_the_runner_and_keeps_off_the_learners_files(lesson):
    names = ["COURSE_RUNNER", "COURSE_FAST", "COURSE_PROGRESS", "MPLBACKEND"]
    source = f"import os\nprint([os.environ.get(name) for name in {names}])"
    runner_flag, fast, progress, backend = eval(outputs(run_lesson(lesson(source), fast=True))[0][0].text)
    assert (runner_flag, fast) == ("1", "1") and "inline" in backend
    assert not os.path.exists(progress)  # in a folder that went with the run
    assert eval(outputs(run_lesson(lesson(source)))[0][0].text)[1] is None


def test_fast_is_asked_for_and_never_inherited(lesson, monkeypatch):
    monkeypatch.setenv("COURSE_FAST", "1")
    run = run_lesson(lesson("import os\nprint(os.environ.get('COURSE_FAST'))"))
    assert outputs(run)[0][0].text == "None\n"


def test_stderr_is_dropped_whether_python_or_c_wrote_it(lesson):
    source = "import os, sys\nprint('kept')\nprint('python', file=sys.stderr)\nos.write(2, b'native');"
    assert [output.text for output in outputs(run_lesson(lesson(source)))[0]] == ["kept\n"]


def test_what_nbval_would_miss_on_the_c_level_is_never_captured(lesson, monkeypatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # which this test itself has, and a learner's shell has not
    run = run_lesson(lesson("import os\nos.system('echo native; echo native >&2');"))
    assert outputs(run)[0] == []


def test_an_error_names_the_cell_and_ends_the_lesson(lesson):
    run = run_lesson(lesson("x = 1", "raise ValueError('a broken cell')", "print('never')"))
    assert run.problem.startswith("cell 2 of 3") and "a broken cell" in run.problem
    assert len(run.cell_seconds) == 2


def test_a_killed_kernel_and_an_endless_cell_are_reported(lesson):
    killed = run_lesson(lesson("x = 1", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"))
    assert killed.problem == "cell 2 of 2: Kernel died"
    endless = run_lesson(lesson("while True: pass"), cell_timeout=1)
    assert endless.problem.startswith("cell 1 of 1") and "timed out" in endless.problem


CLEARS = "from IPython.display import clear_output\nprint(1)\nclear_output()\nprint(2)"
UPDATES = "from IPython.display import display\nshown = display('a', display_id=True)\nshown.update('b')"
REDIRECTS = "import ipywidgets\nout = ipywidgets.Output()\nwith out:\n    print('inside')"


def run_promptly(path):
    """Run a lesson of one quick cell; once more where the crowded machine lost a message of its kernel."""
    run = run_lesson(path, cell_timeout=60)
    return run_lesson(path, cell_timeout=60) if "timed out" in run.problem else run


@pytest.mark.parametrize("source", [CLEARS, UPDATES, REDIRECTS])
def test_what_nbval_would_see_otherwise_is_refused_unless_it_is_ignored(lesson, source):
    assert "nbval does not follow" in run_promptly(lesson(source)).problem
    assert run_promptly(lesson(source, tags=["nbval-ignore-output"])).problem == ""


def test_clearing_before_anything_is_shown_is_harmless(lesson):
    source = "from IPython.display import clear_output\nclear_output(wait=True)\nprint(1)"
    assert run_lesson(lesson(source)).problem == ""


def test_write_gives_the_same_bytes_twice(lesson):
    path = lesson(
        "import sys\nprint('a', end='')\nprint('x', file=sys.stderr)\nprint('b\\rc')", "{'b': 1, 'a': 2}"
    )
    assert main(["--write", str(path)]) == 0
    first = path.read_bytes()
    assert main(["--write", str(path)]) == 0
    assert path.read_bytes() == first
    stored = nbformat.read(path, as_version=4)
    assert stored.cells[0].outputs[0].text == "c\n"
    assert list(path.parent.iterdir()) == [path]


def test_normalise_keeps_ids_and_drops_what_changes_from_run_to_run(make_notebook):
    notebook = make_notebook(("markdown", "a"), ("code", "b", ["setup"]), ("code", "c"))
    notebook.cells[1].id = notebook.cells[0].id = "same"
    del notebook.cells[2]["id"]
    notebook.cells[1].metadata["execution"] = {"iopub.status.busy": "2026-01-01"}
    notebook.metadata["widgets"] = {"state": {}}
    normalise(notebook)
    assert [cell.id for cell in notebook.cells] == ["same", "cell-01", "cell-02"]
    assert notebook.cells[1].metadata == {"tags": ["setup"]}
    assert "widgets" not in notebook.metadata and notebook.metadata.accelerator == "GPU"
    nbformat.validate(notebook)
    assert normalise(notebook.copy()) == notebook


def test_normalise_drops_widget_views_and_keeps_their_text(make_notebook):
    notebook = make_notebook(("code", "slider"))
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "IntSlider(value=0)"}
    notebook.cells[0].outputs = [nbformat.v4.new_output("display_data", data=view)]
    assert normalise(notebook).cells[0].outputs[0].data == {"text/plain": "IntSlider(value=0)"}


def test_a_failed_write_leaves_the_lesson_as_it_was(lesson, make_notebook, monkeypatch):
    path = lesson("1")
    before = path.read_bytes()

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runner.os, "replace", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_notebook(make_notebook(("code", "2")), path)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_a_failing_lesson_is_never_written_and_fails_the_run(lesson, capsys):
    good, bad = lesson("print('fine')"), lesson("1 / 0", name="01_bad.ipynb")
    before = bad.read_bytes()
    assert main(["--write", str(good), str(bad)]) == 1
    assert bad.read_bytes() == before
    said = capsys.readouterr().out
    assert "ZeroDivisionError" in said and said.endswith("1 passed, 1 failed: 01_bad\n")


def test_write_refuses_the_fast_world(lesson, monkeypatch):
    with pytest.raises(SystemExit):
        main(["--write", "--fast", str(lesson("1"))])
    monkeypatch.setenv("COURSE_FAST", "1")
    with pytest.raises(SystemExit):
        main(["--write", str(lesson("1"))])


def test_lessons_are_found_by_number_and_by_path(lesson, tmp_path):
    second, first = lesson("1", name="01_b.ipynb"), lesson("1", name="00_a.ipynb")
    lesson("1", name="draft.ipynb")
    assert find_lessons(folder=tmp_path) == [first, second]
    assert find_lessons(["1"], folder=tmp_path) == find_lessons(["01"], folder=tmp_path) == [second]
    assert find_lessons([str(first)], folder=tmp_path) == [first]
    with pytest.raises(ValueError, match=r"00, 01.*'7'"):
        find_lessons(["7"], folder=tmp_path)


def test_the_table_has_a_row_for_each_lesson_and_its_slowest_cells(lesson):
    run = run_lesson(lesson("x = 1", "import time\ntime.sleep(0)"))
    assert len(run.cell_seconds) == 2
    run.cell_seconds, run.seconds = [0.1, 0.3], 61.0
    table = times_table([run])
    assert "cell 2, 0.3 s" in table and "import time" in table
    assert "over 60 s" in times_table([run], fast=True) and "over" not in times_table([run])


def test_ctrl_c_stops_the_whole_run(lesson, tmp_path):
    path = lesson("x = 1", "import time\nopen('begun', 'w').close()\ntime.sleep(1000)")
    command = [sys.executable, "-m", "helpers.course.runner", str(path), str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "begun").exists():
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        said = process.communicate()[0]
    assert process.returncode == 130 and "Stopped." in said


# What pytest --nbval makes of stored outputs, with this repository's conftest.


@pytest.fixture
def nbval(tmp_path):
    def run(path, *options):
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "conftest",
            "-c",
            "pyproject.toml",
            "--rootdir",
            ".",
            "-q",
        ]
        command += [
            "-p",
            "no:cacheprovider",
            "--color=no",
            "--nbval",
            "--nbval-current-env",
            *options,
            str(path),
        ]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    return run


def test_nbval_agrees_with_what_the_runner_wrote(lesson, nbval):
    figure = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    page = "from IPython.display import HTML, display\nimport uuid\ndisplay(HTML(str(uuid.uuid4())))"
    stderr = "import os, sys\nprint('out')\nprint(os.getpid(), file=sys.stderr)"
    path = lesson(
        "print(6 * 7)", figure, page, stderr, "1 + 1;", "import os\nprint(os.environ['COURSE_RUNNER'])"
    )
    assert main(["--write", str(path)]) == 0
    result = nbval(path)
    assert result.returncode == 0, result.stdout
    assert "6 passed" in result.stdout


def test_nbval_sees_a_changed_number_and_a_missing_output(lesson, nbval):
    path = lesson("print(6 * 7)", "print('same')")
    assert main(["--write", str(path)]) == 0
    stored = json.loads(path.read_text())
    stored["cells"][0]["outputs"][0]["text"] = ["43\n"]
    path.write_text(json.dumps(stored))
    result = nbval(path)
    assert result.returncode == 1 and "1 failed, 1 passed" in result.stdout


def stored_output(path, text):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].execution_count = 1
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
    nbformat.write(notebook, path)
    return path


def test_the_closed_world_has_no_network(lesson, nbval):
    path = lesson(
        "import socket, urllib.request\n"
        "try:\n    urllib.request.urlopen('http://192.0.2.1')\n"
        "except OSError as error:\n    print('closed world' in str(error))\n"
        "try:\n    socket.getaddrinfo('course.invalid', 80)\n"
        "except socket.gaierror as error:\n    print('closed world' in str(error))\n"
    )
    result = nbval(stored_output(path, "True\nTrue\n"), "--world", "closed")
    assert result.returncode == 0, result.stdout


def test_the_closed_world_hides_the_data_folder(lesson, nbval, monkeypatch, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "cifar10.npz").touch()
    monkeypatch.setenv("COURSE_DATA", str(data))
    path = stored_output(lesson("import os\nprint(os.listdir(os.environ['COURSE_DATA']))"), "[]\n")
    assert nbval(path, "--world", "closed").returncode == 0
    assert nbval(path, "--world", "open").returncode == 1
