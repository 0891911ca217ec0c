"""The verdict on the enabled schemes as clauses, the most telling first."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from quantoscope.engine.analysis.outlier_lines import OutlierLines
from quantoscope.engine.analysis.verdict import Verdict
from quantoscope.gui.common.localized_numbers import (
    bits_text,
    decibels,
    exact,
    filled,
    position_text,
)
from quantoscope.gui.document.snapshot import Entry

NORMAL, STRONG, ALARM = "", "strong", "alarm"
MOSTLY = 0.5
"""Share of the loss from which its cause is told."""
MOST_DEARER = 2
NOTICED = 0.1
"""Minimum difference in dB without the few values that is told."""


@dataclass(frozen=True)
class Piece:
    """A part of a clause: a text in a style, or the name of the scheme with a uid."""

    text: str
    style: str = NORMAL
    uid: int | None = None


@dataclass(frozen=True)
class Clause:
    """A sentence in pieces."""

    pieces: tuple[Piece, ...]

    def plain(self, names: Mapping[int, str]) -> str:
        """Return the text, with these names of schemes."""
        return "".join(p.text if p.uid is None else names[p.uid] for p in self.pieces)


def _tr(text: str) -> str:
    return QCoreApplication.translate("verdict", text)


def _clause(text: str, *parts: Piece | str) -> Clause:
    """Fill the marks %1, %2 and so on with pieces."""
    pieces = []
    for word in re.split(r"(%\d)", text):
        if re.fullmatch(r"%\d", word):
            part = parts[int(word[1]) - 1]
            pieces.append(part if isinstance(part, Piece) else Piece(part, STRONG))
        elif word:
            pieces.append(Piece(word))
    return Clause(tuple(pieces))


def _name(uid: int) -> Piece:
    return Piece("", uid=uid)


def _db(db: float) -> str:
    return f"{decibels(db)} dB"


def brief(entries: Mapping[int, Entry]) -> dict[int, str]:
    """Return names without the words that all schemes share, where their texts are the names."""
    names = {uid: entry.name for uid, entry in entries.items()}
    if len(names) < 2 or any(entry.label for entry in entries.values()):
        return names
    words = [name.split(" ") for name in names.values()]
    shared = set(words[0]).intersection(*words[1:])
    short = {
        uid: " ".join(word for word in name.split(" ") if word not in shared)
        for uid, name in names.items()
    }
    return short if all(short.values()) else names


def clauses(verdict: Verdict | None, shape: tuple[int, ...], awaited: bool = False) -> list[Clause]:
    """Return the verdict as sentences; they hold as printed.

    Parameters
    ----------
    verdict : Verdict or None
        With the uids of entries as its keys.
    shape : tuple of int
        Of the array, for positions.
    awaited : bool
        Whether the first evaluation is not done.
    """
    if awaited:
        return [_clause(_tr("Not quantized yet."))]
    if verdict is None:
        return [_clause(_tr("There is nothing to judge: no enabled scheme has been applied."))]
    best = verdict.best()
    if not best:
        return [_clause(_tr("There is no finite value to judge the schemes by."))]
    dearer = []
    for uid in verdict.dearer()[:MOST_DEARER]:
        one = verdict.standings[uid]
        text = _tr("For %1 bits, %2 has %3.")
        if one.sqnr == math.inf:
            text = _tr("For %1 bits, %2 loses nothing.")
        dearer.append(_clause(text, Piece(bits_text(one.bits)), _name(uid), _db(one.sqnr)))
    causes = [*_few(verdict, best, shape), *_losses(verdict, best)]
    rest = [*dearer, *causes] if len(verdict.cheapest()) == 1 else [*causes, *dearer]
    return [_winner(verdict, best), *_left_out(verdict), *rest, *_runner_up(verdict, best)]


def _left_out(verdict: Verdict) -> list[Clause]:
    """Return how many values no figure speaks of."""
    if not verdict.left_out:
        return []
    text = _tr("%1 values that are not finite are left out.")
    if verdict.left_out == 1:
        text = _tr("One value that is not finite is left out.")
    return [_clause(text, Piece(f"{verdict.left_out:,}"))]


def _winner(verdict: Verdict, best: list[int]) -> Clause:
    uid, count = best[0], len(verdict.standings)
    one = verdict.standings[uid]
    db, bits = _db(one.sqnr), Piece(_bits(verdict, best))
    fewest = Piece(bits_text(verdict.fewest_bits()))
    if count == 1:
        text = _tr("%1 loses nothing, at %3 bits.") if one.sqnr == math.inf else _tr(
            "%1: %2 at %3 bits."
        )  # fmt: skip
        return _clause(text, _name(uid), db, bits)
    if len(best) > 1:
        other = _name(best[1])
        if len(best) > 2:
            other = Piece(_tr("%n others").replace("%n", str(len(best) - 1)))
        text = _tr("%1 and %2 lose least: %3 each, at %4 bits.")
        if len(best) == count:
            text = _tr("%1 and %2 lose the same: %3 at %4 bits.")
        if one.sqnr == math.inf:
            text = _tr("%1 and %2 lose nothing, at %4 bits.")
        return _clause(text, _name(uid), other, db, bits)
    ranking = verdict.ranking()
    if one.sqnr == math.inf:
        return _clause(_tr("%1 loses nothing, at %2 bits."), _name(uid), bits)
    if len(verdict.cheapest()) == 1:
        text = _tr("%1 takes the fewest bits, %3, and has %2.")
        others = (its.sqnr for its in verdict.standings.values() if its is not one)
        if all(sqnr < one.sqnr for sqnr in others):
            text = _tr("%1 loses least, %2, and takes the fewest bits, %3.")
        return _clause(text, _name(uid), db, bits)
    if count == 2 and len(ranking) == 2:
        second = verdict.standings[ranking[1]]
        by = Piece(_difference(one.sqnr, second.sqnr), STRONG)
        text = _tr("%1 loses %2 less than %3: %4 at %5 bits.")
        if bits_text(second.bits) != bits.text:
            text = _tr("%1 loses %2 less than %3: %4 at %5 against %6 bits.")
        second_bits = Piece(bits_text(second.bits))
        return _clause(text, _name(uid), by, _name(ranking[1]), db, bits, second_bits)
    text = _tr("%1 loses least: %2 at %3 bits.")
    if len(verdict.cheapest()) < count:
        text = _tr("At %3 bits %1 loses least: %2.")
    if fewest.text != bits.text:
        text = _tr("%1 loses least: %2 at %3 bits; the fewest are %4.")
    return _clause(text, _name(uid), db, bits, fewest)


def _bits(verdict: Verdict, uids: list[int]) -> str:
    """Return the bits per value of schemes, from the fewest to the most where they differ."""
    bits = [verdict.standings[uid].bits for uid in uids]
    ends = bits_text(min(bits)), bits_text(max(bits))
    return ends[0] if ends[0] == ends[1] else filled(_tr("%1 to %2"), *ends)


def _difference(better: float, worse: float) -> str:
    """Return a difference in dB with as many digits as it takes to be one."""
    by = better - worse
    return _db(by) if by >= 0.05 or not math.isfinite(by) else f"{by:.1g} dB"


def _few(verdict: Verdict, best: list[int], shape: tuple[int, ...]) -> list[Clause]:
    few = verdict.few
    if few is None:
        return []
    what = Piece(f"{few.count:,}", ALARM)
    if few.count == 1:
        place, value = position_text(int(few.where[0]), shape), exact(few.values[0])
        what = Piece(f"{place if len(shape) > 1 else f'#{place}'} = {value}", ALARM)
    others, uid = verdict.best(others=True), best[0]
    figure = verdict.figure(uid, others=True)
    if math.isnan(figure) or not others:
        return []
    best_figure = verdict.figure(others[0], others=True)
    one = few.count == 1
    whose = [key for key, standing in verdict.standings.items() if standing.of_extremes]
    owner = Piece(_tr("%n others").replace("%n", str(len(whose))), STRONG)
    owner = _name(whose[0]) if len(whose) == 1 else owner
    # They may be much of the signal or the loss of a winner whose own range they do not set.
    own = uid in whose
    if uid in others or best_figure - figure < NOTICED:
        if abs(figure - verdict.figure(uid)) < NOTICED:
            return []
        text = _tr("%1 sets the range: without it %2 has %3.") if one else _tr(
            "%1 values set the range: without them %2 has %3."
        )  # fmt: skip
        if not own:
            text = _tr("%1 sets the range of %4: without it %2 has %3.") if one else _tr(
                "%1 values set the range of %4: without them %2 has %3."
            )  # fmt: skip
        return [_clause(text, what, _name(uid), _db(figure), owner)]
    text = _tr("But %1 sets the range: without it %2 has %3 against %4.") if one else _tr(
        "But %1 values set the range: without them %2 has %3 against %4."
    )  # fmt: skip
    if not own:
        text = _tr("But %1 sets the range of %5: without it %2 has %3 against %4.") if one else _tr(
            "But %1 values set the range of %5: without them %2 has %3 against %4."
        )  # fmt: skip
    return [_clause(text, what, _name(others[0]), _db(best_figure), _db(figure), owner)]


def _losses(verdict: Verdict, best: list[int]) -> list[Clause]:
    """Return what the worst of the cheapest schemes suffer from, if it is one thing."""
    others = [uid for uid in reversed(verdict.ranking()) if uid not in best]
    if len(verdict.cheapest()) == 1:
        others = best
    found = []
    clips = [uid for uid in others if verdict.standings[uid].clipped_share >= MOSTLY]
    if clips:
        one = verdict.standings[clips[0]]
        share = Piece(_share(one.clipped_share), ALARM)
        text = _tr("%1 clipped values are %2 of what %3 loses.")
        if one.clipped == 1:
            text = _tr("One clipped value is %2 of what %3 loses.")
        found.append(_clause(text, Piece(f"{one.clipped:,}"), share, _name(clips[0])))
    gone = max(others, key=lambda uid: verdict.standings[uid].zeroed, default=None)
    if gone is not None and verdict.standings[gone].zeroed:
        share = Piece(_share(verdict.standings[gone].zeroed / verdict.nonzero), ALARM)
        lines = verdict.standings[gone].lines
        if lines is None:
            text = _tr("Under %1, %2 of the values other than 0 become 0.")
            found.append(_clause(text, _name(gone), share))
        else:
            text = _tr("Under %1, %3 set S of %4: %2 of the values other than 0 become 0.")
            if lines.where.size == 1:
                text = _tr("Under %1, %3 sets S of %4: %2 of the values other than 0 become 0.")
            found.append(_clause(text, _name(gone), share, *map(Piece, _lines(lines))))
    return found


def _lines(lines: OutlierLines) -> tuple[str, str]:
    """Return which lines set the scale, and of which channels."""
    count = lines.where.size
    one, many = (_tr("column %1"), _tr("%1 columns")) if lines.columns else (
        _tr("row %1"), _tr("%1 rows")
    )  # fmt: skip
    what = filled(one, int(lines.where[0])) if count == 1 else filled(many, f"{count:,}")
    of = (_tr("every row"), _tr("%1 of %2 rows")) if lines.columns else (
        _tr("every column"), _tr("%1 of %2 columns")
    )  # fmt: skip
    every = lines.ruled == lines.total
    return what, of[0] if every else filled(of[1], f"{lines.ruled:,}", f"{lines.total:,}")


def _runner_up(verdict: Verdict, best: list[int]) -> list[Clause]:
    order = [uid for uid in verdict.ranking() if uid not in best]
    if not order or len(verdict.standings) == 2:
        return []
    by = verdict.standings[best[0]].sqnr - verdict.standings[order[0]].sqnr
    if not math.isfinite(by):
        return []
    text = _tr("%1 loses %2 more.")
    difference = _difference(by, 0.0)
    return [_clause(text, _name(order[0]), Piece(difference))]


def _share(share: float) -> str:
    """Return a share in per cent, which never says all where some is left."""
    if share == 1:
        return "100 %"
    if share >= 0.9999:
        return _tr("over 99.99 %")
    per_cent = math.floor(share * 1e4) / 100
    return f"{per_cent:.2f} %" if share > 0.99 else f"{per_cent:.1f} %"
