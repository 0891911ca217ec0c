"""What a number line says: heads of lanes, texts of lenses, and the sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from quantoscope.engine import QUANTIZERS
from quantoscope.gui.common.localized_numbers import filled, short
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.number_line_data import Dot, Fate, Lane

SIGNIFICANT = 3
"""Digits of an error in steps."""
HALF = 0.5 * (1 + 1e-6)
"""Half a step, with the rounding of float32 arithmetic."""
NAMED = 2
"""Maximum number of schemes that are named with what they clip."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("number_line", text)


@dataclass(frozen=True)
class Head:
    """Texts of the head of a lane."""

    name: str
    facts: tuple[str, ...]
    """In the order in which they matter."""
    note: str
    """What becomes of the values."""
    brief: str
    """The same in less room; empty where it may be left out."""
    alarm: bool
    """Whether the note is about clipped values."""
    figure: str
    """SQNR."""
    names: tuple[str, ...] = ()
    """Names of all lanes, which differ when they are shortened, too."""


def head_of(data: PlotData, lane: Lane) -> Head:
    """Return the head of a lane."""
    series = lane.series
    p = series.p
    facts = [f"S = {short(p.scale, data.digits)}"]
    offset = QUANTIZERS[p.mapping].offset_formula()
    if offset:
        facts.append(f"m = {short(p.offset, data.digits)}")
    elif p.format.integer:
        facts.append(f"Z = {short(p.zero_point, data.digits)}")
    if lane.levels.size:
        first, last = lane.label(0), lane.label(lane.levels.size - 1)
        low, high = data.number(lane.levels[0]), data.number(lane.levels[-1])
        facts.append(filled(_tr("codes %1 … %2 reach %3 … %4"), first, last, low, high))
    else:
        facts.append(_tr("no code has a finite level"))
    figures = series.figures
    clipped = int(figures.get("clipped_low", 0) + figures.get("clipped_high", 0))
    if clipped:
        note = filled(_tr("▼ clips %1 of %2"), f"{clipped:,}", f"{data.values.size:,}")
    elif lane.unused_count:
        one = lane.unused_count == 1
        note = _tr("1 code unused") if one else _tr("%1 codes unused")
        note = filled(note, f"{lane.unused_count:,}")
    else:
        note = _tr("only rounding")
    sqnr = figures.get("sqnr", math.nan)
    figure = "" if math.isnan(sqnr) else f"{sqnr:.1f} dB" if math.isfinite(sqnr) else "∞ dB"
    brief = f"▼ {clipped:,}" if clipped else ""
    names = tuple(each.name for each in data.series)
    return Head(series.name, tuple(facts), note, brief, bool(clipped), figure, names)


def signed(number: float, digits: int = SIGNIFICANT) -> str:
    """Return a number with its sign."""
    text = short(number, digits)
    return f"+{text}" if number > 0 else text


def in_steps(lane: Lane, fate: Fate, sign: bool = True) -> str:
    """Return an error in steps, to three decimal places or as many digits; empty without any."""
    steps = fate.steps
    if not math.isfinite(steps):
        return ""
    text = signed(steps)
    if 0.01 <= abs(steps) < 1:
        text = f"{steps:+.3f}"
    elif 1000 <= abs(steps) < 1e7:
        text = f"{steps:+,.0f}"
    return f"{text if sign else text.lstrip('+-')} {lane.unit}"


def error_text(lane: Lane, fate: Fate, digits: int) -> str:
    """Return the error of a value that is rounded."""
    if fate.error == 0:
        return _tr("exact: error 0")
    steps = in_steps(lane, fate)
    return filled(_tr("error %1"), steps or signed(fate.error, digits))


def clipped_text(lane: Lane, fate: Fate, digits: int) -> str:
    """Return the error of a clipped value, in the unit of R and in steps."""
    steps = in_steps(lane, fate)
    equal = f" = {steps}" if steps else ""
    return filled(_tr("clipped: %1%2"), signed(fate.error, digits), equal)


def end_text(fate: Fate) -> str:
    """Say which code ends the range at which a value is clipped."""
    text = _tr("the last code is %1") if fate.side > 0 else _tr("the first code is %1")
    return filled(text, fate.label)


def away_text(lane: Lane, fate: Fate) -> str:
    """Say how far the code of a clipped value is; empty where that has no unit."""
    steps = in_steps(lane, fate, sign=False)
    return filled(_tr("%1 is %2 away"), fate.label, steps) if steps else ""


def unused_text(count: int) -> str:
    """Say how many codes no value has."""
    return filled(_tr("%1 unused"), f"{count:,}")


def elsewhere_text(fate: Fate) -> str:
    """Say that a value has the parameters of another channel."""
    return filled(_tr("in %1, with another S"), fate.channel)


def magnification_text(times: float) -> str:
    """Return a magnification."""
    return f"{times:,.0f} ×" if 1000 <= times < 1e6 else f"{short(times, 3)} ×"


# The sentence


def sentence(
    data: PlotData, dots: Sequence[Dot], lanes: Sequence[Lane], hidden: int, whole: int
) -> str:
    """Return what the number line shows, in one or two sentences.

    Parameters
    ----------
    data : PlotData
    dots : sequence of Dot
        The values shown.
    lanes : sequence of Lane
        The lanes shown.
    hidden : int
        Number of schemes without room.
    whole : int
        Number of schemes.
    """
    if not dots:
        return _tr("The number line appears with the first value.")
    if not lanes:
        return _tr("Switch on a scheme to see what becomes of each value.")
    said = [_clipped(data, dots, lanes)]
    if len(dots) < data.values.size:
        text = _tr("Shown are %1 to %2 of %3 values.")
        ends = dots[0].name, dots[-1].name
        said.insert(0, filled(text, *ends, f"{data.values.size:,}"))
    if hidden:
        text = _tr("%1 of %2 schemes have no room here.")
        if hidden == 1:
            text = _tr("%1 of %2 schemes has no room here.")
        said.append(filled(text, hidden, whole))
    lost = sum(math.isnan(dot.value) for dot in dots)
    if lost == 1:
        said.append(_tr("NaN has no place on the line."))
    elif lost:
        said.append(filled(_tr("%1 values are NaN and have no place on the line."), lost))
    return " ".join(said)


def _clipped(data: PlotData, dots: Sequence[Dot], lanes: Sequence[Lane]) -> str:
    """Say what is clipped, and how large every other error is."""
    clips = [(lane, _worst(lane)) for lane in lanes if _cut(lane)]
    pieces = []
    for lane, worst in clips[:NAMED]:
        count, name, fate = len(_cut(lane)), lane.series.entry.name, lane.fates[worst]
        by = in_steps(lane, fate, sign=False) or short(abs(fate.error), data.digits)
        if count == 1:
            told = _tr("%1 clips %2 by %4")
        elif math.isfinite(fate.error):
            told = _tr("%1 clips %3 of these values, %2 the most: by %4")
        else:
            told = _tr("%1 clips %3 of these values")
        pieces.append(filled(told, name, dots[worst].text, count, by))
    if len(clips) > NAMED:
        more = len(clips) - NAMED
        pieces.append(
            _tr("one more scheme clips too")
            if more == 1
            else filled(_tr("%1 more schemes clip too"), more)
        )
    bound, all_ = _bound(lanes), len(dots) == data.values.size
    if not pieces:
        if bound is None:
            return (
                _tr("Nothing is clipped, and no value has an error.")
                if all_
                else _tr("None of these is clipped, and none has an error.")
            )
        rounded = _tr("Nothing is clipped: every error is rounding%1.")
        some = _tr("None of these is clipped: every error of theirs is rounding%1.")
        return filled(rounded if all_ else some, bound)
    if bound is not None:
        pieces.append(filled(_tr("every other error is rounding%1"), bound))
    elif any(not (fate.side or math.isnan(fate.error)) for lane in lanes for fate in lane.fates):
        pieces.append(_tr("no other value has an error"))
    return "; ".join(pieces) + "."


def _cut(lane: Lane) -> list[int]:
    """Return the clipped values, by index."""
    return [i for i, fate in enumerate(lane.fates) if fate.side]


def _worst(lane: Lane) -> int:
    """Return the clipped value with the largest error, a finite one if there is any."""
    return max(
        _cut(lane), key=lambda i: (math.isfinite(lane.fates[i].error), abs(lane.fates[i].error))
    )


def _bound(lanes: Sequence[Lane]) -> str | None:
    """Return the largest error of rounding in steps, as text; None if no value has an error."""
    rounded = [(lane, f) for lane in lanes for f in lane.fates if f.error and not f.side]
    rounded = [(lane, f) for lane, f in rounded if math.isfinite(f.error)]
    if not rounded:
        return None
    if not all(math.isfinite(f.steps) for _, f in rounded):
        return ""
    worst = max(abs(f.steps) for _, f in rounded)
    units = {lane.unit for lane, _ in rounded}
    unit = units.pop() if len(units) == 1 else _tr("step")
    if worst <= HALF:
        return filled(_tr(", at most ½ %1"), unit)
    return filled(_tr(", at most %1 %2"), f"{math.ceil(worst * 1000) / 1000:g}", unit)
