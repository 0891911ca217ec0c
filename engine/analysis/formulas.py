"""Formulas as text: symbolic, with numbers, and evaluated exactly.

A formula has its inputs in braces, ``{R} / {S}``. With numbers it is a claim, and ``worked`` finds
the digits with which the claim is true: computed in exact fractions from the numbers as printed,
the left side gives the right side to its last printed digit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from quantoscope.engine.quantizers import Stage
from quantoscope.engine.text.number_text import MOST_DIGITS, short

Number = Fraction | float
"""An exact number; a float if it is NaN or infinite."""
Functions = Mapping[str, Callable[[Number], Number]]

_FIELD = re.compile(r"\{(\w+)\}")
_NAMES = {"reconstructed": "R′", "maxR": "max|R|", "peakR": "R of max|R|", "S0": "S₀"}
LEAST_DIGITS = 3
"""A result is not rounded to fewer digits than these while its formula can be made true in
another way."""
DIGITS_OF_A_DOUBLE = 25
"""Maximum digits; more change no quotient of two float64 numbers."""


def symbolic(
    formula: str, stages: Sequence[Stage] = (), names: Mapping[str, str] | None = None
) -> str:
    """Return the formula in symbols, with earlier stages written out.

    ``names`` has symbols that differ from the default.
    """
    earlier = {stage.key: stage for stage in stages}
    known = _NAMES | dict(names or {})

    def name(match: re.Match[str]) -> str:
        key = match[1]
        if key in known:
            return known[key]
        return symbolic(earlier[key].formula, stages, names) if key in earlier else key

    return _FIELD.sub(name, formula)


# A formula as a tree


@dataclass(frozen=True)
class Node:
    """An operation, function, name or number."""

    kind: str
    """``name``, ``number``, ``negative``, ``parentheses``, ``power`` (of 2), ``floor``,
    ``ceiling``, one of ``+ − · /``, or the name of a function."""
    parts: tuple[Node, ...] = ()
    text: str = ""
    """Text of a name or a number."""

    def names(self) -> Iterator[str]:
        """Yield the names in the formula."""
        if self.kind == "name":
            yield self.text
        for part in self.parts:
            yield from part.names()


_TOKEN = re.compile(r"\s*(?:\{(\w+)\}|([0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?)|([A-Za-z][\w↑]*)|(\S))")
_OPERATIONS = ("+", "−", "·", "/")
_ENDS = {"floor": ("⌊", "⌋"), "ceiling": ("⌈", "⌉")}


class _Reader:
    """Recursive descent parser of formulas."""

    def __init__(self, formula: str) -> None:
        self._tokens = [m for m in _TOKEN.finditer(formula)]
        self._at = 0

    def all(self) -> Node:
        node = self._sum()
        if self._at != len(self._tokens):
            raise ValueError(f"a formula goes on with {self._tokens[self._at][0]!r}")
        return node

    def _sign(self) -> str:
        return self._tokens[self._at][4] or "" if self._at < len(self._tokens) else ""

    def _take(self, sign: str) -> None:
        if self._sign() != sign:
            raise ValueError(f"a formula lacks {sign!r}")
        self._at += 1

    def _chain(self, signs: str, part: Callable[[], Node]) -> Node:
        node = part()
        while self._sign() and self._sign() in signs:
            sign = self._sign()
            self._at += 1
            node = Node(sign, (node, part()))
        return node

    def _sum(self) -> Node:
        return self._chain("+−", self._product)

    def _product(self) -> Node:
        return self._chain("·/", self._single)

    def _single(self) -> Node:
        name, number, word, sign = self._tokens[self._at].groups()
        self._at += 1
        if name:
            return Node("name", text=name)
        if number:
            if number == "2" and self._sign() == "^":
                self._at += 1
                return Node("power", (self._single(),))
            return Node("number", text=number)
        if word == "log2" and self._sign() != "(":
            return Node("log2", (self._single(),))
        if word:
            return Node(word, tuple(self._arguments()))
        if sign == "−":
            return Node("negative", (self._single(),))
        for kind, (opening, closing) in (*_ENDS.items(), ("parentheses", ("(", ")"))):
            if sign == opening:
                inner = self._sum()
                self._take(closing)
                return Node(kind, (inner,))
        raise ValueError(f"a formula has {sign!r} where a number should be")

    def _arguments(self) -> Iterator[Node]:
        self._take("(")
        yield self._sum()
        while self._sign() == ",":
            self._at += 1
            yield self._sum()
        self._take(")")


@lru_cache(maxsize=512)
def parsed(formula: str) -> Node:
    """Parse a formula to a tree.

    Raises
    ------
    ValueError
        If it is invalid.
    """
    return _Reader(formula).all()


def written(node: Node, texts: Mapping[str, str]) -> str:
    """Return a formula with texts in place of its names.

    A negative number after an operator is put in parentheses.
    """
    inner = [written(part, texts) for part in node.parts]
    if node.kind == "name":
        return texts[node.text]
    if node.kind == "number":
        return node.text
    if node.kind in _OPERATIONS:
        right = f"({inner[1]})" if inner[1].startswith("-") else inner[1]
        return f"{inner[0]} {node.kind} {right}"
    if node.kind == "negative":
        return f"−{inner[0]}"
    if node.kind == "parentheses":
        return f"({inner[0]})"
    if node.kind == "power":
        return f"2^{inner[0]}"
    if node.kind in _ENDS:
        opening, closing = _ENDS[node.kind]
        return f"{opening}{inner[0]}{closing}"
    if node.kind == "log2" and node.parts[0].kind != "parentheses" and " " not in inner[0]:
        return f"log2 {inner[0]}"
    return f"{node.kind}({', '.join(inner)})"


def rounded_in(node: Node, precisions: Mapping[str, str], whole: Iterable[str] = ()) -> Node:
    """Return a formula that states the precision in which each operation is rounded.

    ``precisions`` has a precision such as ``float32`` by operation; others are exact. ``whole`` are
    the names of integers, whose sums and differences are exact.
    """
    exact = set(whole)

    def is_whole(part: Node) -> bool:
        if part.kind == "number":
            return "." not in part.text and "e" not in part.text
        if part.kind == "name":
            return part.text in exact
        return part.kind in ("+", "−", "parentheses", "negative") and all(map(is_whole, part.parts))

    def wrapped(part: Node) -> Node:
        made = Node(part.kind, tuple(map(wrapped, part.parts)), part.text)
        kind = precisions.get(part.kind)
        return made if kind is None or is_whole(part) else Node(kind, (_bare(made),))

    return wrapped(node)


def _bare(node: Node) -> Node:
    return node.parts[0] if node.kind == "parentheses" else node


# Evaluation of formulas

_PRECISIONS = {
    "float16": (11, -14),
    "bfloat16": (8, -126),
    "float32": (24, -126),
    "float64": (53, -1022),
}
"""Mantissa bits, and exponent of the smallest normal number."""


def in_precision(x: Number, precision: str) -> Number:
    """Round a number to a precision, ties to even."""
    if not isinstance(x, Fraction) or not x:
        return x
    bits, least = _PRECISIONS[precision]
    quantum = Fraction(2) ** (max(_exponent(x), least) - bits + 1)
    rounded = round(x / quantum) * quantum
    return _infinity(x) if abs(rounded) >= Fraction(2) ** (2 - least) else rounded


def _infinity(x: Fraction) -> float:
    """Return the infinity of a number's sign, for numbers beyond float64."""
    return math.inf if x > 0 else -math.inf


def _exponent(x: Fraction) -> int:
    """Return ⌊log2|x|⌋ of a nonzero number, exactly."""
    n, d = abs(x.numerator), x.denominator
    e = n.bit_length() - d.bit_length()
    return e if abs(x) >= Fraction(2) ** e else e - 1


def _log2(x: Fraction) -> float:
    """Return log2 of a positive number, possibly beyond float64."""
    e = _exponent(x)
    return e + math.log2(x / Fraction(2) ** e)


def number_of(text: str) -> Number:
    """Return the number of a text."""
    special = {"NaN": math.nan, "∞": math.inf, "-∞": -math.inf}
    return special[text] if text in special else Fraction(text)


def _combined(kind: str, a: Number, b: Number) -> Number:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        if kind == "/":
            if b:
                return a / b
            return _infinity(a) if a else math.nan
        return a + b if kind == "+" else a - b if kind == "−" else a * b
    # With an infinity or NaN, only the sign of the other operand matters.
    x, y = (float((n > 0) - (n < 0)) if isinstance(n, Fraction) else n for n in (a, b))
    if kind == "/":
        if math.isinf(y) and not math.isinf(x) and not math.isnan(x):
            return Fraction(0)
        return x / y if y else x * math.inf
    return x + y if kind == "+" else x - y if kind == "−" else x * y


def _half_up(x: Fraction) -> int:
    return math.floor(x + Fraction(1, 2))


def _to_one_bit(x: Fraction) -> Fraction:
    """Round to one bit after the leading one, halves up, like e2m1 without its limits."""
    quantum = Fraction(2) ** (_exponent(x) - 1)
    return _half_up(x / quantum) * quantum


_WHOLE: dict[str, Callable[[Fraction], Fraction | int]] = {
    "Round": round,
    "RoundAway": lambda x: _half_up(abs(x)) * (1 if x >= 0 else -1),
    "RoundHalfDown": lambda x: -_half_up(-abs(x)) * (1 if x >= 0 else -1),
    "Trunc": math.trunc,
    "Ceil": math.ceil,
    "RoundToE2M1": lambda x: _to_one_bit(x) if x else x,
    "Pow2↑": lambda x: Fraction(2) ** (_exponent(x) + (x != Fraction(2) ** _exponent(x))),
}


def value_of(node: Node, numbers: Mapping[str, Number], functions: Functions) -> Number:
    """Return the value of a formula, exact except for the roundings it names.

    ``numbers`` has what its names stand for, ``functions`` those of formats with their own
    rounding.
    """
    if node.kind == "name":
        return numbers[node.text]
    if node.kind == "number":
        return Fraction(node.text)
    if node.kind in _ENDS and _bare(node.parts[0]).kind == "log2":
        inner = value_of(_bare(node.parts[0]).parts[0], numbers, functions)
        if not isinstance(inner, Fraction) or inner <= 0:
            return math.nan
        e = _exponent(inner)
        return Fraction(e + (node.kind == "ceiling" and inner != Fraction(2) ** e))
    inner_values = [value_of(part, numbers, functions) for part in node.parts]
    if node.kind in _OPERATIONS:
        return _combined(node.kind, *inner_values)
    x = inner_values[0]
    if node.kind == "fma":
        return _combined("+", _combined("·", x, inner_values[1]), inner_values[2])
    if node.kind == "Clip":
        low, high = inner_values[1:]
        return x if isinstance(x, float) and math.isnan(x) else min(max(x, low), high)
    if node.kind in ("max", "min"):
        return (max if node.kind == "max" else min)(inner_values)
    if node.kind in functions:
        return functions[node.kind](x)
    if not isinstance(x, Fraction):
        return -x if node.kind == "negative" else x
    if node.kind in _PRECISIONS:
        return in_precision(x, node.kind)
    if node.kind in _WHOLE:
        return Fraction(_WHOLE[node.kind](x))
    if node.kind == "log2":
        return Fraction(_log2(x)) if x > 0 else -math.inf
    if node.kind == "power":
        return Fraction(2) ** int(x) if x.denominator == 1 and abs(x) < 5000 else math.nan
    if node.kind in _ENDS:
        return Fraction((math.floor if node.kind == "floor" else math.ceil)(x))
    return -x if node.kind == "negative" else x


# Formulas with the digits that make them true


@dataclass(frozen=True)
class Worked:
    """A formula with numbers."""

    numbers: str
    result: str
    """Numbers and result: the left and the right side."""
    digits: int
    """Maximum digits of the numbers on the left."""


def text_of(value: float, digits: int) -> str:
    """Return a number to some digits; Python integers in full."""
    return str(value) if isinstance(value, int) else short(value, digits)


def gives(left: Number, right: float, digits: int) -> bool:
    """Return whether a number rounds to the printed form of another.

    It must hold for any rounding of ties: half a unit of the last digit is too far.
    """
    if not isinstance(left, Fraction):
        return left == right or (math.isnan(left) and math.isnan(right))
    if not math.isfinite(right):
        return False
    printed = Fraction(text_of(right, digits))
    if left == printed:
        return True
    if isinstance(right, int) or not right:
        return False
    unit = Fraction(10) ** (math.floor(math.log10(abs(right))) - digits + 1)
    return abs(left - printed) < unit / 2


def worked(
    node: Node,
    values: Mapping[str, float],
    result: float,
    digits: int,
    precisions: Mapping[str, str],
    functions: Functions,
    shown: Mapping[str, str] | None = None,
    least: Mapping[str, int] | None = None,
    follows: Callable[[str], bool] | None = None,
) -> Worked | None:
    """Return a formula with enough digits to be true; None if there are none.

    More digits on the left are preferred to fewer on the right, and a plain formula to one with
    stated precisions.

    Parameters
    ----------
    node : Node
    values : mapping of str to float
        What its names stand for; whole numbers that are exact are Python's.
    result : float
    digits : int
        Default number of digits.
    precisions : mapping of str to str
        Precisions of its operations, if needed.
    functions : mapping of str to callable
        Of formats with a rounding of their own.
    shown : mapping of str to str, optional
        Texts of earlier results, which are reused if true.
    least : mapping of str to int, optional
        Minimum digits by name, and of the result under an empty name.
    follows : callable, optional
        Whether the next line follows from the text of the result.
    """
    names = set(node.names())
    mine = {name: values[name] for name in names}
    least = least or {}
    first = max(digits, least.get("", 0))
    more = range(first, MOST_DIGITS + 1)
    fewer = range(first - 1, 0, -1)
    whole = [name for name, value in mine.items() if isinstance(value, int)]
    wrapped = rounded_in(node, precisions, whole)
    near = [k for k in (first, first + 1, *fewer[:2]) if k >= LEAST_DIGITS]
    tries = [(node, near), (wrapped, more), (node, more), (node, fewer), (wrapped, fewer)]
    left_sides: dict[tuple[int, int], tuple[str, Number]] = {}

    def left(number: int, tree: Node, enough: int) -> tuple[str, Number]:
        if (number, enough) not in left_sides:
            texts = {
                name: text_of(value, max(enough, least.get(name, 0)))
                for name, value in mine.items()
            }
            if enough == digits:
                texts |= {name: text for name, text in (shown or {}).items() if name in names}
            known = {name: number_of(text) for name, text in texts.items()}
            left_sides[number, enough] = written(tree, texts), value_of(tree, known, functions)
        return left_sides[number, enough]

    for tree, enough_right in tries:
        form = 0 if tree is node else 1
        for right in enough_right:
            text = text_of(result, right)
            if follows is not None and not follows(text):
                continue
            for enough in range(digits, DIGITS_OF_A_DOUBLE + 1):
                numbers, value = left(form, tree, enough)
                if gives(value, result, right):
                    return Worked(numbers, text, enough)
    return None
