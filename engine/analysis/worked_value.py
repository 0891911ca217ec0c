"""One value worked through under two schemes, on one line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quantoscope.engine.analysis.comparison import Compared
from quantoscope.engine.analysis.corners import Calibrated
from quantoscope.engine.analysis.steps import Line, Steps, steps
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.text.number_text import MOST_DIGITS, digits_apart, short


def worked_line(
    r: FloatArray,
    first: Calibrated,
    second: Calibrated,
    position: int,
    compared: Compared,
    digits: int = 6,
) -> tuple[str, str]:
    """Return a value's steps under two schemes on one line, and its tie, if it has one.

    What both have in common stands first; ``|`` stands between what differs.
    """
    for more in (digits, 9, 12, MOST_DIGITS):
        pair = [
            steps(r, one.scheme, one.qparams, position, max(more, digits))
            for one in (first, second)
        ]
        if _told_apart(pair):
            break
    made = [_Side(one) for one in pair]
    a, b = made
    parts = [str(a.lines["real"])]
    for symbol, both in (("S", [one.scale for one in made]), ("Z", [one.zero for one in made])):
        if both[0] != both[1]:
            more = digits_apart(both, digits)
            parts.append(f"{symbol} = {' | '.join(short(one, more) for one in both)}")
    in_codes = compared is Compared.CODES
    common = [key for key in a.stages if key in b.lines and a.lines[key] == b.lines[key]]
    if in_codes:
        parts += [_brief(a.lines[key]) for key in common if key in ("scaled",)]
    else:
        code = "code" if "code" in a.lines else "clipped"
        parts.append(f"Q = {a.lines[code].result}")
    chains = [one.chain(common, in_codes) for one in made]
    line = ", ".join(parts) + ":  " + " | ".join(chains)
    return line, next((tie for one in made if (tie := one.tie)), "")


class _Side:
    """The steps of a value under one scheme."""

    def __init__(self, made: Steps) -> None:
        self._made = made
        self.lines = {line.key: line for line in made.values}
        self.stages = [stage.key for stage in made.trace.stages]
        p = made.trace.qparams.at(0)
        self.scale, self.zero = float(p.working_scale), float(p.zero_point)

    def chain(self, common: Sequence[str], in_codes: bool) -> str:
        """Return the steps that differ, one after the other."""
        if not in_codes:
            return _brief(self.lines["reconstructed"])
        links, before = [], ""
        for key in self.stages[:-2]:
            line = self.lines[key]
            # Without clipping, Clip changes nothing.
            if key not in common and not (key == "clipped" and line.result == before):
                links.append(f"{line.numbers} = {line.result}" if line.numbers else _brief(line))
            before = line.result
        return ", ".join(links)

    @property
    def tie(self) -> str:
        """The stage before rounding that lies halfway between two codes."""
        trace = self._made.trace
        if not trace.qparams.format.integer:
            return ""
        rounded = self.stages.index("rounded")
        for key in self.stages[:rounded]:
            number = float(trace[key][0])
            if abs(number) % 1 == 0.5:
                line = self.lines[key]
                added = line.symbol.startswith("+")
                return f"{self.lines['scaled'].symbol} {_brief(line)}" if added else _brief(line)
        return ""


def _brief(line: Line) -> str:
    return f"{line.symbol} = {line.result}"


def _told_apart(pair: Sequence[Steps]) -> bool:
    """Return whether stages that differ also differ as printed."""
    a, b = (one.trace for one in pair)
    texts = [{line.key: line.result for line in one.values} for one in pair]
    return all(
        (a[key][0] == b[key][0]) == (texts[0][key] == texts[1][key])
        for key in texts[0]
        if key in texts[1] and key in a and key in b and not np.isnan(a[key][0])
    )
