"""The quantized types of GGUF: how large their blocks are, and the codes and scales in them.

Values come in blocks along the last axis. A block of the K-quants holds 256 values in smaller
blocks, whose scales (and minima) are small integers themselves. Source: ``ggml-common.h`` and
``ggml-quants.c`` of llama.cpp, and the ``gguf`` package, which the tests compare with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.arrays import FloatArray
from engine.small_floats import E2M1

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Unpacked = tuple[np.ndarray, FloatArray, FloatArray | None]


@dataclass(frozen=True)
class Codes:
    """How the codes of a type are read.

    Attributes
    ----------
    block : int
        How many values share a scale.
    unpack : callable
        From blocks of bytes, one per row, to codes, scales and minima.
    zero_point : int
        The code of the value 0, or of the minimum.
    levels : ndarray, optional
        What codes stand for, of a codebook.
    """

    block: int
    unpack: Callable[[Bytes], Unpacked]
    zero_point: int = 0
    levels: FloatArray | None = None


@dataclass(frozen=True)
class BlockType:
    """A quantized type: ``size`` values take ``nbytes``; ``codes`` where these can be read."""

    name: str
    size: int
    nbytes: int
    codes: Codes | None = None


def _half(blocks: Bytes, at: int) -> FloatArray:
    """The float16 at a byte of each block, as a column of float32."""
    return np.ascontiguousarray(blocks[:, at : at + 2]).view("<f2").astype(np.float32)


def _fields(packed: Bytes, width: int, run: int) -> Bytes:
    """Fields of ``width`` bits: of every ``run`` bytes first all the lowest, then the next."""
    shifts = np.arange(0, 8, width, dtype=np.uint8)[:, None]
    mask = np.uint8((1 << width) - 1)
    fields = (packed.reshape(len(packed), -1, 1, run) >> shifts) & mask
    return np.asarray(fields.reshape(len(packed), -1), np.uint8)


def _join(low: np.ndarray, high: np.ndarray, bits: int) -> Bytes:
    return np.asarray(low | (high << np.uint8(bits)), np.uint8)


def _q8_0(blocks: Bytes) -> Unpacked:
    return blocks[:, 2:].view(np.int8), _half(blocks, 0), None


def _q4_0(blocks: Bytes) -> Unpacked:
    return _fields(blocks[:, 2:], 4, 16), _half(blocks, 0), None


def _q4_1(blocks: Bytes) -> Unpacked:
    return _fields(blocks[:, 4:], 4, 16), _half(blocks, 0), _half(blocks, 2)


def _fifth_bits(packed: Bytes) -> Bytes:
    return np.unpackbits(packed, axis=1, bitorder="little")


def _q5_0(blocks: Bytes) -> Unpacked:
    codes = _join(_fields(blocks[:, 6:], 4, 16), _fifth_bits(blocks[:, 2:6]), 4)
    return codes, _half(blocks, 0), None


def _q5_1(blocks: Bytes) -> Unpacked:
    codes = _join(_fields(blocks[:, 8:], 4, 16), _fifth_bits(blocks[:, 4:8]), 4)
    return codes, _half(blocks, 0), _half(blocks, 2)


def _mxfp4(blocks: Bytes) -> Unpacked:
    # In float64, since 2^128 is no float32, while its product with a level may be one.
    scale = np.ldexp(1.0, blocks[:, :1].astype(np.int32) - 127)
    return _fields(blocks[:, 1:], 4, 16), scale, None


def _q2_k(blocks: Bytes) -> Unpacked:
    scale = _half(blocks, 80) * (blocks[:, :16] & 15).astype(np.float32)
    minimum = _half(blocks, 82) * (blocks[:, :16] >> 4).astype(np.float32)
    return _fields(blocks[:, 16:80], 2, 32), scale, -minimum


def _q3_k(blocks: Bytes) -> Unpacked:
    low, high = _fields(blocks[:, 96:104], 4, 8), _fields(blocks[:, 104:108], 2, 4)
    scale = _half(blocks, 108) * (_join(low, high, 4).astype(np.float32) - 32)
    codes = _join(_fields(blocks[:, 32:96], 2, 32), _fields(blocks[:, :32], 1, 32), 2)
    return codes, scale, None


def _k_scales(blocks: Bytes) -> tuple[FloatArray, FloatArray]:
    """The eight scales and minima of Q4_K and Q5_K, of 6 bits each in 12 bytes."""
    first, second, rest = blocks[:, 4:8], blocks[:, 8:12], blocks[:, 12:16]
    scales = np.concatenate([first & 63, _join(rest & 15, first >> 6, 4)], axis=1)
    minima = np.concatenate([second & 63, _join(rest >> 4, second >> 6, 4)], axis=1)
    scale = _half(blocks, 0) * scales.astype(np.float32)
    return scale, -(_half(blocks, 2) * minima.astype(np.float32))


def _q4_k(blocks: Bytes) -> Unpacked:
    return _fields(blocks[:, 16:], 4, 32), *_k_scales(blocks)


def _q5_k(blocks: Bytes) -> Unpacked:
    codes = _join(_fields(blocks[:, 48:], 4, 32), _fields(blocks[:, 16:48], 1, 32), 4)
    return codes, *_k_scales(blocks)


def _q6_k(blocks: Bytes) -> Unpacked:
    codes = _join(_fields(blocks[:, :128], 4, 64), _fields(blocks[:, 128:192], 2, 32), 4)
    return codes, _half(blocks, 208) * blocks[:, 192:208].view(np.int8).astype(np.float32), None


BLOCK_TYPES: dict[int, BlockType] = {
    2: BlockType("Q4_0", 32, 18, Codes(32, _q4_0, 8)),
    3: BlockType("Q4_1", 32, 20, Codes(32, _q4_1)),
    6: BlockType("Q5_0", 32, 22, Codes(32, _q5_0, 16)),
    7: BlockType("Q5_1", 32, 24, Codes(32, _q5_1)),
    8: BlockType("Q8_0", 32, 34, Codes(32, _q8_0)),
    10: BlockType("Q2_K", 256, 84, Codes(16, _q2_k)),
    11: BlockType("Q3_K", 256, 110, Codes(16, _q3_k, 4)),
    12: BlockType("Q4_K", 256, 144, Codes(32, _q4_k)),
    13: BlockType("Q5_K", 256, 176, Codes(32, _q5_k)),
    14: BlockType("Q6_K", 256, 210, Codes(16, _q6_k, 32)),
    16: BlockType("IQ2_XXS", 256, 66),
    17: BlockType("IQ2_XS", 256, 74),
    18: BlockType("IQ3_XXS", 256, 98),
    19: BlockType("IQ1_S", 256, 50),
    20: BlockType("IQ4_NL", 32, 18),
    21: BlockType("IQ3_S", 256, 110),
    22: BlockType("IQ2_S", 256, 82),
    23: BlockType("IQ4_XS", 256, 136),
    29: BlockType("IQ1_M", 256, 56),
    34: BlockType("TQ1_0", 256, 54),
    35: BlockType("TQ2_0", 256, 66),
    39: BlockType("MXFP4", 32, 17, Codes(32, _mxfp4, levels=E2M1.unpack(np.arange(16)) + 0.0)),
    40: BlockType("NVFP4", 64, 36),
}
"""By the numbers that files have for them; those whose values the ``gguf`` package can decode."""
