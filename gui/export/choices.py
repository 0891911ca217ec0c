"""What the export dialog offers, what it remembers, and the names of files it proposes."""

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
from quantoscope.gui.export.kinds import FIGURE, KINDS
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

PAPER, DARK_LOOK, SCREEN = "light", "dark", "screen"
LOOKS = (PAPER, DARK_LOOK, SCREEN)
WHOLE, VISIBLE = "whole", "visible"
"""What a figure shows of its plots."""


CUSTOM = ""
"""The preset of whoever sets every field by hand."""


@dataclass(frozen=True)
class Size:
    """The size of a figure as the person gives it.

    Attributes
    ----------
    width, height : float
    unit : str
    points : float
        The size of the text.
    preset : str
        The key of the preset that it comes from; empty for none.
    """

    width: float
    height: float
    unit: Unit = "mm"
    points: float = USUAL_POINTS
    preset: str = CUSTOM


def default_size(plots: int) -> Size:
    """A size that suits a number of plots: a column, or as much as a page has room for."""
    return Size(120, 80) if plots <= 1 else Size(180, 48.0 * plots)


def preset_size(key: str, plots: int) -> Size:
    """The size of a preset for a number of plots, in the unit of whoever asks for it."""
    preset = PRESET[key]
    per_unit = MM_PER_INCH if preset.unit == "in" else 1.0
    width, height = preset.width / per_unit, preset.height_for(plots) / per_unit
    return Size(width, height, preset.unit, preset.points_for(plots), key)


def remembered_size(settings: Settings, plots: int) -> Size:
    """The preset last used, for a number of plots, or else the size given by hand for so many."""
    preset = settings.text("export/preset")
    return preset_size(preset, plots) if preset in PRESET else custom_size(settings, plots)


def custom_size(settings: Settings, plots: int) -> Size:
    """The size last given by hand for that number of plots."""
    words = settings.text(f"export/size-{plots}").split()
    try:
        width, height = float(words[0]), float(words[1])
        unit = next((unit for unit in UNITS if unit == words[2]), UNITS[0])
        points = float(words[3]) if len(words) > 3 else USUAL_POINTS
    except (ValueError, IndexError):
        return default_size(plots)
    # Not so for NaN either.
    if not (width > 0 and height > 0 and MIN_POINTS <= points <= MAX_POINTS):
        return default_size(plots)
    return Size(width, height, unit, points)


def remember_size(settings: Settings, plots: int, size: Size) -> None:
    """Keep a size for the next figure of that number of plots, or a preset for every figure."""
    settings.remember("export/preset", size.preset)
    if not size.preset:
        text = f"{size.width:g} {size.height:g} {size.unit} {size.points:g}"
        settings.remember(f"export/size-{plots}", text)


def remembered_dpi(settings: Settings) -> int:
    """The resolution last used for a PNG."""
    return min(max(settings.number("export/dpi", 300), MIN_DPI), MAX_DPI)


def remembered_look(settings: Settings) -> str:
    """The look last used."""
    look = settings.text("export/look", PAPER)
    return look if look in LOOKS else PAPER


def remembered_part(settings: Settings) -> str:
    """Whether the whole was shown last, or what the window shows."""
    return VISIBLE if settings.text("export/part") == VISIBLE else WHOLE


def remembered_format(settings: Settings, what: str) -> str:
    """The key of the kind of file last used for a figure, a table and so on."""
    key = settings.text(f"export/format-{what}")
    keys = [kind.key for kind in KINDS[what]]
    return key if key in keys else keys[0]


def theme_of(look: str, screen: Theme) -> Theme:
    """The theme of a look."""
    return {PAPER: LIGHT, DARK_LOOK: DARK}.get(look, screen)


def clipboard_spec(settings: Settings, theme: Theme, keys: tuple[str, ...]) -> FigureSpec:
    """A figure in the look and resolution last used; its size fits its plots for certain."""
    size = default_size(len(keys))
    spec = FigureSpec(keys, size.width, size.height, size.unit, remembered_dpi(settings))
    return replace(spec, theme=theme_of(remembered_look(settings), theme))


def proposed_name(session: Session, what: str, plots: tuple[str, ...]) -> str:
    """A file name without ending that tells what is in it."""
    title = session.title
    if session.path is not None:
        title = title.replace(plain(session.path.name), plain(session.path.stem), 1)
    # The end tells tensors apart: a last dot begins no ending, fc.weight and fc.bias are two.
    stem = re.sub(r"[^\w.]+", "-", title)[-80:].strip("-.") or "quantoscope"
    part = what if what != FIGURE else plots[0] if len(plots) == 1 else "plots"
    return f"{stem}-{part}"


def proposed_folder(settings: Settings, session: Session) -> Path:
    """Where the last export went, else where the array came from, else the documents."""
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    candidates = [settings.text("export/folder"), documents]
    if session.path is not None:
        candidates.insert(1, str(session.path.parent))
    # The field for the name holds text, and nothing else.
    folders = (Path(c) for c in candidates if c and is_text(c))
    return next((folder for folder in folders if folder.is_dir()), Path(QDir.homePath()))
