"""The doctor's verdicts, given the versions and files of machines that this one is not."""

import hashlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from helpers.course import environment, machine, packages
from helpers.course.doctor import Report, doctor
from helpers.course.environment import judge_checkpoints, judge_memory
from helpers.course.packages import (
    BUT,
    OK,
    STOP,
    Row,
    find_stale,
    judge_keras,
    judge_numpy,
    judge_python,
    judge_tensorflow,
    judge_widgets,
)

ROOT = Path(__file__).parents[1]
GIB = 1 << 30


def test_this_environment_is_ready():
    report = doctor()
    assert report.ready, repr(report)
    names = [row.name for row in report.rows]
    assert names[:4] == ["Python", "Backend", "Keras", "TensorFlow"]
    assert {"NumPy", "ipywidgets", "Device", "Memory", "Data", "Trained models"} <= set(names)
    assert all(row.advice for row in report.rows if row.verdict != OK)


@pytest.mark.parametrize(
    "row, verdict",
    [
        (judge_python((3, 10, 12)), STOP),
        (judge_python((3, 11, 0)), OK),
        (judge_python((3, 13, 9)), OK),
        (judge_python((3, 14, 0)), BUT),
        (judge_keras(None), STOP),
        (judge_keras("2.15.0"), STOP),
        (judge_keras("3.12.1"), STOP),
        (judge_keras("3.13.2"), BUT),
        (judge_keras("3.13.2", colab=True), OK),
        (judge_keras("3.15.0"), BUT),
        (judge_keras("3.15.1"), OK),
        (judge_keras("3.16.0rc1"), OK),
        (judge_keras("4.0"), BUT),
        (judge_tensorflow({"tensorflow": "2.21.0"}, "tensorflow"), OK),
        (judge_tensorflow({"tensorflow-cpu": "2.20.0"}, "tensorflow"), OK),
        (judge_tensorflow({"tensorflow": "2.19.1"}, "tensorflow"), STOP),
        (judge_tensorflow({"tensorflow": "2.22.0rc0"}, "tensorflow"), BUT),
        (judge_tensorflow({}, "tensorflow"), STOP),
        (judge_tensorflow({}, ""), STOP),
        (judge_tensorflow({}, "jax"), OK),
        (judge_tensorflow({"tensorflow": "2.21.0", "tensorflow-cpu": "2.21.0"}, "tensorflow"), BUT),
        (judge_tensorflow({"tensorflow": "2.21.0", "tensorflow-intel": "2.21.0"}, "tensorflow"), OK),
        (judge_numpy("1.26.4"), STOP),
        (judge_numpy("2.1.3"), OK),
        (judge_widgets("7.7.1"), OK),
        (judge_widgets("8.1.9"), OK),
        (judge_widgets("7.6.5"), BUT),
        (judge_widgets(None), BUT),
        (judge_memory(0.5 * GIB, 2 * GIB), STOP),
        (judge_memory(2 * GIB, 8 * GIB), BUT),
        (judge_memory(6 * GIB, 8 * GIB), OK),
        (judge_memory(None, None), OK),
    ],
    ids=lambda value: f"{value.name} {value.found}" if isinstance(value, Row) else None,
)
def test_each_version_has_its_verdict_and_a_way_out(row, verdict):
    assert row.verdict == verdict
    assert bool(row.advice) or verdict == OK


def test_the_way_out_on_colab_is_no_upgrade(monkeypatch):
    monkeypatch.setattr(packages, "on_colab", lambda: True)
    advice = judge_keras("3.12.0", colab=True).advice
    assert "Runtime version" in advice and "pip" not in advice


def test_a_stale_kernel_is_found():
    installed = {"keras": "3.15.1", "numpy": "2.4.6", "tensorflow": "2.21.0"}
    assert find_stale(installed, {"keras": "3.15.1", "numpy": "2.4.6"}) == ""
    assert find_stale(installed, {"keras": "3.13.2"}) == "keras 3.13.2 is loaded, 3.15.1 is installed"
    assert find_stale(installed, {"matplotlib": "3.10"}) == ""


def test_a_stale_kernel_stops(monkeypatch):
    import keras

    monkeypatch.setattr(keras, "__version__", "3.14.0")
    report = doctor()
    kernel = next(row for row in report.rows if row.name == "Kernel")
    assert kernel.verdict == STOP and "restart the kernel" in kernel.advice
    assert not report.ready


def test_a_keras_that_cannot_be_loaded_stops_and_says_why():
    code = (
        "import sys\nsys.modules['tensorflow'] = None\n"
        "from helpers.course.doctor import doctor\nreport = doctor()\nprint(report)\nprint(report.ready)"
    )
    environ = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"} | {"KERAS_BACKEND": "tensorflow"}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True
    )
    assert result.stdout.endswith("False\n"), result.stderr
    assert re.search(r"✗ Backend +tensorflow +stop\n +Keras could not be loaded \(\w+Error", result.stdout)


def test_a_missing_package_is_named(monkeypatch):
    present = packages._version
    monkeypatch.setattr(packages, "_version", lambda name: None if name == "pooch" else present(name))
    row = packages._others()
    assert (row.verdict, row.found) == (STOP, "missing: pooch")


@pytest.fixture
def checkpoints(tmp_path):
    """Two files of weights, which for the doctor may hold anything, and their manifest."""
    rows = {}
    for name, file in (("shapes/4", "a.npz"), ("cifar/4", "b.npz")):
        (tmp_path / file).write_bytes(name.encode())
        known = {
            "kind": "ResNet",
            "config": {"depth": 8},
            "sha256": hashlib.sha256(name.encode()).hexdigest(),
        }
        rows[name] = known | {"file": file}
    (tmp_path / "manifest.json").write_text(json.dumps(rows))
    return tmp_path


def test_checkpoints_are_counted(checkpoints):
    assert judge_checkpoints(checkpoints) == Row("Trained models", "cifar/4, shapes/4", OK, "")


@pytest.mark.parametrize(
    "content, told",
    [
        (None, "expected b.npz in"),
        (b"other", "expected sha256"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
    ],
)
def test_a_checkpoint_that_cannot_be_used_is_named(checkpoints, content, told):
    (checkpoints / "b.npz").unlink()
    if content is not None:
        (checkpoints / "b.npz").write_bytes(content)
    row = judge_checkpoints(checkpoints)
    assert (row.verdict, row.found) == (BUT, "cannot be used: cifar/4") and told in row.advice


@pytest.mark.parametrize("content", [None, "{}", "{", "[]", '{"a": 1}', '{"cifar/4": {"file": "b.npz"}}'])
def test_a_manifest_that_cannot_be_used_is_told(checkpoints, content):
    (checkpoints / "manifest.json").unlink()
    if content is not None:
        (checkpoints / "manifest.json").write_text(content)
    row = judge_checkpoints(checkpoints)
    assert row.verdict == BUT and "manifest.json" in row.advice


ROWS = (
    Row("Python", "3.11.7"),
    Row("Data <x>", "none", BUT, "Fetch & wait."),
    Row("Keras", "2", STOP, "Newer."),
)


def test_a_report_is_ready_unless_a_row_says_stop():
    assert Report(ROWS[:2]).ready and not Report(ROWS).ready
    assert Report(ROWS[:1]).summary == "The lessons run here."


def test_the_twin_of_the_table():
    assert repr(Report(ROWS)).splitlines() == [
        "● Python    3.11.7  ok",
        "◐ Data <x>  none    works, but…",
        "            Fetch & wait.",
        "✗ Keras     2       stop",
        "            Newer.",
        "The lessons cannot run here yet. What to do stands in the rows that say stop.",
    ]


def test_no_line_is_wider_than_a_terminal():
    names = ", ".join(f"cifar/4-seed{number}" for number in range(30))
    rows = (*ROWS, Row("Trained models", names, BUT, "Fetch them again. " * 12))
    lines = repr(Report(rows)).splitlines()
    assert max(map(len, lines)) <= 79
    assert " ".join(" ".join(lines).split()).count("cifar/4-seed") == 30
    head = next(line for line in lines if line.startswith("◐ Trained models"))
    assert head.endswith("works, but…")
    verdicts = {line.index(word) for line, word in zip(lines, ("ok", "works", "", "stop")) if word}
    assert len(verdicts) == 1  # one column


def test_the_report_of_this_machine_fits_too():
    lines = repr(doctor()).splitlines()
    assert max(len(line) for line in lines if len(line.split()) > 1) <= 79  # a long path stays whole


def test_settings_of_keras_have_a_row_where_they_are_not_the_courses(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert "Keras settings" not in [row.name for row in doctor().rows]
    (tmp_path / "keras.json").write_text('{"image_data_format": "channels_first"}')
    row = next(row for row in doctor().rows if row.name == "Keras settings")
    assert (row.found, row.verdict) == ("image_data_format channels_first", BUT)
    assert str(tmp_path / "keras.json") in row.advice


def test_a_backend_that_is_none_stops_with_the_place_where_it_was_chosen():
    code = "from helpers.course.doctor import doctor\nrow = doctor().rows[1]\nprint(row.verdict, row.advice)"
    environ = os.environ | {"KERAS_BACKEND": "theano"}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True
    )
    assert result.stdout.startswith("stop The course runs on tensorflow, jax or torch; KERAS_BACKEND chooses")


def test_the_table_is_html():
    class Cells(HTMLParser):
        cells, rows = [], 0

        def handle_starttag(self, tag, attributes):
            self.rows += tag == "tr"

        def handle_data(self, data):
            self.cells.append(data)

    page = Cells()
    page.feed(Report(ROWS)._repr_html_())
    assert page.rows == 4
    assert "Data <x>" in page.cells and "◐ works, but…" in page.cells and "Fetch & wait." in page.cells


def test_the_command_prints_the_same(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "helpers.course.doctor"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.match(r"● Python +3\.\d+", result.stdout)
    assert result.stderr == ""


# What a machine lends


def cgroup(tmp_path, **files):
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    "files, cpus",
    [
        ({}, 64),
        ({"cpu_dot_max": "max 100000\n"}, 64),
        ({"cpu_dot_max": "200000 100000\n"}, 2),
        ({"cpu_dot_max": "150000 100000\n"}, 2),
        ({"cpu_dot_max": "50000 100000\n"}, 1),
        ({"cpu_dot_max": "odd\n"}, 64),
        ({"cpu__cpu_dot_cfs_quota_us": "-1\n", "cpu__cpu_dot_cfs_period_us": "100000\n"}, 64),
        ({"cpu__cpu_dot_cfs_quota_us": "300000\n", "cpu__cpu_dot_cfs_period_us": "100000\n"}, 3),
    ],
)
def test_the_quota_of_a_container_counts(monkeypatch, tmp_path, files, cpus):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    assert machine.usable_cpus(cgroup(tmp_path, **files)) == cpus


def test_without_an_affinity_mask_all_cores_count(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert machine.usable_cpus(tmp_path) == 8


def test_the_memory_of_a_container_counts(tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  16777216 kB\nMemAvailable:  8388608 kB\n")
    assert machine.total_memory(tmp_path, meminfo) == 16 * GIB
    assert machine.available_memory(tmp_path, meminfo) == 8 * GIB
    version_2 = cgroup(
        tmp_path / "two",
        memory_dot_max=f"{4 * GIB}",
        memory_dot_current=f"{3 * GIB}",
        memory_dot_stat=f"anon 5\ninactive_file {GIB}\n",
    )
    assert machine.total_memory(version_2, meminfo) == 4 * GIB
    assert machine.available_memory(version_2, meminfo) == 2 * GIB
    version_1 = cgroup(
        tmp_path / "one",
        memory__memory_dot_limit_in_bytes=f"{6 * GIB}",
        memory__memory_dot_usage_in_bytes=f"{1 * GIB}",
    )
    assert machine.available_memory(version_1, meminfo) == 5 * GIB
    unlimited = cgroup(tmp_path / "none", memory__memory_dot_limit_in_bytes="9223372036854771712")
    assert machine.total_memory(unlimited, meminfo) == 16 * GIB


def test_a_device_with_a_quota_says_so(monkeypatch):
    monkeypatch.setattr(environment, "usable_cpus", lambda: 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert environment._device("none").found == "CPU, 1 of 64 cores"
    monkeypatch.setattr(environment, "_gpus", lambda backend: ["Tesla T4"])
    assert environment._device("none").found == "1 GPU: Tesla T4"
