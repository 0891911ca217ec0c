"""Parse array literals: Python lists, NumPy and PyTorch output, JSON, C initialisers.

The text is never executed. A tokenizer and a loop with an explicit stack read it, so that time is
linear in its length and the nesting depth is bounded. Long runs of plain lists are converted at
once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from quantoscope.engine import cancellation
from quantoscope.engine.notes import Note
from quantoscope.engine.text import literal_words as words
from quantoscope.engine.text.number_parsing import (
    BlockError,
    NumberError,
    overflows,
    quoted,
    read_number,
)
from quantoscope.engine.text.text_pieces import PIECE, Text
from quantoscope.engine.text.value_buffer import NeedsDouble, ValueBuffer

MAX_DEPTH = 32
_SHORT = 200
_STRING = re.compile(r"\"[^\"']+\"|'[^\"']+'")
# Character classes in runs of lists; a number is counted at its first character.
_BLANK, _NUMBER, _OPEN, _CLOSE, _COMMA = range(5)
_KINDS = np.full(256, _NUMBER, np.uint8)
for _signs, _kind in (
    (b" \t\n\r\v\f\x1c\x1d\x1e\x1f", _BLANK),
    (b"[({", _OPEN),
    (b"])}", _CLOSE),
    (b",", _COMMA),
):
    _KINDS[list(_signs)] = _kind
_BARE = {ord(sign): " " for sign in "[](){},"}


def _pairs(*pairs: tuple[int, int]) -> NDArray[np.bool_]:
    allowed = np.zeros((5, 5), bool)
    allowed[tuple(zip(*pairs, strict=True))] = True
    return allowed


# Allowed successors of each class, with commas and with white space between items.
_OPENED = (_OPEN, _OPEN), (_OPEN, _NUMBER), (_NUMBER, _CLOSE), (_CLOSE, _CLOSE)
_WITH_COMMAS = _pairs(
    *_OPENED, (_NUMBER, _COMMA), (_CLOSE, _COMMA),
    (_COMMA, _NUMBER), (_COMMA, _OPEN), (_COMMA, _CLOSE),
)  # fmt: skip
_WITH_SPACES = _pairs(*_OPENED, (_NUMBER, _NUMBER), (_CLOSE, _OPEN))


@dataclass(frozen=True, eq=False)
class Literal:
    """An array parsed from a literal.

    Attributes
    ----------
    values : ndarray of float64
        In the shape that brackets, ``reshape`` or a C declaration give.
    dtype : str
        Dtype stated in the text, such as ``float16``; empty if none is.
    notes : tuple of Note
        Text that was not read as a number.
    wide : int
        Number of integers that float32 cannot hold exactly.
    """

    values: NDArray[np.floating]
    dtype: str
    notes: tuple[Note, ...] = ()
    wide: int = 0


def is_literal(text: str | Text) -> bool:
    """Return whether a text begins as an array literal, not as rows of cells."""
    text = text.start if isinstance(text, Text) else text
    at = _skip_blank(text, 0)
    if text[at : at + 1] in words.CLOSES or words.CONTAINING.match(text, at):
        return True
    assigned = words.ASSIGNED.match(text, at)
    called = words.CALLED.match(text, at)
    return bool(assigned or (called and called[1].rpartition(".")[2] in words.CALLS))


def parse_literal(text: str | Text, first_line: int = 1, single: bool = False) -> Literal:
    """Parse one array written by Python, NumPy, PyTorch, JSON or C.

    Parameters
    ----------
    text : str or Text
        Brackets of any kind, nested to any shape; numbers separated by commas, or by white space as
        NumPy prints them, rows by semicolons as in MATLAB; calls such as ``tensor(…)``,
        ``np.array(…, dtype=np.float32)``; declarations such as ``const float w[2][2] =``; comments.
        A number is anything that ``read_number`` accepts, or Python's ``1_000``.
    first_line : int
        The number of the first line, for messages.
    single : bool
        Whether to return float32 unless a value needs float64.

    Raises
    ------
    BlockError
        With the position: rows of different lengths, an ellipsis of the printer, a word where a
        number belongs, brackets that do not match.
    """
    text = Text.of(text) if isinstance(text, str) else text
    if single:
        try:
            return _Reader(text, first_line, ValueBuffer(text.size, True)).read()
        except NeedsDouble:
            pass
    return _Reader(text, first_line, ValueBuffer(text.size, False)).read()


def read_item(text: str) -> float | None:
    """Return the number that a token or string stands for; None for any other word."""
    if "_" in text and text.lstrip("+-")[:1].isdigit():
        text = text.replace("_", "")
    try:
        return read_number(text, ".", "")
    except NumberError:
        return math.inf


def _bare(call: re.Match[str]) -> str:
    return " " * (call.start(1) - call.start()) + call[1] + " "


def _skip_blank(text: str, at: int) -> int:
    while (match := words.TOKEN.match(text, at)) is not None and match.lastgroup == "blank":
        at = match.end()
    return at


@dataclass
class _Reader:
    """Parser state: the stack of open brackets, and the list length at each depth."""

    source: Text
    line: int  # line number at the start of the buffer
    buffer: ValueBuffer
    text: str = ""  # buffer; positions refer to it
    before: int = 0  # characters of its first line already dropped
    whole: bool = False  # whether the buffer reaches the end of the text
    dtype: str = ""
    stack: list[str] = field(default_factory=list)  # open list brackets, or "call"
    counts: list[int] = field(default_factory=list)  # items so far in each open list
    lengths: list[int | None] = field(default_factory=list)  # list length at each depth
    leaf: int | None = None  # depth of the numbers
    commas: bool | None = None  # whether commas separate items
    complete: bool = False  # whether an item has ended without a comma yet
    opened: bool = False  # whether the last token opened a bracket
    last_end: int = 0  # end of the last item
    shape: tuple[int, ...] | None = None
    width: int = 0  # length of rows that end in semicolons
    row_start: int = 0  # numbers before the current row
    careful_until: int = 0  # end of the last run that needs the slow path

    def __post_init__(self) -> None:
        self.pieces = self.source.pieces()

    def fail(self, at: int, sentence: str) -> BlockError:
        """Return the error for a position in the text."""
        newline = self.text.rfind("\n", 0, at)
        line = self.line + self.text.count("\n", 0, at)
        column = at - newline + (self.before if newline < 0 else 0)
        return BlockError(f"Line {line}, character {column}: {sentence}", line, column)

    def _ahead(self, at: int, signs: int = PIECE) -> int:
        """Extend the buffer to ``signs`` characters after ``at``; return ``at`` in the buffer.

        Text before it is dropped, except one character.
        """
        if self.whole or len(self.text) - at >= signs:
            return at
        gone = max(0, at - 1)
        newline = self.text.rfind("\n", 0, gone)
        self.before = gone - newline - 1 if newline >= 0 else self.before + gone
        self.line += self.text.count("\n", 0, gone)
        parts, length = [self.text[gone:]], len(self.text) - gone
        while length < 2 * signs:
            piece = next(self.pieces, None)
            if piece is None:
                self.whole = True
                break
            parts.append(piece)
            length += len(piece)
        # Blanks replace skipped text, so that positions in messages stay correct.
        self.text = "".join(parts)
        if "np.float" in self.text:
            self.text = words.SCALAR.sub(_bare, self.text)
        self.last_end -= gone
        self.careful_until -= gone
        return at - gone

    def read(self) -> Literal:
        """Parse the whole text."""
        at = self._ahead(0)
        while not self.whole and _skip_blank(self.text, at) == len(self.text):
            at = self._ahead(len(self.text))
        text, at = self.text, _skip_blank(self.text, at)
        containing = words.CONTAINING.match(text, at)
        at = containing.end() if containing else at
        assigned = words.ASSIGNED.match(text, at)
        declared = words.dimensions(assigned["dims"]) if assigned else None
        at = assigned.end() if assigned else at
        for kind, start, end in cancellation.checked(self._tokens(at)):
            self._take(kind, start, end)
        if self.stack:
            raise self.fail(len(self.text), "the text ends before all brackets are closed.")
        if not self.buffer.size:
            raise BlockError("There are no numbers in these brackets.", self.line, 1)
        shape = tuple(length or 0 for length in self.lengths[: self.leaf])
        if self.width:
            shape = (self.buffer.size // self.width, self.width)
        numbers = self.buffer.take().reshape(shape)
        wanted = self.shape or declared
        if wanted is not None:
            numbers = self._reshaped(numbers, wanted)
        return Literal(numbers, self.dtype, tuple(self.buffer.notes()), self.buffer.wide)

    def _tokens(self, at: int) -> Iterator[tuple[str, int, int]]:
        """Yield significant tokens; consumes keywords of a call and methods after it."""
        while True:
            at = self._ahead(at)
            if self.stack and self.stack[-1] != "call":
                at = self._plain_run(at)
            if at == len(self.text):
                if self.whole:
                    return
                continue
            open_comment = self.text.startswith("/*", at) and "*/" not in self.text[at:]
            if open_comment and not self.whole:
                at = self._ahead(at, 2 * len(self.text))
                continue
            match = words.TOKEN.match(self.text, at)
            assert match is not None and match.lastgroup is not None
            if match.end() == len(self.text) and not self.whole:
                at = self._ahead(at, 2 * len(self.text))
                continue
            kind, at = match.lastgroup, match.end()
            if kind == "blank":
                continue
            if kind == "comma" and self.stack and self.stack[-1] == "call" and self.complete:
                at = self._keywords(match.start())
                continue
            if kind == "word":
                blank = _skip_blank(self.text, at)
                if self.text[blank : blank + 1] == "(":
                    self._open_call(match.start(), at)
                    at = blank + 1
                    continue
            yield kind, match.start(), at
            if kind == "close":
                at = self._methods(at)

    def _plain_run(self, at: int) -> int:
        """Convert a run of lists of numbers and words at once; return its end."""
        if at < self.careful_until:
            return at
        match = words.PLAIN[self.stack[-1]].match(self.text, at, at + PIECE)
        if match is None or match.end() - at < _SHORT:
            return at
        run = match[0]
        # End the run after a bracket or comma: the token that follows may be incomplete.
        ends = max(run.rfind(sign) + 1 for sign in words.CLOSES[self.stack[-1]] + ",")
        end = ends or max(run.rfind(blank) for blank in " \n\t")
        # On failure, the slow path finds the position of the error.
        self.careful_until = match.end()
        if end <= 0 or not run.isascii():
            return at
        read = self._read_run(run[:end])
        if not read:
            return at
        self.careful_until = 0
        return at + read

    def _read_run(self, run: str) -> int:
        """Convert a run of lists as long as those before; return 0 if it is anything else."""
        signs = _KINDS[np.frombuffer(run.encode(), np.uint8)]
        previous = np.concatenate([[_BLANK], signs[:-1]])
        places = np.flatnonzero((signs > _NUMBER) | (signs == _NUMBER) & (previous != _NUMBER))
        kinds = signs[places]
        # The outermost list's closing bracket is left to the token loop.
        inner = len(self.stack) - next(
            (n + 1 for n in range(len(self.stack) - 1, -1, -1) if self.stack[n] == "call"), 0
        )
        rise = (kinds == _OPEN).astype(np.int64) - (kinds == _CLOSE)
        after = np.cumsum(rise) + len(self.counts)
        beyond = np.flatnonzero(after <= len(self.counts) - inner)
        end = len(run)
        if beyond.size:
            end = int(places[beyond[0]])
            places, kinds = places[: beyond[0]], kinds[: beyond[0]]
            rise, after = rise[: beyond[0]], after[: beyond[0]]
        numbers = kinds == _NUMBER
        if not numbers.any() or len(set(self.stack[-inner:])) > 1:
            return 0
        before = after - rise
        leaf = int(before[numbers][0])
        depth = int(after.max())
        if self.leaf not in (None, leaf) or (before[numbers] != leaf).any() or depth > leaf:
            return 0
        if leaf > MAX_DEPTH or (self.leaf is None and len(self.lengths) > leaf):
            return 0
        commas = bool((kinds == _COMMA).any())
        if commas and self.commas is False:
            return 0
        commas = commas or bool(self.commas)
        last = _NUMBER if leaf == len(self.counts) else _CLOSE
        if not self.complete and (self.opened or commas):
            last = _OPEN if self.opened else _COMMA
        allowed = _WITH_COMMAS if commas else _WITH_SPACES
        if not allowed[np.concatenate([[last], kinds[:-1]]), kinds].all():
            return 0
        found = self._counted(kinds, before, leaf)
        if found is None:
            return 0
        counts, lengths = found
        cells = run[:end].translate(_BARE).split()
        values = self._values(cells, run) if len(cells) == np.count_nonzero(numbers) else None
        if values is None:
            return 0
        self.buffer.put(values)
        bracket, deep = self.stack[-1], int(after[-1])
        del self.stack[len(self.stack) + min(0, deep - len(self.counts)) :]
        self.stack += [bracket] * (deep - len(self.counts))
        self.counts = [count - 1 for count in counts[: deep - 1]] + counts[deep - 1 : deep]
        self.lengths, self.leaf = lengths, leaf
        if commas or len(cells) > 1 or self.complete:
            self.commas = commas
        self.last_end = -1
        self.opened = kinds[-1] == _OPEN
        self.complete = kinds[-1] in (_NUMBER, _CLOSE)
        return end

    def _counted(
        self, kinds: NDArray[np.uint8], before: NDArray[np.int64], leaf: int
    ) -> tuple[list[int], list[int | None]] | None:
        """Return the lengths of open and of closed lists; None if closed ones differ."""
        # Here a list is counted when it opens; elsewhere, when it is complete.
        counts = [count + 1 for count in self.counts[:-1]] + self.counts[-1:]
        counts += [0] * (leaf - len(counts))
        lengths = self.lengths + [None] * (leaf - len(self.lengths))
        items = (kinds == _NUMBER) | (kinds == _OPEN)
        for level in range(leaf, 0, -1):
            here = before == level
            so_far = np.cumsum(items & here) + counts[level - 1]
            closing = so_far[here & (kinds == _CLOSE)]
            if closing.size:
                each = np.diff(closing, prepend=0)
                expected = lengths[level - 1] or int(each[0])
                if not expected or (each != expected).any():
                    return None
                lengths[level - 1] = expected
            counts[level - 1] = int(so_far[-1] - (closing[-1] if closing.size else 0))
        return counts, lengths

    def _values(self, cells: list[str], run: str) -> NDArray[np.float64] | None:
        """Convert cells to numbers; return None if one is not a number."""
        try:
            values = np.array(list(map(float, cells)))
            if "_" in run or np.isinf(values).any():
                return None
        except ValueError:
            pass
        else:
            self.buffer.count_all(values, cells, run)
            return values
        if "'" in run or '"' in run:
            cells = [cell[1:-1] if _STRING.fullmatch(cell) else cell for cell in cells]
        bare = [cell.removesuffix("f").removesuffix("F") for cell in cells]
        try:
            values = np.array(list(map(float, bare)))
        except ValueError:
            pass
        else:
            if "_" not in run and (np.abs(values) < 2**24).all():
                return values
        found = [read_item(cell) for cell in cells]
        if any(value is None or math.isinf(value) for value in found):
            return None
        values = np.array(found, np.float64)
        for cell, value in zip(cells, values.tolist(), strict=True):
            self.buffer.count(cell, value)
        return values

    def _take(self, kind: str, start: int, end: int) -> None:
        text = self.text[start:end]
        if kind == "open":
            self._separate(start)
            self._open(start, text)
        elif kind == "close":
            self._close(start, text)
        elif kind in ("number", "word", "cell"):
            self._separate(start)
            self._number(start, end, text, read_item(text))
        elif kind == "string":
            inner = text[1:-1].strip()
            value = read_item(inner)
            if value is None:
                raise self.fail(start, f"{quoted(text[1:-1])} is text; a number is needed.")
            self._separate(start)
            self._number(start, end, inner, value)
        elif kind == "comma":
            if not self.complete or not self.stack:
                what = "a number is missing before this comma."
                raise self.fail(start, what if self.stack else "a comma follows the array.")
            self.complete = self.opened = False
            if self.commas is False:
                raise self.fail(start, "a comma stands here where spaces part the numbers before.")
            self.commas = True
        elif kind == "gap":
            raise self.fail(
                start,
                "the middle was left out when this was printed: in NumPy, call "
                "np.set_printoptions(threshold=np.inf) first; in PyTorch, "
                "torch.set_printoptions(profile='full').",
            )
        elif kind == "end":
            if self.stack == ["["] and self.leaf == 1:
                self._end_row(start)
            elif self.stack:
                raise self.fail(start, "a semicolon stands inside the brackets.")
        else:
            raise self.fail(start, f"{quoted(text)} is not part of a number.")

    def _end_row(self, start: int) -> None:
        """End a row at a semicolon, as in MATLAB: ``[1 2; 3 4]``."""
        count = self.buffer.size - self.row_start
        first = self.width or count
        if count != first:
            raise self.fail(start, f"a row of {count} stands here where the first has {first}.")
        self.width, self.row_start = count, self.buffer.size
        self.complete = False

    def _separate(self, start: int) -> None:
        """Check the separator between an item and the one before."""
        if not self.stack and (self.buffer.size or self.lengths):
            raise self.fail(start, "another value follows the array; paste one array at a time.")
        if self.stack and self.stack[-1] == "call" and self.complete:
            raise self.fail(start, "a call holds one array; something follows it.")
        if not self.complete:
            return
        if self.commas:
            raise self.fail(start, "a comma is missing before this.")
        if start == self.last_end and self.text[start - 1] not in "])}":
            raise self.fail(start, "this is a calculation; only numbers can be read.")
        self.commas = False
        self.complete = False

    def _open(self, start: int, bracket: str) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise self.fail(start, f"brackets lie more than {MAX_DEPTH} deep.")
        if self.leaf is not None and len(self.counts) >= self.leaf:
            raise self.fail(start, "a list stands here where others have a number.")
        self.stack.append(bracket)
        self.counts.append(0)
        if len(self.lengths) < len(self.counts):
            self.lengths.append(None)
        self.complete, self.opened = False, True

    def _open_call(self, start: int, end: int) -> None:
        name = self.text[start:end]
        if name.lstrip("+-").rpartition(".")[2] not in words.CALLS:
            raise self.fail(start, f"{quoted(name)} is a call; only arrays of numbers can be read.")
        if name[0] in "+-":
            raise self.fail(start, "a sign stands before a call; put it before the number.")
        if len(self.stack) >= MAX_DEPTH:
            raise self.fail(start, f"brackets lie more than {MAX_DEPTH} deep.")
        self._separate(start)
        self.stack.append("call")
        self.complete = False

    def _close(self, start: int, bracket: str) -> None:
        opened = self.stack.pop() if self.stack else ""
        if opened == "call":
            if bracket != ")" or not self.complete:
                raise self.fail(start, "a call is closed before it holds a number.")
            self.last_end = start + 1
            return
        if words.CLOSES.get(opened) != bracket:
            raise self.fail(start, f"{quoted(bracket)} closes a bracket that was not opened.")
        if self.width and self.buffer.size > self.row_start:
            self._end_row(start)
        depth, count = len(self.counts) - 1, self.counts.pop()
        expected = self.lengths[depth]
        self.lengths[depth] = count if expected is None else expected
        if expected not in (None, count):
            items = "number" if self.leaf == depth + 1 else "list"
            where = "".join(f"[{n}]" for n in self.counts)
            raise self.fail(
                start,
                f"the list at {where} has {count} {items}{'s' * (count != 1)} "
                f"where the others have {expected}.",
            )
        self._item_done(start + 1)

    def _number(self, start: int, end: int, text: str, value: float | None) -> None:
        if value is None:
            raise self.fail(start, f"{quoted(text)} is not a number.")
        if math.isinf(value) and overflows(text):
            raise self.fail(
                start, f"{quoted(text)} is too large for a float; write inf for infinity."
            )
        if self.leaf is None:
            self.leaf = len(self.counts)
        if self.leaf != len(self.counts) or len(self.lengths) > self.leaf:
            raise self.fail(start, "a number stands here where others have a list.")
        self.buffer.count(text, value)
        self.buffer.put(np.array([value]))
        self._item_done(end)

    def _item_done(self, end: int) -> None:
        if self.counts:
            self.counts[-1] += 1
        self.complete, self.opened, self.last_end = True, False, end

    def _keywords(self, at: int) -> int:
        """Parse keywords after the array in a call: ``, dtype=float32, device='cuda:0'``."""
        while (match := words.KEYWORD.match(self.text, at)) is not None:
            at = match.end()
            if match["name"] in (None, "dtype"):
                self.dtype = match["value"].strip("'\"").rpartition(".")[2]
        at = _skip_blank(self.text, at)
        if self.text[at : at + 1] == ",":
            at = _skip_blank(self.text, at + 1)
        if self.text[at : at + 1] != ")":
            raise self.fail(at, "this is no keyword of an array; only its numbers can be read.")
        return at

    def _methods(self, at: int) -> int:
        """Parse methods called on an array: ``.reshape(2, 3)``, ``.astype(np.float32)``."""
        while (match := words.METHOD.match(self.text, at)) is not None:
            name, arguments = match["name"], match["arguments"]
            if name in ("reshape", "view") and not self.stack:
                numbers = arguments.strip("()[] ").replace(",", " ").split()
                if not numbers or not all(n.isascii() and n.isdigit() for n in numbers):
                    raise self.fail(at, f"{name} needs a number for each axis.")
                self.shape = tuple(map(int, numbers))
            elif name in ("astype", "to", "type"):
                self.dtype = arguments.strip("'\" ").rpartition(".")[2] or self.dtype
            elif name not in ("cuda", "cpu", "detach", "numpy", "copy", "clone", "contiguous"):
                raise self.fail(
                    at, f"{quoted(name)} is a call; only arrays of numbers can be read."
                )
            at = match.end()
        return at

    def _reshaped(
        self, array: NDArray[np.floating], shape: tuple[int, ...]
    ) -> NDArray[np.floating]:
        if math.prod(shape) != array.size or len(shape) > MAX_DEPTH:
            wanted = "×".join(map(str, shape))
            raise BlockError(
                f"The text says {wanted}, but it holds {array.size:,} numbers.", self.line, 1
            )
        return array.reshape(shape)
