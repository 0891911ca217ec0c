"""Which views the stage shows for which kind of data, and what was chosen for each."""

from __future__ import annotations

import json
from collections.abc import Sequence

from PySide6.QtCore import QObject

from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.document.session import Session
from quantoscope.gui.window.frame import LOW, Frame

FEW = 40
"""Number of values that a number line shows."""
FIRST: dict[str, tuple[str, ...]] = {
    "few": ("number-line",),
    "matrix": ("image", "distribution"),
    "line": ("signal", "error"),
}
"""Views of each kind of data at first."""


def kind_of(array: FloatArray) -> str:
    """Return ``few`` (values), ``matrix`` (two axes and more) or ``line``."""
    if array.size <= FEW:
        return "few"
    return "matrix" if array.ndim >= 2 else "line"


class StageChoice(QObject):
    """Shows the views that suit the data, and keeps what is chosen instead."""

    def __init__(
        self, session: Session, frame: Frame, settings: Settings, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._frame = frame
        self._settings = settings
        self._kind = ""
        self._following = False
        session.array_reset.connect(self.follow)
        frame.stage.views_changed.connect(self._keep)
        frame.bottom.changed.connect(self._keep)

    def follow(self) -> None:
        """Show the views of the array's kind, if it is another one than before."""
        kind = kind_of(self._session.array)
        if kind != self._kind:
            self._kind = kind
            self.show_kept()

    def show_kept(self) -> None:
        """Show the views kept for this kind of data."""
        views, folded = self._kept()
        self._following = True
        self._frame.stage.set_views(views)
        self._frame.bottom.fold(folded)
        self._following = False

    def forget(self) -> None:
        """Forget what was chosen, for all kinds."""
        for kind in FIRST:
            self._settings.remember(f"stage/{kind}", "")
        self._kind = kind_of(self._session.array)
        self.show_kept()

    def take(self) -> None:
        """Take the views shown, which a session brought, for this kind of data."""
        self._kind = kind_of(self._session.array)

    def _kept(self) -> tuple[Sequence[str], bool]:
        """Return views, and whether the bottom panel is folded."""
        try:
            views, folded = json.loads(self._settings.text(f"stage/{self._kind}", "[]"))
            if isinstance(folded, bool) and isinstance(views, list) and views:
                return [str(key) for key in views], folded
        except ValueError:
            pass
        return FIRST[self._kind], self._kind != "few" or self._frame.window().height() < LOW

    def _keep(self) -> None:
        if self._kind and not self._following:
            chosen = json.dumps([list(self._frame.stage.views), self._frame.bottom.folded])
            self._settings.remember(f"stage/{self._kind}", chosen)
