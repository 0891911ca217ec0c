"""Choices, remembered settings and proposed file names of the export dialog."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QDir, QStandardPaths

from quantoscope.engine.text.file_names import is_text
from quantoscope.gui.common.plain_text import plain
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import DARK, LIGHT, Theme
from quantoscope.gui.document.session import Session
from quantoscope.gui.export.kinds import FIGURE
from quantoscope.gui.export.presets import PRESET, paper_height
from quantoscope.gui.export.spec import (
    MAX_DPI,
    MAX_POINTS,
    MIN_DPI,
    MIN_POINTS,
    MM_PER_INCH,
    UNITS,
    USUAL_POINTS,
    FigureSpec,
    Unit,
)

LOOKS = PAPER, DARK_LOOK, SCREEN = "light", "dark", "screen"
PARTS = WHOLE, VISIBLE = "whole", "visible"
"""Which range of its plots a figure shows."""
FIGURE_PARTS = ("titles", "sentences", "legend", "letters")
"""Parts of a figure that can be left out: fields of ``FigureSpec``."""
MOST_COLUMNS = 6
CUSTOM = ""
"""Key of the custom size."""


@dataclass(frozen=True)
class Size:
    """Size of a figure as entered by the user."""

    width: float
    height: float
    unit: Unit = "mm"
    points: float = USUAL_POINTS
    """Text size in points."""
    preset: str = CUSTOM
    """Key of the preset; empty for none."""
    grows: bool = False
    """Whether the height is nobody's choice, and becomes what the plots need."""


def default_size(plots: int, columns: int = 1) -> Size:
    """Return a suitable size for plots in columns: one column wide, up to a page high."""
    if plots <= 1:
        return Size(120, 80, grows=True)
    height = 48.0 * plots if columns <= 1 else paper_height(180, plots, columns)
    return Size(180, height, grows=True)


def preset_size(key: str, plots: int, columns: int = 1) -> Size:
    """Return the size of a preset for plots in columns, in the preset's unit."""
    preset = PRESET[key]
    per_unit = MM_PER_INCH if preset.unit == "in" else 1.0
    width, height = preset.width / per_unit, preset.height_for(plots, columns) / per_unit
    return Size(width, height, preset.unit, preset.points_for(plots), key, not preset.height)


def remembered_size(settings: Settings, plots: int, columns: int = 1) -> Size:
    """Return the last size for plots in columns: of the preset, or custom."""
    preset = settings.text("export/preset")
    if preset in PRESET:
        return preset_size(preset, plots, columns)
    return custom_size(settings, plots, columns)


def custom_size(settings: Settings, plots: int, columns: int = 1) -> Size:
    """Return the last custom size for that number of plots and columns."""
    words = settings.text(_size_key(plots, columns)).split()
    try:
        width, height = float(words[0]), float(words[1])
        unit = next((unit for unit in UNITS if unit == words[2]), UNITS[0])
        points = float(words[3]) if len(words) > 3 else USUAL_POINTS
    except (ValueError, IndexError):
        return default_size(plots, columns)
    # False for NaN too.
    if not (width > 0 and height > 0 and MIN_POINTS <= points <= MAX_POINTS):
        return default_size(plots, columns)
    return Size(width, height, unit, points)


def remember_size(settings: Settings, plots: int, size: Size, columns: int = 1) -> None:
    """Store a custom size for that number of plots and columns, or a preset for all figures."""
    settings.remember("export/preset", size.preset)
    if not size.preset:
        text = f"{size.width:g} {size.height:g} {size.unit} {size.points:g}"
        text = "" if size.grows else text
        settings.remember(_size_key(plots, columns), text)


def _size_key(plots: int, columns: int) -> str:
    across = min(columns, plots)
    return f"export/size-{plots}" if across <= 1 else f"export/size-{plots}-{across}"


def remembered_columns(settings: Settings) -> int:
    """Return the last number of plots side by side."""
    return min(max(settings.number("export/columns", 1), 1), MOST_COLUMNS)


def remembered_part(settings: Settings, part: str) -> bool:
    """Return whether the last figure had a part of ``FIGURE_PARTS``."""
    return bool(settings.number(f"export/{part}", 1))


def remembered_dpi(settings: Settings) -> int:
    """Return the last resolution."""
    return min(max(settings.number("export/dpi", 300), MIN_DPI), MAX_DPI)


def theme_of(look: str, screen: Theme) -> Theme:
    """Return the theme of a look."""
    return {PAPER: LIGHT, DARK_LOOK: DARK}.get(look, screen)


def clipboard_spec(settings: Settings, theme: Theme, keys: tuple[str, ...]) -> FigureSpec:
    """Return a figure in the last look, arrangement and resolution, in a size that fits."""
    columns = remembered_columns(settings)
    size = default_size(len(keys), columns)
    dpi = remembered_dpi(settings)
    spec = FigureSpec(keys, size.width, size.height, size.unit, dpi, grows=size.grows)
    look = theme_of(settings.choice("export/look", LOOKS), theme)
    parts: dict[str, Any] = {part: remembered_part(settings, part) for part in FIGURE_PARTS}
    return replace(spec, theme=look, columns=columns, **parts)


def proposed_name(session: Session, what: str, plots: tuple[str, ...]) -> str:
    """Return a descriptive file name without ending."""
    title = session.title
    if session.path is not None:
        title = title.replace(plain(session.path.name), plain(session.path.stem), 1)
    # Keep the end, which distinguishes tensors: in fc.weight the dot does not begin an ending.
    stem = re.sub(r"[^\w.]+", "-", title)[-80:].strip("-.") or "quantoscope"
    part = what if what != FIGURE else plots[0] if len(plots) == 1 else "plots"
    return f"{stem}-{part}"


def proposed_folder(settings: Settings, session: Session) -> Path:
    """Return the folder of the last export, else of the array's file, else of documents."""
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    candidates = [settings.text("export/folder"), documents]
    if session.path is not None:
        candidates.insert(1, str(session.path.parent))
    # The name field holds valid text only.
    folders = (Path(c) for c in candidates if c and is_text(c))
    return next((folder for folder in folders if folder.is_dir()), Path(QDir.homePath()))
