"""Arrays as programs write them: Python lists, NumPy and PyTorch output, JSON, C initialisers.

Nothing of such a text is ever run. It is cut into tokens and read in one loop with a stack of its
own, so that time is linear in the text and its depth is bounded.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine import cancellation
from engine.literal_words import (
    ASSIGNED,
    CALLED,
    CALLS,
    CLOSES,
    CONTAINING,
    KEYWORD,
    METHOD,
    PLAIN,
    SCALAR,
    TOKEN,
    dimensions,
    number,
    word,
)
from engine.numbers import BlockError, quoted

MAX_DEPTH = 32
_PART = 1 << 16
_COMMA, _SPACE = re.compile(","), re.compile(r"\s")


@dataclass(frozen=True, eq=False)
class Literal:
    """An array read from a program's text.

    Attributes
    ----------
    values : ndarray of float64
        In the shape that brackets, ``reshape`` or a C declaration give.
    dtype : str
        The precision that the text claims, such as ``float16``; empty where it claims none.
    """

    values: NDArray[np.float64]
    dtype: str


def is_literal(text: str) -> bool:
    """Tell whether a text begins as an array in a program does, rather than as rows of cells."""
    at = _skip_blank(text, 0)
    if text[at : at + 1] in CLOSES or CONTAINING.match(text, at):
        return True
    assigned = ASSIGNED.match(text, at)
    called = CALLED.match(text, at)
    return assigned is not None or (called is not None and called[1].rpartition(".")[2] in CALLS)


def parse_literal(text: str, first_line: int = 1) -> Literal:
    """Read one array as Python, NumPy, PyTorch, JSON or C write it.

    Parameters
    ----------
    text : str
        Brackets of any kind, nested to any shape; numbers parted by commas, or by white space as
        NumPy prints them, rows by semicolons as in MATLAB; calls such as ``tensor(…)``,
        ``np.array(…, dtype=np.float32)``; declarations such as ``const float w[2][2] =``; comments.
    first_line : int
        The number of the first line, for messages.

    Raises
    ------
    BlockError
        With the place: rows of different lengths, an omission by the printer, a word where a
        number belongs, brackets that do not match.
    """
    # Blanks take the place of what is left out, so that places in messages stay right.
    plain = SCALAR.sub(_bare, text.replace("\N{MINUS SIGN}", "-"))
    return _Reader(plain, first_line).read()


def _plain_values(run: str, comma: str) -> array[float] | None:
    """Return numbers parted by commas, or by white space; None where anything else is there."""
    values = array("d")
    start = 0
    while start <= len(run):
        cancellation.check()
        # Part by part: the numbers as texts take many times what they do.
        found = (_COMMA if comma else _SPACE).search(run, start + _PART)
        end = found.start() if found else len(run)
        cells = run[start:end].split(comma or None)
        if "f" in run or "F" in run:
            cells = [cell.rstrip().removesuffix("f").removesuffix("F") for cell in cells]
        try:
            some = list(map(float, cells))
        except ValueError:
            return None
        if any(map(math.isinf, some)):
            return None
        values.extend(some)
        start = end + 1
    return values


def _bare(call: re.Match[str]) -> str:
    return " " * (call.start(1) - call.start()) + call[1] + " "


def _skip_blank(text: str, at: int) -> int:
    match = TOKEN.match(text, at)
    return match.end() if match is not None and match.lastgroup == "blank" else at


@dataclass
class _Reader:
    """The state of the loop: a stack of brackets, and how long the lists at each depth are."""

    text: str
    first_line: int
    values: array[float] = field(default_factory=lambda: array("d"))
    dtype: str = ""
    stack: list[str] = field(default_factory=list)  # brackets that are lists, or "call"
    counts: list[int] = field(default_factory=list)  # items so far of each open list
    lengths: list[int | None] = field(default_factory=list)  # of lists at each depth
    leaf: int | None = None  # how many lists a number lies in
    commas: bool | None = None  # whether commas part the items
    complete: bool = False  # whether an item has ended, with no comma after it
    last_end: int = 0  # where that item ended
    shape: tuple[int, ...] | None = None
    width: int = 0  # of the rows that semicolons end
    row_start: int = 0  # how many numbers there are before the row
    careful_until: int = 0  # where the last run that is not plain ended

    def fail(self, at: int, sentence: str) -> BlockError:
        """Return the error for a place in the text."""
        before = self.text.count("\n", 0, at)
        column = at - (self.text.rfind("\n", 0, at) + 1) + 1
        line = self.first_line + before
        return BlockError(f"Line {line}, character {column}: {sentence}", line, column)

    def read(self) -> Literal:
        """Read the whole text."""
        text, at = self.text, _skip_blank(self.text, 0)
        containing = CONTAINING.match(text, at)
        at = containing.end() if containing else at
        assigned = ASSIGNED.match(text, at)
        declared = dimensions(assigned["dims"]) if assigned else None
        at = assigned.end() if assigned else at
        for kind, start, end in cancellation.checked(self._tokens(at)):
            self._take(kind, start, end)
        if self.stack:
            raise self.fail(len(text), "the text ends before all brackets are closed.")
        if not self.values:
            raise BlockError("There are no numbers in these brackets.", self.first_line, 1)
        shape = tuple(length or 0 for length in self.lengths[: self.leaf])
        if self.width:
            shape = (len(self.values) // self.width, self.width)
        numbers = np.frombuffer(self.values).reshape(shape)
        wanted = self.shape or declared
        if wanted is not None:
            numbers = self._reshaped(numbers, wanted)
        return Literal(numbers, self.dtype)

    def _tokens(self, at: int) -> Iterator[tuple[str, int, int]]:
        """Yield what matters; keywords of a call and methods behind it are taken in here."""
        text, size = self.text, len(self.text)
        while at < size:
            if self.stack and self.stack[-1] != "call" and not self.complete:
                at = self._plain_run(at)
                if at == size:
                    return
            match = TOKEN.match(text, at)
            assert match is not None and match.lastgroup is not None
            kind, at = match.lastgroup, match.end()
            if kind == "blank":
                continue
            if kind == "comma" and self.stack and self.stack[-1] == "call" and self.complete:
                at = self._keywords(match.start())
                continue
            if kind == "word":
                blank = _skip_blank(text, at)
                if text[blank : blank + 1] == "(":
                    self._open_call(match.start(), at)
                    at = blank + 1
                    continue
            yield kind, match.start(), at
            if kind == "close":
                at = self._methods(at)

    def _plain_run(self, at: int) -> int:
        """Read plain numbers up to a closing bracket at once; return how far that went."""
        match = None if at < self.careful_until else PLAIN.match(self.text, at)
        if match is None:
            return at
        # Where this does not work out, the careful way finds the place.
        self.careful_until = match.end()
        if self.text[match.end() : match.end() + 1] not in tuple("])};"):
            return at
        run = match[0].rstrip()
        spaced = "," not in run
        values = _plain_values(run.removesuffix(","), "" if spaced else ",")
        if values is None:
            return at
        parted = None if len(values) == 1 and spaced else not spaced
        if parted is not None and self.commas not in (None, parted):
            return at
        if self.leaf not in (None, len(self.counts)):
            return at
        self.commas = parted if self.commas is None else self.commas
        self.leaf = len(self.counts)
        if self.values:
            self.values.extend(values)
        else:
            self.values = values
        self.counts[-1] += len(values)
        self.complete, self.last_end = not run.endswith(","), match.start() + len(run)
        return match.end()

    def _take(self, kind: str, start: int, end: int) -> None:
        text = self.text[start:end]
        if kind == "open":
            self._separate(start)
            self._open(start, text)
        elif kind == "close":
            self._close(start, text)
        elif kind == "number":
            self._separate(start)
            self._number(start, end, number(text))
        elif kind == "word":
            self._separate(start)
            self._number(start, end, word(text))
        elif kind == "string":
            if not (self.stack and self.stack[-1] == "call" and not self.complete):
                raise self.fail(start, f"{quoted(text[1:-1])} is text; a number is needed.")
            self._number(start, end, word(text[1:-1].strip()))
        elif kind == "comma":
            if not self.complete or not self.stack:
                what = "a number is missing before this comma."
                raise self.fail(start, what if self.stack else "a comma follows the array.")
            self.complete = False
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
        """End a row as MATLAB does: ``[1 2; 3 4]``."""
        count = len(self.values) - self.row_start
        first = self.width or count
        if count != first:
            raise self.fail(start, f"a row of {count} stands here where the first has {first}.")
        self.width, self.row_start = count, len(self.values)
        self.complete = False

    def _separate(self, start: int) -> None:
        """Check what stands between an item and the one before."""
        if not self.stack and (self.values or self.lengths):
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
        self.complete = False

    def _open_call(self, start: int, end: int) -> None:
        name = self.text[start:end]
        if name.lstrip("+-").rpartition(".")[2] not in CALLS:
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
        if CLOSES.get(opened) != bracket:
            raise self.fail(start, f"{quoted(bracket)} closes a bracket that was not opened.")
        if self.width and len(self.values) > self.row_start:
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

    def _number(self, start: int, end: int, value: float | None) -> None:
        text = self.text[start:end]
        if value is None:
            raise self.fail(start, f"{quoted(text)} is not a number.")
        if math.isinf(value) and any(c.isdigit() for c in text):
            raise self.fail(
                start, f"{quoted(text)} is too large for a float; write inf for infinity."
            )
        if self.leaf is None:
            self.leaf = len(self.counts)
        if self.leaf != len(self.counts) or len(self.lengths) > self.leaf:
            raise self.fail(start, "a number stands here where others have a list.")
        self.values.append(value)
        self._item_done(end)

    def _item_done(self, end: int) -> None:
        if self.counts:
            self.counts[-1] += 1
        self.complete, self.last_end = True, end

    def _keywords(self, at: int) -> int:
        """Take what follows the array in a call: ``, dtype=float32, device='cuda:0'``."""
        while (match := KEYWORD.match(self.text, at)) is not None:
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
        """Take what is called on an array: ``.reshape(2, 3)``, ``.astype(np.float32)``."""
        while (match := METHOD.match(self.text, at)) is not None:
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

    def _reshaped(self, array: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
        if math.prod(shape) != array.size or len(shape) > MAX_DEPTH:
            wanted = "×".join(map(str, shape))
            raise BlockError(
                f"The text says {wanted}, but it holds {array.size:,} numbers.", self.first_line, 1
            )
        return array.reshape(shape)
