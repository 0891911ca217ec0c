"""A window that closes, and a program that ends, wait for nothing longer than a second."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

CHILD = """
import json, sys, threading, time
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from quantoscope.gui import app

begun = threading.Barrier(4)

def deaf(ticket):
    begun.wait()
    time.sleep(60)

def close():
    windows = [w for w in QApplication.topLevelWidgets() if isinstance(w, app.MainWindow)]
    for kind in ("file", "evaluate", "recovery"):
        windows[0].background.start(kind, deaf, print, print)
    begun.wait()
    start = time.monotonic()
    HOW
    print(json.dumps([start, time.monotonic()]), flush=True)

add = app.Windows.add
def adding(self, paths=()):
    window = add(self, paths)
    QTimer.singleShot(100, close)
    return window
app.Windows.add = adding
sys.exit(app.main([]))
"""


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("windows[0].close()", 0),
        ("QApplication.quit()", 0),
        pytest.param(
            "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
            -15,
            marks=pytest.mark.skipif(os.name != "posix", reason="there are no such signals"),
        ),
    ],
    ids=["close", "quit", "SIGTERM"],
)
def test_a_window_closes_whatever_its_jobs_do(how, status, tmp_path):
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD.replace("HOW", how)],
        env={**os.environ, **home, "QT_QPA_PLATFORM": "offscreen"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    out, err = child.communicate(timeout=60)
    ended = time.monotonic()
    assert child.returncode == status, err
    start, closed = json.loads(out)
    assert closed - start < 1
    # Those who share the processors take their part of the rest.
    assert ended - closed < 5


def test_a_file_that_is_being_read_is_left_and_the_next_one_comes(window, tmp_path, qtbot):
    long, short = tmp_path / "long.txt", tmp_path / "short.npy"
    long.write_text("[" + "0.25, " * 2_000_000 + "1]")
    np.save(short, np.ones(3, np.float32))
    background = window.background
    window.open_paths([long])
    qtbot.waitUntil(lambda: background.running("file"))
    left = background._latest["file"]
    window.actions_["cancel"].trigger()
    assert left.cancelled
    window.open_paths([short])
    qtbot.waitUntil(lambda: window.session.title == "short.npy", timeout=5000)
    assert left.ended.wait(5)
    assert "long" not in window.session.title
