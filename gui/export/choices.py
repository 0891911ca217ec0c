"""Choices, remembered settings and proposed file names of the export dialog."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QDir, QStandardPaths

from quantoscope.engine.text.file_names import is_text
from quantoscope.gui.common.plain_text import plain
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import DARK, LIGHT, Theme
from quantoscope.gui.document.session import Session
from quantoscope.gui.export.kinds import FIGURE
from quantoscope.gui.export.presets import PRESET
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


def default_size(plots: int) -> Size:
    """Return a suitable size for a number of plots: one column wide, up to a page high."""
    return Size(120, 80) if plots <= 1 else Size(180, 48.0 * plots)


def preset_size(key: str, plots: int) -> Size:
    """Return the size of a preset for a number of plots, in the preset's unit."""
    preset = PRESET[key]
    per_unit = MM_PER_INCH if preset.unit == "in" else 1.0
    width, height = preset.width / per_unit, preset.height_for(plots) / per_unit
    return Size(width, height, preset.unit, preset.points_for(plots), key)


def remembered_size(settings: Settings, plots: int) -> Size:
    """Return the last size for a number of plots: of the preset, or custom."""
    preset = settings.text("export/preset")
    return preset_size(preset, plots) if preset in PRESET else custom_size(settings, plots)


def custom_size(settings: Settings, plots: int) -> Size:
    """Return the last custom size for that number of plots."""
    words = settings.text(f"export/size-{plots}").split()
    try:
        width, height = float(words[0]), float(words[1])
        unit = next((unit for unit in UNITS if unit == words[2]), UNITS[0])
        points = float(words[3]) if len(words) > 3 else USUAL_POINTS
    except (ValueError, IndexError):
        return default_size(plots)
    # False for NaN too.
    if not (width > 0 and height > 0 and MIN_POINTS <= points <= MAX_POINTS):
        return default_size(plots)
    return Size(width, height, unit, points)


def remember_size(settings: Settings, plots: int, size: Size) -> None:
    """Store a custom size for that number of plots, or a preset for all figures."""
    settings.remember("export/preset", size.preset)
    if not size.preset:
        text = f"{size.width:g} {size.height:g} {size.unit} {size.points:g}"
        settings.remember(f"export/size-{plots}", text)


def remembered_dpi(settings: Settings) -> int:
    """Return the last resolution of a PNG."""
    return min(max(settings.number("export/dpi", 300), MIN_DPI), MAX_DPI)


def theme_of(look: str, screen: Theme) -> Theme:
    """Return the theme of a look."""
    return {PAPER: LIGHT, DARK_LOOK: DARK}.get(look, screen)


def clipboard_spec(settings: Settings, theme: Theme, keys: tuple[str, ...]) -> FigureSpec:
    """Return a figure in the last look and resolution, in a size that fits its plots."""
    size = default_size(len(keys))
    spec = FigureSpec(keys, size.width, size.height, size.unit, remembered_dpi(settings))
    return replace(spec, theme=theme_of(settings.choice("export/look", LOOKS), theme))


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
