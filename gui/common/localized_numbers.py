"""Numbers as text for display, files and editors."""

from __future__ import annotations

import math
import re
from datetime import datetime

import numpy as np
from PySide6.QtCore import QCoreApplication

from quantoscope.engine.analysis.summary import Summary
from quantoscope.engine.notes import Note
from quantoscope.engine.text.number_parsing import AmbiguousNumber, NumberError, parse_number
from quantoscope.engine.text.number_text import digits_apart as digits_apart
from quantoscope.engine.text.number_text import digits_within as digits_within
from quantoscope.engine.text.number_text import exact as exact
from quantoscope.engine.text.number_text import full as full
from quantoscope.engine.text.number_text import position_text as position_text
from quantoscope.engine.text.number_text import short as short


def of_data(value: np.generic | float, summary: Summary, digits: int) -> str:
    """Return a value of an array as text, with enough digits for data with a large offset."""
    return short(value, digits_within(value, summary.high - summary.low, digits))


def as_typed(number: float) -> str:
    """Return the shortest text of a number for editing."""
    return full(float(number)).removesuffix(".0")


def typed_number(text: str) -> float | str:
    """Return the number in a typed text, or a sentence on why it is not one."""
    try:
        return parse_number(text)
    except AmbiguousNumber as error:
        readings = map(as_typed, error.readings)
        question = QCoreApplication.translate("numbers", "%1 can mean %2 or %3: type one of these.")
        return filled(question, text, *readings)
    except NumberError as error:
        return str(error)


def told(note: Note) -> str:
    """Return an engine note, translated."""
    return filled(QCoreApplication.translate("notes", note.text), *note.parts)


def tidy(value: float, dtype: np.dtype[np.floating]) -> float:
    """Return the float with the shortest text that equals ``value`` in a precision."""
    return float(full(dtype.type(value)))


def snapped(value: float, resolution: float) -> float:
    """Round a number to the decimal place below a resolution, such as a pixel's width."""
    if not (math.isfinite(value) and 0 < resolution < math.inf):
        return value
    return float(f"{value:.{max(0, -math.floor(math.log10(resolution)))}f}")


def percent(part: float, whole: float) -> str:
    """Return a share in per cent with a suitable number of digits."""
    share = 100 * part / whole if whole else 0.0
    if not math.isfinite(share):
        return "–"
    if share == int(share):
        return f"{int(share)} %"
    if share > 99:
        # Do not round less than all up to 100 %.
        return f"{math.floor(share * 10) / 10:.1f} %"
    return f"{share:.3g} %" if share < 10 else f"{share:.0f} %"


def parts(share: float) -> str:
    """Return a number of values, possibly fractional: to a tenth, of a thousand and more to one."""
    if abs(share - round(share)) < 1e-6:
        return f"{round(share):,}"
    if share >= 1000:
        return f"{share:,.0f}"
    return "< 0.1" if share < 0.05 else f"{share:,.1f}"


def decibels(db: float, places: int = 1) -> str:
    """Return an SQNR to a tenth of a dB; ∞ without error, – if there is none."""
    if not math.isfinite(db):
        return "–" if math.isnan(db) else "∞" if db > 0 else "−∞"
    return f"{db:z.{places}f}".replace("-", "−")


def gain_text(db: float) -> str:
    """Return a difference in dB with its sign: to a tenth, below that to a hundredth."""
    if abs(db) < 0.005:
        return "±0"
    text = f"{db:+.1f}" if abs(db) >= 0.05 else f"{db:+.2f}"
    return text.replace("-", "−")


def bits_text(bits: float) -> str:
    """Return bits per value to a hundredth, without zeros at the end."""
    return f"{bits:.2f}".rstrip("0").rstrip(".")


def clock(time: float) -> str:
    """Return a time in seconds as local date and time."""
    return datetime.fromtimestamp(time).strftime("%Y-%m-%d %H:%M:%S")


def filled(text: str, *parts: object) -> str:
    """Fill the marks ``%1``, ``%2`` and so on of a translated text."""
    return re.sub(r"%([1-9])", lambda mark: str(parts[int(mark[1]) - 1]), text)
