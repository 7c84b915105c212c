"""How a text file writes a table: its encoding, its delimiter, and the line of its headings.

Programs of instruments write lines about the measurement above the headings. The headings are the
first line that has two known names; where there is no such line, the first one that is neither
blank nor a remark.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

Known = Callable[[Sequence[str]], int]
"""Number of cells that are known headings."""

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
BLANKS = " "
"""Stands for any number of blanks between columns."""
MAX_COLUMNS = 1000
_HEAD = 1 << 16
_LINES_ABOVE = 300
_NAMES_OF_A_HEADER = 2
_WESTERN = re.compile("[\x00-\x7f\xa0-\xff€‚„…–—‘’“”•™]*")
"""Letters and signs of tables of Western Europe."""


class NotText(ValueError):
    """Bytes that are not text."""


def decoded(content: bytes) -> tuple[str, list[str]]:
    """The text, and a note where it is not UTF-8.

    Bytes that fit no encoding become U+FFFD. Raises `NotText` for binary files.
    """
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, errors="replace"), ["UTF-16"]
    start = content[:_HEAD]
    if b"\x00" in start:
        odd, even = start[1::2], start[::2]
        for half, other, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
            if half.count(0) > 0.8 * len(half) and not other.count(0):
                return content.decode(encoding, errors="replace"), ["UTF-16"]
        raise NotText
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return _western(content)


def _western(content: bytes) -> tuple[str, list[str]]:
    """Text in the code page of Excel in Western Europe, where it has all letters of the text."""
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        text = ""
    if text and _WESTERN.fullmatch(text):
        return text, ["Windows-1252"]
    return content.decode("utf-8-sig", errors="replace"), []


def layout(text: str, known: Known) -> tuple[str, int]:
    """The delimiter of the columns, and the number of lines above the headings."""
    lines = list(islice(io.StringIO(text[:_HEAD], newline=""), _LINES_ABOVE))
    stated = next((line.strip()[4] for line in lines[:3] if _states(line)), "")
    marks = [stated] if stated in DELIMITERS else list(DELIMITERS)
    first = None
    for at, line in enumerate(lines):
        if not line.strip() or line.startswith("#") or _states(line):
            continue
        below = next((later for later in lines[at + 1 :] if later.strip()), line)
        scores = {mark: _score(line, below, mark, known) for mark in marks}
        mark = max(marks, key=scores.__getitem__)
        first = first or mark
        if scores[mark][0] >= _NAMES_OF_A_HEADER:
            return mark, at
        if not stated and _between_blanks(lines[at : at + 2], known):
            return BLANKS, at
    return first or ",", 0


def header_at(rows: Sequence[Sequence[str]], known: Known) -> int:
    """The number of rows of a sheet above its headings; 0 where no row has known ones."""
    return next((at for at, row in enumerate(rows[:_LINES_ABOVE]) if _names(row, known)), 0)


def has_header(rows: Sequence[Sequence[str]], known: Known) -> bool:
    """Whether a row of a sheet has headings that are known."""
    return any(_names(row, known) for row in rows[:_LINES_ABOVE])


def _names(row: Sequence[str], known: Known) -> bool:
    return known([cell.strip() for cell in row[:MAX_COLUMNS]]) >= _NAMES_OF_A_HEADER


def _states(line: str) -> bool:
    """Whether a line says the delimiter, as Excel writes it."""
    return line.lower().startswith("sep=") and len(line.strip()) == 5


def _score(line: str, below: str, mark: str, known: Known) -> tuple[int, bool, int]:
    """Score of a delimiter: known headings, whether both lines have as many cells, and how many."""
    try:
        cells, others = (
            next(csv.reader(io.StringIO(text, newline=""), delimiter=mark), [])
            for text in (line, below)
        )
    except csv.Error:
        return (0, False, 0)
    names = [cell.strip() for cell in cells[:MAX_COLUMNS]]
    return (known(names), len(cells) == len(others), len(cells))


def _between_blanks(lines: Sequence[str], known: Known) -> bool:
    """Whether blanks separate known headings, and as many numbers in the next line."""
    cells = [cells_between_blanks(line) for line in lines]
    if len(cells) < 2 or len(cells[0]) != len(cells[1]):
        return False
    numbers = all(re.fullmatch(r"[-+0-9.,eE]+", cell) for cell in cells[1])
    return numbers and known(cells[0][:MAX_COLUMNS]) >= _NAMES_OF_A_HEADER


def cells_between_blanks(line: str) -> list[str]:
    """Cells of a line split at tabs or at two or more blanks, else at single blanks."""
    cells = re.split(r"\t+|[ \t]{2,}", line.strip())
    return cells if len(cells) > 1 else line.split()


def records_between_blanks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows by number."""
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        yield number, cells_between_blanks(line)
