"""Format numbers as text: to significant digits, in full, or with enough digits to differ."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

MOST_DIGITS = 17
"""Significant digits that distinguish any two float64 numbers."""
LARGE = 10**MOST_DIGITS
"""Smallest integer that is shortened like other numbers."""
MOST_DIGITS_SINGLE = 9
"""Significant digits that distinguish any two float32 numbers."""


def short(value: np.generic | float, digits: int) -> str:
    """Return a number to ``digits`` significant digits, without trailing zeros.

    Integer types are counts, codes or positions and keep all digits.
    """
    if isinstance(value, int | np.integer) and abs(int(value)) < LARGE:
        return str(int(value))
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "∞" if number > 0 else "-∞"
    if number == int(number) and abs(number) < 10**digits:
        return str(int(number))
    text = f"{number:.{digits}g}"
    mantissa, e, exponent = text.partition("e")
    if "." in mantissa and e:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def full(value: np.generic | float) -> str:
    """Return the shortest text that reads back as the same number in its precision."""
    if isinstance(value, np.floating):
        return (
            np.format_float_scientific(value, trim="-", exp_digits=1)
            if _wants_exponent(value)
            else np.format_float_positional(value, trim="-")
        )
    return repr(value)


def exact(value: np.generic | float) -> str:
    """Return a number with all digits for display; NaN and infinity as symbols."""
    return full(value) if math.isfinite(value) else short(float(value), MOST_DIGITS)


def _wants_exponent(value: np.floating) -> bool:
    magnitude = abs(float(value))
    return magnitude != 0 and math.isfinite(magnitude) and not 1e-5 <= magnitude < 1e16


def values_text(shape: Sequence[int]) -> str:
    """Return the number of values of a shape with its noun, such as ``4×300 values``."""
    return "×".join(map(str, shape)) + " values" if shape else "1 value"


def position_text(index: int, shape: Sequence[int]) -> str:
    """Return a flat position for display: an integer, or one index per axis in brackets."""
    if len(shape) <= 1:
        return str(int(index))
    return f"[{', '.join(str(int(i)) for i in np.unravel_index(int(index), tuple(shape)))}]"


def digits_apart(values: Iterable[float], digits: int) -> int:
    """Return the number of significant digits in which all different values look different.

    Used for tick labels, handles, or the numbers of one sentence, all written by ``short``
    with that many digits.

    Parameters
    ----------
    values : iterable of float
        May include NaN and infinities.
    digits : int
        Lower bound of the result.

    Returns
    -------
    int
        From ``digits`` to 17, which distinguishes any two float64 numbers.

    Examples
    --------
    >>> digits_apart([1e9, 1e9 + 0.001], 6)
    13
    """
    different = {float(value) for value in values}
    different = {value for value in different if not math.isnan(value)}
    for enough in range(digits, MOST_DIGITS):
        if len({short(value, enough) for value in different}) == len(different):
            return enough
    return max(digits, MOST_DIGITS)


def digits_within(value: np.generic | float, span: float, digits: int) -> int:
    """Return the number of significant digits for a value of data with a large offset.

    Digits that all values share carry no information. So ``digits`` are counted from where
    values begin to differ, the leading digit of their range: values near 0 keep that
    many, 1,000,000,000.0004 of data within 0.001 of each other gets as many more as it takes.

    Parameters
    ----------
    value : float
    span : float
        Largest minus smallest finite value of the data; 0 or NaN if there is no such range.
    digits : int
        Digits of numbers without an offset.

    Returns
    -------
    int
        From ``digits`` to 17, or to 9 for float32: no more than needed to be exact.
    """
    magnitude = abs(float(value))
    most = MOST_DIGITS_SINGLE if isinstance(value, np.float32) else MOST_DIGITS
    if digits >= most or not (0 < span < magnitude < math.inf):
        return digits
    beyond = math.floor(math.log10(magnitude)) - math.floor(math.log10(span))
    enough = min(max(most, digits), digits + beyond)
    kind = np.float32 if isinstance(value, np.float32) else float
    # Fewer digits suffice if they read back as the same number.
    same = (d for d in range(digits, enough) if kind(short(value, d)) == value)
    return next(same, enough)
