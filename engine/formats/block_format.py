"""Formats of blocks: neighbours share parameters, and the mapping is the format's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantoscope.engine.formats.number_format import Format
from quantoscope.engine.numerics.arithmetic import Rounding
from quantoscope.engine.numerics.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class BlockFormat(Format):
    """The codes of a block format, which brings its own mapping and its own size of a block.

    Parameters
    ----------
    name : str
        Its word, such as ``q8_0``, which is also its mapping's.
    element : Format
        The format of the codes within a block.
    block : int
        How many values along the last axis share their parameters.
    source : str
        Where the definition is taken from, and what it was compared with.
    """

    name: str
    element: Format
    block: int = 32
    source: str = ""
    nearest_only = True

    @property
    def mapping(self) -> str:  # type: ignore[override]
        """The quantizer of the same name."""
        return self.name

    @property
    def round_functions(self) -> Mapping[str, tuple[float, ...]]:
        """Those of the codes within a block."""
        return self.element.round_functions

    @property
    def bits(self) -> int:  # type: ignore[override]
        """Width of a code."""
        return self.element.bits

    @property
    def integer(self) -> bool:  # type: ignore[override]
        """Whether the codes are whole numbers."""
        return self.element.integer

    @property
    def code_count(self) -> int:
        """That of the codes within a block."""
        return self.element.code_count

    @property
    def dtype(self) -> np.dtype[np.integer[Any]]:
        """The integer type that holds the codes."""
        return self.element.dtype

    @property
    def qmin(self) -> float:
        """The smallest number within a block."""
        return self.element.qmin

    @property
    def qmax(self) -> float:
        """The largest number within a block."""
        return self.element.qmax

    def round(
        self,
        x: FloatArray,
        rounding: Rounding,
        where: IntArray | None = None,
        out: FloatArray | None = None,
    ) -> FloatArray:
        return self.element.round(x, rounding, where, out)

    def round_formula(self, inner: str, rounding: Rounding) -> str:
        return self.element.round_formula(inner, rounding)

    def gap(self, x: FloatArray) -> FloatArray:
        return self.element.gap(x)

    def pack(self, numbers: FloatArray, out: IntArray | None = None) -> IntArray:
        return self.element.pack(numbers, out)

    def unpack(
        self, codes: np.ndarray, dtype: Any = np.float64, out: np.ndarray | None = None
    ) -> np.ndarray:
        return self.element.unpack(codes, dtype, out)

    def numbers(self, qmin: float, qmax: float) -> np.ndarray:
        return self.element.numbers(qmin, qmax)

    def label(self, code: int) -> str:
        return self.element.label(code)
