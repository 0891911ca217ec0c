"""Images in figures, with so few colours that a file stays small."""

from __future__ import annotations

import zlib

import numpy as np
from PySide6.QtGui import QColor, QImage

PALETTE = 256
"""Maximum number of colours of an image with a palette."""
FEW = 16
COARSEST = 5
"""Maximum number of bits by which the colours of a large image are rounded."""
SAMPLED_ROWS = 8
"""One in so many rows is compressed to estimate the size of an image."""


def picture_of(pixels: np.ndarray, most_bytes: float) -> QImage:
    """Return RGBA pixels, shape (rows, columns, 4), as an image.

    With up to 256 colours it has a palette, a third of the bytes. Where it would still take more
    than ``most_bytes``, similar colours become the most frequent one of them.
    """
    height, width = pixels.shape[:2]
    values = np.ascontiguousarray(pixels).view(np.uint32).reshape(height, width)
    colours = np.unique(values)
    if colours.size > PALETTE:
        whole = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
        return whole.copy()
    places = _places(values, colours)
    counts = np.bincount(places.ravel(), minlength=colours.size)
    bits = 0
    while bits < COARSEST and _size(places) > most_bytes:
        bits += 1
        places = _merged(colours, counts, bits)[places]
    picture = QImage(
        np.ascontiguousarray(places).data, width, height, width, QImage.Format.Format_Indexed8
    )
    table = colours.view(np.uint8).reshape(-1, 4).tolist()
    picture.setColorTable([QColor(r, g, b, a).rgba() for r, g, b, a in table])
    return picture.copy()


def _places(values: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Return the place of each pixel's value among the ascending colours."""
    if colours.size > FEW:
        return np.searchsorted(colours, values).astype(np.uint8)
    # Faster, and layers of curves have few colours.
    places = np.zeros(values.shape, np.uint8)
    for place, colour in enumerate(colours[1:], 1):
        places[values == colour] = place
    return places


def _size(places: np.ndarray) -> float:
    """Return about how many bytes a file needs for the pixels."""
    sample = np.ascontiguousarray(places[::SAMPLED_ROWS])
    return len(zlib.compress(sample.data, 6)) * places.shape[0] / max(1, sample.shape[0])


def _merged(colours: np.ndarray, counts: np.ndarray, bits: int) -> np.ndarray:
    """Return for each colour the place of the one that stands for it, rounded by some bits."""
    cells = colours.view(np.uint8).reshape(-1, 4) >> bits
    _, group = np.unique(cells, axis=0, return_inverse=True)
    order = np.argsort(counts, kind="stable")
    # Later ones win: the most frequent colour of each group.
    first = np.zeros(group.max() + 1, np.uint8)
    first[group.ravel()[order]] = order
    return first[group.ravel()]
