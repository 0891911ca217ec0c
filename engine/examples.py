"""Deterministic example arrays with schemes that illustrate an effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.schemes.scheme import Scheme

THREE_WAYS = ("int8 scale-only", "int8 symmetric", "int8 asymmetric")


@dataclass(frozen=True)
class Example:
    """An example array.

    Attributes
    ----------
    key, name : str
        Identifier, and name for the user.
    point : str
        One sentence on what the example shows.
    schemes : tuple of str
        Schemes that show it, in text form.
    make : callable
        Returns the float32 array, identical on every machine.
    """

    key: str
    name: str
    point: str
    schemes: tuple[str, ...]
    make: Callable[[], FloatArray]

    def parsed_schemes(self) -> list[Scheme]:
        """Return the schemes, parsed."""
        return [Scheme.parse(text) for text in self.schemes]


def _three() -> FloatArray:
    # RandomState(8215).randn(3) as literals: importing numpy.random would add 10 ms to every start.
    return np.array([0.21535037, 1.2962357, -1.0161772], np.float32)


def _outlier() -> FloatArray:
    values = np.random.RandomState(1).uniform(-1, 1, 1001).astype(np.float32)
    values[500] = 100
    return values


def _gelu() -> FloatArray:
    x = np.random.RandomState(4).normal(0, 1.5, 4096)
    inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
    gelu: FloatArray = 0.5 * x * (1 + np.tanh(inner))
    return gelu.astype(np.float32)


def _convolution() -> FloatArray:
    random = np.random.RandomState(6)
    spread = 10.0 ** random.uniform(-2, 0, 64)
    spread[:2] = 0.01, 1.0
    weights = random.normal(0, 0.1, (64, 3, 3, 3)) * spread[:, None, None, None]
    return weights.astype(np.float32)


def _subnormal() -> FloatArray:
    tiny = float(np.finfo(np.float32).smallest_subnormal)
    # ±300 steps of the smallest number: S is about 2.3 of them, and has to be rounded to 2.
    return (np.random.RandomState(7).randint(-300, 301, 64) * tiny).astype(np.float32)


def _sweep() -> FloatArray:
    t = np.linspace(0, 1, 2000)
    return np.sin(2 * np.pi * (1 + 9 * t) * t).astype(np.float32)


def _ties() -> FloatArray:
    # Rmax − Rmin = 255 gives S = 1 and Z = −1: every other value is a half step.
    halves = np.concatenate([np.arange(-20, 20, 0.5), [-127.0, 128.0]])
    return halves.astype(np.float32)


EXAMPLES: tuple[Example, ...] = (
    Example(
        "three-numbers",
        "Three numbers",
        "Scale-only needs code 143 for 1.296 and clips it; the other two schemes do not.",
        THREE_WAYS,
        _three,
    ),
    Example(
        "outlier",
        "1000 points in [−1, 1] and one at 100",
        "One outlier takes the whole range: the other 1000 values share a handful of codes.",
        (*THREE_WAYS, "int8 symmetric manual(-1,1)"),
        _outlier,
    ),
    Example(
        "gaussian-weights",
        "Gaussian weights",
        "Nearly symmetric data: symmetric and asymmetric lose almost the same.",
        (*THREE_WAYS, "int4 symmetric"),
        lambda: np.random.RandomState(2).normal(0, 0.05, 4096).astype(np.float32),
    ),
    Example(
        "relu",
        "ReLU activations",
        "Nothing lies below 0: symmetric int8 never uses its negative codes.",
        (*THREE_WAYS, "uint8 symmetric"),
        lambda: np.maximum(np.random.RandomState(3).normal(0, 1, 4096), 0).astype(np.float32),
    ),
    Example(
        "gelu",
        "GELU-like activations",
        "A short negative tail: asymmetric fits it, symmetric leaves most negative codes idle.",
        THREE_WAYS,
        _gelu,
    ),
    Example(
        "heavy-tails",
        "Heavy tails",
        "Few values decide the scale: at four bits, clipping them gains more than it loses.",
        ("int4 scale-only", "int4 symmetric", "int4 asymmetric", "int4 symmetric manual(-1,1)"),
        lambda: (0.1 * np.random.RandomState(5).standard_t(2.5, 4096)).astype(np.float32),
    ),
    Example(
        "convolution",
        "Convolution whose channels differ by 100×",
        "One scale leaves the small channels a few codes; per-channel gives each its own.",
        ("int8 symmetric", "int8 symmetric per-channel(0)", "int8 asymmetric"),
        _convolution,
    ),
    Example(
        "constant",
        "A constant",
        "A range without extent still gets a scale, and the value is reconstructed.",
        THREE_WAYS,
        lambda: np.full(16, 0.7, np.float32),
    ),
    Example(
        "zeros",
        "All zeros",
        "Any scale would do: S is set to 1 and every code is Z.",
        THREE_WAYS,
        lambda: np.zeros(16, np.float32),
    ),
    Example(
        "subnormal",
        "Tiny subnormal values",
        "The scale is subnormal: rounded to the few digits it has, it is too small and clips.",
        THREE_WAYS,
        _subnormal,
    ),
    Example(
        "sine-sweep",
        "Sine sweep",
        "Four bits make the staircase visible; the error runs along the ±S/2 band.",
        ("int4 scale-only", "int4 symmetric", "int4 asymmetric"),
        _sweep,
    ),
    Example(
        "ties",
        "Values on rounding ties",
        "With S = 1 every half goes to the even code, and an odd zero point turns that round.",
        (
            "int8 scale-only",
            "int8 asymmetric",
            "int8 symmetric manual(-127,127)",
            "int8 asymmetric @onnxruntime",
        ),
        _ties,
    ),
)
"""Every example, in the order of menus."""


def example(key: str) -> Example:
    """Return the example of that key; KeyError if there is none."""
    return {entry.key: entry for entry in EXAMPLES}[key]
