"""Time, signals, threads, memory, and what leaks: nothing that an answer does gets out."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from own_exercise import PATIENCE, double_rows, in_a_notebook

from helpers.course import limits

LOOPS = {
    "pass": "while True: pass",
    "except": "while True:\n        try:\n            n = 1\n        except Exception:\n            pass",
    "bare except": "while True:\n        try:\n            n = 1\n        except:\n            pass",
    "sleep": "import time\n    time.sleep(1000)\n    return values",
}
in_a_thread_too = pytest.mark.parametrize("thread", [False, True], ids=["main thread", "other thread"])


def in_thread(function):
    """Call a function in a thread of its own, and wait for it."""
    worker = threading.Thread(target=function, daemon=True)
    worker.start()
    worker.join(PATIENCE)
    assert not worker.is_alive()


@pytest.mark.parametrize("source", LOOPS.values(), ids=LOOPS)
@in_a_thread_too
def test_a_loop_without_end_is_ended_and_not_tried_on_the_next_case(own, hasty, source, thread):
    if thread and "sleep" in source:
        pytest.skip("from another thread a call into C cannot be cut short")
    calls, found = [], []
    answer = in_a_notebook(f"def answer(values, scale=2.0):\n    calls.append(1)\n    {source}", calls=calls)
    hasty.append(answer)
    (in_thread if thread else lambda function: function())(lambda: found.append(own(answer)))
    assert found[0][0] is double_rows
    assert "did not come back within 0.3 seconds: is there a loop without end?" in found[0][1]
    assert len(calls) == 1


def test_a_call_that_comes_back_after_its_time_counts_as_late(own, hasty, monkeypatch):
    """From another thread a call into C cannot be cut short; once it is over, it is told all the same."""
    found, rung = [], threading.Event()
    interrupt = limits.ctypes.pythonapi.PyThreadState_SetAsyncExc

    def interrupt_and_tell(*arguments):
        interrupt(*arguments)
        rung.set()

    monkeypatch.setattr(limits.ctypes.pythonapi, "PyThreadState_SetAsyncExc", interrupt_and_tell)
    answer = in_a_notebook("def answer(values, scale=2.0):\n    rung.wait()\n    return values", rung=rung)
    hasty.append(answer)
    in_thread(lambda: found.append(own(answer)))
    assert "did not come back within 0.3 seconds: is there a loop without end?" in found[0][1]


def test_handlers_and_timers_of_others_are_put_back(monkeypatch):
    """A timer goes on with what was left of it less what the call took, by a clock that the test moves."""
    clock, rung, armed = [100.0], [], []
    setitimer = signal.setitimer

    def note(which, seconds, interval=0.0):
        armed.append((seconds, interval))
        return setitimer(which, seconds, interval)

    def take(seconds):
        clock[0] += seconds
        return "done"

    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    mine = signal.getsignal(signal.SIGALRM)
    others = signal.setitimer(signal.ITIMER_REAL, 5000, 7)
    try:
        left = signal.getitimer(signal.ITIMER_REAL)[0]
        monkeypatch.setattr(limits.time, "monotonic", lambda: clock[0])
        monkeypatch.setattr(signal, "setitimer", note)
        assert limits.call_within(PATIENCE, lambda: take(1200)) == "done"
        assert signal.getsignal(signal.SIGALRM) is mine
        assert armed[:-1] == [(0, 0.0), (PATIENCE, limits.REPEAT_S), (0, 0.0)]
        assert 0 < armed[-1][0] <= left - 1200 and armed[-1][1] == 7
        with pytest.raises(limits.TimeUp):
            limits.call_within(0.1, lambda: threading.Event().wait(PATIENCE))
        assert signal.getsignal(signal.SIGALRM) is mine
        assert not rung
        with pytest.raises(limits.TimeUp):  # one that would have rung meanwhile rings at once
            limits.call_within(0.1, lambda: take(9000) and threading.Event().wait(PATIENCE))
        assert armed[-1] == (0.001, 7)
        while not rung:
            signal.pause()
    finally:
        setitimer(signal.ITIMER_REAL, *others)
        signal.signal(signal.SIGALRM, before)


def test_no_interruption_comes_late(monkeypatch):
    """The time ends in the moment in which the function comes back: what comes after it is left alone."""
    back, before = threading.Event(), set(threading.enumerate())
    interrupted = []

    class EndsTogether(threading.Event):
        def wait(self, timeout=None):
            if timeout is None:
                return super().wait()
            back.wait()
            return limits.TimeUp in interrupted  # at first: no, "the time is over"; then an end

    def interrupt(thread, error):
        interrupted.append(getattr(error, "value", error))

    with monkeypatch.context() as patch:
        patch.setattr(limits.threading, "Event", EndsTogether)
        patch.setattr(limits.ctypes.pythonapi, "PyThreadState_SetAsyncExc", interrupt)
        assert limits._with_watcher(PATIENCE, lambda: "done") == "done"
        [watcher] = set(threading.enumerate()) - before
        back.set()
        watcher.join()
    assert set(interrupted) == {None}  # called back, should one have been on its way


def test_keyboard_interrupt_passes_through(own):
    def answer(values, scale=2.0):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        own(answer)


def test_what_it_prints_draws_and_seeds_stays_inside(own):
    import matplotlib.pyplot as plt

    def answer(values, scale=2.0):
        for _ in range(10_000):
            print("flood")
        print("flood", file=sys.stderr)
        np.log(np.zeros(3))
        plt.figure()
        np.random.seed(5)  # noqa: NPY002
        return values * scale

    np.random.seed(1)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    figures = plt.get_fignums()
    assert own(answer)[0] is answer
    assert np.random.random() == expected  # noqa: NPY002
    assert plt.get_fignums() == figures


def test_the_limit_of_memory_is_set_and_taken_back():
    pytest.importorskip("resource")
    code = (
        "import resource\nfrom helpers.course.limits import memory_limit\n"
        "limit = lambda: resource.getrlimit(resource.RLIMIT_AS)\nbefore = limit()\n"
        "with memory_limit():\n    inside = limit()\nprint(limit() == before, inside != before)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    free = limits.available_memory() is not None and limits.address_space() is not None
    gpu = any(Path(device).exists() for device in limits.GPU_DEVICES)
    assert result.stdout.split() == ["True", str(free and not gpu)], result.stderr


def test_the_answer_cannot_reach_the_expected_result(own):
    """What it returned is copied, and while it runs there is no expected result."""
    kept, seen = [], []

    def answer(values, scale=2.0):
        for earlier in kept:
            earlier[:] = -1
        frame = sys._getframe()
        while frame:
            seen.extend(name for name in frame.f_locals if name == "expected")
            frame = frame.f_back if frame.f_code.co_name != "diagnose" else None
        kept.append(values * scale)
        return kept[-1]

    result, line = own(answer)
    assert result is answer, line
    assert not seen
