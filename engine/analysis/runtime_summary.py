"""What several schemes' matrices of runtimes have in common: who makes other codes, how many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from quantoscope.engine.analysis.runtime_matrix import Difference, RuntimeMatrix, RuntimeRow


@dataclass(frozen=True)
class Tendency:
    """Schemes of one mapping and runtime, compared with themselves in every other runtime.

    Attributes
    ----------
    mapping, runtime : str
        Of the schemes; the runtime is empty for the textbook.
    apart : tuple of str
        Runtimes that make other codes of at least one of the schemes, those with the largest
        share first.
    same : tuple of str
        Runtimes that have at least one of the schemes, and make the same codes of all they have.
    refused : bool
        Whether another runtime has one of the schemes, but cannot quantize these values.
    most : RuntimeRow or None
        The row with the largest share of codes that differ.
    last_digit : Difference or None
        Of reconstructed values: with the largest share that differs in the last digit only; None
        if there is none.
    """

    mapping: str
    runtime: str
    apart: tuple[str, ...]
    same: tuple[str, ...]
    refused: bool
    most: RuntimeRow | None
    last_digit: Difference | None


def tendencies(matrices: Iterable[RuntimeMatrix]) -> tuple[Tendency, ...]:
    """Return what schemes of the same mapping and runtime have in common, in their order."""
    groups: dict[tuple[str, str], list[RuntimeRow]] = {}
    for matrix in matrices:
        key = matrix.scheme.mapping, matrix.scheme.runtime
        groups.setdefault(key, []).extend(row for row in matrix.rows if row.there)
    return tuple(_tendency(*key, rows) for key, rows in groups.items())


def _tendency(mapping: str, runtime: str, rows: list[RuntimeRow]) -> Tendency:
    refused = any(row.refusal for row in rows)
    rows = [row for row in rows if not row.refusal]
    shares = {row.runtime: 0.0 for row in rows}
    for row in rows:
        shares[row.runtime] = max(shares[row.runtime], _share(row))
    apart = [name for name in shares if shares[name] > 0]
    last = [row.values for row in rows if row.values is not None and row.values.last]
    return Tendency(
        mapping,
        runtime,
        tuple(sorted(apart, key=lambda name: -shares[name])),
        tuple(name for name in shares if name not in apart),
        refused,
        max(rows, key=_share) if apart else None,
        max(last, key=lambda one: one.last / one.of, default=None),
    )


def _share(row: RuntimeRow) -> float:
    return row.codes.count / row.codes.of if row.codes is not None and row.codes.of else 0.0
