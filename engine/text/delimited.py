"""Parse delimited text (CSV, TSV and similar) into rows and columns of numbers.

The text is read in pieces, once per candidate layout: splitting it into cells as a whole
would take many times its memory.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import nan

import numpy as np
from numpy.typing import NDArray

from quantoscope.engine import cancellation
from quantoscope.engine.notes import Note
from quantoscope.engine.text.number_parsing import (
    GROUP_MARKS,
    AmbiguousBlock,
    BlockError,
    Layout,
    NumberBlock,
    NumberError,
    begins_as_number,
    is_comment,
    is_missing,
    is_word,
    overflows,
    printable,
    quoted,
    read_number,
    whole_number,
)
from quantoscope.engine.text.text_pieces import PIECE, Marks, Text
from quantoscope.engine.text.value_buffer import NeedsDouble, ValueBuffer, count_notes

_NAMED = 100
_MISSING = frozenset({"NA", "N/A", "n/a", "<NA>", "null", "NULL", "None", "NaT", "--"})
"""Common words for missing values, which the fast path reads together with numbers."""
_LONGEST_CELL = 1 << 20
_MOMENT = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].{1,40})?|\d{1,2}:\d{2}(:\d{2})?.{0,12}")
_GROUPED = r"[-+]?(\d{1,3}( \d{3})+|\d+)(%s\d+)?([eE][-+]?\d+)?"
_COMMA_GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")
_COMMA_DECIMAL = re.compile(r"[-+]?\d+,\d+")
_POINT_GROUPED = re.compile(r"[-+]?[1-9]\d{0,2}((?:\.\d{3})*),\d+")
_MARK_GROUPED = re.compile(rf"[-+]?\d{{1,3}}((?:[{GROUP_MARKS}]\d{{3}})*),\d+")


def layouts(marks: Marks, decimal_comma: bool | None = None) -> list[Layout]:
    """Return the candidate layouts of a block, the most likely first."""
    outside = marks.outside
    delimiter = "\t" if "\t" in outside else ";" if ";" in outside else " "
    # With a space as delimiter, a space groups digits only inside quotes.
    groups = GROUP_MARKS if delimiter == " " and not marks.quoted else " " + GROUP_MARKS
    point = Layout(delimiter, ".", "," + groups)
    comma = Layout(delimiter, ",", "." + groups)
    order = [point, comma]
    if delimiter == ";" and ("," in outside or marks.quoted_comma):
        order = [comma, point]  # If semicolons separate values, the comma is the decimal mark.
    elif "," in outside and delimiter == " ":
        between = "," + GROUP_MARKS if marks.quoted_comma else GROUP_MARKS
        order = [Layout(",", ".", between), comma, point]
        if marks.quoted_comma:
            order.insert(1, Layout(",", ",", ". " + GROUP_MARKS))
    if decimal_comma is None:
        return order
    return [layout for layout in order if (layout.decimal == ",") is decimal_comma]


def parse_block(
    text: str | Text,
    decimal_comma: bool | None = None,
    first_line: int = 1,
    single: bool = False,
) -> NumberBlock:
    """Parse pasted rows of numbers, with or without a header row.

    Tab, semicolon, comma and white space are recognised as delimiters; the decimal mark is inferred
    from the whole block. Comments are skipped, and so are blank lines between rows of several
    columns; in a single column these are missing values. A first row without any number or missing
    value is a header, and so is one that numbers its columns as pandas does; a first column of
    names, or an unnamed one that numbers the rows, is skipped. The notes report this.

    Parameters
    ----------
    text : str or Text
        Lines that end in LF, CRLF or CR.
    decimal_comma : bool, optional
        Decides if both marks are valid; commas beside a decimal point separate values.
    first_line : int
        The number of the first line, for messages.
    single : bool
        Whether float32 will do for the values, unless one of them needs float64.

    Raises
    ------
    AmbiguousBlock
        If ``decimal_comma`` is not given and readings differ: ``1,5`` over ``2,5``.
    BlockError
        With the place of a ragged row, an empty cell, or a word where a number belongs.
    """
    text = Text.of(text) if isinstance(text, str) else text
    marks = text.marks
    candidates = layouts(marks, decimal_comma)
    grouped, sure = _space_groups(text, marks) if decimal_comma is None else ([], False)
    # Without commas the text is in C notation; with semicolons the comma is the decimal mark.
    commas = "," in marks.outside or marks.quoted_comma
    first_wins = decimal_comma is not None or not commas or candidates[0].delimiter == ";"
    if sure:
        candidates = [replace(one, spaces=one.delimiter == " ") for one in candidates] + grouped
        first_wins = False
    readings: list[NumberBlock] = []
    failures: list[BlockError] = []
    for layout in candidates:
        try:
            block = read_as(text, layout, first_line, single)
        except BlockError as error:
            # The traceback would keep the values read so far alive.
            failures.append(error.with_traceback(None))
            continue
        if not any(np.array_equal(block.values, r.values, equal_nan=True) for r in readings):
            readings.append(block)
        if first_wins:
            break
    if len(readings) > 1:
        raise AmbiguousBlock(tuple(readings))
    if not readings:
        # The layout that got furthest is most likely the intended one.
        raise max(failures, key=lambda error: (error.line, error.column))
    (block,) = readings
    if grouped and not sure and block.layout.delimiter == " ":
        note = Note("Spaces part the values here, though they could group thousands as well.")
        block = replace(block, notes=(*block.notes, note))
    return block


def comma_notes(text: Text, decimal: bool) -> list[Note]:
    """Return notes on other meanings of commas that separate values."""
    rows = _below_a_word(text)
    notes = []
    decimal = decimal and all(map(_COMMA_DECIMAL.fullmatch, rows))
    if all(map(_COMMA_GROUPED.fullmatch, rows)):
        notes.append(
            Note("Commas part the values here, though they could group thousands as well.")
        )
    elif decimal or _all_grouped(_POINT_GROUPED, rows):
        notes.append(
            Note("Commas part the values here, though they could be decimal marks as well.")
        )
    return notes


def groups_beside_commas(text: Text) -> bool:
    """Return whether commas after digit groups are probably decimal marks."""
    return _all_grouped(_MARK_GROUPED, _below_a_word(text))


def _below_a_word(text: Text) -> list[str]:
    """Return the first rows, without the heading of a single column."""
    rows = [row.strip() for row in text.first_rows]
    return rows[1:] if len(rows) > 1 and is_word(rows[0]) and " " not in rows[0] else rows


def _all_grouped(pattern: re.Pattern[str], rows: Sequence[str]) -> bool:
    matches = [pattern.fullmatch(row) for row in rows]
    return all(matches) and any(match is not None and match[1] for match in matches)


def _space_groups(text: Text, marks: Marks) -> tuple[list[Layout], bool]:
    """Return one-column layouts in which spaces group thousands, and whether to try them.

    They are tried if a row suggests it, with a fraction after the last group or leading zeros in
    a group. Three-digit integers alone do not.
    """
    if "\t" in marks.outside or ";" in marks.outside or marks.quoted:
        return [], False
    rows = _below_a_word(text)
    if not any(" " in row for row in rows):
        return [], False
    found, sure = [], False
    for decimal in ".,":
        pattern = re.compile(_GROUPED % re.escape(decimal))
        matches = [pattern.fullmatch(row) for row in rows]
        if all(matches):
            found.append(Layout("", decimal, " " + GROUP_MARKS, spaces=True))
            sure = sure or any(m is not None and m[2] and (m[3] or " 0" in m[0]) for m in matches)
    return found, sure


@dataclass
class _Head:
    """Header and label column, as inferred from the first rows."""

    names: tuple[str, ...] | None = None  # first words; None if the first row holds numbers
    width: int = 0  # number of header cells examined; 0 without a header
    labels: bool = False  # whether the first column holds names
    index: bool = False  # whether the first column has no name, and so may be an index
    short: bool = False  # whether this is because the header has one cell less
    notes: list[Note] = field(default_factory=list)


def _look(text: Text, layout: Layout) -> _Head:
    """Look for a header and for a label column."""
    lines = text.first_rows
    head = _Head()
    if not lines:
        return head
    rows = [_cells(line, layout) for line in lines]
    first, others = rows[0], rows[1:]
    more = bool(others) or len(text.start) < text.size
    if more and (_is_header(first, layout) or _is_counted(lines, rows, layout, head)):
        head.names, head.width = tuple(first[:_NAMED]), len(first)
        names = ", ".join(printable(name, 20) for name in first[:4] if name)
        left = ", …" if len(first) > 4 else ""
        head.notes.append(
            Note("The first row was taken for column names: %1.", (f"{names}{left}",))
        )
        head.index = len(first) > 1 and not first[0]
    body = rows if head.names is None else others
    head.labels = bool(body) and all(
        len(row) > 1 and _is_label(row[0], layout) and _is_number(row[-1], layout) for row in body
    )
    if head.names is not None and body and all(len(row) == head.width + 1 for row in body):
        # A single column of decimal commas would look like two columns.
        counted = (layout.delimiter != "," or head.width > 1) and _is_index(body)
        head.short = head.index = head.labels or counted
    if head.labels:
        shown = ", ".join(printable(row[0], 20) for row in body[:3]) + ", …" * (len(body) > 3)
        head.notes.append(Note("The first column holds names and was left out: %1.", (shown,)))
    return head


def _is_header(cells: Sequence[str], layout: Layout) -> bool:
    """Return whether a row holds at least one word, and no number or missing value."""
    if layout.delimiter == " " and any("," in cell for cell in cells):
        return False  # Commas separate these words, so they separate the numbers below too.
    filled = [cell for cell in cells if cell]
    if all(map(begins_as_number, filled)):
        return False  # mistyped numbers, or a date
    words = False
    for cell in filled:
        if is_word(cell):
            words = True
        elif begins_as_number(cell) or _is_number(cell, layout):
            return False
    return words


def _is_counted(
    lines: Sequence[str], rows: Sequence[Sequence[str]], layout: Layout, head: _Head
) -> bool:
    """Return whether the first row numbers the columns, as pandas does for unnamed ones.

    If it may equally be data it is kept as data, with a note on the alternative.
    """
    first = rows[0]
    if rows[1:] and all(len(row) == len(first) + 1 for row in rows[1:]):
        # pandas prints a frame with an empty cell above the index.
        names = list(first) == [str(n) for n in range(len(first))]
        labels = all(_is_label(row[0], layout) for row in rows[1:])
        return names and layout.delimiter != "," and (labels or _is_index(rows[1:]))
    body = [row for row in rows[1:] if len(row) == len(first)]
    named = len(first) > 1 and (not first[0] or is_word(first[0]))
    counted = first[1:] if named else first
    if not body or not all(cell.isascii() and cell.isdigit() for cell in counted):
        return False
    if named and not first[0]:
        return True  # A row with an empty corner cell is not data.
    start = 0 if counted[0] == "0" else 1
    if list(counted) != [str(n) for n in range(start, start + len(counted))]:
        return False
    if named and start == 0 and all(_is_number(row[0], layout) for row in body):
        return len(counted) > 1
    if named:
        body = [row[1:] for row in body]
    marked = layout.delimiter not in ("", " ") and lines[0].count('"') == 2 * len(first)
    if start == 0 and marked and not all('"' in line for line in lines[1:]):
        return True
    columns = list(zip(*body, strict=True))
    broken = [all(_has_fraction(cell, layout) for cell in column) for column in columns]
    if len(body) < 2 or not any(broken):
        going_on = body[0] == [str(start + len(counted) + n) for n in range(len(counted))]
        several = len(counted) > 2 or (named and len(counted) > 1)
        if start == 0 and several and not going_on:
            head.notes.append(_may_be_names(counted))
        return False
    if start == 0 and (len(counted) > 2 or (len(counted) == 2 and all(broken))):
        return True
    if (all(broken) or named) and (start == 0 or len(counted) > 2):
        head.notes.append(_may_be_names(counted))
    return False


def _may_be_names(counted: Sequence[str]) -> Note:
    text = "The first row was read as numbers: %1. If it holds column names, take it out."
    return Note(text, (", ".join(counted[:4]) + ", …" * (len(counted) > 4),))


def _has_fraction(cell: str, layout: Layout) -> bool:
    """Return whether a cell is a number written with a fraction or exponent."""
    return _is_number(cell, layout) and whole_number(cell, layout.decimal, layout.groups) is None


def _is_number(cell: str, layout: Layout) -> bool:
    try:
        return read_number(cell, layout.decimal, layout.groups) is not None
    except NumberError:
        return True


def _is_label(cell: str, layout: Layout) -> bool:
    """Return whether a cell labels its row: a word, a date, or a time."""
    return is_word(cell) or (_MOMENT.fullmatch(cell) is not None and not _is_number(cell, layout))


def _is_index(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first cells of several rows count from 0 or 1."""
    start = int(rows[0][0]) if rows[0][0] in ("0", "1") else -1
    counted = all(row[0] == str(start + n) for n, row in enumerate(rows))
    return len(rows) > 1 and start >= 0 and counted


def read_as(
    text: str | Text, layout: Layout, first_line: int = 1, single: bool = False
) -> NumberBlock:
    """Parse a block in one layout, or raise BlockError; the rest is as for ``parse_block``."""
    text = Text.of(text) if isinstance(text, str) else text
    head = _look(text, layout)
    if single:
        try:
            return _Rows(text, layout, head, first_line, True).read()
        except NeedsDouble:
            pass
    return _Rows(text, layout, head, first_line, False).read()


class _Rows:
    """Accumulator of the numbers parsed so far from a block."""

    def __init__(
        self,
        text: Text,
        layout: Layout,
        head: _Head,
        first_line: int,
        single: bool,
    ) -> None:
        self.text, self.layout, self.head = text, layout, head
        self.first_line = self.line = first_line
        self.in_head = head.names is not None
        self.heads = 0  # header cells skipped so far
        self.width = 0  # numbers per row; 0 until known
        self.open = 0  # numbers so far of a row longer than one piece of text
        self.labelled = False  # whether the label of that row was read
        self.rows = 0
        self.blank = 0  # number of a blank line that may be a missing value
        self.buffer = ValueBuffer(text.size, single)
        self.odd = '_"#' + GROUP_MARKS

    def read(self) -> NumberBlock:
        """Parse the text from start to end."""
        for stretch, ended in stretches(self.text, self.layout.delimiter or "\n", self._too_long):
            below = self._pass_head(stretch, ended) if self.in_head else stretch
            if below is None:
                self.line += ended
                continue
            blank = self._is_blank(below, ended)
            if not blank and not self._read_plain(below, ended):
                self._read_carefully(below, ended)
            self.line += below.count("\n") + ended
        if not self.buffer.size:
            raise BlockError("There are no numbers here.", self.first_line, 1)
        return self._finished(self.buffer.take().reshape(-1, self.width))

    def _too_long(self) -> BlockError:
        place = f"Line {self.line}, column {self.open + 1 + self.head.labels}"
        text = f"{place} has more than {_LONGEST_CELL:,} characters, which is no number."
        return BlockError(text, self.line, self.open + 1)

    def _pass_head(self, stretch: str, ended: bool) -> str | None:
        """Skip the header; return the text below it, or None before its end."""
        while True:
            line, below, stretch = stretch.partition("\n")
            if self.heads or (line.strip(" ") and not is_comment(line)):
                cells = _cells(line, self.layout)
                if self.heads >= self.head.width:  # cells that _look did not examine
                    self._require_names(cells)
                self.heads += len(cells)
                self.in_head = not below and not ended
                self.width = self.heads + self.head.short - self.head.labels
            if not below:
                return None
            self.line += 1
            if not self.in_head:
                return stretch

    def _require_names(self, cells: Sequence[str]) -> None:
        names = self.head.names or ("",)
        if any(_is_number(cell, self.layout) for cell in cells if cell) and not names[-1].isdigit():
            text = f"Line {self.line}, column 1: {quoted(names[0])} is not a number."
            raise BlockError(text, self.line, 1)

    def _is_blank(self, stretch: str, ended: bool) -> bool:
        if self.open or not ended or stretch.strip("\n "):
            return False
        self._note_blank(self.line)
        return True

    def _note_blank(self, line: int) -> None:
        if not (self.text.opened and not self.rows and self.head.names is None):
            self.blank = self.blank or line

    def _read_plain(self, text: str, ended: bool) -> bool:
        """Parse plain numbers (C notation or decimal commas) fast; False for anything else."""
        layout, delimiter = self.layout, self.layout.delimiter
        if any(mark in text for mark in self.odd) or (self.blank and self.width < 2):
            return False
        if layout.decimal == ",":
            # A point would group digits; a comma after a sign or at the end of a cell is invalid.
            ends = ("\n", " ", delimiter or "\n")
            if "." in text or any("," + end in text + "\n" for end in ends):
                return False
            if "-," in text or "+," in text:
                return False
            if delimiter != ",":  # or else none but quoted ones are decimal marks
                text = text.replace(",", ".")
        elif delimiter != "," and "," in text:
            return False
        lines = text.split("\n")
        if self.open and not lines[0]:
            return False
        if "\n\n" in text or not lines[0] or not lines[-1]:
            if self.width < 2:
                return False
            lines = [line for line in lines if line]
        opened = self.open
        if self.head.labels:
            bare = [_without_label(line, delimiter) for line in lines]
            if opened or self.labelled:
                bare[0] = lines[0]
            if None in bare:
                return False
            lines = [line for line in bare if line is not None]
        if delimiter == " ":
            counts = list(map(len, map(str.split, lines)))
        elif delimiter:
            counts = [line.count(delimiter) + 1 for line in lines]
        else:
            counts = [1] * len(lines)
        counts[0] += opened
        whole = set(counts if ended else counts[:-1])
        width = self.width or (counts[0] if whole else 0)
        if whole - {width} or (width and counts[-1] > width):
            return False
        joined = (delimiter or "\n").join(lines)
        cells = joined.split() if delimiter == " " else joined.split(delimiter or "\n")
        missing = 0
        try:
            values = np.array(list(map(float, cells)))
        except ValueError:
            try:
                values = np.array([nan if cell in _MISSING else float(cell) for cell in cells])
            except ValueError:
                return False
            missing = sum(map(cells.count, _MISSING.intersection(cells)))
        infinite = np.isinf(values)
        if infinite.any() and any(overflows(cells[i]) for i in np.flatnonzero(infinite)):
            return False
        self.buffer.missing += missing
        self.buffer.count_all(values, cells, joined)
        self.buffer.put(values)
        self.rows += len(counts) - (not ended)
        self.width = width
        self.open = 0 if ended else counts[-1]
        self.labelled = not ended and self.head.labels
        self.blank = 0
        return True

    def _read_carefully(self, text: str, ended: bool) -> None:
        """Parse cell by cell, with digit groups, quotes and words; raise at the first error."""
        lines = text.split("\n")
        values: list[float] = []
        for at, line in enumerate(cancellation.checked(lines, 256)):
            number, complete = self.line + at, ended or at + 1 < len(lines)
            starts = not (self.open or self.labelled)
            if starts and not line.strip(" "):
                self._note_blank(number)
                continue
            if starts and is_comment(line):
                continue
            cells = _cells(line, self.layout)
            if self.head.labels and not self.labelled:
                self._pass_label(cells, number)
                self.labelled = True
            left = self.open + self.head.labels
            values += [self._cell(cell, number, left + n) for n, cell in enumerate(cells, 1)]
            self.open += len(cells)
            if not complete:
                continue
            found, self.open, self.labelled = self.open, 0, False
            if self.blank and (self.width or found) == 1:
                text = f"Line {self.blank} is empty; a number is needed."
                raise BlockError(text, self.blank, 1)
            self.width, self.blank = self.width or found, 0
            if found != self.width:
                raise self._ragged(number, found)
            self.rows += 1
        self.buffer.put(np.array(values, np.float64))

    def _pass_label(self, cells: list[str], line: int) -> None:
        label = cells.pop(0)
        if not label or (_is_number(label, self.layout) and not is_missing(label)):
            what = f"{quoted(label)} stands" if label else "nothing stands"
            raise BlockError(
                f"Line {line}, column 1: {what} where the other lines have a name.", line, 1
            )

    def _cell(self, cell: str, line: int, column: int) -> float:
        place = f"Line {line}, column {column}"
        if not cell:
            raise BlockError(f"{place} is empty; a number is needed.", line, column)
        layout = self.layout
        try:
            value = read_number(cell, layout.decimal, layout.groups)
        except NumberError as error:
            raise BlockError(f"{place}: {error}", line, column) from None
        if value is None:
            raise BlockError(f"{place}: {quoted(cell)} is not a number.", line, column)
        self.buffer.count(cell, value, layout.decimal, layout.groups)
        return value

    def _ragged(self, line: int, found: int) -> BlockError:
        found, expected = found + self.head.labels, self.width + self.head.labels
        values = "1 value" if found == 1 else f"{found} values"
        others = "header has", "line before has", "lines before have"
        return BlockError(
            f"Line {line} has {values} where the {others[min(self.rows, 2)]} {expected}.",
            line,
            min(found, expected) + 1,
        )

    def _finished(self, values: NDArray[np.floating]) -> NumberBlock:
        head, names, notes = self.head, self.head.names, list(self.head.notes)
        if head.labels:
            names = names[1:] if names and not head.short else names
        elif head.index and values.shape[1] > 1:
            if _numbers_rows(values, corner=not head.short):
                values = _without_first_column(values)
                names = names[1:] if names and not head.short else names
                notes.append(Note("The first column counts the rows and was left out."))
            elif head.short:
                raise self._ragged(self.first_line + 1, values.shape[1])
            else:
                notes.append(
                    Note("The first column has no name; it was read as numbers like the others.")
                )
        notes += self.buffer.notes()
        marks = self.text.marks
        left = "The line that begins with # was left out: %1."
        lines = "%1 lines that begin with # were left out, the first is: %2."
        notes += count_notes(marks.comments, left, lines, printable(marks.comment, 40))
        return NumberBlock(values, names, self.layout, tuple(notes), self.buffer.wide)


def _without_label(line: str, delimiter: str) -> str | None:
    """Return a row without its label; None if it needs the slow path."""
    if delimiter == " ":
        parts = line.split(None, 1)
        label, rest = (parts[0], parts[1]) if len(parts) == 2 else ("", "")
    else:
        label, _, rest = line.partition(delimiter)
    known = label[:1].isalpha() and len(label) > 1 and label[:3].lower() not in ("nan", "inf")
    return rest if known and rest else None


def _numbers_rows(values: NDArray[np.floating], corner: bool) -> bool:
    """Return whether the first column numbers the rows, as pandas and R write an index.

    With a single row it must be 0, with an empty cell above.
    """
    starts = (0, 1) if len(values) > 1 else (0,) if corner else ()
    first = int(values[0, 0]) if values[0, 0] in starts else -1
    parts = (values[at : at + PIECE, 0] - at for at in range(0, len(values), PIECE))
    return first >= 0 and all((part == np.arange(first, first + len(part))).all() for part in parts)


def _without_first_column(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Drop the first column, moving the other numbers within their memory."""
    rows, width = values.shape
    flat = values.reshape(-1)
    step = max(1, PIECE // width)
    for at in range(0, rows, step):
        part = values[at : at + step, 1:].copy()
        flat[at * (width - 1) : at * (width - 1) + part.size] = part.reshape(-1)
    return flat[: rows * (width - 1)].reshape(rows, width - 1)


def stretches(
    text: Text, delimiter: str, too_long: Callable[[], BlockError]
) -> Iterator[tuple[str, bool]]:
    """Yield whole lines in batches, without the last line end; of a long row, parts.

    The flag is False for a part of a row, which was cut at a delimiter.
    """
    rest, inside = "", False
    for piece in text.pieces():
        rest += piece
        end = rest.rfind("\n")
        if end >= 0:
            yield rest[:end], True
            rest, inside = rest[end + 1 :], False
        while len(rest) > 2 * PIECE:
            blank = not rest.strip(" ")
            if not inside and (blank or is_comment(rest[:PIECE])):
                rest = "" if blank else "#"  # as good as all of it
                break
            end = rest.rfind(delimiter, 0, len(rest) - 1)
            while end > 0 and '"' in rest and rest.count('"', 0, end) % 2:
                end = rest.rfind(delimiter, 0, end)
            if end <= 0 or not rest[:end].strip():
                if len(rest) > _LONGEST_CELL:
                    raise too_long()
                break
            yield rest[:end], False
            rest, inside = rest[end + 1 :], True
    if rest:
        yield rest, True


def _cells(line: str, layout: Layout) -> list[str]:
    """Split a row into cells, stripped of blanks and quotes."""
    delimiter = layout.delimiter
    if not delimiter:
        return [line.strip()]
    if '"' in line:
        try:
            row = next(csv.reader([line.strip(" ")], delimiter=delimiter, skipinitialspace=True))
        except csv.Error:
            pass  # Not quoting after all; the cell's own error follows.
        else:
            cells = [cell.strip() for cell in row]
            # The csv module reads runs of spaces as empty cells.
            several = delimiter == " " and len(cells) > 1
            return [cell for cell in cells if cell] if several else cells
    if delimiter == " ":
        return [cell.strip() for cell in line.split(" ") if cell]
    return [cell.strip() for cell in line.split(delimiter)]
