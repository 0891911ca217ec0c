"""Registry of what can be exported, and in which file formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quantoscope.engine.export import FORMATS as PARAMETER_FORMATS

FIGURE, TABLE, RESULTS, REPORT, PARAMETERS = "figure", "table", "results", "report", "parameters"


@dataclass(frozen=True)
class FileKind:
    """A file format of an export."""

    key: str
    """Key in the settings."""
    title: str
    """Name in the dialog, untranslated."""
    endings: tuple[str, ...]
    """Its endings, with their dots; the first is the default."""


def _named(ending: str, title: str) -> FileKind:
    return FileKind(ending, title, (ending,))


_TABLES = (_named(".csv", "CSV text"), _named(".npz", "NumPy .npz"))
KINDS: dict[str, tuple[FileKind, ...]] = {
    FIGURE: (
        _named(".png", "PNG picture"),
        _named(".svg", "SVG drawing"),
        _named(".pdf", "PDF page"),
    ),
    TABLE: _TABLES,
    RESULTS: _TABLES,
    REPORT: (_named(".html", "HTML: one file"), _named(".md", "Markdown, figures beside it")),
    PARAMETERS: tuple(FileKind(f.key, f.title, f.endings) for f in PARAMETER_FORMATS),
}
"""Formats by what is exported; the first is the default."""
_KNOWN = {ending for kinds in KINDS.values() for kind in kinds for ending in kind.endings}


def with_ending(text: str, endings: Sequence[str]) -> Path:
    """Return the path of a text; a known ending is replaced with the first of ``endings``."""
    path = Path(text.strip()).expanduser()
    if path.suffix.lower() in endings or not path.name:
        return path
    stem = path.stem if path.suffix.lower() in _KNOWN else path.name
    return path.with_name(stem + endings[0])
