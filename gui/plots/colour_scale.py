"""Colours of images: from numbers to shares of a scale, and from shares to colours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PySide6.QtGui import QColor

from quantoscope.gui.common.theme import Theme

AUTO, LINEAR, LOG, SYMLOG = "auto", "linear", "log", "symlog"
ROUNDING = 1e-5
"""How far R/S may lie beyond the last code by rounding, relatively."""
ROBUST = 0.999
"""Share of the pixels within a linear scale."""
SPOILT = 3.0
"""Automatic colours are logarithmic beyond so many times the robust end: what lies there is dark
among pale pixels."""
NEAR = 1.25
"""Up to so many times the robust end, the scale goes to the largest value instead."""
INSIDE, CAP = 0.7, 0.93
"""Share of the colours within a linear scale's ends where something lies beyond, and of its bar."""
LOG_SPAN = 1e-6
"""Smallest magnitude of a logarithmic scale, as a share of the largest."""
SHADES = 120
"""Shades on each side of a diverging map's centre, and in a sequential map: with those of special
pixels at most 256, so that files hold images with a palette."""
# Told apart by colour-blind eyes; in dark the centre is the ground and the ends are light.
_DIVERGING = (
    ("#053B66", "#0072B2", "#FFFFFF", "#D55E00", "#7A3300"),
    ("#CFE8FF", "#56A5E9", "#15181C", "#F08A3C", "#FFE3C7"),
)
_COLD = (("#E3EBF1", "#5B9BC8", "#053B66"), ("#1D2B38", "#3C86C4", "#CFE8FF"))
_WARM = (("#FCF0E6", "#E58C46", "#7A3300"), ("#33241A", "#D2722A", "#FFE3C7"))
NAN, INFINITE = ("#B0558C", "#DD8FBB"), ("#009E73", "#2CC79C")
"""Colours of pixels without a finite value, light and dark."""


@dataclass(frozen=True)
class ColourScale:
    """Numbers along a colour bar.

    Attributes
    ----------
    low, high : float
        Ends of the linear part; of a diverging scale ``low`` is −``high``.
    diverging : bool
        Whether the colours say on which side of 0 a number lies.
    kind : str
        ``linear``, ``log``, or ``symlog``: linear up to ``high``, logarithmic beyond.
    most : float
        Largest magnitude (of a sequential scale: number) of all.
    least : float
        Smallest magnitude of a logarithmic scale.
    """

    low: float
    high: float
    diverging: bool
    kind: str = LINEAR
    most: float = 1.0
    least: float = 1.0

    @property
    def beyond(self) -> bool:
        """Whether there are numbers beyond the linear part."""
        return self.most > self.high * (1 + ROUNDING)

    @property
    def capped(self) -> bool:
        """Whether what lies beyond the ends has the darkest colours for itself."""
        return self.diverging and self.beyond and self.kind == LINEAR

    def bar(self, theme: Theme, warm: bool) -> np.ndarray:
        """Return the colours along the bar as RGBA, shape (n, 4)."""
        along = np.linspace(-1 if self.diverging else 0, 1, 241)
        if self.capped:
            along = np.where(np.abs(along) <= CAP, along * INSIDE / CAP, np.sign(along))
        return coloured(along, theme, self.diverging, warm)

    @property
    def ends(self) -> tuple[float, float]:
        """Numbers at both ends of the bar."""
        top = self.high if self.kind == LINEAR else self.most
        if self.diverging:
            return -top, top
        return (self.least if self.kind == LOG else self.low), top

    def shares(self, values: np.ndarray) -> np.ndarray:
        """Return places on the scale: 0 to 1, or −1 to 1 of a diverging one; NaN stays."""
        with np.errstate(all="ignore"):
            if not self.diverging and self.kind == LINEAR:
                return np.clip((values - self.low) / (self.high - self.low), 0, 1)
            size = np.abs(values)
            if self.kind == LOG:
                span = math.log(self.most / self.least) or 1.0
                place = np.clip(np.log(size / self.least) / span, 0, 1)
            elif self.kind == SYMLOG and self.beyond:
                span = math.log(self.most / self.high)
                far = np.clip(0.5 + 0.5 * np.log(size / self.high) / span, 0, 1)
                place = np.where(size <= self.high, 0.5 * size / self.high, far)
            elif self.capped:
                place = np.where(size <= self.high, INSIDE * size / self.high, 1.0)
            else:
                place = np.clip(size / self.high, 0, 1)
            return np.copysign(place, values) if self.diverging else place


def scale_of(
    values: np.ndarray,
    diverging: bool,
    kind: str,
    least_span: float = 0.0,
    from_zero: bool = True,
    reach: float = 0.0,
    share: float = ROBUST,
) -> ColourScale:
    """Return the scale of an image.

    Parameters
    ----------
    values : ndarray
        Pixels; those that are not finite do not count.
    diverging : bool
    kind : str
        As that of ``ColourScale``, or ``auto``: linear unless a few values would spoil that.
    least_span : float
        Least width of a sequential scale, or least end of a diverging one.
    from_zero : bool
        Whether a sequential scale begins at 0.
    reach : float
        End of a diverging linear scale, if it does not follow from the values.
    share : float
        Share of the values up to which a linear scale goes.
    """
    known = values[np.isfinite(values)]
    size = np.abs(known) if diverging or from_zero else known
    if not size.size:
        return ColourScale(-1.0 if diverging else 0.0, 1.0, diverging, kind)
    most = float(size.max())
    high = _quantile(size, share)
    if kind == AUTO:
        end = SPOILT * max(high, least_span)
        spoilt = diverging and 0 < end < max(reach, most)
        kind, high = (SYMLOG, end) if spoilt else (LINEAR, high)
    if high <= 0 < most or most <= NEAR * high or (not diverging and not from_zero):
        high = most if from_zero else high
    high = (reach if kind == LINEAR else 0.0) or high
    low = -high if diverging else 0.0
    if not from_zero and not diverging:
        low = min(_quantile(known, 1 - ROBUST), high - least_span)
        low = 0.0 if 0 <= low < 0.25 * high else low
    high = max(high, low + least_span) if not diverging else max(high, least_span)
    if high <= max(low, 0.0 if diverging else low):
        high = low + 1.0 if not diverging else 1.0
    low = -high if diverging else low
    positive = size[size > 0]
    smallest = float(positive.min()) if positive.size else 1.0
    most = max(most, high)
    return ColourScale(low, high, diverging, kind, most, max(smallest, most * LOG_SPAN))


def _quantile(values: np.ndarray, share: float) -> float:
    place = min(values.size - 1, max(0, round(share * (values.size - 1))))
    return float(np.partition(values, place)[place])


@lru_cache(maxsize=16)
def shades(dark: bool, diverging: bool, warm: bool) -> np.ndarray:
    """Return the colours of a map as RGBA, shape (n, 4): 2·``SHADES`` + 1, or ``SHADES``."""
    anchors = (_DIVERGING if diverging else _WARM if warm else _COLD)[dark]
    inks = [QColor(anchor) for anchor in anchors]
    stops = np.array([(c.red(), c.green(), c.blue(), 255) for c in inks], np.float64)
    count = 2 * SHADES + 1 if diverging else SHADES
    at = np.linspace(0, len(anchors) - 1, count)
    table = np.stack([np.interp(at, range(len(anchors)), stops[:, c]) for c in range(4)], axis=1)
    return np.round(table).astype(np.uint8)


def coloured(shares: np.ndarray, theme: Theme, diverging: bool, warm: bool) -> np.ndarray:
    """Return the colours of shares as RGBA, shape (…, 4); transparent for NaN."""
    table = shades(theme.dark, diverging, warm)
    known = ~np.isnan(shares)
    place = np.where(known, shares, 0.0)
    place = (place + 1) / 2 if diverging else place
    pixels = table[np.rint(place * (len(table) - 1)).astype(np.intp)]
    pixels[~known] = 0
    return pixels


def rgba(theme: Theme, colours: tuple[str, str] | str) -> tuple[int, ...]:
    """Return a colour, or that of a theme, as RGBA."""
    colour = QColor(colours if isinstance(colours, str) else colours[theme.dark])
    return colour.red(), colour.green(), colour.blue(), colour.alpha()
