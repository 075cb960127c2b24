"""The report: nothing that a learner writes becomes markup, what is missing is told, the file is whole."""

import base64
import io
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from helpers.course.report import Report, _count_words
from helpers.course.report_page import STYLE
from helpers.course.report_template import BLANK, LAB_RUBRIC, LAB_SECTIONS, Criterion, Section
from helpers.show.style import figure_png

ROOT = Path(__file__).parents[1]
LESSON = ROOT / "notebooks" / "14_lab_where_does_it_look.ipynb"
VOID = {"meta", "img", "br", "link", "input", "hr"}
SECTIONS = (
    Section("maps", "The maps", "What do they show?", "They show ___.", least_words=5, least_figures=2),
    Section("claim", "The claim", "What do you claim?", "I claim that ___, since ___.", least_words=6),
)
RUBRIC = (Criterion("Maps", "two of them", "none", 3), Criterion("Claim", "one", "none", 2))


@pytest.fixture(autouse=True)
def watched(monkeypatch):
    monkeypatch.delenv("COURSE_RUNNER", raising=False)


def figure(height=1.0):
    drawn = Figure(figsize=(2, 1))
    drawn.subplots().plot([0, height])
    return drawn


def small(**options):
    return Report("A report", "Ada", sections=SECTIONS, rubric=RUBRIC, **options)


def whole():
    report = small()
    report.show("maps", "First", figure(1), alt="a line that rises to one")
    report.show("maps", "Second", figure(2), alt="a line that rises to two")
    report.write("maps", "They show two lines that rise.")
    report.write("claim", "I claim that lines rise, since I drew them.")
    return report


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, the text, and whether all that opens closes."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.tags, self.open, self.text, self.texts = [], [], "", []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data
            self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def inside(self, tag):
        return [text for parent, text in self.texts if parent == tag]


# What a learner writes stays text

HOSTILE = """<script>alert("x")</script> "quotes" 'too' & &amp; <img src=x onerror=alert(1)> </p></main>"""


def test_nothing_that_is_written_becomes_markup(capsys):
    report = Report(
        HOSTILE,
        HOSTILE,
        facts={HOSTILE: HOSTILE},
        sections=SECTIONS,
        rubric=(Criterion(HOSTILE, HOSTILE, HOSTILE, 1),),
    )
    report.show("maps", HOSTILE, figure(), alt=HOSTILE)
    report.table("maps", HOSTILE, [HOSTILE, "b"], [[HOSTILE, HOSTILE]])
    report.write("maps", HOSTILE)
    page = Page(report.html())
    assert page.open == []
    assert {tag for tag, _ in page.tags} <= {
        *("html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "p", "dl", "dt"),
        *("dd", "section", "strong", "ul", "li", "figure", "img", "figcaption", "table", "caption", "thead"),
        *("tbody", "tr", "th", "td", "span", "div"),
    }
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    # title 2, author, fact 2, words, captions 2, header of the table, its row 2, rubric 3
    assert page.text.count(HOSTILE) == 14
    assert [image["alt"] for image in page.all("img")] == [HOSTILE]


def test_unicode_goes_through(tmp_path, capsys):
    words = "Ĵaŭdo 🐈 猫は見る — ليس كل شيء، naïve ﬁn"
    report = Report("Où regarde-t-il ? 👀", "Ægir Þórsson", sections=SECTIONS, language="fr")
    report.write("claim", words)
    report.save(tmp_path / "rapport.html")
    text = (tmp_path / "rapport.html").read_text(encoding="utf-8")
    page = Page(text)
    assert words in page.text and "Ægir Þórsson" in page.text
    assert page.all("html") == [{"lang": "fr"}] and page.inside("title") == ["Où regarde-t-il ? 👀"]
    assert _count_words("猫は見る naïve it’s 3.5 co-operate ___ — !") == 5


# The page


def test_the_page_is_one_file_without_scripts(capsys):
    page = Page(whole().html())
    assert not page.all("script") and not page.all("link") and not page.all("iframe")
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv"))
    assert "default-src 'none'" in policy
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))


def test_headings_say_what_is_where_and_sections_have_names(capsys):
    page = Page(whole().html())
    assert [tag for tag, _ in page.tags if tag in ("h1", "h2")] == ["h1", "h2", "h2", "h2"]
    assert page.inside("h2") == ["The maps", "The claim", "For the instructor"]
    names = {attributes["id"] for attributes in page.all("h2")}
    assert {section["aria-labelledby"] for section in page.all("section")} == names
    assert all("scope" in header for header in page.all("th"))


def test_the_figures_are_those_that_were_shown(capsys):
    report = small()
    report.show("maps", "First", figure(3), alt="a line that rises to three")
    png = figure_png(figure(4))[0]
    report.show("maps", "Second", png, alt="a line that rises to four")
    page = Page(report.html())
    for image, expected in zip(page.all("img"), (figure_png(figure(3))[0], png), strict=True):
        found = base64.b64decode(image["src"].removeprefix("data:image/png;base64,"))
        pixels, wanted = (np.asarray(Image.open(io.BytesIO(content))) for content in (found, expected))
        np.testing.assert_array_equal(pixels, wanted)
        assert int(image["width"]) == round(wanted.shape[1] * 96 / 120)
    assert page.inside("figcaption") == ["Figure 1. First", "Figure 2. Second"]
    assert capsys.readouterr().out == "a line that rises to three\na line that rises to four\n"


def test_a_cell_that_is_run_again_replaces_what_it_gave(capsys):
    report = whole()
    before = report.html()
    report.show("maps", "First", figure(1), alt="a line that rises to one")
    report.write("claim", "I claim that lines rise, since I drew them.")
    assert report.html() == before
    report.show("maps", "First", figure(1), alt="another description")
    assert report.html().count("<figure>") == 2 and "a line that rises to one" not in report.html()


def test_a_table_names_its_rows_and_columns(capsys):
    report = small()
    report.table("claim", "Shares", ["layer", "share", "area"], [["8", "32 %", "8 %"], ["9", "27 %", "8 %"]])
    page = Page(report.html())
    assert page.inside("th")[:5] == ["layer", "share", "area", "8", "9"]
    assert [header["scope"] for header in page.all("th")][:5] == ["col"] * 3 + ["row"] * 2
    assert page.inside("td")[:4] == ["32 %", "8 %", "27 %", "8 %"]
    printed = capsys.readouterr().out
    assert printed == "Shares\nlayer  share  area\n8      32 %   8 %\n9      27 %   8 %\n"


def test_empty_lines_begin_paragraphs(capsys):
    report = small()
    report.write("claim", "\n  One line\n  and its end.\n\n  \n\nAnother.  \n")
    assert "<p>One line\n  and its end.</p>\n<p>Another.</p>" in report.html()


def test_the_rubric_has_an_empty_box_for_every_line_and_the_total(capsys):
    page = Page(whole().html())
    assert [a["class"] for a in page.all("span")] == ["box"] * 3
    assert page.text.count(" / 3") == page.text.count(" / 2") == page.text.count(" / 5") == 1
    rubric = whole().rubric
    assert rubric.total == 5 and repr(rubric).startswith(
        "5 points\n3  Maps: two of them\n   none for: none\n"
    )
    assert "box" not in rubric._repr_html_()


def test_faint_ink_has_enough_contrast():
    """4.5 to 1 at least, as WCAG 2.2 AA asks, of every text colour of the page on its white ground."""

    def luminance(colour):
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    colours = re.findall(r"(?<![-\w])color: (#\w{6})", STYLE)
    assert len(colours) == 2
    assert all(1.05 / (luminance(colour) + 0.05) >= 4.5 for colour in colours)


# What is missing


def test_a_new_report_lacks_everything(capsys):
    report = Report("A report", "Your name", sections=SECTIONS, rubric=RUBRIC)
    assert report.missing() == [
        "author: no name yet.",
        "maps: not written yet.",
        "maps: 0 of 2 figures.",
        "claim: not written yet.",
    ]
    assert repr(report) == "Report('A report': 0 of 2 sections written)"
    assert "(not written yet)" in report.html() and "(no name yet)" in Report("A", "").html()


def test_a_whole_report_lacks_nothing(capsys):
    report = whole()
    assert report.missing() == []
    assert "Unfilled" not in report.html() and repr(report).endswith("2 of 2 sections written)")


@pytest.mark.parametrize(
    "text, line",
    [
        ("I claim that ___, since ___.", "the template's own words, with 2 blanks to fill."),
        ("  I claim that\n ___, since ___. ", "the template's own words, with 2 blanks to fill."),
        ("I claim that it looks, since ___.", "1 blank (___) still to fill."),
        ("It looks _____ and ___.", "2 blanks (___) still to fill."),
        ("It looks.", "2 words; 6 or more are needed to answer."),
        ("", "not written yet."),
        ("A b c d e f", ""),
        ("names_with_underscores are no blanks to be filled", ""),
    ],
)
def test_words_that_do_not_answer_are_told(text, line, capsys):
    report = small()
    report.write("claim", text)
    told = [each.removeprefix("claim: ") for each in report.missing() if each.startswith("claim")]
    assert told == ([line] if line else [])
    assert capsys.readouterr().out.startswith(f"claim: {line or 'kept, '}")


# Saving


def test_save_writes_the_page_and_names_the_file_only(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    report = whole()
    capsys.readouterr()
    report.save("report.html")
    assert capsys.readouterr().out == "Saved report.html, nothing missing.\n"
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == report.html()
    assert os.listdir(tmp_path) == ["report.html"]  # and nothing beside it


def test_save_says_what_is_unfilled(tmp_path, capsys):
    report = small()
    report.save(tmp_path / "a.html")
    assert capsys.readouterr().out == (
        "Saved a.html, unfilled: 3 things are missing, as report.missing() lists.\n"
    )
    page = Page((tmp_path / "a.html").read_text(encoding="utf-8"))
    assert page.inside("strong") == ["Unfilled."] and page.inside("li") == report.missing()


def test_two_saves_write_the_same_bytes(tmp_path, capsys):
    for name in ("a.html", "b.html"):
        whole().save(tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch, capsys):
    old = tmp_path / "report.html"
    old.write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    whole().save(old)
    told = capsys.readouterr().out.splitlines()[-1]
    assert re.match("Not saved: report.html could not be written into .*No space left", told)
    assert old.read_text() == "old" and os.listdir(tmp_path) == ["report.html"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch, capsys):
    """In one line: an error would stop "run all cells" of a course that lies where nobody may write."""
    whole().save(tmp_path / "nowhere" / "report.html")
    assert re.search("No such file or directory.*another folder", capsys.readouterr().out.splitlines()[-1])
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):  # root may write anywhere
            monkeypatch.setattr("builtins.open", _refuse)
        whole().save(tmp_path / "report.html")
        told = capsys.readouterr().out.splitlines()[-1]
        assert re.match("Not saved: report.html could not be written into .*Permission denied", told)
    finally:
        tmp_path.chmod(0o700)


def _refuse(*_, **__):
    raise PermissionError(13, "Permission denied")


def test_the_runner_leaves_nothing_where_the_learner_works(tmp_path, monkeypatch, capsys):
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("COURSE_RUNNER", "1")
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "there" / "progress.json"))
    whole().save("report.html")
    assert os.listdir(tmp_path / "here") == [] and os.listdir(tmp_path / "there") == ["report.html"]


# Wrong calls


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda r: r.write("clam", "words"), "no section 'clam' in this report: expected one of maps, claim"),
        (lambda r: r.write("claim", None), "your words for 'claim'; received NoneType"),
        (lambda r: r.show("maps", "First", "a.png", alt="a line"), "PNG file; received str"),
        (lambda r: r.show("maps", "First", b"\xff\xd8 a JPEG", alt="a line"), "PNG file; received bytes"),
        (lambda r: r.show("maps", "First", figure(), alt=" "), "description"),
        (lambda r: r.show("maps", "", figure(), alt="a line"), "caption"),
        (lambda r: r.table("maps", "T", ["a", "b"], [["1"]]), "rows of 2 values"),
        (lambda r: r.table("maps", "T", ["a"], []), "rows of 1 values"),
        (lambda r: r.save("report.pdf"), "ends in .html; received 'report.pdf'"),
        (lambda r: Report(""), "title"),
        (lambda r: Report("A", language='en" onload="x'), "language"),
    ],
)
def test_wrong_calls_are_told(call, message, capsys):
    with pytest.raises(ValueError, match=message):
        call(small())


# The template of lesson 14


def test_the_template_is_whole():
    keys = [section.key for section in LAB_SECTIONS]
    assert len(keys) == len(set(keys)) and all(key.isidentifier() for key in keys)
    for section in LAB_SECTIONS:
        assert BLANK in section.starter
        assert _count_words(section.starter) < section.least_words  # the template's words are no answer
    assert sum(one.points for one in LAB_RUBRIC) == 25
    assert len({one.name for one in LAB_RUBRIC}) == len(LAB_RUBRIC)


@pytest.mark.skipif(not LESSON.exists(), reason="the lesson is not there")
def test_the_lesson_hands_out_the_templates_own_sentences():
    code = [cell.source for cell in nbformat.read(LESSON, as_version=4).cells if cell.cell_type == "code"]
    flat = " ".join("\n".join(code).split())
    for section in LAB_SECTIONS:
        assert f'"{section.key}"' in flat
        assert " ".join(section.starter.split()) in flat, section.key
