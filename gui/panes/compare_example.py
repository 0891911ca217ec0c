"""One value worked through under two schemes, or under a scheme and a device."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape
from itertools import zip_longest

from PySide6.QtCore import QCoreApplication

from quantoscope.engine import Comparison, trace
from quantoscope.engine.analysis.device_codes import DeviceComparison
from quantoscope.engine.analysis.value_trace import Trace
from quantoscope.engine.numerics.kernels import Scratch
from quantoscope.gui.common.localized_numbers import (
    digits_apart,
    digits_within,
    exact,
    filled,
    short,
)
from quantoscope.gui.common.theme import Theme

Rows = list[tuple[str, list[str]]]

ONE_LINE = 48
"""Maximum length of a cause and both choices on one line, in characters."""

RECONSTRUCTED = "reconstructed"
ERROR_DIGITS = 3
"""Minimum significant digits of the error visible in R′, on data with a large offset."""
_tr = partial(QCoreApplication.translate, "compare")


def example_html(
    made: Comparison, chosen: int, position: str, own: bool, theme: Theme, digits: int
) -> str:
    """Return parameters and stages of a value side by side as HTML, differences in bold.

    The value is at the flat position ``chosen``, ``position`` as text; ``own`` if the user chose
    it, not as an example.
    """
    muted, alarm = theme.muted, theme.alarm
    real = exact(made.first.values.reshape(-1)[chosen])
    word = _tr("Chosen value") if own else _tr("For example")
    lines = [f"<div>{escape(word)} <b>#{escape(position)}</b>: R = {escape(real)}</div>"]
    number = int(made.cause_of.reshape(-1)[chosen])
    if number >= 0:
        cause = made.causes[number]
        first, second = cause.first, cause.second
        if isinstance(made, DeviceComparison) and cause.key != "runtime":
            first, second = (f"Q = {one.codes.flat[chosen]}" for one in (made.first, made.second))
        title = cause_title(made, chosen, number)
        apart = " · " if len(title + first + second) <= ONE_LINE else "<br>"
        title, first, second = (escape(part) for part in (title, first, second))
        text = apart.join((f"<b>{title}</b>", f"1: {first}", f"2: {second}"))
        lines.append(f"<div style='color:{alarm}'>{text}</div>")
    else:
        lines.append(f"<div style='color:{muted}'>{escape(_tr('Both agree here.'))}</div>")
    if isinstance(made, DeviceComparison):
        heads = (_tr("1: scheme"), _tr("2: device"))
        compared = _beside_device(made, chosen, digits)
    else:
        heads = (_tr("1: first"), _tr("2: second"))
        each = (made.first, made.second)
        compared = _stages([trace(e.values, e.qparams, [chosen]) for e in each], digits)
    rows = ["<tr><td></td>" + "".join(f"<td align='right'><b>{h}</b>&nbsp;&nbsp;</td>"
                                      for h in heads) + "</tr>"]  # fmt: skip
    for symbol, texts in compared:
        unlike = len(set(texts)) > 1 and "" not in texts
        cells = "".join(
            f"<td align='right'>{'<b>' if unlike else ''}{escape(text)}"
            f"{'</b>' if unlike else ''}&nbsp;&nbsp;</td>"
            for text in texts
        )
        sign = "≠" if unlike else "" if "" in texts else "="
        mark = f"<td style='color:{alarm if unlike else muted}'>{sign}</td>"
        rows.append(f"<tr><td style='color:{muted}'>{escape(symbol)}&nbsp;</td>{cells}{mark}</tr>")
    lines.append(f"<table cellspacing='0' cellpadding='1'>{''.join(rows)}</table>")
    return "".join(lines)


def cause_title(made: Comparison, position: int, cause: int) -> str:
    """Return a cause's title, with its share of a value that has several causes."""
    part, title = int(made.part_of.flat[position]), made.causes[cause].title
    if made.together.flat[position]:
        return filled(_tr("%1 (%2 %, not without another choice)"), title, part)
    return filled(_tr("%1 (%2 %)"), title, part) if part < 100 else title


def _beside_device(made: DeviceComparison, chosen: int, digits: int) -> Rows:
    """Return the scheme's parameters and stages, and the device's code with its value."""
    traced = trace(made.first.values, made.first.qparams, [chosen])
    reconstructed, error = made.second.block(chosen, chosen + 1, Scratch())
    # For integer codes, the last stage before R' is the code.
    theirs = {
        "clipped": int(made.second.codes.flat[chosen]),
        "reconstructed": float(reconstructed[0]),
        "error": float(error[0]),
    }
    one = traced.qparams.at(0)
    scale, zero_point = short(one.scale, max(9, digits)), str(one.zero_point)
    rows: Rows = [("S", [scale, scale]), ("Z", [zero_point, zero_point])]
    for stage in traced.stages:
        ours = traced[stage.key][0]
        if stage.key == "clipped" and ours.is_integer():
            ours = int(ours)  # a code, like the device's, in full
        if stage.key not in theirs:
            rows.append((stage.symbol, [short(ours, digits), ""]))
            continue
        errors = [float(traced["error"][0]), theirs["error"]]
        cells = _texts(
            [ours, theirs[stage.key]], digits, errors if stage.key == RECONSTRUCTED else ()
        )
        rows.append((stage.symbol, cells))
    return rows


def _texts(
    values: list[float | None], digits: int, errors: Sequence[float | None] = ()
) -> list[str]:
    """Return numbers as text with enough digits to differ from each other and from R."""
    apart = digits_apart((value for value in values if value is not None), digits)
    texts = []
    for value, error in zip_longest(values, errors):
        if value is None:
            texts.append("–")
            continue
        near = 0 if error is None else digits_within(value, abs(error), ERROR_DIGITS)
        texts.append(short(value, max(apart, near)))
    return texts


def _stages(traces: list[Trace], shown_digits: int) -> Rows:
    """Return parameters and stages as text under both schemes, distinct if they differ."""
    each = [t.qparams.at(0) for t in traces]
    digits = max(9, shown_digits)
    errors = [float(t["error"][0]) for t in traces]
    rows: Rows = [
        ("S", _texts([float(p.scale) for p in each], digits)),
        ("Z", [str(p.zero_point) for p in each]),
    ]
    # In the order of the longer list, which contains the stages of the other.
    longer = max(traces, key=lambda one: len(one.stages))
    keys = list(dict.fromkeys(s.key for one in (longer, *traces) for s in one.stages))
    for key in keys:
        symbols = [s.symbol for one in traces for s in one.stages if s.key == key]
        has = [any(stage.key == key for stage in one.stages) for one in traces]
        pairs = list(zip(traces, each, has, strict=True))
        if key == "code":
            cells = [p.format.label(int(t[key][0])) if h else "–" for t, p, h in pairs]
        else:
            numbers = [float(t[key][0]) if h else None for t, _, h in pairs]
            cells = _texts(numbers, digits, errors if key == RECONSTRUCTED else ())
        rows.append((" | ".join(dict.fromkeys(symbols)), cells))
    return rows
