"""Lessons from start to end beside an older build: seconds and processor seconds, and their ratios.

    COURSE_DATA=... python benchmarks/lessons.py 08 09 10 --before REVISION

Each lesson runs cold, in a kernel of its own and with nothing kept from an earlier run, as
`python -m helpers.course.runner` runs it; the two builds take turns. The processor seconds are those of the
kernel and of all that it starts, and hardly depend on what else the machine does.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from older_build import ROOT, older_build


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("lessons", nargs="+", help="numbers, such as 08")
    parser.add_argument("--before", required=True, help="a revision of this repository")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    with older_build(options.before) as old:
        print("lesson   seconds before    now  processor before    now  ratio")
        for lesson in options.lessons:
            compare(lesson, old, options.rounds)


def compare(lesson, old, rounds):
    """Run a lesson on both builds in turns, and print the medians."""
    found = {old: [], ROOT: []}
    for _ in range(rounds):
        for root, times in found.items():
            times.append(run(lesson, root))
    before, now = ([statistics.median(column) for column in zip(*times)] for times in found.values())
    seconds, processor = f"{before[0]:14.0f} {now[0]:6.0f}", f"{before[1]:17.0f} {now[1]:6.0f}"
    print(f"{lesson:8} {seconds} {processor} {now[1] / before[1]:6.2f}", flush=True)


def run(lesson, root):
    """Run a lesson once; returns its seconds and its processor seconds."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"COURSE_CACHE": cache}
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [sys.executable, "-m", "helpers.course.runner", "--cell-timeout", "900", lesson]
        child = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
        seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if child.returncode:
        sys.exit(f"Lesson {lesson} failed in {root}:\n{child.stdout[-2000:]}{child.stderr[-2000:]}")
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
