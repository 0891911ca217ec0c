"""Takes the pictures of the README: ``.venv/bin/python tests/screenshots.py [FOLDER]``.

Without a screen, and with settings of their own, so that they look the same everywhere.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

SIZE = 1440, 900
PICTURES = (
    # name, theme, example or "", its own schemes, chosen value, active scheme, views
    ("three-numbers", "light", "three-numbers", (), 1, 0, ()),
    ("outlier-dark", "dark", "outlier", (), 500, 0, ()),
    ("matrix", "light", "",
     ("int8 symmetric", "int8 symmetric mse", "int8 symmetric per-channel(in)"), 0, 0, ()),
    ("waterfall", "light", "convolution",
     ("int4 symmetric", "int4 asymmetric mse per-channel(0)"), 0, 0, ("waterfall",)),
    ("channels", "light", "convolution", (), 0, 1, ("channels",)),
)  # fmt: skip


def weight() -> np.ndarray:
    """Return a matrix of 1024×2816 in which six columns are up to sixty times as large."""
    random = np.random.default_rng(13)
    values = random.normal(0, 0.015, (1024, 2816))
    values[:, [249, 1269, 1458, 1919, 2677, 2681]] *= [30, 45, 38, 60, 34, 36]
    return values.astype(np.float32)


def main(folder: Path) -> None:
    """Write every picture into a folder."""
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from quantoscope.engine import Scheme
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
        for name, theme, key, schemes, chosen, active, views in PICTURES:
            settings = Settings()
            settings.theme = theme
            window = MainWindow(settings)
            window.resize(*SIZE)
            window.reset_layout()
            window.show()
            parsed = [Scheme.parse(text) for text in schemes]
            if schemes:
                array = example(key).make() if key else weight()
                window.session.start(array, key or "weight", None, parsed)
            else:
                window.files.start_example(example(key))
            window.message.clear()
            window.session.activate(window.session.entries[active].uid)
            window.session.view.choose(chosen)
            if views:
                window.stage.set_views(list(views))
            # Images and searches come from other threads.
            until = time.monotonic() + 6
            while time.monotonic() < until:
                app.processEvents()
                time.sleep(0.01)
            window.grab().save(str(folder / f"{name}.png"))
            window.close()
            window.deleteLater()
            app.processEvents()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "resources" / "screenshots")
