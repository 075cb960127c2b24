"""The lock of the cache: one owner at a time, and nobody waits for the dead."""

import os
import threading
import time

import pytest

from helpers.data.lock import FileLock


def test_lock_is_there_while_it_is_held(tmp_path):
    path = tmp_path / "lock"
    with FileLock(path, timeout=1):
        assert path.exists()
    assert list(tmp_path.iterdir()) == []


def test_lock_is_released_after_an_error(tmp_path):
    with pytest.raises(KeyboardInterrupt), FileLock(tmp_path / "lock", timeout=1):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_second_owner_waits_for_the_first(tmp_path):
    order = []

    def second():
        with FileLock(tmp_path / "lock", timeout=5):
            order.append("second")

    with FileLock(tmp_path / "lock", timeout=5):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_waiting_has_an_end(tmp_path):
    with FileLock(tmp_path / "lock", timeout=1):
        with pytest.raises(TimeoutError, match="another process has held"):
            with FileLock(tmp_path / "lock", timeout=0.2):
                pass
        assert (tmp_path / "lock").exists()


def test_lock_of_a_living_owner_is_not_broken(tmp_path):
    """The owner shows life four times in `stale_after`, so a long job is not taken for a dead one."""
    with FileLock(tmp_path / "lock", timeout=1, stale_after=0.6):
        with pytest.raises(TimeoutError):
            with FileLock(tmp_path / "lock", timeout=1.2, stale_after=0.6):
                pass


def test_lock_of_a_dead_owner_is_broken(tmp_path):
    path = tmp_path / "lock"
    path.write_text("gone")
    os.utime(path, (time.time() - 61, time.time() - 61))
    with FileLock(path, timeout=1):
        assert path.read_text() != "gone"
    assert list(tmp_path.iterdir()) == []


def test_owner_that_lost_its_lock_does_not_release_another(tmp_path):
    path = tmp_path / "lock"
    with FileLock(path, timeout=1):
        path.write_text("somebody else, who thought this one dead")
    assert path.exists()
