"""Codes that came from elsewhere: what a file of quantized numbers stores, beside the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from quantoscope.engine.numerics.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class BlockCodes:
    """The codes of a tensor and what turns them into its values, as a file stores them.

    A value is ``(code − zero_point) · scale + minimum``, or ``levels[code] · scale`` where codes
    only number the levels of a codebook. Codes mean the same as those of ``engine.evaluate`` in
    the format of the same name (``q4_0`` for ``Q4_0``, ``mxfp4-gguf`` for ``MXFP4``), so the two
    can be put side by side.

    Attributes
    ----------
    codes : ndarray of integers
        Shaped like the tensor.
    scale : ndarray of float
        One per block: the shape of the tensor, with blocks in place of values along the last
        axis. Where scales are themselves quantized, as in the K-quants, this is their product
        with the scale that they share, rounded to float32.
    minimum : ndarray of float or None
        What is added, shaped like ``scale``; None where nothing is.
    block : int
        How many neighbours along the last axis share a scale; the last block may be shorter.
    format : str
        As the file names it, such as ``Q4_0``.
    source : str
        Where the codes come from, such as ``model.gguf``.
    zero_point : int
        The code of the value ``minimum``.
    levels : ndarray of float or None
        The number that each code stands for, of a codebook.

    Raises
    ------
    ValueError
        When the shapes do not belong together.
    """

    codes: IntArray
    scale: FloatArray
    minimum: FloatArray | None
    block: int
    format: str
    source: str
    zero_point: int = 0
    levels: FloatArray | None = None

    def __post_init__(self) -> None:
        if self.codes.ndim == 0:
            raise ValueError("codes in blocks have an axis")
        shape = (*self.codes.shape[:-1], -(-self.codes.shape[-1] // self.block))
        if self.scale.shape != shape:
            raise ValueError(f"scales of the shape {self.scale.shape} instead of {shape}")
        if self.minimum is not None and self.minimum.shape != shape:
            raise ValueError(f"minima of the shape {self.minimum.shape} instead of {shape}")

    def scale_at(self, flat_index: Any) -> Any:
        """Return the scale of the value at a position of the flattened tensor, or of many."""
        return self.scale.reshape(-1)[self._block_at(flat_index)]

    def minimum_at(self, flat_index: Any) -> Any:
        """Return what is added to the value at a position, or to many; 0 where nothing is."""
        if self.minimum is None:
            return np.zeros(np.shape(flat_index), self.scale.dtype)[()]
        return self.minimum.reshape(-1)[self._block_at(flat_index)]

    def reconstructed(self) -> FloatArray:
        """Return the values that follow from the codes, in float32, shaped like the tensor."""
        out = np.empty(self.codes.shape, np.float32)
        flat, width = out.reshape(-1), self.codes.shape[-1]
        if not width:
            return out
        # In parts, so that no more than the values and little beside them is in memory.
        step = max(1, (1 << 20) // width) * width
        for start in range(0, flat.size, step):
            part = slice(start, min(start + step, flat.size))
            rows = (part.stop - part.start) // width
            flat[part] = self._rows(start // width, rows).reshape(-1)
        return out

    def _rows(self, first: int, count: int) -> FloatArray:
        width, blocks = self.codes.shape[-1], self.scale.shape[-1]

        def spread(per_block: FloatArray) -> FloatArray:
            some = per_block.reshape(-1, blocks)[first : first + count]
            return np.repeat(some, self.block, axis=1)[:, :width]

        with np.errstate(all="ignore"):
            numbers = self._numbers(self.codes.reshape(-1, width)[first : first + count])
            numbers *= spread(self.scale)
            if self.minimum is not None:
                numbers += spread(self.minimum)
            return np.asarray(numbers, np.float32)

    def _numbers(self, codes: Any) -> Any:
        """What codes stand for before the scale, in its precision."""
        if self.levels is not None:
            return self.levels[codes].astype(self.scale.dtype)
        return codes.astype(self.scale.dtype) - self.scale.dtype.type(self.zero_point)

    def _block_at(self, flat_index: Any) -> Any:
        row, column = np.divmod(flat_index, self.codes.shape[-1])
        return row * self.scale.shape[-1] + column // self.block
