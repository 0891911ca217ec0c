"""Roles of ONNX initializers: which operator takes one, in which input.

Source: the operators' shapes in https://onnx.ai/onnx/operators/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from quantoscope.engine.numerics.roles import Role

Ints = Mapping[bytes, Sequence[int]]
"""Integer attributes of a node by name."""
_Axes = tuple[tuple[int, ...], tuple[int, ...]]
_Rule = Callable[[int, Ints], _Axes | None]

HANDED_ON = (b"DequantizeLinear", b"QuantizeLinear", b"Identity", b"Cast")
"""Operators whose output has the axes of their first input."""
TRANSPOSE = b"Transpose"
GATHER = b"Gather"
"""A look-up says least: any other operator that takes the tensor too says more."""
MOST_INPUTS = 4
"""Weights are among the first inputs of every operator here."""


def _filters(out: int) -> _Rule:
    def rule(ndim: int, ints: Ints) -> _Axes | None:
        return ((out,), tuple(a for a in range(ndim) if a != out)) if ndim > 2 else None

    return rule


def _factor(side: int, flag: bytes) -> _Rule:
    """Return the rule for the left or right factor of a product; the flag says transposed."""

    def rule(ndim: int, ints: Ints) -> _Axes | None:
        if ndim < 2:
            return None
        inner = ndim - 2 if (side == 1) != bool(ints.get(flag, (0,))[0]) else ndim - 1
        return (2 * ndim - 3 - inner,), (inner,)

    return rule


def _gates(ndim: int, ints: Ints) -> _Axes | None:
    return ((1,), (2,)) if ndim == 3 else None  # directions, gates · hidden, inputs


def _rows(ndim: int, ints: Ints) -> _Axes | None:
    return ((0,), tuple(range(1, ndim))) if ndim > 1 and not ints.get(b"axis", (0,))[0] else None


_LEFT, _RIGHT = _factor(0, b"transA"), _factor(1, b"transB")
_RULES: dict[bytes, dict[int, _Rule]] = {
    **dict.fromkeys((b"Conv", b"FusedConv", b"ConvInteger"), {1: _filters(0)}),
    b"QLinearConv": {3: _filters(0)},
    b"ConvTranspose": {1: _filters(1)},
    **dict.fromkeys(
        (b"MatMul", b"Gemm", b"MatMulInteger", b"FusedMatMul", b"FusedGemm"),
        {0: _LEFT, 1: _RIGHT},
    ),
    b"QLinearMatMul": {0: _LEFT, 3: _RIGHT},
    **dict.fromkeys((b"LSTM", b"GRU", b"RNN"), {1: _gates, 2: _gates}),
    GATHER: {0: _rows},
}
"""For each operator its weights by input, in the layout that the operator takes."""


WITH_INTS = (b"Gemm", b"FusedGemm", b"FusedMatMul", GATHER, TRANSPOSE)
"""Operators whose integer attributes say something of a role; reading those of all takes long."""


class Roles:
    """Collects the roles of a graph's initializers from its nodes, in their order."""

    def __init__(self) -> None:
        self._seen: dict[bytes, tuple[bytes, tuple[int, ...]]] = {}
        self._roles: dict[bytes, Role] = {}
        self._weak: set[bytes] = set()

    def add(self, name: bytes, ndim: int) -> None:
        """Expect an initializer."""
        if name:
            self._seen[name] = name, tuple(range(ndim))

    def knows(self, name: bytes) -> bool:
        """Return whether a node's input is an initializer, or one handed on."""
        return name in self._seen

    def role(self, name: bytes) -> Role | None:
        """Return the role of an initializer; None if no operator says any."""
        return self._roles.get(name)

    def read(self, op_type: bytes, inputs: Sequence[bytes], output: bytes, ints: Ints) -> None:
        """Read a node with an input that is known."""
        first = self._seen.get(inputs[0]) if inputs else None
        if first is not None and output and op_type in HANDED_ON:
            self._seen[output] = first
        elif first is not None and output and op_type == TRANSPOSE:
            name, order = first
            turned = tuple(ints.get(b"perm", range(len(order))[::-1]))
            if sorted(turned) == list(range(len(order))):
                self._seen[output] = name, tuple(order[axis] for axis in turned)
        for number, rule in _RULES.get(op_type, {}).items():
            found = self._seen.get(inputs[number]) if number < len(inputs) else None
            if found is None:
                continue
            name, order = found
            axes = rule(len(order), ints)
            weak = op_type == GATHER
            if axes is None or (name in self._roles and (weak or name not in self._weak)):
                continue
            out, into = (tuple(order[axis] for axis in some) for some in axes)
            self._roles[name] = Role(out, into, op_type.decode("ascii"))
            (self._weak.add if weak else self._weak.discard)(name)
