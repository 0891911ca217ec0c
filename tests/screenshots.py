"""Takes the pictures of the README: ``.venv/bin/python tests/screenshots.py [FOLDER]``.

Without a screen, and with settings of their own, so that they look the same everywhere.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

PICTURES = (
    # name, theme, example, chosen value, active scheme, panes in front, width, height
    ("three-numbers", "light", "three-numbers", 1, 0, (), 1440, 900),
    ("outlier-dark", "dark", "outlier", 500, 0, (), 1440, 900),
    ("channels", "light", "convolution", 0, 1, ("channels",), 1440, 900),
)


def main(folder: Path) -> None:
    """Write every picture into a folder."""
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from quantoscope.engine.examples import example
    from quantoscope.gui.app import prepare
    from quantoscope.gui.common.settings import Settings
    from quantoscope.gui.window.main_window import MainWindow

    app = QApplication([])
    prepare(app)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        ini = QSettings.Format.IniFormat
        QSettings.setPath(ini, QSettings.Scope.UserScope, place)
        for name, theme, key, chosen, active, panes, width, height in PICTURES:
            settings = Settings()
            settings.theme = theme
            window = MainWindow(settings)
            window.resize(width, height)
            window.reset_layout()
            window.show()
            window.files.start_example(example(key))
            window.message.clear()
            window.session.activate(window.session.entries[active].uid)
            window.session.view.choose(chosen)
            for pane in panes:
                window.places[pane].reveal()
            for _ in range(20):
                app.processEvents()
            window.grab().save(str(folder / f"{name}.png"))
            window.close()
            window.deleteLater()
            app.processEvents()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "resources" / "screenshots")
