"""The manifest as files come to people: with a byte-order mark, cut short, merged by halves, or a pointer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.model.manifest import file_name_for, find_row, load_manifest, read_stored

ROOT = Path(__file__).resolve().parents[1]
ROWS = {
    "cifar/4": {"kind": "ResNet", "config": {"depth": 8}, "file": "cifar-4.npz", "sha256": "0" * 64, "ü": "é"}
}
TEXT = json.dumps(ROWS, ensure_ascii=False)
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 2450050\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom"])
def test_a_byte_order_mark_is_accepted(tmp_path, encoding):
    content = b"\xff\xfe" + TEXT.encode("utf-16-le") if encoding == "utf-16-le-bom" else TEXT.encode(encoding)
    (tmp_path / "manifest.json").write_bytes(content)
    assert load_manifest(tmp_path) == ROWS


def test_no_manifest_is_an_empty_one(tmp_path):
    assert load_manifest(tmp_path) == load_manifest(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (TEXT.encode()[:-5], "line 1, column "),
        (b'{\n "a": {},\n}', "line 3, column 1: |line 2, column "),
        (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
        (LFS_POINTER, "it is a pointer of Git LFS; run `git lfs pull`"),
        (
            b'{\n<<<<<<< HEAD\n"a": 1\n=======\n"a": 2\n>>>>>>> theirs\n}',
            "of a git merge that was not finished",
        ),
        (b"[" * 100_000, "nested too deeply|line 1, column "),
        (b"[]", "is JSON, but no manifest"),
        (b'{"cifar/4": "cifar-4.npz"}', "is JSON, but no manifest"),
        (None, "cannot be read: Is a directory|cannot be read: Permission denied"),
    ],
)
def test_a_manifest_that_cannot_be_read_says_where_and_what_to_do(tmp_path, content, told):
    path = tmp_path / "manifest.json"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(ValueError, match=told) as caught:
        load_manifest(tmp_path)
    assert type(caught.value) is ValueError and "\n" not in str(caught.value)
    assert f"{tmp_path.name}/manifest.json" in str(caught.value)
    assert "Fetch manifest.json again" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"file": None}, "has no file"),
        ({"kind": "", "sha256": None}, "has no kind and no sha256"),
        ({"file": "../cifar-4.npz"}, "expected the name of a file that lies beside it"),
        ({"file": "/etc/passwd"}, "expected the name of a file that lies beside it"),
        ({"file": 3}, "expected the name of a file that lies beside it"),
    ],
)
def test_a_row_that_lacks_something_is_told(tmp_path, changes, told):
    (tmp_path / "manifest.json").write_text(json.dumps({"cifar/4": ROWS["cifar/4"] | changes}))
    with pytest.raises(ValueError, match=f"row of 'cifar/4' in manifest.json .*{told}"):
        find_row("cifar/4", tmp_path)


def test_a_pointer_in_the_place_of_weights_is_called_so(tmp_path):
    (tmp_path / "cifar-4.npz").write_bytes(LFS_POINTER)
    with pytest.raises(ValueError, match="cifar-4.npz is a pointer of Git LFS, .* Run `git lfs install`"):
        read_stored("cifar/4", ROWS["cifar/4"], tmp_path)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("cifar/4", "cifar-4.npz"),
        ("cifar/4@14", "cifar-4@14.npz"),
        ("resnet-cifar-10pct", "resnet-cifar-10pct.npz"),
        ("my run 2", "my run 2.npz"),
        ("größe/4", "größe-4.npz"),
        ("x" * 196, "x" * 196 + ".npz"),
    ],
)
def test_a_name_gives_a_file(name, file):
    assert file_name_for(name, {}) == file


@pytest.mark.parametrize(
    "name", ["a.", "/a", "a//b", "..", "a/../b", "a\\b", "a\n", "a:b", "a?", ".a", "a ", 3]
)
def test_what_can_be_no_file_on_some_system_is_refused(name):
    with pytest.raises(ValueError, match="Expected a name such as"):
        file_name_for(name, {})


def test_a_name_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="at most 196 bytes; received 394"):
        file_name_for("ü" * 197, {})


def test_the_shipped_names_are_all_of_them_kept_apart():
    manifest = load_manifest()
    for name, row in manifest.items():
        assert file_name_for(name, manifest) == row["file"]


def test_the_doctor_can_read_it_without_keras():
    code = (
        "import sys; sys.modules['keras'] = None\n"
        "from helpers.course.environment import judge_checkpoints\nprint(judge_checkpoints().verdict)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "ok\n"
