"""A progress bar in text: how far, how fast, how long still.

    with ProgressBar(len(images), unit="images") as progress:
        for batch in batches:
            work(batch)
            progress.update(len(batch))

A terminal rewrites one line; a notebook replaces one output in place; a log file gets a line now and then.
Where outputs are stored or compared (nbval, the course's own runner), it says nothing, so that a stored
notebook holds no time and no speed.
"""

import collections
import math
import os
import shutil
import sys
import time

BAR_WIDTH = 24
SECONDS_BETWEEN_DRAWS = 0.1  # faster than this nobody reads
SECONDS_BETWEEN_LOG_LINES = 30
RATE_WINDOW = 10.0  # seconds; the rate forgets the slow first step, in which Keras compiles


class ProgressBar:
    """Show progress through `total` pieces of work.

    Args:
        total: int, how many units there are; 0 is allowed and done at once.
        unit: str, plural name of the units.
        label: str, what is being done, in front of the bar.
        quiet: True says nothing, False always speaks; None is silent under nbval, pytest, our own runner.
        stream: where the text goes; by default the notebook's output, or standard error outside a notebook.
        clock: function without arguments that returns seconds; tests pass their own.
    Raises:
        ValueError: if `total` is negative.
    """

    def __init__(self, total, unit="images", *, label="", quiet=None, stream=None, clock=time.monotonic):
        if total < 0:
            raise ValueError(f"total must be 0 or more, got {total}.")
        self.total, self.unit, self.label = int(total), unit, label
        self.done, self.note = 0, ""
        self._clock = clock
        self._draw = _no_drawing if is_quiet(quiet) else _drawing_for(stream)
        self._start = clock()
        self._last_draw = -math.inf
        self._closed = False
        self._samples = collections.deque([(self._start, 0)])  # (seconds, units done) within the rate window

    def update(self, count=1, note=""):
        """Count `count` more units as done. `note` stands at the end of the line, for example the loss."""
        if count < 0:
            raise ValueError(f"count must be 0 or more, got {count}: progress does not go back.")
        now = self._clock()
        self.done += int(count)
        self.note = note or self.note
        self._samples.append((now, self.done))
        while len(self._samples) > 2 and now - self._samples[1][0] >= RATE_WINDOW:
            self._samples.popleft()
        if now - self._last_draw >= SECONDS_BETWEEN_DRAWS:
            self._last_draw = now
            self._draw(self.line(now), now)

    def rate(self):
        """Units a second over the last ten seconds; 0 before the first one is done."""
        (since, before), (now, done) = self._samples[0], self._samples[-1]
        return (done - before) / (now - since) if now > since else 0.0

    def seconds_left(self):
        """Seconds until the end at the present rate; infinite while nothing moves."""
        left = max(self.total - self.done, 0)
        rate = self.rate()
        return 0.0 if left == 0 else left / rate if rate > 0 else math.inf

    def line(self, now=None):
        """The text of the bar as it stands."""
        now = self._clock() if now is None else now
        fraction = min(self.done / self.total, 1.0) if self.total else 1.0
        filled = round(fraction * BAR_WIDTH)
        bar = "█" * filled + "░" * (BAR_WIDTH - filled)
        parts = [
            f"{self.label} {bar} {math.floor(100 * fraction):3d} %".lstrip(),
            f"{self.done:,} of {self.total:,} {self.unit}",
            f"{_readable(self.rate())} {self.unit}/s",
            f"{duration(self.seconds_left())} left",
        ]
        return " · ".join(parts + ([self.note] if self.note else []))

    def close(self):
        """Replace the bar by one line that says how much was done in how much time. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        now = self._clock()
        seconds = now - self._start
        rate = f", {_readable(self.done / seconds)} {self.unit}/s" if seconds > 0 and self.done else ""
        stopped = "" if self.done >= self.total else f" of {self.total:,}"
        start = f"{self.label}: " if self.label else ""
        text = f"{start}{self.done:,}{stopped} {self.unit} in {duration(seconds)}{rate}"
        self._draw(" · ".join([text] + ([self.note] if self.note else [])), now, last=True)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def is_quiet(quiet=None):
    """Whether to keep silent: as told, or, if not told, where outputs are stored or compared.

    Silent are the course's runner (COURSE_RUNNER=1) and everything that pytest starts, nbval with it.
    """
    if quiet is not None:
        return bool(quiet)
    return (
        os.environ.get("COURSE_RUNNER") == "1"
        or "PYTEST_VERSION" in os.environ
        or "PYTEST_CURRENT_TEST" in os.environ
    )


def duration(seconds):
    """Seconds as a person says them: "0.4 s", "12 s", "3 min 20 s", "2 h 05 min"; "?" if infinite."""
    if not math.isfinite(seconds):
        return "?"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(whole / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _readable(rate):
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}" if rate >= 1 or rate == 0 else f"{rate:.2g}"


def _no_drawing(line, now, last=False):
    pass


def _drawing_for(stream):
    """Choose how to draw: a notebook's output in place, a terminal's line, or lines of a log."""
    if stream is None and in_notebook():
        return _NotebookOutput()
    stream = sys.stderr if stream is None else stream
    return _TerminalLine(stream) if getattr(stream, "isatty", lambda: False)() else _LogLines(stream)


def in_notebook():
    """Say whether a Jupyter kernel runs this process, so that outputs can be replaced in place."""
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def _writable(line, stream):
    """Replace what the stream's encoding has no letter for (a Windows console may know no "█")."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return line.encode(encoding, "replace").decode(encoding)


class _TerminalLine:
    def __init__(self, stream):
        self.stream, self.width = stream, 0

    def __call__(self, line, now, last=False):
        # A wrapped line could not be rewritten; the spaces cover a longer line before this one.
        line = _writable(line, self.stream)[: shutil.get_terminal_size().columns - 1]
        self.stream.write("\r" + line.ljust(self.width) + ("\n" if last else ""))
        self.stream.flush()
        self.width = len(line)


class _LogLines:
    def __init__(self, stream):
        self.stream, self.next_line = stream, None

    def __call__(self, line, now, last=False):
        if self.next_line is None:
            self.next_line = now + SECONDS_BETWEEN_LOG_LINES
        if last or now >= self.next_line:
            self.next_line = now + SECONDS_BETWEEN_LOG_LINES
            self.stream.write(_writable(line, self.stream) + "\n")
            self.stream.flush()


class LiveOutput:
    """One output of a notebook that is shown again and again in place."""

    def __init__(self):
        self.handle = None

    def show(self, data, **options):
        """Show `data`, a dict from MIME type to content, where the output before it stood."""
        from IPython.display import display

        if self.handle is None:
            self.handle = display(data, raw=True, display_id=True, **options)
        else:
            self.handle.update(data, raw=True, **options)


class _NotebookOutput:
    def __init__(self):
        self.output = LiveOutput()

    def __call__(self, line, now, last=False):
        self.output.show({"text/plain": line})
