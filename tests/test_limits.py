"""Time, signals, threads, memory, and what leaks: nothing that an answer does gets out."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from own_exercise import double_rows, in_a_notebook

from helpers.course import limits

LOOPS = {
    "pass": "while True: pass",
    "except": "while True:\n        try:\n            n = 1\n        except Exception:\n            pass",
    "bare except": "while True:\n        try:\n            n = 1\n        except:\n            pass",
    "sleep": "import time\n    time.sleep(0.4)\n    return values",
}


@pytest.mark.parametrize("source", LOOPS.values(), ids=LOOPS)
@pytest.mark.parametrize("thread", [False, True], ids=["main thread", "other thread"])
def test_a_loop_without_end_is_ended(own, source, thread):
    answer, found = in_a_notebook(f"def answer(values, scale=2.0):\n    {source}"), []
    began = time.monotonic()
    if thread:
        worker = threading.Thread(target=lambda: found.append(own(answer)))
        worker.start()
        worker.join(20)
    else:
        found.append(own(answer))
    assert found[0][0] is double_rows
    assert "did not come back within 0.3 seconds: is there a loop without end?" in found[0][1]
    assert time.monotonic() - began < 5


def test_handlers_and_timers_of_others_are_put_back():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    mine = signal.getsignal(signal.SIGALRM)
    others = signal.setitimer(signal.ITIMER_REAL, 30, 7)
    try:
        assert limits.call_within(5, lambda: 1) == 1
        assert signal.getsignal(signal.SIGALRM) is mine
        remaining, interval = signal.getitimer(signal.ITIMER_REAL)
        assert 25 < remaining <= 30 and interval == 7
        with pytest.raises(limits.TimeUp):
            limits.call_within(0.1, lambda: time.sleep(5))
        assert signal.getsignal(signal.SIGALRM) is mine
        assert not rung
    finally:
        signal.setitimer(signal.ITIMER_REAL, *others)
        signal.signal(signal.SIGALRM, before)


def test_no_interruption_comes_late():
    """A function that ends as its time does is not followed by an interruption of what comes after it."""

    def busy():
        end = time.monotonic() + 0.02
        while time.monotonic() < end:
            pass

    def many_times():
        for _ in range(15):
            try:
                limits._with_watcher(0.02, busy)
            except limits.TimeUp:
                pass
        time.sleep(0.25)
        return "quiet"

    assert many_times() == "quiet"


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
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
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
