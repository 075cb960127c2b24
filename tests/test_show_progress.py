"""The progress bar: counts, rates and times worked out by hand with a clock that the test moves."""

import io
import math

import pytest

from helpers.show.progress import ProgressBar, duration, is_quiet


class Clock:
    def __init__(self):
        self.seconds = 100.0

    def __call__(self):
        return self.seconds


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock():
    return Clock()


def test_the_line_says_how_far_how_fast_and_how_long_still(clock):
    bar = ProgressBar(200, "images", quiet=False, stream=io.StringIO(), clock=clock)
    clock.seconds += 2
    bar.update(50)
    # 50 in 2 s are 25 a second; the other 150 need 6 s; a quarter of 24 cells is 6.
    assert bar.rate() == 25
    assert bar.seconds_left() == 6
    assert bar.line() == "██████" + "░" * 18 + "  25 % · 50 of 200 images · 25 images/s · 6.0 s left"


def test_label_and_note_stand_at_the_two_ends(clock):
    bar = ProgressBar(10, "steps", label="Epoch 3", quiet=False, stream=io.StringIO(), clock=clock)
    clock.seconds += 1
    bar.update(5, note="loss 1.23")
    assert bar.line().startswith("Epoch 3 ████")
    assert bar.line().endswith("5.0 steps/s · 1.0 s left · loss 1.23")


def test_before_the_first_step_nothing_is_promised(clock):
    bar = ProgressBar(10, quiet=False, stream=io.StringIO(), clock=clock)
    assert bar.rate() == 0
    assert bar.seconds_left() == math.inf
    assert "? left" in bar.line()


def test_the_rate_forgets_a_slow_first_step(clock):
    bar = ProgressBar(1000, quiet=True, clock=clock)
    clock.seconds += 60
    bar.update(1)  # compilation
    for _ in range(20):
        clock.seconds += 1
        bar.update(10)
    assert bar.rate() == pytest.approx(10)


def test_a_terminal_gets_one_line_that_is_rewritten(clock):
    stream = Terminal()
    with ProgressBar(30, quiet=False, stream=stream, clock=clock) as bar:
        for _ in range(3):
            clock.seconds += 1
            bar.update(10)
    text = stream.getvalue()
    assert text.count("\r") == 4 and text.count("\n") == 1
    assert text.endswith("\n")
    assert text.split("\r")[-1].rstrip() == "30 images in 3.0 s, 10 images/s"


def test_a_shorter_line_covers_the_longer_one_before(clock):
    stream = Terminal()
    bar = ProgressBar(30, quiet=False, stream=stream, clock=clock)
    clock.seconds += 1
    bar.update(30)
    bar.close()
    first, last = stream.getvalue().split("\r")[1:]
    assert len(last.rstrip("\n")) >= len(first)


def test_lines_are_drawn_ten_times_a_second_at_most(clock):
    stream = Terminal()
    bar = ProgressBar(1000, quiet=False, stream=stream, clock=clock)
    for _ in range(1000):
        clock.seconds += 0.001
        bar.update()
    assert stream.getvalue().count("\r") <= 11


def test_a_log_file_gets_a_line_in_half_a_minute(clock):
    stream = io.StringIO()
    with ProgressBar(100, quiet=False, stream=stream, clock=clock) as bar:
        for _ in range(100):
            clock.seconds += 1
            bar.update()
    lines = stream.getvalue().splitlines()
    assert "\r" not in stream.getvalue()
    assert len(lines) == 4  # three while it runs, and the last one
    assert lines[-1] == "100 images in 1 min 40 s, 1.0 images/s"


def test_a_stream_without_block_characters_survives(clock):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    bar = ProgressBar(10, quiet=False, stream=stream, clock=clock)
    bar.update(1)
    clock.seconds += 40
    bar.update(1)
    stream.flush()
    assert b"2 of 10 images" in raw.getvalue()


def test_stopping_early_says_how_far_it_came(clock):
    stream = io.StringIO()
    with pytest.raises(KeyboardInterrupt), ProgressBar(10, quiet=False, stream=stream, clock=clock) as bar:
        clock.seconds += 2
        bar.update(4)
        raise KeyboardInterrupt
    assert stream.getvalue() == "4 of 10 images in 2.0 s, 2.0 images/s\n"


def test_closing_twice_writes_once(clock):
    stream = io.StringIO()
    bar = ProgressBar(0, quiet=False, stream=stream, clock=clock)
    bar.close()
    bar.close()
    assert stream.getvalue() == "0 images in 0.0 s\n"


def test_silent_when_told_and_under_pytest_and_in_the_runner(monkeypatch, capsys):
    with ProgressBar(3, quiet=True) as bar:
        bar.update(3)
    with ProgressBar(3) as bar:  # pytest runs this
        bar.update(3)
    assert capsys.readouterr() == ("", "")
    for name in ("PYTEST_VERSION", "PYTEST_CURRENT_TEST", "COURSE_RUNNER"):
        monkeypatch.delenv(name, raising=False)
    assert not is_quiet()
    monkeypatch.setenv("COURSE_RUNNER", "1")
    assert is_quiet()
    assert not is_quiet(False)


def test_a_notebook_replaces_one_output_in_place(monkeypatch, clock):
    shown = []

    class Handle:
        def update(self, data, **options):
            shown.append(("update", data["text/plain"], options))

    def display(data, **options):
        shown.append(("display", data["text/plain"], options))
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr("helpers.show.progress.in_notebook", lambda: True)
    with ProgressBar(20, quiet=False, clock=clock) as bar:
        for _ in range(2):
            clock.seconds += 1
            bar.update(10)
    assert [kind for kind, _, _ in shown] == ["display", "update", "update"]
    assert shown[0][2]["display_id"] is True
    assert shown[-1][1] == "20 images in 2.0 s, 10 images/s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (math.inf, "?"),
    ]
    + [(3600, "1 h 00 min"), (7500, "2 h 05 min"), (3599.8, "1 h 00 min")],
)
def test_durations_read_as_a_person_says_them(seconds, text):
    assert duration(seconds) == text


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="total must be 0 or more, got -1"):
        ProgressBar(-1)
    with pytest.raises(ValueError, match="does not go back"):
        ProgressBar(5, quiet=True).update(-1)
