"""The waterfall in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from quantoscope.engine.analysis.verdict import Few
from quantoscope.engine.analysis.waterfall import Gain, Problem, Waterfall
from quantoscope.engine.quantizers.base import Choice
from quantoscope.gui.common.localized_numbers import bits_text, decibels, filled, gain_text

SPREAD = 0.1
"""Minimum spread in dB over the orders that is told."""
NEGLIGIBLE = 0.1
"""Maximum gain in dB of a choice that can be left out."""
LONGEST = 26
"""Maximum length of an option as the name of a choice."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("waterfall", text)


def name_of(choice: Choice) -> str:
    """Return a choice by its new option, or by its title if that is long."""
    return choice.second if len(choice.second) <= LONGEST else choice.title


def spread(gain: Gain) -> str:
    """Return the range of a gain over all orders; empty if they agree."""
    if gain.most - gain.least < SPREAD:
        return ""
    return filled(_tr("%1 to %2 by order"), *spread_ends(gain))


def spread_ends(gain: Gain) -> tuple[str, str]:
    """Return the smallest and the largest gain in any order."""
    return gain_text(gain.least), gain_text(gain.most)


def told(made: Waterfall, first: str, second: str, others: bool, few: Few | None) -> str:
    """Return the way from one scheme to another as sentences.

    Parameters
    ----------
    made : Waterfall
    first, second : str
        Names of the schemes.
    others : bool
        Whether the figures leave out the few values.
    few : Few or None
    """
    problem = made.problem(others)
    if problem is Problem.EQUAL:
        text = _tr("%1 and %2 differ in no choice that changes a value.")
        return filled(text, first, second)
    if problem is Problem.NO_WAY:
        text = _tr("Every way from %1 to %2 leads through a scheme that cannot be applied here.")
        return filled(text, first, second)
    if problem is Problem.EXACT:
        exact = next(one for one in made.corners.values() if one.db(others) > 1e300)
        text = _tr("%1 loses nothing: its SQNR is ∞ dB, and gains up to it have no number.")
        return filled(text, {0: first, made.full: second}.get(exact.made, exact.name))
    if problem is Problem.SILENT:
        return _tr("There is no signal to compare the noise with: gains have no number.")
    gains, parts = made.gains(others), [_difference(made, first, second, others)]
    if others and few is not None:
        text = _tr("Without the %1 values that set the range:")
        if few.count == 1:
            text = _tr("Without the value that sets the range:")
        parts.insert(0, filled(text, few.count))
    if len(gains) > 1:
        telling = [gain for gain in gains if max(-gain.least, gain.most) >= NEGLIGIBLE]
        parts += [_means(telling, len(gains) - len(telling))]
        parts += [_reversal(gain) for gain in telling if gain.alone <= -NEGLIGIBLE < 0 < gain.mean]
        parts.append(_idle(telling))
    return " ".join(part for part in parts if part)


def _means(gains: Sequence[Gain], silent: int) -> str:
    """Return what each choice brings, and how many bring nothing worth telling."""
    words: list[str] = []
    for gain in gains:
        between = spread(gain)
        if between and words:
            between = filled(_tr("%1 to %2"), *spread_ends(gain))
        text = _tr("%1 brings %2 dB") if not words else _tr("%1 %2")
        if between:
            text = _tr("%1 brings %2 dB (%3)") if not words else _tr("%1 %2 (%3)")
        words.append(filled(text, name_of(gain.choice), gain_text(gain.mean), between))
    listed = f"{', '.join(words)}." if words else ""
    if not silent:
        return listed
    text = _tr("%1 other choices bring less than %2 dB in any order.")
    if silent == 1:
        text = _tr("The other choice brings less than %2 dB in any order.")
    if not words:
        text = _tr("None of the %1 choices brings %2 dB in any order.")
    return f"{listed} {filled(text, silent, f'{NEGLIGIBLE:g}')}".strip()


def _difference(made: Waterfall, first: str, second: str, others: bool) -> str:
    by = made.difference(others)
    bits = bits_text(made.start.bits), bits_text(made.end.bits)
    if abs(by) < 5e-7:
        text = _tr("%1 loses as much as %2")
    elif by > 0:
        text = _tr("%1 loses %3 dB less than %2")
    else:
        text = _tr("%1 loses %3 dB more than %2")
    text = filled(text, second, first, gain_text(abs(by)).lstrip("+"))
    cost = _tr("at %1 bits") if bits[0] == bits[1] else _tr("at %1 against %2 bits")
    return f"{text}, {filled(cost, bits[1], bits[0])}."


def _reversal(gain: Gain) -> str:
    """Return the warning that a choice costs by itself what it brings among others."""
    return filled(
        _tr("%1 alone costs %2 dB."), name_of(gain.choice), gain_text(-gain.alone).lstrip("+")
    )


def _idle(gains: Sequence[Gain]) -> str:
    """Return which choices bring nothing after all others."""
    idle = [gain for gain in gains if gain.last < NEGLIGIBLE]
    if not idle:
        return ""
    if len(idle) == 1:
        only = idle[0]
        text = _tr("%1 after all others brings %2 dB: leave it out.")
        if only.last < 0:
            text = _tr("%1 after all others costs %2 dB: leave it out.")
        return filled(text, name_of(only.choice), gain_text(abs(only.last)).lstrip("+"))
    words = [f"{name_of(gain.choice)} {gain_text(gain.last)} dB" for gain in idle]
    text = _tr("After all others, %1: each of them can be left out while the rest stays.")
    return filled(text, ", ".join(words))


def corner_db(db: float, other: float = math.nan) -> str:
    """Return an SQNR with its unit: to a hundredth if it is that near to another, as its gain."""
    return filled(_tr("%1 dB"), decibels(db, 2 if 0.005 <= abs(db - other) < 0.05 else 1))
