"""What a figure shows and how large it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from quantoscope.gui.common.theme import LIGHT, Theme

MM_PER_INCH = 25.4
SVG_PIXELS_PER_INCH = 96
MIN_DPI, MAX_DPI = 30, 2400
MIN_POINTS, MAX_POINTS, USUAL_POINTS = 4.0, 72.0, 8.5

Unit = Literal["mm", "in", "px"]
UNITS: tuple[Unit, ...] = ("mm", "in", "px")
Span = tuple[float, float]


@dataclass(frozen=True)
class Look:
    """How a plot looks at its data.

    Attributes
    ----------
    x, y : tuple of float or None
        The part of an axis that is shown, in numbers of the data (or their logarithms); None for
        all of it.
    options : tuple of (str, str)
        Keys of the plot's options, and of what is chosen.
    """

    x: Span | None = None
    y: Span | None = None
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class FigureSpec:
    """What a figure shows and how large it is.

    Attributes
    ----------
    plots : tuple of str
        Keys of the plots, from top to bottom.
    width, height : float
    unit : str
        ``"mm"``, ``"in"``, or ``"px"``: pixels of a PNG, CSS pixels (1/96 inch) of an SVG or PDF.
    dpi : int
        Pixels per inch of a PNG.
    theme : Theme
    mark_chosen : bool
        Whether the value chosen in the window is marked.
    points : float
        The size of the text; titles, pens, symbols and margins grow with it.
    looks : mapping of str to Look
        By the key of the plot; those that are not named show everything.
    """

    plots: tuple[str, ...]
    width: float = 180.0
    height: float = 120.0
    unit: Unit = "mm"
    dpi: int = 300
    theme: Theme = LIGHT
    mark_chosen: bool = False
    points: float = USUAL_POINTS
    looks: Mapping[str, Look] = field(default_factory=dict)

    def inches(self, raster: bool) -> tuple[float, float]:
        """Width and height on paper."""
        per_inch = units_per_inch(self.unit, self.dpi if raster else SVG_PIXELS_PER_INCH)
        return self.width / per_inch, self.height / per_inch

    def pixels(self) -> tuple[int, int]:
        """Width and height of a PNG."""
        width, height = self.inches(raster=True)
        return max(1, round(width * self.dpi)), max(1, round(height * self.dpi))


def units_per_inch(unit: Unit, pixels: float) -> float:
    """How many of a unit are an inch; ``pixels`` says so for pixels."""
    return {"mm": MM_PER_INCH, "in": 1.0, "px": float(pixels)}[unit]
