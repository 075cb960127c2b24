"""One process at a time: a lock made of a file, for two notebooks that want to fill the same cache."""

import os
import threading
import time
import uuid
from pathlib import Path

HEARTBEAT = 5.0  # seconds between two signs of life
STALE_AFTER = 60.0  # seconds without one until others may take the lock: its owner was killed


class FileLock:
    """A lock that is held while the file `path` exists; used as `with FileLock(path, timeout=60):`.

    The owner touches the file every few seconds. A file that was not touched for `stale_after` seconds is
    that of a process that was killed, and is taken over. Even if two processes did so in the same instant,
    they would only do the same work twice: what the lock protects must itself be put in place by one atomic
    rename.

    Args:
        path: where the file of the lock goes; its folder must exist.
        timeout: seconds to wait for another owner.
        stale_after: seconds without a sign of life after which the lock is taken over.
    Raises:
        TimeoutError: if another process holds the lock for longer than `timeout`.
        OSError: if the folder cannot be written to.
    """

    def __init__(self, path, *, timeout, stale_after=STALE_AFTER):
        self.path = Path(path)
        self.timeout = timeout
        self.stale_after = stale_after
        self._mark = uuid.uuid4().hex
        self._released = threading.Event()

    def __enter__(self):
        give_up = time.monotonic() + self.timeout
        while not self._create():
            self._break_if_stale()
            if time.monotonic() > give_up:
                raise TimeoutError(f"another process has held {self.path} for {self.timeout:.0f} s")
            time.sleep(0.1)
        self._released.clear()
        threading.Thread(target=self._show_life, daemon=True).start()
        return self

    def __exit__(self, *error):
        self._released.set()
        if self._owner() == self._mark:
            self.path.unlink(missing_ok=True)

    def _create(self):
        try:
            descriptor = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "w") as file:
            file.write(self._mark)
        return True

    def _owner(self):
        try:
            return self.path.read_text()
        except OSError:
            return None

    def _break_if_stale(self):
        try:
            silence = time.time() - self.path.stat().st_mtime
            if silence > self.stale_after:
                # A rename succeeds for one process only, so one of those that wait takes the old file away.
                grave = self.path.with_name(f"{self.path.name}.{self._mark}")
                os.replace(self.path, grave)
                grave.unlink()
        except FileNotFoundError:
            pass  # its owner has released it, or somebody else was faster

    def _show_life(self):
        while not self._released.wait(min(HEARTBEAT, self.stale_after / 4)):
            if self._owner() == self._mark:
                os.utime(self.path)
