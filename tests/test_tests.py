"""The tests themselves: none asks a clock, waits for a time instead of an event, or gives up soon.

A machine that is busy with something else makes each of these fail though nothing is wrong. What a test wants
to protect is a number of calls, a shape of work or an order of events, and that can be counted; time is
measured in `benchmarks/`. A clock that the test itself moves may be asked as often as one likes.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = [ROOT / "conftest.py", *sorted((ROOT / "tests").rglob("*.py"))]
FILES.remove(Path(__file__).resolve())

GENEROUS = 200  # seconds: what only guards against a hang waits at least so long

# {file: {function: why it may ask a clock}}
ALLOWED = {
    "tests/browser/chromium.py": {"wait_until": "a guard against a hang, which waits for an event"},
    "tests/test_lock.py": {"clock": "hands on the time of day, with which a file's own is compared"},
}

CLOCKS = r"(?:time|monotonic|perf_counter|process_time|thread_time|clock_gettime)(?:_ns)?"
# What asks a clock: in Python, `time.monotonic`, called or handed on …
DOTTED = re.compile(
    rf"(?:^|\.)time\.{CLOCKS}$|(?:^|\.)timeit\b|\bos\.times$|\bdate(?:time)?\.(?:now|utcnow|today)$"
    r"|\bru_[us]time$|\bcpu_times$"
)
# … and in the text of a program, Python's or a page's.
IN_TEXT = re.compile(
    rf"\b(?:time\.{CLOCKS}|perf_counter|monotonic|process_time|thread_time)\(|\btimeit\b|\bru_[us]time\b"
    r"|\b(?:performance|Date)\.now\(|\.timeStamp\b"
)
WAITS = {
    "run",
    "call",
    "check_call",
    "check_output",
    "communicate",
    "wait",
    "join",
    "get",
    "acquire",
    "timeout",
}
A_TIME = re.compile(r"(?:^|_)(?:seconds|milliseconds|elapsed|duration|took|ms)(?:$|_)")


def dotted(node):
    """`a.b.c` as text; "" for what is no such chain."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value) or '?'}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def walk(node, functions=(), in_while=False):
    """Every node below one, with the functions that it stands in and whether a `while` repeats it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        functions, in_while = (*functions, node.name), False
    in_while = in_while or isinstance(node, ast.While)
    yield node, functions, in_while
    for child in ast.iter_child_nodes(node):
        yield from walk(child, functions, in_while)


def asks_a_clock(node):
    """Tell whether a node is a clock, an import of one, or the text of a program that asks one."""
    if isinstance(node, ast.ImportFrom):
        return any(DOTTED.search(f"{node.module}.{name.name}") for name in node.names)
    if isinstance(node, ast.Import):
        return any(name.name == "timeit" for name in node.names)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return bool(IN_TEXT.search(node.value))
    is_read = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    return is_read and bool(DOTTED.search(dotted(node)))


def gives_up_soon(node, in_while):
    """Tell whether a call waits once for something else, and for less than GENEROUS seconds."""
    if in_while or not isinstance(node, ast.Call) or dotted(node.func).split(".")[-1] not in WAITS:
        return False
    limits = [keyword.value for keyword in node.keywords if keyword.arg == "timeout"]
    limits += node.args[:1] if dotted(node.func).split(".")[-1] in ("wait", "join", "timeout") else []
    numbers = [limit.value for limit in limits if isinstance(limit, ast.Constant)]
    return any(isinstance(number, int | float) and number < GENEROUS for number in numbers)


def compares_a_time(node):
    """Tell whether an assertion says that something called a time is above or below something."""
    if not isinstance(node, ast.Assert):
        return False
    orders = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
    for compare in ast.walk(node.test):
        if isinstance(compare, ast.Compare) and any(isinstance(one, orders) for one in compare.ops):
            words = [getattr(one, "id", getattr(one, "attr", None)) for one in ast.walk(compare)]
            words += [one.value for one in ast.walk(compare) if isinstance(one, ast.Constant)]
            if any(isinstance(word, str) and A_TIME.search(word) for word in words):
                return True
    return False


def sleeps(node, in_while):
    """Tell whether a node is a sleep that is not the pause between two looks at something."""
    return isinstance(node, ast.Call) and dotted(node.func).endswith("time.sleep") and not in_while


def problems_of(source, allowed=()):
    """Say for each line of a test file what makes it depend on how busy the machine is."""
    problems, used = [], set()
    for node, functions, in_while in walk(ast.parse(source)):
        if asks_a_clock(node):
            if allowed and (known := set(functions) & set(allowed)):
                used |= known
            else:
                problems.append(f"line {node.lineno} asks a clock: count what it should protect instead")
        if gives_up_soon(node, in_while):
            problems.append(f"line {node.lineno} waits less than {GENEROUS} s: leave the time-out to pytest")
        if compares_a_time(node):
            problems.append(f"line {node.lineno} asserts a time: that is a benchmark")
        if sleeps(node, in_while):
            problems.append(f"line {node.lineno} sleeps: wait for an event, or look again in a `while`")
    return problems + [f"{name} asks no clock any more: take it off ALLOWED" for name in set(allowed) - used]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_it_passes_on_however_busy_a_machine(path):
    name = path.relative_to(ROOT).as_posix()
    problems = problems_of(path.read_text(encoding="utf-8"), ALLOWED.get(name, ()))
    assert not problems, "\n".join([f"{name}:", *problems])


def test_what_is_allowed_is_there():
    assert set(ALLOWED) <= {path.relative_to(ROOT).as_posix() for path in FILES}


BAD = {
    "began = time.perf_counter()": "asks a clock",
    "assert time.monotonic() - began < 5": "asks a clock",
    "start = time.process_time_ns()": "asks a clock",
    "stamp = time.time()": "asks a clock",
    "bar = Bar(clock=time.monotonic)": "asks a clock",
    "clock = module.time.monotonic": "asks a clock",
    "from time import perf_counter": "asks a clock",
    "import timeit": "asks a clock",
    "assert timeit.timeit(f) < 1": "asks a clock",
    "today = datetime.datetime.now()": "asks a clock",
    "used = resource.getrusage(resource.RUSAGE_SELF).ru_utime": "asks a clock",
    'code = "import time; began = time.perf_counter()"': "asks a clock",
    'code = "from time import *; print(monotonic())"': "asks a clock",
    'script = "const start = performance.now();"': "asks a clock",
    "subprocess.run(command, timeout=60)": "waits less",
    "process.wait(20)": "waits less",
    "thread.join(0.5)": "waits less",
    "pytest.mark.timeout(60)": "waits less",
    "results.get(timeout=30)": "waits less",
    "assert run.seconds < 60": "asserts a time",
    "assert 0 < row['processor_seconds']": "asserts a time",
    "assert slow / elapsed > 2": "asserts a time",
    "time.sleep(1)": "sleeps",
    "while True:\n    def f():\n        time.sleep(1)": "sleeps",
}
GOOD = [
    'monkeypatch.setattr(module.time, "monotonic", lambda: now)',
    "clock.monotonic = lambda: clock.now",
    "assert clock.monotonic() == 5",
    "subprocess.run(command)",
    "subprocess.run(command, timeout=400)",
    "event.wait(250)",
    "FileLock(path, timeout=1)",
    'assert ", ".join(names) < limit',
    "assert row['processor_seconds'] == [30, 40]",
    "while not done():\n    time.sleep(0.1)",
    "while not over.wait(0.1):\n    look()",
    'name = "monotonic"',
]


@pytest.mark.parametrize(("source", "problem"), BAD.items())
def test_each_rule_fails_where_it_is_broken(source, problem):
    [found] = set(problems_of(source))
    assert problem in found


@pytest.mark.parametrize("source", GOOD)
def test_what_does_not_depend_on_the_machine_is_left_alone(source):
    assert problems_of(source) == []


def test_a_function_that_is_allowed_must_need_it():
    source = "def clock():\n    return time.time()\n"
    assert problems_of(source, ["clock"]) == []
    assert len(problems_of(source, ["other"])) == 2
