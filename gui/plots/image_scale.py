"""Scales of images, and the colours of their pixels."""

from __future__ import annotations

import math

import numpy as np

from quantoscope.engine import Evaluation
from quantoscope.engine.analysis.plane_image import Mark, PlaneImage, Quantity
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.plots.colour_scale import (
    INFINITE,
    LINEAR,
    NAN,
    ROBUST,
    ColourScale,
    coloured,
    rgba,
    scale_of,
)

OF_CELLS = (Quantity.ERROR, Quantity.SQNR)
"""Quantities that are another thing of single cells than of pixels, with a scale of its own."""
LEAST_DECIBELS = 6.0
"""Least width of a scale of SQNR."""
OF_LUCK = 0.9
"""Share of single cells that a scale of SQNR reaches: the others lie on a level by chance."""


def made_scale(image: PlaneImage, kind: str, evaluation: Evaluation | None) -> ColourScale:
    """Return the scale of an image.

    R/S and codes go to the last integer code, the others to what holds most pixels. SQNR is always
    linear: it is a logarithm.
    """
    values, quantity = image.values, image.quantity
    if quantity is Quantity.SQNR:
        share = OF_LUCK if image.exact else ROBUST
        return scale_of(values, False, LINEAR, LEAST_DECIBELS, from_zero=False, share=share)
    if quantity is Quantity.ERROR:
        rounded = np.where(image.marks & Mark.CLIPPED, np.nan, values)
        return scale_of(rounded, image.exact, kind, least_span=0.5)
    return scale_of(values, True, kind, reach=_reach(quantity, evaluation))


def _reach(quantity: Quantity, evaluation: Evaluation | None) -> float:
    """Return the largest |Q − Z| of integer codes, the natural end of R/S and code; else 0."""
    if evaluation is None or quantity not in (Quantity.SCALED, Quantity.CODE):
        return 0.0
    p = evaluation.qparams
    if not p.format.integer:
        return 0.0
    z = np.asarray(p.zero_point, np.float64)
    reach = max(float(np.max(np.abs(end - z))) for end in (p.qmin, p.qmax))
    return reach if math.isfinite(reach) else 0.0


def warm(quantity: Quantity) -> bool:
    """Return whether a sequential scale of the quantity is orange, as errors are."""
    return quantity is Quantity.ERROR


def pixels_of(image: PlaneImage, scale: ColourScale, theme: Theme) -> np.ndarray:
    """Return the colours of an image as RGBA, shape (height, width, 4)."""
    values, marks = image.values, image.marks
    if image.quantity is Quantity.ERROR and not scale.diverging:
        values = np.abs(values)
    pixels = coloured(scale.shares(values), theme, scale.diverging, warm(image.quantity))
    if marks.any():
        pixels[(marks & Mark.NAN != 0) & np.isnan(values)] = rgba(theme, NAN)
        pixels[marks & Mark.INFINITE != 0] = rgba(theme, INFINITE)
        if image.quantity is Quantity.ERROR:
            pixels[marks & Mark.CLIPPED != 0] = rgba(theme, theme.alarm)
    return pixels
