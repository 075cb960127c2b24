"""An older build of the course beside this one, for the benchmarks that compare the two."""

import contextlib
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def older_build(revision):
    """Check a revision of this repository out beside it; the folder is removed in the end.

    Args:
        revision: what git calls a revision: a commit, a branch, a tag.
    Yields:
        Path of the checkout.
    """
    git = ["git", "worktree"]
    with tempfile.TemporaryDirectory() as folder:
        old = Path(folder) / "before"
        subprocess.run([*git, "add", "--detach", old, revision], cwd=ROOT, check=True, capture_output=True)
        try:
            yield old
        finally:
            subprocess.run([*git, "remove", "--force", old], cwd=ROOT, check=True)
