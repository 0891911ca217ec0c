"""Block layouts of GGUF's quantized types, with their codes and scales.

Values are in blocks along the last axis. A super-block of the K-quants holds 256 values in smaller
blocks, whose scales (and minima) are small integers themselves. Source: ``ggml-common.h`` and
``ggml-quants.c`` of llama.cpp, and the ``gguf`` package, which the tests compare with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantoscope.engine.formats.small_floats import E2M1
from quantoscope.engine.numerics.arrays import FloatArray

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Unpacked = tuple[np.ndarray, FloatArray, FloatArray | None]


@dataclass(frozen=True)
class Codes:
    """How to unpack the codes of a type."""

    block: int  # values per scale
    unpack: Callable[[Bytes], Unpacked]  # blocks of bytes, one per row, to codes, scales, minima
    zero_point: int = 0  # code of the value 0, or of the minimum
    levels: FloatArray | None = None  # codebook: the number of each code
    signed: bool = False  # whether codes can be negative


@dataclass(frozen=True)
class BlockType:
    """A quantized type: ``size`` values take ``nbytes``."""

    name: str
    size: int
    nbytes: int
    codes: Codes


def _half(blocks: Bytes, at: int) -> FloatArray:
    """Return the float16 at a byte of each block, as a column of float32."""
    return np.ascontiguousarray(blocks[:, at : at + 2]).view("<f2").astype(np.float32)


def _fields(packed: Bytes, width: int, run: int) -> Bytes:
    """Unpack fields of ``width`` bits: from each ``run`` bytes the lowest first, then the next."""
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


def _q5_0(blocks: Bytes) -> Unpacked:
    codes = _join(_fields(blocks[:, 6:], 4, 16), _fields(blocks[:, 2:6], 1, 1), 4)
    return codes, _half(blocks, 0), None


def _q5_1(blocks: Bytes) -> Unpacked:
    codes = _join(_fields(blocks[:, 8:], 4, 16), _fields(blocks[:, 4:8], 1, 1), 4)
    return codes, _half(blocks, 0), _half(blocks, 2)


def _mxfp4(blocks: Bytes) -> Unpacked:
    # In float64: 2^128 overflows float32, while its product with a level may not.
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
    """Return the eight 6-bit scales and minima of Q4_K and Q5_K, packed in 12 bytes."""
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


def _tq1_0(blocks: Bytes) -> Unpacked:
    # A byte is a fraction of 256 in base 3: multiplying by powers of 3 extracts five digits.
    parts = []
    for start, stop, digits in ((0, 32, 5), (32, 48, 5), (48, 52, 4)):
        powers = (3 ** np.arange(digits)).astype(np.uint8)[:, None]
        parts.append((blocks[:, None, start:stop] * powers).reshape(len(blocks), -1))
    digits_left = np.concatenate(parts, axis=1).astype(np.uint16)
    return (digits_left * 3 >> 8).astype(np.uint8), _half(blocks, 52), None


def _tq2_0(blocks: Bytes) -> Unpacked:
    return _fields(blocks[:, :64], 2, 32), _half(blocks, 64), None


def _nvfp4(blocks: Bytes) -> Unpacked:
    # A scale is an unsigned e4m3 number, whose NaN counts as 0.
    scale = blocks[:, :4]
    exponent, mantissa = (scale >> 3 & 15).astype(np.int32), (scale & 7).astype(np.float32)
    number = np.ldexp(mantissa + 8 * (exponent > 0), np.maximum(exponent, 1) - 10)
    number = np.where(scale == 0x7F, 0, number).astype(np.float32)
    return _fields(blocks[:, 4:], 4, 8), number, None


def _iq4_xs(blocks: Bytes) -> Unpacked:
    scales = _join(_fields(blocks[:, 4:8], 4, 1), _fields(blocks[:, 2:4], 2, 1), 4)
    scale = _half(blocks, 0) * (scales.astype(np.float32) - 32)
    return _fields(blocks[:, 8:], 4, 16), scale, None


def _wide(blocks: Bytes, kind: str) -> np.ndarray:
    return np.ascontiguousarray(blocks).view(kind)


def _iq1_m_scales(blocks: Bytes) -> np.ndarray:
    fields = _wide(blocks[:, 48:], "<u2")[:, :, None] >> np.array([0, 3, 6, 9], np.uint16) & 7
    return fields.reshape(len(blocks), -1)


def _iq1_m_half(blocks: Bytes) -> FloatArray:
    fields = _wide(blocks[:, 48:], "<u2") >> 12 << np.array([0, 4, 8, 12], np.uint16)
    return _half(np.bitwise_or.reduce(fields, axis=1, keepdims=True).view(np.uint8), 0)


def _iq1_m_one(blocks: Bytes) -> Bytes:
    fields = _wide(blocks[:, 48:], "<u2") & 0xFFF | np.array([0, 0, 0xC000, 0x3000], np.uint16)
    return np.concatenate([blocks[:, :48], fields.view(np.uint8)], axis=1)


def _one(blocks: Bytes) -> Bytes:
    return np.concatenate([np.full((len(blocks), 2), (0, 0x3C), np.uint8), blocks[:, 2:]], axis=1)


def _vectors(
    kind: int,
    scales: Callable[[Bytes], np.ndarray],
    steps: tuple[float, float],
    whole: int = 1,
    half: Callable[[Bytes], FloatArray] = lambda blocks: _half(blocks, 0),
    one: Callable[[Bytes], Bytes] = _one,
) -> Callable[[Bytes], Unpacked]:
    """Return the unpacker of a type whose codes index a table of vectors in the ``gguf`` package.

    It returns the signed integer components of the vectors: what the package
    decodes at block scale 1, times ``whole``, divided by the scale of the sub-block,
    which is ``steps[0] + steps[1] · n`` for the stored number n.
    """

    def unpack(blocks: Bytes) -> Unpacked:
        from gguf import GGMLQuantizationType, quants

        small = np.float32(steps[0]) + np.float32(steps[1]) * scales(blocks).astype(np.float32)
        values = quants.dequantize(one(blocks).reshape(1, -1), GGMLQuantizationType(kind))
        parts = values.reshape(*small.shape, -1) / small[:, :, None] * whole
        codes = np.rint(parts).astype(np.int8).reshape(len(blocks), -1)
        return codes, half(blocks) * (small / np.float32(whole)), None

    return unpack


_IQ2_XXS = _vectors(16, lambda b: _wide(b[:, 2:], "<u4")[:, 1::2] >> 28, (0.125, 0.25))
_IQ2_XS = _vectors(17, lambda b: _fields(b[:, 66:], 4, 1), (0.125, 0.25))
_IQ3_XXS = _vectors(18, lambda b: _wide(b[:, 66:], "<u4") >> 28, (0.25, 0.5))
_IQ1_S = _vectors(19, lambda b: _wide(b[:, 34:], "<u2") >> 12 & 7, (1, 2), 8)
_IQ3_S = _vectors(21, lambda b: _fields(b[:, 106:], 4, 1), (1, 2))
_IQ2_S = _vectors(22, lambda b: _fields(b[:, 74:], 4, 1), (0.125, 0.25))
_IQ1_M = _vectors(29, _iq1_m_scales, (1, 2), 8, _iq1_m_half, _iq1_m_one)

_E2M1 = E2M1.unpack(np.arange(16)) + 0.0
_IQ4_LEVELS = np.array(
    [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.float64
)


BLOCK_TYPES: dict[int, BlockType] = {
    2: BlockType("Q4_0", 32, 18, Codes(32, _q4_0, 8)),
    3: BlockType("Q4_1", 32, 20, Codes(32, _q4_1)),
    6: BlockType("Q5_0", 32, 22, Codes(32, _q5_0, 16)),
    7: BlockType("Q5_1", 32, 24, Codes(32, _q5_1)),
    8: BlockType("Q8_0", 32, 34, Codes(32, _q8_0, signed=True)),
    10: BlockType("Q2_K", 256, 84, Codes(16, _q2_k)),
    11: BlockType("Q3_K", 256, 110, Codes(16, _q3_k, 4)),
    12: BlockType("Q4_K", 256, 144, Codes(32, _q4_k)),
    13: BlockType("Q5_K", 256, 176, Codes(32, _q5_k)),
    14: BlockType("Q6_K", 256, 210, Codes(16, _q6_k, 32)),
    16: BlockType("IQ2_XXS", 256, 66, Codes(32, _IQ2_XXS, signed=True)),
    17: BlockType("IQ2_XS", 256, 74, Codes(16, _IQ2_XS, signed=True)),
    18: BlockType("IQ3_XXS", 256, 98, Codes(32, _IQ3_XXS, signed=True)),
    19: BlockType("IQ1_S", 256, 50, Codes(32, _IQ1_S, signed=True)),
    20: BlockType("IQ4_NL", 32, 18, Codes(32, _q4_0, levels=_IQ4_LEVELS)),
    21: BlockType("IQ3_S", 256, 110, Codes(32, _IQ3_S, signed=True)),
    22: BlockType("IQ2_S", 256, 82, Codes(16, _IQ2_S, signed=True)),
    23: BlockType("IQ4_XS", 256, 136, Codes(32, _iq4_xs, levels=_IQ4_LEVELS)),
    29: BlockType("IQ1_M", 256, 56, Codes(16, _IQ1_M, signed=True)),
    34: BlockType("TQ1_0", 256, 54, Codes(256, _tq1_0, 1)),
    35: BlockType("TQ2_0", 256, 66, Codes(256, _tq2_0, 1)),
    39: BlockType("MXFP4", 32, 17, Codes(32, _mxfp4, levels=_E2M1)),
    40: BlockType("NVFP4", 64, 36, Codes(16, _nvfp4, levels=_E2M1)),
}
"""Quantized types that the ``gguf`` package can decode, by their number in files."""
