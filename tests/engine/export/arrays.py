"""Arrays and schemes that every export of parameters is tried on."""

from __future__ import annotations

import numpy as np

from quantoscope import engine
from quantoscope.engine.formats import FORMATS
from quantoscope.engine.schemes.runtimes import RUNTIMES

TEXTBOOK = (
    *(f"{fmt} {mapping}" for fmt in ("int8", "uint8", "int8-narrow", "int4", "uint16", "int13")
      for mapping in ("scale-only", "symmetric", "asymmetric")),
    *(f"{fmt} symmetric" for fmt in FORMATS.values() if not (fmt.integer or fmt.mapping)),
    *(fmt.name for fmt in FORMATS.values() if fmt.mapping),
    "int8 asymmetric per-channel(0)",
    "int8 symmetric per-channel(-1)",
    "uint8 asymmetric per-channel(1)",
    "int4 symmetric per-group(5)",
    "uint4 asymmetric per-group(8)",
    "e4m3fn symmetric per-channel(0)",
    "nf4 symmetric per-group(6)",
    "int8 symmetric manual(-0.5,0.25)",
    "int8 asymmetric manual(-0.5,0.75)",
    "int8 asymmetric manual(3,4)",
    "int8 symmetric percentile(90)",
    "int8 symmetric pow2",
    "int8 asymmetric ties-away",
    "uint8 asymmetric toward-zero",
    "int8 asymmetric stochastic(7)",
    "e4m3fn symmetric stochastic(3)",
    "e5m2 symmetric ties-away",
)  # fmt: skip
OF_RUNTIMES = tuple(
    f"{fmt} {mapping}{granularity} @{name}"
    for name, runtime in RUNTIMES.items()
    for fmt in runtime.formats
    for mapping in runtime.mappings
    for granularity in ("", " per-channel(0)", " per-group(8)")
    if granularity.strip().partition("(")[0] in ("", *runtime.granularities)
)
SCHEMES = (*TEXTBOOK, *OF_RUNTIMES)


def normal(shape: tuple[int, ...] = (3, 4, 10), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def on_ties(p: engine.QParams, shape: tuple[int, ...], seed: int = 1) -> np.ndarray:
    """Values on half and whole steps of every channel, next to them, far outside, infinite."""
    random = np.random.default_rng(seed)
    size = int(np.prod(shape))
    s = np.asarray(p.spread(shape, 0, size).scale, np.float64)
    with np.errstate(all="ignore"):
        steps = random.integers(-600, 601, size) / 2
        x = (steps * s).astype(p.dtype)
        moved = random.integers(-1, 2, size)
        x = np.where(moved > 0, np.nextafter(x, p.dtype.type(np.inf)), x)
        x = np.where(moved < 0, np.nextafter(x, p.dtype.type(-np.inf)), x)
    x[random.integers(0, size, 6)] = [np.inf, -np.inf, 3e38, -1e30, 0.0, -0.0]
    return x.astype(p.dtype).reshape(shape)
