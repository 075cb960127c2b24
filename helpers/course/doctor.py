"""The verdict on this environment, in one table: does it work, and if not, what to do. It changes nothing.

python -m helpers.course.doctor      the same in a terminal; the exit status is 0 if the lessons can run
"""

import html
import sys
import textwrap
from dataclasses import dataclass

from helpers.course.environment import look_around
from helpers.course.packages import BUT, OK, STOP

SIGNS = {OK: "●", BUT: "◐", STOP: "✗"}
WIDTH = 79  # of a terminal


@dataclass(frozen=True)
class Report:
    """The rows of the verdict; `ready` is True where no row says stop."""

    rows: tuple

    @property
    def ready(self):
        return all(row.verdict != STOP for row in self.rows)

    @property
    def summary(self):
        if not self.ready:
            return "The lessons cannot run here yet. What to do stands in the rows that say stop."
        if any(row.verdict == BUT for row in self.rows):
            return "The lessons run here, with what the rows say."
        return "The lessons run here."

    def __repr__(self):
        names = max(len(row.name) for row in self.rows)
        verdicts = max(len(row.verdict) for row in self.rows)
        room = WIDTH - len("●   ") - names - len("  ") - verdicts
        found = min(room, max(len(row.found) for row in self.rows))
        indent, lines = " " * (names + 4), []
        for row in self.rows:
            first, *rest = _wrap(row.found, found) or [""]
            lines.append(f"{SIGNS[row.verdict]} {row.name:<{names}}  {first:<{found}}  {row.verdict}")
            lines += [indent + line for line in rest]
            lines += [indent + line for line in _wrap(row.advice, WIDTH - len(indent))]
        return "\n".join([*lines, self.summary])

    def _repr_html_(self):
        left = 'style="text-align:left"'
        body = "".join(
            f"<tr><td {left}><b>{html.escape(row.name)}</b></td><td {left}>{html.escape(row.found)}</td>"
            f"<td {left}>{SIGNS[row.verdict]} {row.verdict}</td>"
            f"<td {left}>{html.escape(row.advice)}</td></tr>"
            for row in self.rows
        )
        head = "".join(f"<th {left}>{title}</th>" for title in ("", "found", "verdict", "what to do"))
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<p><b>{html.escape(self.summary)}</b></p>"
        )


def _wrap(text, width):
    """Break a text into lines; a path stays whole, so that it can be copied."""
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def doctor():
    """Look at everything that the lessons need.

    Returns:
        Report with `.ready` and `.rows`; as the last line of a cell it shows itself as a table.
    """
    return Report(look_around())


def main():
    report = doctor()
    text = repr(report)
    try:
        print(text)
    except UnicodeEncodeError:  # a console that knows no ●
        print(text.encode("ascii", "replace").decode("ascii"))
    return 0 if report.ready else 1


if __name__ == "__main__":
    sys.exit(main())
