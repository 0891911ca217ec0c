"""Arrays on which arithmetics part: ties and their neighbours, and everything degenerate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from quantoscope import engine

WIDTH = 64
"""Values per array: a multiple of 32, for block formats."""
TINY = np.float32(np.finfo(np.float32).smallest_subnormal)


def _normals(random: np.random.Generator, rows: int) -> np.ndarray:
    return random.standard_normal((rows, WIDTH)) * 2.0 ** random.integers(-20, 20, (rows, 1))


def _uniform(random: np.random.Generator, rows: int) -> np.ndarray:
    ends = np.sort(random.uniform(-10, 10, (rows, 2)), axis=1)
    return random.uniform(ends[:, :1], ends[:, 1:], (rows, WIDTH))


def _constants(random: np.random.Generator, rows: int) -> np.ndarray:
    value = random.standard_normal((rows, 1)) * 10.0 ** random.integers(-30, 30, (rows, 1))
    return np.repeat(value, WIDTH, axis=1)


def _zeros(random: np.random.Generator, rows: int) -> np.ndarray:
    x = np.zeros((rows, WIDTH))
    x[:, ::3] = -0.0
    return x


def _one_sided(random: np.random.Generator, rows: int) -> np.ndarray:
    sign = random.choice([-1.0, 1.0], (rows, 1))
    return sign * (random.uniform(0, 5, (rows, 1)) + random.exponential(1, (rows, WIDTH)))


def _subnormal(random: np.random.Generator, rows: int) -> np.ndarray:
    reach = 2 ** random.integers(1, 23, (rows, 1))
    return random.integers(-reach, reach + 1, (rows, WIDTH)) * float(TINY)


def _tiny(random: np.random.Generator, rows: int) -> np.ndarray:
    return random.standard_normal((rows, WIDTH)) * 2.0 ** random.integers(-140, -100, (rows, 1))


def _huge(random: np.random.Generator, rows: int) -> np.ndarray:
    return random.uniform(-1, 1, (rows, WIDTH)) * 2.0 ** random.integers(100, 128, (rows, 1))


def _mixed(random: np.random.Generator, rows: int) -> np.ndarray:
    size = 10.0 ** random.uniform(-12, 12, (rows, WIDTH))
    return size * random.choice([-1.0, 0.0, 1.0], (rows, WIDTH), p=[0.45, 0.1, 0.45])


def _outliers(random: np.random.Generator, rows: int) -> np.ndarray:
    x = random.standard_normal((rows, WIDTH))
    x[np.arange(rows), random.integers(0, WIDTH, rows)] *= 1000
    return x


def _quarters(random: np.random.Generator, rows: int) -> np.ndarray:
    """Whole, half and quarter steps of a scale that is a power of two, or that over an odd one."""
    steps = random.integers(-1000, 1001, (rows, WIDTH)) / 4
    return steps * 2.0 ** random.integers(-12, 12, (rows, 1))


def _opposite(random: np.random.Generator, rows: int) -> np.ndarray:
    """Both extremes as far from 0, in either order."""
    x = random.uniform(-1, 1, (rows, WIDTH))
    x[:, 3], x[:, 60] = 1, -1
    x[::2] *= -1
    return x * 2.0 ** random.integers(-8, 8, (rows, 1)) * random.uniform(1, 2, (rows, 1))


def _powers(random: np.random.Generator, rows: int) -> np.ndarray:
    """The largest value at a power of two, or a neighbour of one."""
    x = random.uniform(-0.9, 0.9, (rows, WIDTH)).astype(np.float32)
    edge = np.exp2(random.integers(-20, 20, rows).astype(np.float32))
    x *= edge[:, None]
    x[:, 7] = np.choose(
        random.integers(0, 3, rows), [edge, np.nextafter(edge, 0), np.nextafter(edge, np.inf)]
    )
    return x


KINDS: tuple[Callable[[np.random.Generator, int], np.ndarray], ...] = (
    _normals, _uniform, _constants, _zeros, _one_sided, _subnormal, _tiny, _huge, _mixed,
    _outliers, _quarters, _opposite, _powers,
)  # fmt: skip


def arrays(seed: int, rows: int) -> np.ndarray:
    """Return so many arrays as rows, float32, of every kind in turn."""
    random = np.random.default_rng(seed)
    each = -(-rows // len(KINDS))
    with np.errstate(over="ignore", under="ignore"):
        made = [kind(random, each).astype(np.float32) for kind in KINDS]
    x = np.concatenate(made)
    return x[random.permutation(len(x))[:rows]]


def on_ties(x: np.ndarray, scheme: str, seed: int = 0) -> np.ndarray:
    """Return the arrays with their extremes kept and all else on half steps, or next to them.

    The scale is the scheme's own for these extremes, channel by channel.
    """
    random = np.random.default_rng(seed)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        p = engine.calibrate(x, engine.Scheme.parse(scheme).adapted(granularity=CHANNELS))
        s = np.asarray(p.working_divisor, np.float64)[:, None]
        steps = random.integers(-140, 141, x.shape) + 0.5
        ties = (steps * s).astype(np.float32)
        moved = random.integers(-2, 3, x.shape)
        for _ in range(2):
            ties = np.where(moved > 0, np.nextafter(ties, np.float32(np.inf)), ties)
            ties = np.where(moved < 0, np.nextafter(ties, np.float32(-np.inf)), ties)
            moved = np.sign(moved) * np.maximum(0, np.abs(moved) - 1)
        low, high = x.min(axis=1, keepdims=True), x.max(axis=1, keepdims=True)
        ties = np.clip(np.where(np.isfinite(ties), ties, 0), low, high).astype(np.float32)
    ties[:, :1], ties[:, 1:2] = low, high
    return ties


CHANNELS = engine.Granularity("per-channel", 0)


def rows_of(p: engine.QParams) -> tuple[np.ndarray, np.ndarray]:
    """Return S as float32 bits and Z, per channel."""
    return np.asarray(p.scale, np.float32).view(np.int32), np.asarray(p.zero_point, np.int64)
