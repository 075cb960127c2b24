"""Say a line on any console."""

import sys


def say(line):
    """Print a text as one line; what the console has no letter for becomes a question mark."""
    line = " ".join(line.split())
    try:
        print(line)
    except UnicodeEncodeError:  # a console that knows neither ○ nor ●
        print(line.encode(sys.stdout.encoding or "ascii", "replace").decode(sys.stdout.encoding or "ascii"))
