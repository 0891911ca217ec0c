"""Figure sizes for papers and slides: width, height, text size."""

from __future__ import annotations

from dataclasses import dataclass

from quantoscope.gui.export.spec import MM_PER_INCH, Unit

PAPER_POINTS, PAPER_DPI = 8.0, 300
LEAST_POINTS = 5.0
SLIDE_POINTS, SLIDE_DPI = 18.0, 144
"""Resolution of slides: 13.33 × 7.5 inches are 1920 × 1080 pixels at 144 dpi."""


@dataclass(frozen=True)
class Preset:
    """A named size."""

    key: str
    title: str
    """Name on the command line, and in the dialog."""
    width: float
    """Width in mm."""
    height: float = 0.0
    """Height in mm; 0 for the height that the plots need."""
    points: float = PAPER_POINTS
    """Text size in points."""
    dpi: int = PAPER_DPI
    """Resolution of a PNG."""
    unit: Unit = "mm"
    """Unit in which the publisher states sizes."""

    def height_for(self, plots: int, columns: int = 1) -> float:
        """Return the height in mm for a number of plots in columns."""
        return self.height or paper_height(self.width, plots, columns)

    def points_for(self, plots: int) -> float:
        """Return the text size, reduced on a slide with several plots."""
        if not self.height or plots <= 2:
            return self.points
        return max(LEAST_POINTS, float(round(2 * self.points / plots)))


def paper_height(width: float, plots: int, columns: int = 1) -> float:
    """Return a suitable height in mm for a number of plots in columns, with text of 8 pt.

    Narrow figures have titles of more lines; with more plots, each is lower.
    """
    across = min(max(1, columns), max(1, plots))
    rows = -(-max(1, plots) // across)
    width /= across
    lines = 1800 / width
    view = min((0.42 if across == 1 else 0.6) * width, 58.0) / rows**0.35
    return float(5 * round((rows * (view + lines + 14) + 8) / 5))


_INCH = MM_PER_INCH
PRESETS: tuple[Preset, ...] = (
    Preset("column", "Paper: one column, 85 mm", 85.0),
    Preset("column-and-half", "Paper: one and a half columns, 120 mm", 120.0),
    Preset("two-columns", "Paper: two columns, 180 mm", 180.0),
    Preset("ieee-column", "IEEE: one column, 3.5 in", 3.5 * _INCH, unit="in"),
    Preset("ieee-two-columns", "IEEE: two columns, 7.16 in", 7.16 * _INCH, unit="in"),
    Preset("text-width", "NeurIPS, ACM: width of the text, 5.5 in", 5.5 * _INCH, unit="in"),
    Preset(
        "slide", "Slide 16:9, 13.33 × 7.5 in", 40 / 3 * _INCH, 7.5 * _INCH, SLIDE_POINTS,
        SLIDE_DPI, "in",
    ),
    Preset(
        "half-slide", "Half a slide, 6.67 × 7.5 in", 20 / 3 * _INCH, 7.5 * _INCH, 16.0,
        SLIDE_DPI, "in",
    ),
)  # fmt: skip
"""Presets in the order of the dialog."""
PRESET = {preset.key: preset for preset in PRESETS}
