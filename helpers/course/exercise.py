"""What an exercise and a quiz question are made of; `helpers/course/exercises` tells how to write them."""

import functools
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np


class Case:
    """One call of the function under test: `Case(images, patch_size=4)`."""

    may_be_refused, expected = False, None

    def __init__(self, *args, **kwargs):
        self.args, self.kwargs = args, kwargs

    def refused_or(self, expected):
        """Say that the reference refuses these arguments: an answer may raise a ValueError, or give this."""
        self.may_be_refused, self.expected = True, np.asarray(expected)
        return self


@dataclass(frozen=True)
class Mutant:
    """A wrong implementation that people really write, and what to tell them.

    The message completes "✗ patches.extract_patches: …" and ends in a full stop.
    """

    function: Callable
    message: str


@dataclass(frozen=True, eq=False)
class Switches:
    """An answer whose slips can be switched on one by one, so that two or more at once are known as well.

    Attributes:
        function: takes the arguments of a case and, by keyword, switches; without them it is right.
        clauses: switch -> {value: what is wrong with it}, as clauses without a full stop.
        most: how many slips to look for at once.
    """

    function: Callable
    clauses: dict
    most: int = 2

    def mutants(self):
        """Give every choice of up to `most` switches as a Mutant, the fewest first."""
        return _choices_of(self)


@functools.lru_cache(maxsize=64)
def _choices_of(switches):
    found = []
    for count in range(1, switches.most + 1):
        for names in combinations(switches.clauses, count):
            for values in product(*(switches.clauses[name] for name in names)):
                said = "; ".join(switches.clauses[name][value] for name, value in zip(names, values))
                start = "" if count == 1 else f"{('two', 'three', 'four')[count - 2]} slips at once: "
                slipped = functools.partial(switches.function, **dict(zip(names, values)))
                found.append(Mutant(slipped, f"{start}{said}."))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Exercise:
    """An exercise: the tested function, the calls that try an answer, and the mistakes that it knows.

    Attributes:
        key: "module.function", the first argument of `check`.
        title: a few words.
        reference: "helpers.model.patches:extract_patches", loaded when it is first needed.
        cases: function without arguments that makes the calls anew, always the same ones: tuples of
            arguments, or `Case`s where there are keywords. Two or more; where there is a batch or an image,
            one with batch > 1 and one that is not square.
        mutants: two or more wrong implementations, each with its message.
        switches: None, or Switches for slips that come in company; asked after the mutants.
        hints: three, from a nudge to nearly the answer.
        difficulty, importance: 1 to 5.
        minutes: how long it takes.
        tolerance: largest accepted error, as a share of the largest expected value.
        limit_s: seconds that one call may take.
        probe: None, or a function that turns an answer which is no array (a layer, a class) into arrays:
            called as probe(answer, *case.args, **case.kwargs).
    """

    key: str
    title: str
    reference: str
    cases: Callable
    mutants: tuple
    hints: tuple
    difficulty: int
    importance: int
    minutes: int
    tolerance: float = 1e-4
    limit_s: float = 10.0
    probe: Callable | None = None
    switches: Switches | None = None

    def __post_init__(self):
        object.__setattr__(self, "mutants", tuple(self.mutants))
        object.__setattr__(self, "hints", tuple(self.hints))
        where = f"Exercise {self.key!r}:"
        if not re.fullmatch(r"[a-z][a-z0-9_]*\.[A-Za-z_]\w*", self.key):
            raise ValueError(f"{where} expected a key such as 'patches.extract_patches'.")
        if not re.fullmatch(r"[\w.]+:[\w.]+", self.reference):
            raise ValueError(f"{where} expected a reference such as 'helpers.model.patches:extract_patches'.")
        if len(self.hints) != 3:
            raise ValueError(f"{where} expected 3 hints, received {len(self.hints)}.")
        if len(self.mutants) < 2:
            raise ValueError(f"{where} expected 2 mutants or more, received {len(self.mutants)}.")
        if not {self.difficulty, self.importance} <= {1, 2, 3, 4, 5}:
            raise ValueError(f"{where} expected difficulty and importance from 1 to 5.")

    def load_reference(self):
        """Import the course's own version.

        Raises:
            ImportError, AttributeError: if it is not there.
        """
        module, _, name = self.reference.partition(":")
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        return found

    def known_mistakes(self):
        """Give all mutants: those written out, then the choices of switches."""
        return (*self.mutants, *(self.switches.mutants() if self.switches else ()))

    def make_cases(self):
        """Make the calls anew, so that nobody can have changed their arguments."""
        return [case if isinstance(case, Case) else Case(*case) for case in self.cases()]


@dataclass(frozen=True)
class Option:
    """One answer to a question: its text, whether it is right, and why."""

    text: str
    right: bool
    why: str


@dataclass(frozen=True)
class Question:
    """A quiz question. Options may be given as tuples (text, right, why); `code` stands in backticks."""

    text: str
    options: tuple

    def __post_init__(self):
        options = tuple(o if isinstance(o, Option) else Option(*o) for o in self.options)
        object.__setattr__(self, "options", options)
        if not 2 <= len(options) <= 6 or sum(option.right for option in options) != 1:
            raise ValueError(f"Question {self.text!r}: expected 2 to 6 options, one of them right.")
        if not all(option.why.strip() for option in options):
            raise ValueError(f"Question {self.text!r}: every option needs its reason, the right one too.")
