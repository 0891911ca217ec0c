"""Figures and reports from the command line, without a window or event loop."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QApplication

from quantoscope.engine import Evaluation, QuantizationError, Scheme, SchemeError, cli, summarize
from quantoscope.engine.io import list_tensors, probe, split_name
from quantoscope.engine.notes import Note, say
from quantoscope.engine.numerics.arrays import as_working
from quantoscope.engine.numerics.roles import Role
from quantoscope.engine.text.file_names import is_text
from quantoscope.engine.text.number_parsing import printable, quoted
from quantoscope.gui.common.localized_numbers import short
from quantoscope.gui.common.plain_text import plain
from quantoscope.gui.common.settings import DIGITS_DEFAULT
from quantoscope.gui.common.theme import LIGHT, theme_named
from quantoscope.gui.document.snapshot import EvaluationJob, Snapshot, entries_for, frozen
from quantoscope.gui.export import choices
from quantoscope.gui.export.choices import Size
from quantoscope.gui.export.figure import RENDERERS, figure_made, write_figure
from quantoscope.gui.export.panel import Panel
from quantoscope.gui.export.presets import PRESET, paper_height
from quantoscope.gui.export.report_content import USUAL_PLOTS, make_report
from quantoscope.gui.export.report_files import REPORT_ENDINGS, write_report
from quantoscope.gui.export.report_reference import Source
from quantoscope.gui.export.spec import MAX_DPI, MAX_POINTS, MIN_DPI, MIN_POINTS, FigureSpec, Look
from quantoscope.gui.plots import PLOT
from quantoscope.gui.plots.data import PlotData, data_of
from quantoscope.gui.plots.spans import power

KEYS = tuple(PLOT)
PAIRED = "difference"
"""Key of the plot that compares the first two schemes."""
WAY = "waterfall"
"""Key of the plot that leads from the first of two schemes to the second."""
LOGARITHMIC = ("log threshold",)
"""Quantities with logarithmic axes."""


def picture(
    array: np.ndarray, schemes: Sequence[Scheme], pair: bool = False, role: Role | None = None
) -> tuple[Snapshot, PlotData]:
    """Apply schemes to an array of any shape, as a session does, with the first one active.

    If ``pair``, the first two are compared. ``role`` says what ``out`` and ``in`` mean.

    Raises
    ------
    QuantizationError
        If one of them cannot be applied.
    """
    values = frozen(as_working(array))
    entries = entries_for(schemes)
    both = entries[:2] if pair else ()
    uids = (both[0].uid, both[1].uid) if len(both) == 2 else None
    nothing = Snapshot(values, summarize(values[:0]), {})
    active = entries[0].uid
    job = EvaluationJob(values, entries, active, nothing, known=False, pair=uids, role=role)
    snapshot = job(None)
    for entry in entries:
        outcome = snapshot.outcomes[entry.uid]
        if not isinstance(outcome, Evaluation):
            raise QuantizationError(f"{entry.scheme}: {outcome}")
    data = data_of(
        snapshot, entries, active, DIGITS_DEFAULT, comparison=snapshot.comparison, pair=both
    )
    return snapshot, data


def plot(arguments: argparse.Namespace) -> list[str]:
    """Write a figure; return the warnings of the schemes."""
    out = _out(arguments.out, tuple(RENDERERS))
    keys = _keys(arguments.plot)
    columns = min(arguments.columns or 1, len(keys))
    size = _size(arguments, len(keys), columns)
    dpi = arguments.dpi or (PRESET[size.preset].dpi if size.preset else 300)
    _check("--dpi", dpi, MIN_DPI, MAX_DPI)
    _check("--font", size.points, MIN_POINTS, MAX_POINTS)
    looks = _looks(arguments.range, keys) if arguments.range else {}
    array, schemes = _inputs(arguments, keys)
    looks |= _way(arguments, keys, schemes, looks.get(WAY, Look()))
    app = _application()
    _, data = picture(array, schemes, PAIRED in keys, arguments.role)
    _check_looks(looks, keys[0], data)
    spec = FigureSpec(
        keys, size.width, size.height, size.unit, dpi, theme_named(arguments.theme),
        points=size.points, looks=looks, titles=not arguments.no_title,
        sentences=not arguments.no_sentence, legend=not arguments.no_legend,
        letters=not arguments.no_letters, columns=columns, grows=size.grows,
    )  # fmt: skip
    cli.require_input_unchanged(arguments)
    spec, notes = figure_made(out, spec, data)
    write_figure(out, spec, data)
    say(*map(Note, notes))
    app.processEvents()
    sides = f"{spec.width:g} × {spec.height:g} {spec.unit}"
    print(f"{printable(str(out))}: {', '.join(keys)}, {sides}, text of {size.points:g} pt")
    return cli.warnings_of([series.evaluation for series in data.series])


def report(arguments: argparse.Namespace) -> list[str]:
    """Write a report; return the warnings of the schemes."""
    out = _out(arguments.out, REPORT_ENDINGS)
    keys = _keys(arguments.plot or USUAL_PLOTS)
    array, schemes = _inputs(arguments, keys)
    looks = _way(arguments, keys, schemes, Look())
    app = _application()
    kept, data = picture(array, schemes, PAIRED in keys, arguments.role)
    source = _source(arguments.input, array.dtype.name)
    if arguments.title:
        source = replace(source, title=plain(arguments.title))
    now = datetime.now().astimezone()
    cli.require_input_unchanged(arguments)
    written = write_report(out, make_report(source, kept, data, keys, now, looks))
    app.processEvents()
    print(", ".join(printable(str(path)) for path in written))
    return cli.warnings_of([series.evaluation for series in data.series])


def _application() -> QApplication:
    """Return the QApplication, which fonts require."""
    app = QApplication.instance()
    return app if isinstance(app, QApplication) else QApplication(["quantoscope"])


def _source(text: str, loaded: str) -> Source:
    """Return the origin of the values, which were loaded in this dtype."""
    file, tensor = split_name(text)
    if not probe(file).single:
        # A model may store it in its own type, such as Q4_0.
        infos = [info for info in list_tensors(file) if info.readable]
        held = [info for info in infos if tensor in (None, info.name)]
        loaded = held[0].stored or held[0].dtype
    if tensor is None:
        return Source(plain(file.name), file, dtype=loaded)
    return Source(plain(f"{file.name} ▸ {tensor}"), file, tensor, dtype=loaded)


def _out(text: str, endings: tuple[str, ...]) -> Path:
    out = Path(text)
    if out.suffix.lower() not in endings:
        known = " or ".join([", ".join(endings[:-1]), endings[-1]])
        raise cli.UsageError(f"-o needs a name that ends in {known}, not {printable(out.name)}.")
    if not is_text(text):
        raise cli.UsageError(f"-o needs a name in UTF-8, not {printable(out.name)}.")
    return out


def _keys(words: Sequence[str]) -> tuple[str, ...]:
    for word in words:
        if word not in KEYS:
            known = ", ".join(KEYS)
            raise cli.UsageError(f"There is no plot {printable(word)}; known are {known}.")
    return tuple(dict.fromkeys(words))


def _inputs(arguments: argparse.Namespace, keys: Sequence[str]) -> tuple[np.ndarray, list[Scheme]]:
    ends = [text for text in _ends(arguments) if text]
    if ends and WAY not in keys:
        raise cli.UsageError(f"--from and --to are about the plot {WAY}; give --plot {WAY}.")
    if ends:
        given = list(arguments.scheme or (() if len(ends) == 2 else cli.DEFAULT_SCHEMES))
        named = set()
        for text in given:
            with suppress(SchemeError):
                named.add(str(Scheme.parse(text)))
        arguments.scheme = [*given, *(text for text in ends if text not in named)]
    if PAIRED in keys and len(arguments.scheme or cli.DEFAULT_SCHEMES) < 2:
        raise cli.UsageError(f"The plot {PAIRED} is about two schemes; give --scheme twice.")
    return cli.inputs(arguments)


def _way(
    arguments: argparse.Namespace, keys: Sequence[str], schemes: Sequence[Scheme], look: Look
) -> dict[str, Look]:
    """Return the look of the waterfall: between the named schemes, or the first of two to the last.

    Otherwise it leads from the worst of them to the best.
    """
    if WAY not in keys:
        return {}
    ends = _ends(arguments)
    if not any(ends) and len(schemes) == 2:
        ends = [str(scheme) for scheme in schemes]
    named = ((key, text) for key, text in zip(("from", "to"), ends, strict=True) if text)
    return {WAY: replace(look, options=tuple(named))}


def _ends(arguments: argparse.Namespace) -> list[str]:
    """Return the schemes of ``--from`` and ``--to`` as canonical text; empty if not given."""
    ends = []
    for key in ("from", "to"):
        text = getattr(arguments, f"{key}_scheme")
        try:
            ends.append(str(Scheme.parse(text)) if text else "")
        except SchemeError as error:
            raise cli.UsageError(f"--{key} {quoted(text)}: {error}") from None
    return ends


def _size(arguments: argparse.Namespace, plots: int, columns: int) -> Size:
    """Return the size of a preset, or the given one, in mm."""
    width, height = arguments.width, arguments.height
    if arguments.preset is not None:
        if width or height:
            raise cli.UsageError("Give either --preset or --width and --height, not both.")
        if arguments.preset not in PRESET:
            known = ", ".join(PRESET)
            raise cli.UsageError(
                f"There is no preset {printable(arguments.preset)}; known are {known}."
            )
        size = choices.preset_size(arguments.preset, plots, columns)
    else:
        size = choices.default_size(plots, columns)
        if width and not height:
            height = paper_height(width, plots, columns)
        # Without a given size, larger text enlarges the figure.
        share = max(1.0, (arguments.font or size.points) / size.points)
        size = replace(
            size,
            width=width or size.width,
            height=height or size.height * share,
            grows=not arguments.height,
        )
    return replace(size, points=arguments.font) if arguments.font else size


def _check(option: str, number: float, least: float, most: float) -> None:
    if not least <= number <= most:
        raise cli.UsageError(f"{option} lies between {least:g} and {most:g}, not {number:g}.")


def _check_looks(looks: dict[str, Look], key: str, data: PlotData) -> None:
    """Refuse a range of x without data of the plot, or beyond what can be drawn."""
    look = looks.get(key)
    if look is None or look.x is None:
        return
    kind = PLOT[key]
    with closing(Panel(kind, data, LIGHT, 1.0, look=look)) as panel:
        seen, whole = panel.plot.seen[0], panel.plot.x_range(data)
    slack = (look.x[1] - look.x[0]) / 1000
    if max(abs(a - b) for a, b in zip(seen, look.x, strict=True)) > slack:
        if kind.x_quantity in LOGARITHMIC:
            whole = power(whole[0]), power(whole[1])
        raise cli.UsageError(
            f"--range shows too little or too much of {key}, whose axis goes from "
            f"{short(whole[0], 6)} to {short(whole[1], 6)}."
        )


def _looks(ends: tuple[float, float], keys: tuple[str, ...]) -> dict[str, Look]:
    """Return the range of x for the first plot and those with the same axis."""
    quantity = PLOT[keys[0]].x_quantity
    if quantity in LOGARITHMIC:
        if ends[0] <= 0:
            raise cli.UsageError(f"--range of {keys[0]} begins above 0: its axis is logarithmic.")
        ends = float(np.log10(ends[0])), float(np.log10(ends[1]))
    return {key: Look(ends) for key in keys if PLOT[key].x_quantity == quantity}
