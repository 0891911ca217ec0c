"""Block formats, which define their mapping and block size."""

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
    """Format of codes in blocks, with its own mapping and block size.

    Parameters
    ----------
    name : str
        Name such as ``q8_0``, also of its mapping.
    element : Format
        Format of the codes within a block.
    block : int
        Values per block along the last axis.
    source : str
        Source of the definition, and what it was verified against.
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
        """Rounding functions of the codes within a block."""
        return self.element.round_functions

    @property
    def bits(self) -> int:  # type: ignore[override]
        """Width of a code."""
        return self.element.bits

    @property
    def integer(self) -> bool:  # type: ignore[override]
        """Whether the codes are integers."""
        return self.element.integer

    @property
    def code_count(self) -> int:
        """Number of codes within a block's format."""
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
