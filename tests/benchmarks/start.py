"""How long the program takes from its start until its window is painted, or a command is done.

``.venv/bin/python tests/benchmarks/start.py [ROUNDS]``; eleven rounds by default. Beside it stands
what no such program can do without: importing Qt, numpy and pyqtgraph and painting three empty
plots; beside a command, importing numpy. Windows are painted offscreen on a screen of 1920 × 1080
unless ``QT_QPA_PLATFORM`` says otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.references import Work, medians

ROOT = Path(__file__).resolve().parents[2]
ASKED = 1.4
SCREEN = {"name": "screen", "x": 0, "y": 0, "width": 1920, "height": 1080, "dpr": 1,
          "logicalDpi": 96, "logicalBaseDpi": 96}  # fmt: skip

# Stands in for the event loop: tells when every plot and table that can be seen is painted.
WATCH = """
import os, time

def watch():
    from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer
    from PySide6.QtWidgets import QAbstractScrollArea, QApplication
    class Watch(QObject):
        def __init__(self):
            super().__init__()
            self.painted, self.loop = set(), QEventLoop()
            windows = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
            areas = [area for w in windows for area in w.findChildren(QAbstractScrollArea)]
            self.viewports = [area.viewport() for area in areas if area.isVisible()]
            for viewport in self.viewports:
                viewport.installEventFilter(self)
            self.loop.exec()
        def eventFilter(self, watched, event):
            if event.type() == QEvent.Type.Paint and watched not in self.painted:
                self.painted.add(watched)
                QTimer.singleShot(0, self.check)
            return False
        def check(self):
            seen = {v for v in self.viewports if not v.visibleRegion().isEmpty()}
            if len(seen) >= 3 and seen <= self.painted:
                os.write(1, str(time.time()).encode())
                os._exit(0)
    QApplication.exec = lambda *_: Watch()
"""
FLOOR = """
from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget
import numpy
import pyqtgraph
watch()
app = QApplication([])
window = QWidget()
row = QHBoxLayout(window)
for _ in range(3):
    row.addWidget(pyqtgraph.PlotWidget())
window.resize(1440, 900)
window.show()
app.exec()
"""
# ``main`` asks the package for ``app`` when it is about to open the window.
PROGRAM = """
import importlib, quantoscope.gui as gui
from quantoscope.gui import __main__ as main
def load(name):
    if name != "app":
        raise AttributeError(name)
    app = importlib.import_module("quantoscope.gui.app")
    watch()
    return app
gui.__getattr__ = load
main.main([])
"""


def seconds_to_paint(code: str) -> float:
    """The time from the start of a process until it has painted its window."""
    with tempfile.TemporaryDirectory() as folder:
        screen = Path(folder, "screen.json")
        screen.write_text(json.dumps({"windowFrameMargins": True, "screens": [SCREEN]}))
        platform = {"QT_QPA_PLATFORM": f"offscreen:configfile={screen}"}
        fresh = {"XDG_CONFIG_HOME": folder, "XDG_DATA_HOME": folder, "APPDATA": folder}
        environment = {**platform, **os.environ, **fresh}
        # The round that does not count leaves the bytecode that every later start finds.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-c", WATCH + code]
        start = time.time()
        child = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=99)
    if child.returncode or not child.stdout:
        raise RuntimeError(f"the window was not painted: {child.stderr.decode()}")
    return float(child.stdout) - start


def rows(rounds: int = 11) -> list[tuple[str, float, str]]:
    """Name, median seconds and remark of the floor and of the program, measured in turns."""
    times: dict[str, list[float]] = {FLOOR: [], PROGRAM: []}
    for counts in (False, *[True] * rounds):
        for code, known in times.items():
            took = seconds_to_paint(code)
            if counts:
                known.append(took)
    floor, program = (statistics.median(known) for known in times.values())
    least = [min(known) for known in times.values()]
    said = f"{program / floor:.2f} × (asked: {ASKED}); at best {1000 * least[1]:.0f} ms, "
    said += f"{least[1] / least[0]:.2f} ×"
    return [
        ("Qt, numpy, pyqtgraph, three empty plots", floor, f"at best {1000 * least[0]:.0f} ms"),
        ("main.py until its window is painted", program, said),
    ]


def command_rows(rounds: int = 11) -> list[tuple[str, float, str]]:
    """The same of a command on a small file, and of importing numpy."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "small.csv")
        path.write_text("1\n2\n-3\n")

        def child(*words: str) -> Work:
            return partial(subprocess.run, [sys.executable, *words], cwd=ROOT, check=True,
                           capture_output=True)  # fmt: skip

        works = {"numpy": child("-c", "import numpy"),
                 "compare": child("main.py", "compare", str(path))}  # fmt: skip
        took = medians(works, rounds)
    limit = 1.5 * took["numpy"] + 0.1
    said = f"asked: {1000 * limit:.0f} ms"
    return [
        ("python -c 'import numpy'", took["numpy"], ""),
        ("main.py compare small.csv", took["compare"], said),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=11)
    rounds = parser.parse_args().rounds
    for name, took, said in (*rows(rounds), *command_rows(rounds)):
        print(f"{name:48} {1000 * took:9.1f} ms   {said}")
