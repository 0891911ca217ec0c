"""The files of a report, written together."""

from __future__ import annotations

from pathlib import Path

from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.export.files import ExportError, translated, write_all
from quantoscope.gui.export.report import Report
from quantoscope.gui.export.report_html import html
from quantoscope.gui.export.report_markdown import markdown

HTML, MARKDOWN = ".html", ".md"
REPORT_ENDINGS = (HTML, MARKDOWN)


def report_paths(path: Path, keys: tuple[str, ...]) -> list[Path]:
    """The files that a report of these plots is made of, the report itself last."""
    beside = [_beside(path, key) for key in keys] if path.suffix.lower() == MARKDOWN else []
    return [*beside, path]


def _beside(path: Path, key: str) -> Path:
    return path.with_name(f"{path.stem}-{key}.svg")


def report_text(path: Path, report: Report) -> str:
    """The report as Markdown, for a preview too: the figures are named, not drawn."""
    return markdown(report, lambda key: _beside(path, key).name)


def write_report(path: str | Path, report: Report) -> list[Path]:
    """Write a report in the format that the ending names, and return the files written.

    HTML is one file; Markdown has its figures beside it, named after it.

    Raises
    ------
    ExportError
        When the ending is not known or writing fails; existing files are then as they were.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in REPORT_ENDINGS:
        raise ExportError(
            filled(translated("%1 is no format of reports: end the name in .html or .md."),
                   path.suffix or path.name)
        )  # fmt: skip
    if ending == HTML:
        files = {path: html(report).encode()}
    else:
        files = {_beside(path, figure.key): figure.svg() for figure in report.figures}
        files[path] = report_text(path, report).encode()
    write_all(files)
    return list(files)
