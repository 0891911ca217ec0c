"""Sentences on what runtimes make of one scheme, and of several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QCoreApplication

from quantoscope.engine.analysis.runtime_matrix import RuntimeMatrix, RuntimeRow
from quantoscope.engine.analysis.runtime_summary import Tendency, tendencies
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.models.runtimes import share

MANY = 3
"""Names up to so many are all listed in a sentence."""
OF_A_TIE = ("rounding", "order", "reciprocal")
"""Keys of the choices that decide what becomes of a tie."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("runtimes", text)


def describe(matrix: RuntimeMatrix) -> str:
    """Return which runtimes make other codes, in how many values, and why, as a sentence."""
    have = [row for row in matrix.rows if row.codes is not None]
    if not have:
        text = _tr("No runtime has %1; the nearest that each has stands in its row.")
        if any(row.there for row in matrix.rows):
            text = _tr("No other runtime can apply %1 to these values: each row says why.")
        return filled(text, str(matrix.scheme))
    by_count: dict[int, list[RuntimeRow]] = {}
    for row in have:
        if row.codes is not None and row.codes.count:
            by_count.setdefault(row.codes.count, []).append(row)
    last = max(row.values.last for row in have if row.values is not None)
    size = have[0].codes.of if have[0].codes is not None else 0
    if by_count:
        counts = sorted(by_count, reverse=True)
        first = by_count[counts[0]]
        text = _tr("%1 part from %2 in %3 of %4 codes")
        if len(first) == 1:
            text = _tr("%1 parts from %2 in %3 of %4 codes")
        names = _listed([row.title for row in first])
        parts = [filled(text, names, matrix.title, f"{counts[0]:,}", f"{size:,}")]
        for count in counts[1:]:
            some = _listed([row.title for row in by_count[count]])
            parts.append(filled(_tr("%1 in %2"), some, f"{count:,}"))
        text = f"{'; '.join(parts)}: {_first_cause(first[0])}."
    else:
        text = _tr("Every code of %1 is equal to that of %2.")
        text = filled(text, _listed([row.title for row in have]), matrix.title)
    if last:
        also = _tr("Up to %1 R′ differ in the last digit only.")
        text = f"{text} {filled(also, f'{last:,}')}"
    return text


def _listed(names: Sequence[str]) -> str:
    if len(names) > MANY:
        return filled(_tr("%1 and %2 more"), ", ".join(names[:MANY]), len(names) - MANY)
    return filled(_tr("%1 and %2"), ", ".join(names[:-1]), names[-1]) \
        if len(names) > 1 else names[0]  # fmt: skip


def _first_cause(row: RuntimeRow) -> str:
    """Return what the first value that differs shows."""
    if row.parting is None:
        return ""
    cause, tie = row.parting.cause, row.parting.tie
    if tie and cause.key in OF_A_TIE:
        return filled(_tr("the first is a tie at %1"), tie)
    return filled(_tr("the first by %1"), cause.title)


def read_off(matrices: Iterable[RuntimeMatrix]) -> str:
    """Return what several schemes have in common, as sentences; empty without any."""
    found = [_tendency(one) for one in tendencies(matrices)]
    return filled(_tr("Read off: %1"), " ".join(found)) if found else ""


def _tendency(one: Tendency) -> str:
    """Return which runtimes part from schemes of one mapping, how far at most, and why."""
    what = f"{one.mapping} @{one.runtime}" if one.runtime else one.mapping
    if not one.apart and not one.same:
        text = _tr("%1: no other runtime has it.")
        if one.refused:
            text = _tr("%1: no other runtime can apply it to these values.")
        return filled(text, what)
    text = filled(_tr("%1: equal codes in all that have it"), what)
    if one.most is not None and one.most.codes is not None:
        codes, names = (
            one.most.codes,
            [f"@{name}" if name else _tr("textbook") for name in one.apart],
        )
        text = _tr("%1: other codes in %2: up to %3 of %4 (%5; %6)")
        if one.same:
            text = _tr("%1: other codes only in %2: up to %3 of %4 (%5; %6)")
        text = filled(text, what, _listed(names), f"{codes.count:,}", f"{codes.of:,}",
                      share(codes.count, codes.of), _first_cause(one.most))  # fmt: skip
    if one.last_digit is None:
        return f"{text}."
    last = _tr("up to %1 of R′ differ in the last digit only")
    return f"{text}; {filled(last, share(one.last_digit.last, one.last_digit.of))}."
