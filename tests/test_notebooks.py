"""Every lesson is held to every rule; and every rule is shown to fail on a notebook that breaks it.

Running the lessons and comparing their outputs is nbval's: `pytest --nbval notebooks`, as in `make test`.
"""

import copy
import re
from pathlib import Path
from types import SimpleNamespace

import lesson_rules as rules
import nbformat
import pytest
from lesson_rules import Lesson

from helpers.course.badges import badge, refresh, repository_address, setup_source
from helpers.course.exercises import lesson_numbers, load_lesson
from helpers.course.runner import NOTEBOOK_METADATA, ROOT, find_lessons

QUARANTINE = ROOT / "tests" / "QUARANTINE.md"
LESSONS = find_lessons()


def exercises_of(number):
    if number not in lesson_numbers():
        return {}
    return {exercise.key: exercise for exercise in load_lesson(number).EXERCISES}


# What a rule needs beside the lesson.
NEEDS = {
    rules.one_setup_cell: lambda lesson: [setup_source(repository_address())],
    rules.badge_leads_here: lambda lesson: [repository_address()],
    rules.exercises_exist: lambda lesson: [exercises_of(lesson.number)],
    rules.no_helper_defined_again: lambda lesson: [rules.helper_names()],
    rules.ignored_cells_are_few_and_accounted_for: lambda lesson: [
        rules.read_quarantine(QUARANTINE.read_text())
    ],
}
RULES = [
    rules.executed_in_order,
    rules.written_by_the_runner,
    rules.no_empty_cell,
    rules.no_error_in_an_output,
    rules.no_path_of_a_machine,
    rules.no_time_in_a_compared_output,
    rules.not_too_long,
    rules.file_not_too_large,
    rules.headings_in_order,
    rules.title_as_in_the_template,
    rules.three_to_five_objectives,
    rules.one_setup_cell,
    rules.details_are_closed,
    rules.quiz_of_its_own,
    rules.predicts_before_it_measures,
    rules.links_resolve,
    rules.badge_leads_here,
    rules.alt_text_on_every_image,
    rules.exercises_are_stubs,
    rules.exercises_exist,
    rules.no_helper_defined_again,
    rules.ignored_cells_are_few_and_accounted_for,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson(path, rule):
    lesson = Lesson.read(path)
    problems = rule(lesson, *NEEDS.get(rule, lambda _: [])(lesson))
    assert not problems, "\n".join([f"{path.name}:", *problems])


def test_the_lessons_have_numbers_of_their_own_and_are_the_only_notebooks():
    numbers = [path.name[:2] for path in LESSONS]
    assert numbers and numbers[0] == "00" and len(set(numbers)) == len(numbers)
    assert set(numbers) <= {f"{number:02d}" for number in range(15)}
    assert sorted((ROOT / "notebooks").rglob("*.ipynb")) == LESSONS


def test_every_row_of_the_quarantine_names_a_lesson():
    stems = {path.stem for path in LESSONS}
    assert not [row for row in rules.read_quarantine(QUARANTINE.read_text()) if row[0] not in stems]


def test_links_of_the_readme_resolve():
    readme = ROOT / "README.md"
    assert not [
        link for link in rules.local_links(readme.read_text(encoding="utf-8")) if not (ROOT / link).exists()
    ]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_map_of_the_readme_agrees_with_the_lesson(path):
    """Its title and its minutes are those that the lesson's own first cell gives."""
    first = nbformat.read(path, as_version=4).cells[0].source
    title = re.search(r"^# \d\d · (.+?) *$", first, flags=re.MULTILINE).group(1)
    minutes = re.search(r"^\|[-| :]+\|\n\| *(\d+)", first, flags=re.MULTILINE).group(1)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    row = next(line for line in readme.splitlines() if f"(notebooks/{path.name})" in line)
    assert row.startswith(f"| {path.name[:2]} | [{title}](") and row.endswith(f"| {minutes} |"), row


@pytest.mark.parametrize("path, following", zip(LESSONS, LESSONS[1:]), ids=[p.stem for p in LESSONS[:-1]])
def test_a_lesson_ends_with_a_link_to_the_next(path, following):
    """The reader clicks on, from the text under "Next"."""
    text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    assert f"]({following.name})" in text.split("\n## Next\n")[1]


def test_the_address_stands_in_one_place():
    """Nothing but pyproject.toml and what `make badges` writes from it names the course's address."""
    written = {ROOT / "pyproject.toml", *LESSONS}
    folders = [path for path in ROOT.iterdir() if not path.name.startswith(".") and path.name != "runs"]
    files = [file for folder in folders for file in ([folder] if folder.is_file() else folder.rglob("*"))]
    kinds = {".py", ".md", ".toml", ".txt", ".lock", ".html", ".ipynb", ""}
    read = [file for file in files if file.is_file() and file.suffix in kinds and file not in written]
    assert len(read) > 20
    found = [file for file in read if repository_address() in file.read_text(encoding="utf-8")]
    assert found == []


# The rules themselves: a lesson that keeps all of them, then one change each.

ADDRESS = "https://github.com/somebody/course"
SETUP = "from helpers.course.setup import start\nstart()"
STUB = (
    'def my_count(image_size):\n    """Count the patches."""\n    return None\n\n\n'
    'my_count = check("patches.num_patches", my_count)'
)
EXERCISES = {
    f"patches.{name}": SimpleNamespace(mutants=[1, 2]) for name in ("num_patches", "extract", "assemble")
}
HELPERS = {"num_patches": "helpers.model.patches"}
IGNORED_ROW = {("01_good", "train_live()"): "its losses depend on the hardware"}


def markdown(text):
    return nbformat.v4.new_markdown_cell(text)


def code(source, *tags, printed=None):
    outputs = [nbformat.v4.new_output("stream", name="stdout", text=printed)] if printed else []
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {}, outputs=outputs)


def exercise(key, name):
    source = STUB.replace("patches.num_patches", key).replace("my_count", name)
    return code(source, "exercise", printed=f"{key}: not attempted yet.\n")


@pytest.fixture
def good(tmp_path):
    """A lesson that keeps every rule."""
    (tmp_path / "02_next.ipynb").touch()
    cells = [
        markdown(
            badge("01_good.ipynb", ADDRESS)
            + "\n\n# 01 · Good\n\n"
            + rules.TITLE_TABLE
            + "\n|---|---|---|---|\n| 45 | 00 | `patches` | any |"
        ),
        markdown("## You will be able to\n\n- cut\n- count\n- join"),
        markdown("## Set-up"),
        code(SETUP, "setup", printed="Ready.\n"),
        markdown("## 1 · Cutting\n\n**Predict.** How many?\n\n```\n## no heading\n```"),
        code("my_prediction = None"),
        code("compare(my_prediction, 196)", printed="You made no prediction. Measured: 196.\n"),
        code("show(figure, alt='A cat cut into 196 patches')"),
        exercise("patches.num_patches", "my_count"),
        exercise("patches.extract", "my_cut"),
        exercise("patches.assemble", "my_join"),
        markdown(
            "<details><summary>Hint</summary>\n\nCount.\n\n</details>\n\n> **Common mistake.** Rows first."
        ),
        code("train_live()", "nbval-ignore-output", printed="12.3 s\n"),
        code("assert loss < 1"),
        markdown("## 2 · Joining"),
        code("2 + 2"),
        markdown("## Paper versus measured"),
        code("3 + 3"),
        markdown("## Recap"),
        markdown("## Quiz"),
        code('quiz("01")'),
        markdown("## Sources\n\n[a paper](https://arxiv.org/abs/2010.11929), [above](#quiz)"),
        markdown("## Next\n\n[on](02_next.ipynb)"),
    ]
    picture = nbformat.v4.new_output("display_data", {"image/png": "iVBOR", "text/plain": "<Figure>"})
    picture.metadata = nbformat.from_dict({"image/png": {"alt": "A cat cut into 196 patches"}})
    cells[7].outputs = [picture]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=nbformat.from_dict(NOTEBOOK_METADATA))
    for number, cell in enumerate([cell for cell in cells if cell.cell_type == "code"], start=1):
        cell.execution_count = number
    path = tmp_path / "01_good.ipynb"
    nbformat.write(notebook, path)
    return Lesson.read(path)


GIVEN = {
    rules.one_setup_cell: [SETUP],
    rules.badge_leads_here: [ADDRESS],
    rules.exercises_exist: [EXERCISES],
    rules.no_helper_defined_again: [HELPERS],
    rules.ignored_cells_are_few_and_accounted_for: [IGNORED_ROW],
}


def problems_of(lesson, rule):
    return rule(lesson, *GIVEN.get(rule, []))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_good_lesson_keeps_every_rule(good, rule):
    assert problems_of(good, rule) == []


BREAKS = {}  # name -> (rule, change, words that the problem must name)


def breaks(rule, word):
    """Register a change that turns the good lesson into one that breaks `rule`."""

    def register(change):
        BREAKS[f"{rule.__name__}-{change.__name__}"] = (rule, change, word)
        return change

    return register


def cell_like(lesson, text):
    return next(cell for cell in lesson.notebook.cells if text in cell.source)


def replace(lesson, old, new):
    cell = cell_like(lesson, old)
    cell.source = cell.source.replace(old, new)


@breaks(rules.executed_in_order, "make write")
def out_of_order(lesson):
    lesson.code[1].execution_count, lesson.code[2].execution_count = 3, 2


@breaks(rules.executed_in_order, "make write")
def partly_executed(lesson):
    lesson.code[-1].execution_count = None


@breaks(rules.executed_in_order, "make write")
def not_from_a_fresh_kernel(lesson):
    for cell in lesson.code:
        cell.execution_count += 1


@breaks(rules.written_by_the_runner, "metadata")
def saved_from_an_editor(lesson):
    lesson.notebook.metadata["language_info"]["version"] = "3.11.2"


@breaks(rules.written_by_the_runner, "runner")
def timing_in_a_cell(lesson):
    lesson.code[1].metadata["execution"] = {"iopub.status.busy": "2026-01-01"}


@breaks(rules.written_by_the_runner, "runner")
def two_cells_of_one_id(lesson):
    lesson.code[1].id = lesson.code[0].id


@breaks(rules.no_empty_cell, "empty")
def an_empty_cell(lesson):
    lesson.code[1].source = " \n"


@breaks(rules.no_error_in_an_output, "ended in NameError")
def a_stored_error(lesson):
    error = nbformat.v4.new_output("error", ename="NameError", evalue="x", traceback=["NameError: x"])
    lesson.code[1].outputs = [error]


@breaks(rules.no_error_in_an_output, "traceback")
def a_printed_traceback(lesson):
    lesson.code[1].outputs = code("x", printed="Traceback (most recent call last):\n").outputs


@breaks(rules.no_error_in_an_output, "stderr")
def stored_stderr(lesson):
    lesson.code[1].outputs = [nbformat.v4.new_output("stream", name="stderr", text="a warning")]


@breaks(rules.no_path_of_a_machine, "/home/a")
def a_path_in_an_output(lesson):
    lesson.code[1].outputs = code("x", printed="saved to /home/ada/course/model\n").outputs


@breaks(rules.no_path_of_a_machine, "/tmp/c")
def a_path_in_a_source(lesson):
    lesson.code[1].source = "folder = '/tmp/course'"


@breaks(rules.no_path_of_a_machine, "C:")
def a_path_of_windows_in_the_text(lesson):
    replace(lesson, "## Recap", "## Recap\n\nSee C:\\Users\\ada.")


@breaks(rules.no_path_of_a_machine, "site-packages")
def a_path_in_an_html_output(lesson):
    lesson.code[1].outputs = [
        nbformat.v4.new_output("display_data", {"text/html": "<p>lib/site-packages/keras</p>"})
    ]


@breaks(rules.no_time_in_a_compared_output, "3.2 s")
def a_time_in_an_output(lesson):
    lesson.code[1].outputs = code("x", printed="trained in 3.2 s\n").outputs


@breaks(rules.no_time_in_a_compared_output, "1.5 min")
def minutes_in_an_output(lesson):
    lesson.code[1].outputs = code("x", printed="trained in 1.5 minutes\n").outputs


@breaks(rules.no_time_in_a_compared_output, "images/s")
def a_speed_in_an_output(lesson):
    lesson.code[1].outputs = code("x", printed="at 512 images/s\n").outputs


@breaks(rules.no_time_in_a_compared_output, "0x7f")
def an_address_in_an_output(lesson):
    lesson.code[1].outputs = [
        nbformat.v4.new_output("execute_result", {"text/plain": "<History at 0x7f5d985733d0>"})
    ]


@breaks(rules.not_too_long, "41 code cells")
def too_many_cells(lesson):
    cells = [code("1") for _ in range(41 - len(lesson.code))]
    lesson.notebook.cells += cells


@breaks(rules.not_too_long, "median")
def long_cells(lesson):
    for cell in lesson.code:
        cell.source = "\n".join(["1"] * 7)


@breaks(rules.file_not_too_large, "3,000,000 at most")
def a_large_file(lesson):
    lesson.path.write_bytes(b" " * 3_000_001)


@breaks(rules.headings_in_order, "headings are")
def a_missing_recap(lesson):
    replace(lesson, "## Recap", "## Summary")


@breaks(rules.headings_in_order, "headings are")
def quiz_before_recap(lesson):
    replace(lesson, "## Recap", "## Recap, later")
    replace(lesson, "## Quiz", "## Recap")
    replace(lesson, "## Recap, later", "## Quiz")


@breaks(rules.headings_in_order, "numbered")
def ideas_out_of_order(lesson):
    replace(lesson, "## 2 · Joining", "## 3 · Joining")


@breaks(rules.title_as_in_the_template, "no title '# 01")
def a_wrong_number_in_the_title(lesson):
    replace(lesson, "# 01 · Good", "# 02 · Good")


@breaks(rules.title_as_in_the_template, "no table")
def no_table(lesson):
    replace(lesson, rules.TITLE_TABLE, "Minutes: 45")


@breaks(rules.title_as_in_the_template, "badge")
def no_badge(lesson):
    replace(lesson, "[![Open in Colab]", "[![Run]")


@breaks(rules.title_as_in_the_template, "more than one")
def two_titles(lesson):
    replace(lesson, "## Sources", "# 01 · Sources")


@breaks(rules.three_to_five_objectives, "2 objectives")
def two_objectives(lesson):
    replace(lesson, "\n- join", "")


@breaks(rules.one_setup_cell, "make badges")
def an_edited_setup_cell(lesson):
    lesson.code[0].source += "\nimport keras"


@breaks(rules.one_setup_cell, "2 cells")
def two_setup_cells(lesson):
    lesson.code[1].metadata = nbformat.from_dict({"tags": ["setup"]})


@breaks(rules.one_setup_cell, "does not follow")
def setup_elsewhere(lesson):
    replace(lesson, "## Set-up", "## Preparation")


@breaks(rules.details_are_closed, "1 <details> and 0 </details>")
def open_details(lesson):
    replace(lesson, "</details>", "")


@breaks(rules.quiz_of_its_own, "quiz('01')")
def the_quiz_of_another_lesson(lesson):
    replace(lesson, 'quiz("01")', 'quiz("02")')


@breaks(rules.predicts_before_it_measures, "prediction")
def a_prediction_filled_in(lesson):
    replace(lesson, "my_prediction = None", "my_prediction = 196")


@breaks(rules.predicts_before_it_measures, "compare")
def nothing_compared(lesson):
    replace(lesson, "compare(my_prediction, 196)", "196")


@breaks(rules.predicts_before_it_measures, "Common mistake")
def no_common_mistake(lesson):
    replace(lesson, "**Common mistake.**", "Beware.")


@breaks(rules.links_resolve, "03_gone.ipynb")
def a_broken_link(lesson):
    replace(lesson, "02_next.ipynb", "03_gone.ipynb#quiz")


@breaks(rules.badge_leads_here, "the badge leads to")
def a_badge_to_another_lesson(lesson):
    replace(lesson, "01_good.ipynb", "02_next.ipynb")


@breaks(rules.badge_leads_here, "the badge leads to")
def a_badge_to_another_address(lesson):
    replace(lesson, "somebody/course", "nobody/course")


@breaks(rules.alt_text_on_every_image, "alt text ''")
def a_figure_without_alt_text(lesson):
    lesson.code[3].outputs[0].metadata = nbformat.from_dict({})


@breaks(rules.alt_text_on_every_image, "<img> without")
def an_html_picture_without_alt_text(lesson):
    lesson.code[1].outputs = [
        nbformat.v4.new_output("display_data", {"text/html": "<img src='x.png' alt=''>"})
    ]


@breaks(rules.alt_text_on_every_image, "no alt text")
def a_markdown_picture_without_alt_text(lesson):
    replace(lesson, "## Recap", "## Recap\n\n![](picture.png)")


@breaks(rules.exercises_are_stubs, "is not a stub")
def a_solved_exercise(lesson):
    replace(lesson, "return None", "return image_size**2")


@breaks(rules.exercises_are_stubs, "is not a stub")
def a_solved_layer(lesson):
    solved = "class my_cut:\n    def call(self, x):\n        return x\n\n\n"
    cell_like(lesson, "my_cut").source = solved + 'my_cut = check("patches.extract", my_cut)'


@breaks(rules.exercises_are_stubs, "not shipped as 'not attempted yet'")
def a_stored_correct_answer(lesson):
    cell_like(lesson, "my_cut").outputs = code("x", printed="patches.extract: correct.\n").outputs


@breaks(rules.exercises_are_stubs, "go together")
def an_untagged_exercise(lesson):
    cell_like(lesson, "my_cut").metadata = nbformat.from_dict({})


@breaks(rules.exercises_are_stubs, "expected my_fn = check")
def a_check_of_another_function(lesson):
    replace(lesson, 'check("patches.extract", my_cut)', 'check("patches.extract", my_count)')


@breaks(rules.exercises_exist, "has no exercise")
def an_unknown_key(lesson):
    replace(lesson, '"patches.extract"', '"patches.unknown"')


@breaks(rules.exercises_exist, "2 exercises with two mutants")
def too_few_exercises(lesson):
    lesson.notebook.cells.remove(cell_like(lesson, "my_cut"))


@breaks(rules.no_helper_defined_again, "import it from helpers.model.patches")
def a_helper_pasted_in(lesson):
    lesson.code[1].source = "def num_patches(image_size):\n    return image_size**2"


@breaks(rules.no_helper_defined_again, "lambda")
def a_helper_as_a_lambda(lesson):
    lesson.code[1].source = "num_patches = lambda image_size: image_size**2"


@breaks(rules.ignored_cells_are_few_and_accounted_for, "no row")
def an_unexplained_ignored_cell(lesson):
    replace(lesson, "train_live()", "train_otherwise()")


@breaks(rules.ignored_cells_are_few_and_accounted_for, "which no ignored cell begins with")
def a_row_left_behind(lesson):
    cell_like(lesson, "train_live()").metadata = nbformat.from_dict({})


@breaks(rules.ignored_cells_are_few_and_accounted_for, "asserts nothing")
def no_assertion_after_it(lesson):
    replace(lesson, "assert loss < 1", "loss < 1")


@breaks(rules.ignored_cells_are_few_and_accounted_for, "15% at most")
def too_many_ignored_cells(lesson):
    for cell in lesson.code[1:4]:
        cell.metadata = nbformat.from_dict({"tags": ["nbval-ignore-output"]})


@breaks(rules.ignored_cells_are_few_and_accounted_for, "none may fail")
def a_skipped_cell(lesson):
    lesson.code[1].metadata = nbformat.from_dict({"tags": ["nbval-skip"]})


@breaks(rules.ignored_cells_are_few_and_accounted_for, "not a comment")
def ignored_by_a_comment(lesson):
    lesson.code[1].source = "# NBVAL_IGNORE_OUTPUT\n1"


@pytest.mark.parametrize("name", BREAKS)
def test_a_bad_lesson_is_caught(good, name):
    rule, change, word = BREAKS[name]
    change(good)
    assert word in "\n".join(problems_of(good, rule))


def test_every_rule_is_shown_to_fail():
    assert {rule for rule, _, _ in BREAKS.values()} == set(RULES)


def test_a_teaching_cell_and_a_stub_may_carry_a_helpers_name(good):
    pasted = "def num_patches(image_size):\n    return image_size**2"
    good.code[1].source = pasted
    good.code[1].metadata = nbformat.from_dict({"tags": ["teaching"]})
    assert problems_of(good, rules.no_helper_defined_again) == []
    good.code[1].metadata = nbformat.from_dict({})
    good.code[1].source = "def num_patches(image_size):\n    return None"
    assert problems_of(good, rules.no_helper_defined_again) == []


def test_a_layer_may_be_an_exercise(good):
    init, call = "def __init__(self):\n        self.size = 4", "def call(self, x):\n        return None"
    stub = f"class my_cut:\n    {init}\n\n    {call}\n\n\n"
    cell_like(good, "my_cut").source = stub + 'my_cut = check("patches.extract", my_cut)'
    assert problems_of(good, rules.exercises_are_stubs) == []


def test_a_picture_in_base64_is_no_path_and_a_patch_size_no_time(good):
    good.code[1].outputs = [
        nbformat.v4.new_output("display_data", {"text/html": "<img alt='a cat' src='AAAA/tmp/BB=='>"})
    ]
    good.code[2].outputs = code(
        "x", printed="ViT-S/16: 196 tokens, 4 stages; this exercise takes 10 minutes\n"
    ).outputs
    assert problems_of(good, rules.no_path_of_a_machine) == []
    assert problems_of(good, rules.no_time_in_a_compared_output) == []


def test_a_quarantine_row_without_a_reason_is_refused():
    assert rules.read_quarantine("| 05_x | `a \\| b` | depends on the hardware |\n") == {
        ("05_x", "a | b"): "depends on the hardware"
    }
    with pytest.raises(ValueError, match="expected a reason"):
        rules.read_quarantine("| 05_x | `train()` |  |\n")


def test_helper_names_come_from_the_code():
    names = rules.helper_names()
    assert names["extract_patches"] == "helpers.model.patches"
    assert "main" not in names and not any(name.startswith("_") for name in names)


# Badges and set-up cells


def test_the_address_is_read_from_pyproject(tmp_path):
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(f'[project.urls]\nRepository = "{ADDRESS}"\n')
    assert repository_address(pyproject) == ADDRESS
    pyproject.write_text('[project.urls]\nRepository = "https://example.org/course"\n')
    with pytest.raises(
        ValueError, match="expected https://github.com/OWNER/NAME|Expected https://github.com/OWNER/NAME"
    ):
        repository_address(pyproject)


def test_badges_are_written_once_and_follow_the_address(good):
    notebook = copy.deepcopy(good.notebook)
    assert refresh(notebook, "01_good.ipynb", ADDRESS, SETUP) == []
    assert refresh(notebook, "01_good.ipynb", "https://github.com/new/home", SETUP + "\n1") == [
        "badge",
        "set-up cell",
    ]
    assert notebook.cells[0].source.count("colab-badge") == 1
    assert (
        rules.badge_leads_here(Lesson(notebook, Path("01_good.ipynb")), "https://github.com/new/home") == []
    )
    assert rules.one_setup_cell(Lesson(notebook, good.path), SETUP + "\n1") == []


def test_a_lesson_without_a_badge_gets_one(good):
    title = good.notebook.cells[0]
    title.source = title.source.split("\n\n", 1)[1]
    assert refresh(good.notebook, "01_good.ipynb", ADDRESS, SETUP) == ["badge"]
    assert rules.title_as_in_the_template(good) == [] and rules.badge_leads_here(good, ADDRESS) == []


def test_a_lesson_without_a_setup_cell_is_refused(good):
    good.code[0].metadata = nbformat.from_dict({})
    with pytest.raises(ValueError, match="one cell tagged 'setup'.*0 tagged"):
        refresh(good.notebook, "01_good.ipynb", ADDRESS, SETUP)
