"""Bounds around code that nobody has read yet: time, memory, what it prints, the random numbers it draws."""

import contextlib
import ctypes
import io
import os
import random
import signal
import sys
import threading
import time
import warnings

from helpers.course.machine import address_space, available_memory

REPEAT_S = 0.1  # a function that swallows the first interruption is interrupted again
SPARE_BYTES = 2 << 30  # address space that threads and allocators reserve and hardly use

GPU_DEVICES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg", "/dev/kfd")


class TimeUp(BaseException):
    """The time is over. No Exception, so that `except Exception` in the interrupted code lets it pass."""


def call_within(seconds, function):
    """Call `function()` and interrupt it when the time is over, a `while True: pass` included.

    A signal does it in the main thread of a POSIX system, else a second thread, which interrupts Python code
    but cannot cut short a call into C. Timers and handlers of others are put back.

    Raises:
        TimeUp: if it took longer than `seconds`. Whatever the function raises passes through.
    """
    main = threading.current_thread() is threading.main_thread()
    return (_with_alarm if main and hasattr(signal, "setitimer") else _with_watcher)(seconds, function)


def _with_alarm(seconds, function):
    armed = True

    def ring(_number, _frame):
        if armed:
            raise TimeUp

    began = time.monotonic()
    others_remaining, others_interval = signal.setitimer(signal.ITIMER_REAL, 0)
    others_handler = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT_S)
        return function()
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        # None: the handler was not set from Python and cannot be put back.
        signal.signal(signal.SIGALRM, signal.SIG_DFL if others_handler is None else others_handler)
        if others_remaining:
            left = max(others_remaining - (time.monotonic() - began), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left, others_interval)


def _with_watcher(seconds, function):
    interrupt = ctypes.pythonapi.PyThreadState_SetAsyncExc
    thread = ctypes.c_ulong(threading.get_ident())
    lock, over, begun, woken = threading.Lock(), False, threading.Event(), threading.Event()

    def watch():
        begun.wait()  # no interruption before the `try` below
        wait = seconds
        while not woken.wait(wait):
            with lock:
                if over:
                    return
                interrupt(thread, ctypes.py_object(TimeUp))
            wait = REPEAT_S

    def settle():
        nonlocal over
        with lock:
            over = True
            interrupt(thread, None)  # an interruption that is on its way is called back
        woken.set()

    threading.Thread(target=watch, daemon=True).start()
    try:
        begun.set()
        return function()
    finally:  # three times, as an interruption may come in the midst of it
        try:
            settle()
        finally:
            try:
                settle()
            finally:
                settle()


@contextlib.contextmanager
def memory_limit():
    """Refuse memory that this machine does not have: a MemoryError instead of a kernel that is killed.

    On Linux without a GPU, whose driver reserves more addresses than memory; elsewhere nothing is limited.
    """
    try:
        import resource
    except ImportError:  # Windows
        yield
        return
    used, free = address_space(), available_memory()
    gpu = any(os.path.exists(device) for device in GPU_DEVICES)
    if used is None or free is None or gpu:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = used + free + SPARE_BYTES
    if soft != resource.RLIM_INFINITY:
        wanted = min(wanted, soft)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    except (ValueError, OSError):
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


class _Nowhere(io.TextIOBase):
    """A text stream that forgets."""

    def write(self, text):
        return len(text)


@contextlib.contextmanager
def left_as_found():
    """Swallow what is printed and warned of, close figures that are opened, put the random numbers back."""
    numpy_random = sys.modules.get("numpy.random")
    states = random.getstate(), numpy_random and numpy_random.get_state()
    pyplot = sys.modules.get("matplotlib.pyplot")
    figures = set(pyplot.get_fignums()) if pyplot else set()
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.redirect_stdout(_Nowhere()))
            stack.enter_context(contextlib.redirect_stderr(_Nowhere()))
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(states[0])
        if numpy_random:
            numpy_random.set_state(states[1])
        pyplot = sys.modules.get("matplotlib.pyplot")
        for number in set(pyplot.get_fignums()) - figures if pyplot else ():
            pyplot.close(number)
