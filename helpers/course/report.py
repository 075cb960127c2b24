"""A lab report that writes itself: figures and tables as the lesson makes them, the learner's words between.

report = Report("Where does it look?", author="Ada")
report.show("maps", "Last layer", figure, alt="…")     shown in the lesson, and kept
report.write("claim", "I claim that …")
report.missing()                                       what is still to do
report.save("report.html")                             one file, to hand in
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from helpers.course.progress import progress_file
from helpers.course.report_page import report_html, rubric_html, table_html
from helpers.course.report_template import BLANK, LAB_RUBRIC, LAB_SECTIONS
from helpers.model.checkpoints import write_whole
from helpers.show.style import DOTS_PER_INCH, SCREEN_DOTS_PER_INCH, display_png, figure_png

PNG_START = b"\x89PNG\r\n\x1a\n"
NAMELESS = ("", "your name")


@dataclass(frozen=True)
class Picture:
    """A figure of a report: its PNG file, its caption and description, its width in a browser's pixels."""

    png: bytes
    caption: str
    alt: str
    width: int


@dataclass(frozen=True)
class Rubric:
    """How a report is marked: a table in a notebook, lines of text elsewhere."""

    criteria: tuple

    @property
    def total(self):
        return sum(one.points for one in self.criteria)

    def __repr__(self):
        lines = [f"{self.total} points"]
        for one in self.criteria:
            lines += [f"{one.points}  {one.name}: {one.all_for}", f"   none for: {one.none_for}"]
        return "\n".join(lines)

    def _repr_html_(self):
        return rubric_html(self.criteria, boxes=False)


class Report:
    """Sections with figures, tables and the learner's words; a rubric; one HTML file at the end.

    Every cell may be run again: a figure or a table takes the place of the one with the same caption, words
    that of the words before.

    Args:
        title: str.
        author: str; "" until it is known.
        facts: dict of str, what stands below the author: network, photographs, …
        sections: tuple of Section.
        rubric: tuple of Criterion.
        language: of the learner's words, such as "en" or "pt-BR", for readers that speak the page.
    Raises:
        ValueError: if there is no title, or `language` is no such tag.
    """

    def __init__(
        self, title, author="", *, facts=None, sections=LAB_SECTIONS, rubric=LAB_RUBRIC, language="en"
    ):
        self.title, self.author = _text(title, "title"), str(author).strip()
        if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", language):
            raise ValueError(f"Expected a language such as 'en' or 'pt-BR'; received {language!r}.")
        self.language, self.facts = language, dict(facts or {})
        self.sections, self.rubric = tuple(sections), Rubric(tuple(rubric))
        self.words = {section.key: "" for section in self.sections}
        self.figures = {section.key: {} for section in self.sections}
        self.tables = {section.key: {} for section in self.sections}

    def show(self, section, caption, figure, alt):
        """Show a figure here, and keep it for the report.

        Args:
            section: str, key of the section it belongs to.
            caption: str; a figure with the same caption is replaced.
            figure: matplotlib Figure, or the bytes of a PNG file.
            alt: str, one or two sentences that say what the figure shows, for readers who cannot see it.
        Raises:
            ValueError: if there is no such section, the figure is none, or a text is empty.
        """
        section = self._section(section)
        caption, alt = _text(caption, "caption"), _text(alt, "description (alt) of the figure")
        if isinstance(figure, Figure):
            png, width = figure_png(figure)
        elif isinstance(figure, bytes) and figure.startswith(PNG_START) and len(figure) > 24:
            pixels = int.from_bytes(figure[16:20], "big")  # PNG header: bytes 16 to 19 hold the width
            png, width = figure, round(pixels * SCREEN_DOTS_PER_INCH / DOTS_PER_INCH)
        else:
            raise ValueError(
                f"Expected a matplotlib Figure or the bytes of a PNG file; received {type(figure).__name__}."
            )
        self.figures[section.key][caption] = Picture(png, caption, alt, width)
        display_png(png, alt, width)

    def table(self, section, caption, header, rows):
        """Show a table here, and keep it for the report.

        Args:
            section: str, key of the section it belongs to.
            caption: str; a table with the same caption is replaced.
            header: names of the columns.
            rows: lists of as many values, the first of which names the row; numbers as they shall be read.
        Raises:
            ValueError: if there is no such section, or a row has another length than the header.
        """
        section, caption = self._section(section), _text(caption, "caption")
        header, rows = [str(name) for name in header], [[str(value) for value in row] for row in rows]
        wrong = [row for row in rows if len(row) != len(header)]
        if wrong or not rows or not header:
            raise ValueError(f"Expected rows of {len(header)} values, as the header has; received {rows!r}.")
        self.tables[section.key][caption] = (caption, header, rows)
        _display_table(caption, header, rows)

    def write(self, section, text):
        """Keep the learner's words for a section, and say in a line what they still lack.

        Args:
            section: str, key of the section.
            text: str; an empty line begins a paragraph.
        Raises:
            ValueError: if there is no such section, or `text` is no text.
        """
        section = self._section(section)
        if not isinstance(text, str):
            raise ValueError(f"Expected your words for {section.key!r}; received {type(text).__name__}.")
        self.words[section.key] = text.strip()
        problem = self._words_problem(section)
        print(f"{section.key}: {problem or f'kept, {_count_words(text)} words.'}")

    def missing(self):
        """List what the report still lacks.

        Returns:
            list of str, a line each; empty when the report is whole.
        """
        lines = []
        if self.author.casefold() in NAMELESS:
            lines.append("author: no name yet.")
        for section in self.sections:
            if problem := self._words_problem(section):
                lines.append(f"{section.key}: {problem}")
            if (found := len(self.figures[section.key])) < section.least_figures:
                lines.append(f"{section.key}: {found} of {_plural(section.least_figures, 'figure')}.")
        return lines

    def html(self):
        """Give the report as one HTML page, a str."""
        return report_html(self)

    def save(self, path="report.html"):
        """Write the report as one HTML file, which any browser opens and prints.

        Where that cannot be, as in a folder that may only be read, a line says so and the lesson goes on.

        Args:
            path: str or Path that ends in .html. A file that is there is replaced, whole or not at all. Where
                the course runs a lesson by itself, a relative path leads to its temporary folder.
        Raises:
            ValueError: if the name does not end in .html.
        """
        path = Path(path).expanduser()
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"Expected a name that ends in .html; received {path.name!r}.")
        if os.environ.get("COURSE_RUNNER"):
            path = progress_file().parent / path  # an absolute path stays as it is
        try:
            write_whole(path, self.html().encode("utf-8"))
        except OSError as error:
            print(
                f"Not saved: {path.name} could not be written into {path.absolute().parent} "
                f"({error.strerror or error}). Give report.save() another folder, or close the file."
            )
            return
        missing = len(self.missing())
        things = "1 thing is" if missing == 1 else f"{missing} things are"
        verdict = f"unfilled: {things} missing, as report.missing() lists." if missing else "nothing missing."
        print(f"Saved {path.name}, {verdict}")

    def __repr__(self):
        written = sum(not self._words_problem(section) for section in self.sections)
        return f"Report({self.title!r}: {written} of {len(self.sections)} sections written)"

    def _section(self, key):
        for section in self.sections:
            if section.key == key:
                return section
        known = ", ".join(section.key for section in self.sections)
        raise ValueError(f"There is no section {key!r} in this report: expected one of {known}.")

    def _words_problem(self, section):
        text = self.words[section.key]
        blanks, words = len(re.findall(f"{BLANK}+", text)), _count_words(text)
        if not text:
            return "not written yet."
        if text.split() == section.starter.split():
            return f"the template's own words, with {_plural(blanks, 'blank')} to fill."
        if blanks:
            return f"{_plural(blanks, 'blank')} ({BLANK}) still to fill."
        if words < section.least_words:
            return f"{_plural(words, 'word')}; {section.least_words} or more are needed to answer."
        return ""


def _count_words(text):
    return len(re.findall(r"\w+(?:[.,'’-]\w+)*", re.sub(f"{BLANK}+", " ", text)))


def _plural(count, noun):
    return f"{count} {noun}{'s' * (count != 1)}"


def _text(value, what):
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"Expected a text as {what}; received {value!r}.")
    return value.strip()


def _display_table(caption, header, rows):
    """Display the table in a notebook, where its plain twin is the caption; print it anywhere else."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.display import display

    if InteractiveShell.initialized():
        # The twin holds no number: nbval compares it, and numbers depend on which network could be had.
        display({"text/plain": caption, "text/html": table_html(caption, header, rows)}, raw=True)
        return
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    print(caption)
    for row in (header, *rows):
        print("  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip())
