"""Display options of plots."""

from __future__ import annotations

from dataclasses import dataclass

from quantoscope.gui.plots.scales import AUTO, LINEAR, LOG, SYMLOG


@dataclass(frozen=True)
class Option:
    """A display option of a plot."""

    key: str
    title: str
    choices: tuple[tuple[str, str], ...]
    """Key and title of each; the first is the default."""


X_SCALE = Option(
    "x scale", "Scale of R",
    ((AUTO, "R: automatic"), (LINEAR, "R: linear"), (SYMLOG, "R: logarithmic far out")),
)  # fmt: skip
Y_SCALE = Option(
    "y scale", "Scale along y",
    ((AUTO, "y: automatic"), (LINEAR, "y: linear"), (SYMLOG, "y: logarithmic far out")),
)  # fmt: skip
COUNT_SCALE = Option(
    "y scale", "Scale of counts",
    ((AUTO, "counts: automatic"), (LINEAR, "counts: linear"), (LOG, "counts: logarithmic")),
)  # fmt: skip
