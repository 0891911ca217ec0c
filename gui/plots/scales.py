"""Curved scales of axes: logarithmic, and linear up to a reach and logarithmic beyond."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from quantoscope.gui.common.localized_numbers import short
from quantoscope.gui.plots.axis import log_ticks, tick_text
from quantoscope.gui.plots.spans import LARGEST, Curved, Ticks, Unit

AUTO, LINEAR, LOG, SYMLOG = "auto", "linear", "log", "symlog"
NONE = math.log10(0.5)
"""Where a logarithmic axis of counts has 0."""
SHARE = 0.9
"""Length of each logarithmic part of the full range, in halves of the linear part, at most."""
DECADE = 0.45
"""Length of a decade, in halves of the linear part, at most."""


@dataclass(frozen=True)
class LogCounts(Curved):
    """Counts drawn at their decimal logarithm; 0 is drawn a little below 1."""

    def down(self, values: ArrayLike) -> np.ndarray:
        counts = np.asarray(values, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(counts > 0, np.log10(counts), NONE)

    def up(self, values: ArrayLike) -> np.ndarray:
        return 10.0 ** np.clip(np.asarray(values, float), -300.0, 300.0)

    def ticks(self, low: float, high: float, apart: float) -> Ticks:
        found = log_ticks(max(low, -0.01), max(high, 0.01), apart)
        return [(at, _count_text(at)) for at, _ in found if abs(10**at - round(10**at)) < 1e-6]


def _count_text(log: float) -> str:
    count = round(10**log)
    return f"{count:,}" if count < 1_000_000 else tick_text(float(count), float(count))


@dataclass(frozen=True)
class Symlog(Curved):
    """Linear up to a magnitude, drawn at ±1, and logarithmic beyond."""

    reach: float = 1.0
    """Magnitude at the ends of the linear part, in the unit of the data."""
    decade: float = DECADE
    """Drawn length of a decade."""

    def down(self, values: ArrayLike) -> np.ndarray:
        wide = np.asarray(values, float)
        with np.errstate(all="ignore"):
            inner = wide / self.reach
            size = np.log10(np.abs(wide)) - math.log10(self.reach)
            outer = np.copysign(1 + self.decade * size, wide)
            return np.where(np.abs(wide) > self.reach, outer, inner)

    def up(self, values: ArrayLike) -> np.ndarray:
        drawn = np.asarray(values, float)
        with np.errstate(all="ignore"):
            log = (np.abs(drawn) - 1) / self.decade + math.log10(self.reach)
            outer = np.copysign(10.0 ** np.clip(log, -323.0, 308.2), drawn)
            found = np.where(np.abs(drawn) > 1, outer, drawn * self.reach)
        return np.where(np.isfinite(drawn), np.clip(found, -LARGEST, LARGEST), drawn)

    def ticks(self, low: float, high: float, apart: float) -> Ticks:
        start, stop = max(low, -1.0), min(high, 1.0)
        found: Ticks = []
        if start < stop:
            found += [
                (float(sign), short(sign * self.reach, 3))
                for sign in (-1, 1)
                if low <= sign <= high
            ]
            least = 1.3 * min(apart, (stop - start) / 2.6)
            step = round_step(least * self.reach)
            first = math.ceil(start * self.reach / step - 1e-9)
            last = math.floor(stop * self.reach / step + 1e-9)
            for place in range(first, last + 1):
                drawn = place * step / self.reach
                if all(abs(drawn - other) >= 0.9 * apart for other, _ in found):
                    found.append((drawn, tick_text(place * step, step)))
        log = math.log10(self.reach)
        for sign, begin, end in ((1, max(low, 1.0), high), (-1, max(-high, 1.0), -low)):
            if begin >= end:
                continue
            ends = ((begin - 1) / self.decade + log, (end - 1) / self.decade + log)
            far = apart / self.decade
            # At least one, or the part says nothing of how far it goes.
            for at, text in log_ticks(*ends, far) or _round_logs(*ends):
                drawn = sign * (1 + self.decade * (at - log))
                if all(abs(drawn - other) >= 0.9 * apart for other, _ in found):
                    found.append((drawn, f"-{text}" if sign < 0 else text))
        return sorted(found)


def _round_logs(low: float, high: float) -> Ticks:
    """Return logarithms and labels of 1, 2 and 5 of every decade, the largest first."""
    decades = range(math.floor(high), math.floor(low) - 1, -1)
    numbers = [float(f"{digit}e{decade}") for decade in decades for digit in (5, 2, 1)]
    logs = [(math.log10(number), short(number, 3)) for number in numbers if 0 < number < LARGEST]
    return [(at, text) for at, text in logs if low <= at <= high]


def symlog(reach: float, farthest: float) -> Symlog:
    """Return the scale that is linear up to a magnitude and shows another one too."""
    decades = max(math.log10(farthest) - math.log10(reach), 1e-3)
    return Symlog(reach=reach, decade=min(DECADE, SHARE / decades))


def round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5, 10, … times a power of ten that is not below a number."""
    exponent = math.floor(math.log10(least))
    return next(s for d in (1, 2, 5, 10) if (s := float(f"{d}e{exponent}")) >= least * 0.999)


DYNAMIC = 200
"""Counts that differ by such a factor have a logarithmic axis."""


def count_unit(choice: str, counts: np.ndarray, dynamic: float = DYNAMIC) -> Unit:
    """Return the scale of an axis of counts: that chosen, or the one that they need."""
    seen = counts[counts > 0]
    needed = choice == AUTO and seen.size > 0 and seen.max() >= dynamic * seen.min()
    return LogCounts() if choice == LOG or needed else Unit()


def with_headroom(unit: Unit, most: float, share: float) -> tuple[float, float]:
    """Return the range of an axis of counts with room above for labels."""
    low, high = unit.down_pair(0.0, max(1.0, most))
    return 0.0, unit.up_to(high + share * (high - low))
