"""Background jobs of the export dialog: long previews and files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from quantoscope.engine import Evaluation, export
from quantoscope.gui.document.snapshot import Snapshot
from quantoscope.gui.export.data import write_table
from quantoscope.gui.export.report import Report
from quantoscope.gui.export.report_content import make_report
from quantoscope.gui.export.report_files import report_text
from quantoscope.gui.export.report_reference import Source
from quantoscope.gui.export.spec import Look
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.workers.background import Ticket

PREVIEW_LINES, PREVIEW_LETTERS = 200, 400


def table(path: Path, data: Snapshot, ticket: Ticket) -> list[Path]:
    """Write the table of values."""
    write_table(path, data, ticket)
    return [path]


def parameters(path: Path, key: str, result: Evaluation, name: str, ticket: Ticket) -> list[Path]:
    """Write the parameters of a scheme."""
    export.write(path, key, result, name)
    return [path]


def parameters_preview(key: str, result: Evaluation, name: str, ticket: Ticket) -> str:
    """Return the first lines of the parameters."""
    return beginning(export.preview(key, result, name))


def report(
    source: Source,
    data: Snapshot,
    picture: PlotData,
    plots: tuple[str, ...],
    looks: Mapping[str, Look],
    ticket: Ticket,
) -> Report:
    """Create a report; its figures are drawn when it is written."""
    return make_report(source, data, picture, plots, datetime.now().astimezone(), looks)


def report_preview(path: Path, made: Report) -> str:
    """Return the start of a report as Markdown."""
    return beginning(report_text(path, made))


def beginning(text: str) -> str:
    """Return the first lines of a text, with very long ones cut."""
    lines = text.splitlines()
    shown = [
        line if len(line) <= PREVIEW_LETTERS else f"{line[:PREVIEW_LETTERS]} …"
        for line in lines[:PREVIEW_LINES]
    ]
    return "\n".join([*shown, "…"] if len(lines) > PREVIEW_LINES else shown)
