"""Write the files of a report together."""

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
    """Return the files of a report of these plots, the report itself last."""
    beside = [_beside(path, key) for key in keys] if path.suffix.lower() == MARKDOWN else []
    return [*beside, path]


def _beside(path: Path, key: str) -> Path:
    return path.with_name(f"{path.stem}-{key}.svg")


def report_text(path: Path, report: Report) -> str:
    """Return the report as Markdown, with figures named but not drawn."""
    return markdown(report, lambda key: _beside(path, key).name)


def write_report(path: str | Path, report: Report) -> list[Path]:
    """Write a report in the format of the path's ending; return the written files.

    HTML is one file; Markdown has its figures in files named after it.

    Raises
    ------
    ExportError
        If the ending is unknown or writing fails; existing files are then unchanged.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in REPORT_ENDINGS:
        raise ExportError(
            filled(translated("%1 is not a report format: end the name in .html or .md."),
                   path.suffix or path.name)
        )  # fmt: skip
    if ending == HTML:
        files = {path: html(report).encode()}
    else:
        files = {_beside(path, figure.key): figure.svg() for figure in report.figures}
        files[path] = report_text(path, report).encode()
    write_all(files)
    return list(files)
