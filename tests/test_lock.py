"""The lock of the cache: one owner at a time, and nobody waits for the dead."""

import os
import threading
from types import SimpleNamespace

import pytest

from helpers.data import lock as module
from helpers.data.lock import HEARTBEAT, STALE_AFTER, FileLock


@pytest.fixture
def clock(monkeypatch):
    """The time of those who wait: it goes on only by what they sleep; `slept` notes how long each time."""
    clock = SimpleNamespace(now=0.0, slept=[])

    def sleep(seconds):
        clock.slept.append(seconds)
        clock.now += seconds

    clock.monotonic, clock.time, clock.sleep = lambda: clock.now, module.time.time, sleep
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_lock_is_there_while_it_is_held(tmp_path):
    path = tmp_path / "lock"
    with FileLock(path, timeout=1):
        assert path.exists()
    assert list(tmp_path.iterdir()) == []


def test_lock_is_released_after_an_error(tmp_path):
    with pytest.raises(KeyboardInterrupt), FileLock(tmp_path / "lock", timeout=1):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_second_owner_waits_for_the_first(tmp_path, monkeypatch):
    order, waits, sleep = [], threading.Event(), module.time.sleep
    monkeypatch.setattr(module.time, "sleep", lambda seconds: waits.set() or sleep(seconds))

    def second():
        with FileLock(tmp_path / "lock", timeout=250):
            order.append("second")

    with FileLock(tmp_path / "lock", timeout=250):
        thread = threading.Thread(target=second, daemon=True)
        thread.start()
        assert waits.wait(250)
        order.append("first")
    thread.join(250)
    assert order == ["first", "second"]


def test_waiting_has_an_end(tmp_path, clock):
    with FileLock(tmp_path / "lock", timeout=1):
        with pytest.raises(TimeoutError, match="another process has held .* for 30 s"):
            with FileLock(tmp_path / "lock", timeout=30):
                pass
        assert (tmp_path / "lock").exists()
    assert 30 < clock.now < 30 + 2 * clock.slept[0]  # the last look comes after the time is over


def test_a_living_owner_shows_it_often_enough_not_to_be_taken_for_dead(tmp_path):
    path, beats = tmp_path / "lock", []

    class Released(threading.Event):
        def wait(self, timeout=None):
            beats.append(timeout)
            return super().wait(timeout)

    lock = FileLock(path, timeout=1, stale_after=0.4)
    lock._released = Released()
    with lock:
        os.utime(path, (1, 1))  # as if it had been silent for decades
        while path.stat().st_mtime == 1:
            pass
    assert beats[0] == 0.4 / 4
    assert HEARTBEAT <= STALE_AFTER / 4


def test_lock_of_a_dead_owner_is_broken(tmp_path):
    path = tmp_path / "lock"
    path.write_text("gone")
    long_ago = path.stat().st_mtime - STALE_AFTER - 1
    os.utime(path, (long_ago, long_ago))
    with FileLock(path, timeout=1):
        assert path.read_text() != "gone"
    assert list(tmp_path.iterdir()) == []


def test_owner_that_lost_its_lock_does_not_release_another(tmp_path):
    path = tmp_path / "lock"
    with FileLock(path, timeout=1):
        path.write_text("somebody else, who thought this one dead")
    assert path.exists()
