"""Train the shipped networks again, from nothing, one after the other: python -m helpers.train family

What is finished is left alone and what was stopped goes on, pass by pass, so the command may be ended and
given again at any time. On a processor it says how many hours it needs, and begins with --yes.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from helpers.train.members import SCALES, cifar_members, members

ONE_KIND_OF_TRAINING = ("--seed", "--snapshots", "--epochs")  # what differs between runs of one compiled step


def main(arguments=None):
    options, more = read_options(arguments)
    family = choose(options)
    commands = {
        name: [*arguments, "--name", name, "--out", str(folder_of(name, options)), *more]
        for name, arguments in family.items()
    }
    if options.list:
        for command in commands.values():
            print("python -m helpers.train", *command)
        return 0
    left = [name for name in commands if not is_finished(folder_of(name, options), name)]
    print(f"{len(commands) - len(left)} of {len(commands)} networks are trained already.")
    status = train_all(left, commands, options) if left else 0
    if status or not options.ship:
        return status
    return ship_all(commands, options)


def read_options(arguments):
    parser = argparse.ArgumentParser(prog="python -m helpers.train family", description=__doc__)
    parser.add_argument(
        "--members", help='names, with commas between them; the CIFAR-10 family by default; "all" for all'
    )
    parser.add_argument("--budget", type=duration, metavar="25m", help="stop after so long: 90s, 25m, 2h")
    parser.add_argument("--scale", default="gpu", choices=list(SCALES))
    parser.add_argument("--out", default="runs", help="folder of the runs, one folder each")
    parser.add_argument("--yes", action="store_true", help="begin on a processor too")
    parser.add_argument(
        "--ship", action="store_true", help="then ship all of them, or none if one is missing"
    )
    parser.add_argument("--list", action="store_true", help="print the commands, and run nothing")
    return parser.parse_known_args(arguments)


def duration(text):
    """Read "90s", "25m" or "2h" as seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"expected a time such as 90s, 25m or 2h; received {text!r}")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def choose(options):
    """Give the chosen members and the arguments of each; an unknown name is told beside those there are."""
    scale = SCALES[options.scale]
    if options.members in (None, "all"):
        return cifar_members(scale) if options.members is None else members(scale)
    names, family = [name.strip() for name in options.members.split(",") if name.strip()], members(scale)
    if unknown := sorted(set(names) - set(family)):
        raise SystemExit(f"Unknown: {', '.join(unknown)}. Expected some of {', '.join(family)}.")
    return {name: family[name] for name in names}


def folder_of(name, options):
    return Path(options.out) / name.replace("/", "-")


def is_finished(folder, name):
    """Say whether the run in a folder has reached its last pass."""
    path = Path(folder) / "checkpoint" / "manifest.json"
    return path.exists() and json.loads(path.read_text(encoding="utf-8")).get(name, {}).get("finished", False)


def train_all(left, commands, options):
    """Train what is left; returns the exit status: 0 where all ended, 2 where it did not begin."""
    speeds = {}
    for name in left:  # one of each kind: a ViT and a ResNet, on CIFAR-10 and on shapes
        kind = kind_of(commands[name])
        if kind not in speeds:
            speeds[kind] = measure(commands[name], options)
    seconds = {name: expected_seconds(name, commands, speeds, options) for name in left}
    print_plan(left, seconds, speeds, commands)
    on_accelerator = any(speed["accelerated"] for speed in speeds.values())
    if not (on_accelerator or options.yes):
        print("There is no GPU here. To begin all the same, add --yes; --members takes some of them only.")
        return 2
    ends = None if options.budget is None else time.monotonic() + options.budget
    compiled, ahead = set(), None
    for number, name in enumerate(left):
        rest = sum(seconds[other] for other in left[number:])
        if ends is not None and time.monotonic() >= ends:
            break
        print(
            f"\n[{number + 1} of {len(left)}] {name}: about {in_words(seconds[name])}, all {in_words(rest)}"
        )
        speed = speeds[kind_of(commands[name])]
        command = [*commands[name], *pace_of(speed)]
        if ends is not None:
            command += ["--minutes", f"{max(0.0, ends - time.monotonic()) / 60:.2f}"]
        if ahead is not None:
            wait(ahead)
        running = start(command, options)
        compiled.add(program_of(commands[name]))
        ahead = None
        if number + 1 < len(left) and speed["accelerated"]:
            ahead = compile_ahead(left[number + 1], commands, speeds, compiled, options)
        if status := wait(running):
            return status
    return print_outcome(left, options)


def kind_of(command):
    """Give what decides the speed: the data and the model."""
    return tuple(value for flag, value in zip(command, command[1:]) if flag in ("--data", "--model"))


def program_of(command):
    """Give what decides the compiled program: every argument that is not only a number in its memory."""
    pairs = zip(command[::2], command[1::2], strict=True)
    apart = (*ONE_KIND_OF_TRAINING, "--name", "--out")
    return tuple(pair for pair in pairs if pair[0] not in apart)


def pace_of(speed):
    return ["--steps-per-call", str(speed["steps_per_call"])] if speed["accelerated"] else []


def measure(command, options):
    """Find out the speed of a run by training for a moment, in a process of its own."""
    print(f"Measuring the speed of {' '.join(kind_of(command))} …", flush=True)
    child = start([*command, "--probe", "8"], options, stdout=subprocess.PIPE, text=True)
    text, _ = child.communicate()
    if child.returncode:
        raise SystemExit(f"It ended with status {child.returncode}; its error stands above.")
    return json.loads(text.strip().splitlines()[-1])


def compile_ahead(name, commands, speeds, compiled, options):
    """Compile the next member's program while one runs, where it is another; JAX keeps what was compiled."""
    if program_of(commands[name]) in compiled:
        return None
    command = [*commands[name], *pace_of(speeds[kind_of(commands[name])]), "--probe", "0.01"]
    return start(command, options, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start(command, options, **streams):
    """Start `python -m helpers.train`; JAX shares the device and keeps what it has compiled."""
    environment = {
        "JAX_COMPILATION_CACHE_DIR": str(Path(options.out).resolve() / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "1",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "helpers.train", *command], env=environment | os.environ, **streams
    )


def wait(child):
    """Wait for a run's own end, on Ctrl-C too: it then keeps its last whole pass."""
    with contextlib.suppress(KeyboardInterrupt):
        return child.wait()
    return child.wait()


def passes_done(folder):
    path = Path(folder) / "history.json"
    return len(json.loads(path.read_text(encoding="utf-8"))["history"]) if path.exists() else 0


def expected_seconds(name, commands, speeds, options):
    """Say how long a member still takes: its passes, a score after each, and half a minute to begin."""
    from helpers.train.__main__ import choose_recipe, parse

    speed, recipe = speeds[kind_of(commands[name])], choose_recipe(parse(commands[name]))
    left = recipe.epochs - passes_done(folder_of(name, options))
    return 30 + left * (speed["images_a_pass"] / speed["images_per_second"] + speed["seconds_a_score"])


def print_plan(left, seconds, speeds, commands):
    for kind, speed in speeds.items():
        print(f"  {' '.join(kind)}: {speed['images_per_second']:,.0f} images/s")
    for name in left:
        print(f"  {name:20s} {in_words(seconds[name])}")
    print(f"  {'all':20s} {in_words(sum(seconds.values()))}")


def in_words(seconds):
    """Say a time to the minute, or to the tenth of an hour: "4 min", "7.5 hours"."""
    return f"{seconds / 3600:.1f} hours" if seconds >= 5400 else f"{max(1, round(seconds / 60))} min"


def print_outcome(names, options):
    unfinished = [name for name in names if not is_finished(folder_of(name, options), name)]
    if unfinished:
        done = {name: passes_done(folder_of(name, options)) for name in unfinished}
        print("\nLeft: " + ", ".join(f"{name} (pass {count} is done)" for name, count in done.items()))
        print("The same command goes on from there.")
    else:
        print("\nAll are trained. --ship puts them among the shipped checkpoints.")
    return 0


def ship_all(commands, options):
    """Ship every member or none, so that the lessons never compare networks of two families."""
    unfinished = [name for name in commands if not is_finished(folder_of(name, options), name)]
    if unfinished:
        print(f"Nothing is shipped. Not finished yet: {', '.join(unfinished)}.")
        return 1
    for name in commands:
        subprocess.check_call(
            [sys.executable, "-m", "helpers.train", "--ship", str(folder_of(name, options))]
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
