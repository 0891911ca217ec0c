"""Final sections of a report: origin of values, definitions, commands and versions."""

from __future__ import annotations

import platform
import shlex
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quantoscope.engine import METRICS, __version__
from quantoscope.engine.schemes.scheme import Scheme
from quantoscope.engine.text.file_names import as_text
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.document.session import Session
from quantoscope.gui.export.files import translated
from quantoscope.gui.export.report import Cell, Code, Paragraph, ReportBlock, Table, pairs, text_row
from quantoscope.gui.models.results import COLUMNS

UNSAVED = "values.npy"


@dataclass(frozen=True)
class Source:
    """Origin of the values."""

    title: str
    """Title of the values."""
    path: Path | None = None
    """File; None if there is none."""
    tensor: str = ""
    """Tensor name in a file with several; else empty."""
    changed: bool = False
    """Whether they were edited since."""
    dtype: str = ""
    """The file's name of its dtype; empty if there is no file."""

    @property
    def name(self) -> str:
        """Name of the tensor for other programs."""
        return as_text(self.tensor or (self.title if self.path is None else self.path.stem))

    @property
    def filed(self) -> bool:
        """Whether a file contains the values unchanged."""
        return self.path is not None and not self.changed

    @property
    def argument(self) -> str:
        """Argument for the command line."""
        if self.path is None or self.changed:
            return UNSAVED
        name = f"{self.path.name}::{self.tensor}" if self.tensor else self.path.name
        return f"./{name}" if name.startswith("-") else name


def source_of(session: Session) -> Source:
    """Return the origin of a session's values."""
    tensor = session.current
    title = tensor.title or translated("untitled")
    return Source(title, tensor.path, tensor.name or "", tensor.differs, tensor.dtype)


def definitions() -> tuple[ReportBlock, ...]:
    """Return the definitions of all metrics."""
    better = {
        "higher": translated("higher is better"),
        "lower": translated("lower is better"),
        "zero": translated("nearest to 0 is best"),
        "": "",
    }
    parameters = [
        column.metric for column in COLUMNS if column.metric.key in ("scale", "zero_point")
    ]
    rows = tuple(
        text_row((metric.name, metric.formula, metric.unit, better[metric.better]))
        for metric in (*parameters, *METRICS)
    )
    heads = (translated("Metric"), translated("Formula"), translated("Unit"), "")
    words = translated(
        "R: a value, Q: its code, S: the scale, Z: the zero point, R′: the value reconstructed "
        "from its code, n: how many values are finite."
    )
    return (Table(text_row(heads), rows, 4), Paragraph(words))


def commands(
    source: Source, schemes: list[Scheme], plots: tuple[str, ...]
) -> tuple[ReportBlock, ...]:
    """Return commands that print the same metrics and write the same report."""
    if not schemes:
        return ()
    blocks: list[ReportBlock] = []
    if not source.filed:
        text = translated(
            "These values are in no file: save them as %1 first (File ▸ Save values)."
        )
        blocks.append(Paragraph(filled(text, UNSAVED)))
    asked = [f"--scheme {shlex.quote(str(scheme))}" for scheme in dict.fromkeys(schemes)]
    shown = [f"--plot {key}" for key in plots]
    where = _quoted(source.argument)
    lines = [
        " \\\n    ".join([f"quantoscope-cli compare {where}", *asked]),
        " \\\n    ".join([f"quantoscope-cli report {where}", *asked, *shown, "-o report.html"]),
    ]
    return (*blocks, Code("\n".join(lines)))


def _quoted(argument: str) -> str:
    """Return an argument quoted for a shell; invisible characters in bash's escape notation."""
    if argument.isprintable():
        return shlex.quote(argument)
    return f"$'{''.join(map(_escaped, argument))}'"


def _escaped(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":
        return f"\\x{ord(letter) - 0xDC00:02x}"
    if not letter.isprintable():
        return f"\\U{ord(letter):08x}"
    return f"\\{letter}" if letter in "\\'" else letter


def versions(schemes: list[Scheme]) -> tuple[ReportBlock, ...]:
    """Return the versions of the programs involved."""
    import pyqtgraph
    import PySide6

    rows = [
        ("Quantoscope", __version__),
        ("numpy", np.__version__),
        ("PySide6", PySide6.__version__),
        ("pyqtgraph", pyqtgraph.__version__),
        ("Python", platform.python_version()),
    ]
    runtimes = {scheme.follows.title: scheme.follows for scheme in schemes if scheme.follows}
    rows += [(title, runtime.status) for title, runtime in runtimes.items()]
    return (pairs((name, Cell(text)) for name, text in rows),)
