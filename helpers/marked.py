"""Tables that a program writes into a page: what stands between two marks is replaced, the rest stays."""


def put_between(text, start, end, table, *, page, what):
    """Give the text of a page with a table between its two marks.

    Args:
        text: str, the page.
        start, end: str, the marks, each once in the page.
        table: str, what goes between them.
        page, what: str, how an error names the page and the table: "README.md", "the table".
    Raises:
        ValueError: where the marks are missing.
    """
    before, found_start, rest = text.partition(start)
    _, found_end, after = rest.partition(end)
    if not (found_start and found_end):
        raise ValueError(f"{page}: expected the lines {start!r} and {end!r}; {what} goes between them.")
    return f"{before}{start}\n\n{table}\n\n{end}{after}"
