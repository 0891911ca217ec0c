"""Codes and scales of a quantized tensor as stored in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from quantoscope.engine.numerics.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class BlockCodes:
    """Codes of a tensor with the parameters that reconstruct its values.

    A value is ``(code − zero_point) · scale + minimum``, or ``levels[code] · scale`` where codes
    index a codebook. Codes mean the same as those of ``engine.evaluate`` in
    the format of the same name (``q4_0`` for ``Q4_0``, ``mxfp4-gguf`` for ``MXFP4``), so that
    they can be compared.

    Attributes
    ----------
    codes : ndarray of integers
        In the shape of the tensor.
    scale : ndarray of float
        One per block: the shape of the tensor, with blocks instead of values along the last
        axis. If scales are themselves quantized, as in the K-quants, this is their product
        with the scale of the super-block, rounded to float32.
    minimum : ndarray of float or None
        Added per block, in the shape of ``scale``; None if nothing is added.
    block : int
        Values per block along the last axis; the last block may be shorter.
    format : str
        The file's name for it, such as ``Q4_0``.
    source : str
        Origin of the codes, such as ``model.gguf``.
    zero_point : int
        Code of the value ``minimum``.
    levels : ndarray of float or None
        Codebook: the number of each code.

    Raises
    ------
    ValueError
        If the shapes do not match.
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
        """Return the scale at one or many flat positions."""
        return self.scale.reshape(-1)[self._block_at(flat_index)]

    def minimum_at(self, flat_index: Any) -> Any:
        """Return the minimum at one or many flat positions; 0 if there are no minima."""
        if self.minimum is None:
            return np.zeros(np.shape(flat_index), self.scale.dtype)[()]
        return self.minimum.reshape(-1)[self._block_at(flat_index)]

    def reconstructed(self) -> FloatArray:
        """Return the reconstructed values as float32, in the shape of the tensor."""
        out = np.empty(self.codes.shape, np.float32)
        width = self.codes.shape[-1]
        if out.size:
            rows = out.reshape(-1, width)
            # In chunks, to bound the memory beyond the result.
            step = max(1, (1 << 20) // width)
            for start in range(0, len(rows), step):
                rows[start : start + step] = self._rows(start, step)
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
        """Return codes minus zero point, or codebook levels, in the dtype of the scale."""
        if self.levels is not None:
            return self.levels[codes].astype(self.scale.dtype)
        return codes.astype(self.scale.dtype) - self.scale.dtype.type(self.zero_point)

    def _block_at(self, flat_index: Any) -> Any:
        row, column = np.divmod(flat_index, self.codes.shape[-1])
        return row * self.scale.shape[-1] + column // self.block
