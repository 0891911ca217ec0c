"""Roles of weights in files that name layers but hold no operators, such as checkpoints.

PyTorch's layers have their outputs along axis 0, but for transposed convolutions, and the linear
layers of GPT-2; the length of the layer's bias tells. Keras and Flax have kernels with their
outputs along the last axis.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from quantoscope.engine.io.base import TensorInfo
from quantoscope.engine.numerics.roles import Role

_LONGEST = 500
_KERNELS = ("kernel", "kernel:0", "recurrent_kernel", "recurrent_kernel:0")


def with_roles(infos: list[TensorInfo]) -> list[TensorInfo]:
    """Return the tensors with roles where names and shapes tell them, and the readers did not."""
    lengths = dict(_biases(infos))
    turned = {info.name for info in infos if _is_turned(info, lengths)}
    return [_with_role(info, turned) if info.role is None else info for info in infos]


def _biases(infos: Iterable[TensorInfo]) -> Iterable[tuple[str, int]]:
    for info in infos:
        if len(info.name) < _LONGEST and info.name.endswith(".bias") and len(info.shape) == 1:
            yield info.name.removesuffix(".bias"), info.shape[0]


def _is_turned(info: TensorInfo, lengths: dict[str, int]) -> bool:
    """Return whether the bias has the length of a weight's axis 1, and not of axis 0."""
    layer = info.name.removesuffix(".weight") if len(info.name) < _LONGEST else ""
    outputs = lengths.get(layer)
    if len(info.shape) < 2 or layer == info.name or outputs is None:
        return False
    return info.shape[1] == outputs != info.shape[0]


def _with_role(info: TensorInfo, turned: set[str]) -> TensorInfo:
    ndim = len(info.shape)
    if ndim < 2 or len(info.name) >= _LONGEST:
        return info
    path, dot, word = info.name.replace("/", ".").rpartition(".")
    if word in _KERNELS and dot:
        return replace(info, role=Role((ndim - 1,), tuple(range(ndim - 1)), word.partition(":")[0]))
    # A square weight is as its neighbour: attn.c_proj of GPT-2 as attn.c_attn.
    neighbour = f"{path.rpartition('.')[0]}.c_attn.weight"
    square = word == "weight" and path.endswith(".c_proj") and info.shape[0] == info.shape[1]
    if info.name in turned or (square and neighbour in turned):
        rest = tuple(axis for axis in range(ndim) if axis != 1)
        return replace(info, role=Role((1,), rest, "Conv1D" if ndim == 2 else "ConvTranspose"))
    return info
