"""Shapes as people write them: ``1024x2816``, ``1024 × 2816``, ``(64, 3, 7, 7)``, ``64x-1``."""

from __future__ import annotations

import math
import re

_LONGEST, _MOST_AXES = 400, 64


def parse_shape(text: str, size: int | None = None) -> tuple[int, ...]:
    """Return the shape in a text.

    Parameters
    ----------
    text : str
        Lengths with ``x``, ``×``, ``*``, commas or spaces between them.
    size : int, optional
        Number of values to be shaped: one length may be −1, for whatever remains, and the
        product has to agree.

    Raises
    ------
    ValueError
        With one sentence for the user.
    """
    if len(text) <= _LONGEST and re.fullmatch(r"\s*[0-9]{1,3}(,[0-9]{3})+\s*", text):
        whole, several = text.strip().replace(",", ""), text.strip().replace(",", "x")
        raise ValueError(f"{text.strip()} can mean {whole} or {several}: type one of these.")
    bare = text.strip().strip("()[]").strip().rstrip(",")
    parts = re.split(r"\s*[x×*X,;]\s*|\s+", bare.replace("−", "-"), maxsplit=_MOST_AXES + 1)
    sound = len(bare) <= _LONGEST and len(parts) <= _MOST_AXES
    if not sound or not all(re.fullmatch(r"-1|[0-9]{1,12}", part) for part in parts):
        raise ValueError("Type the length of each axis, as in 1024x2816.")
    shape = tuple(map(int, parts))
    open_axes = shape.count(-1)
    if open_axes > (size is not None):
        raise ValueError("Only one length may be -1, and only where values are given.")
    if size is None:
        return shape
    known = math.prod(length for length in shape if length >= 0)
    if open_axes and known and size % known == 0:
        shape = tuple(size // known if length < 0 else length for length in shape)
    if math.prod(shape) != size or min(shape) < 0:
        product = " × ".join("…" if length < 0 else f"{length:,}" for length in shape)
        raise ValueError(f"{product} does not make {size:,} values.")
    return shape
