"""The whole way in a real window: start, open, type, see, undo, export, quit; by keys alone."""

import csv
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.gui.plots import PLOTS

PROJECT = Path(__file__).resolve().parents[2]
TOOLS = ("Xvfb", "openbox", "xdotool")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]
SECONDS = 30

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        bool(MISSING) and not os.environ.get("CI"),
        reason=f"needs {', '.join(MISSING)}: apt-get install xvfb openbox xdotool",
    ),
]


def until(condition, what, seconds=SECONDS):
    """Wait for something outside this process; give what it gave."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come within {seconds} s")


@pytest.fixture
def display(tmp_path):
    """A screen of its own, with a window manager; gives the environment for programs on it."""
    assert not MISSING, f"install {', '.join(MISSING)}: this test must run where CI is set"
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
        pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()
    env = {k: v for k, v in os.environ.items() if not k.startswith(("QT_", "WAYLAND", "XDG_"))}
    env |= {"DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
    for name in ("HOME", "XDG_RUNTIME_DIR"):
        place = tmp_path / name.lower()
        place.mkdir(mode=0o700)
        env[name] = str(place)
    manager = subprocess.Popen(
        ["openbox"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: _xdotool(env, "get_desktop").returncode == 0, "the window manager")
        yield env
    finally:
        for process in (manager, server):
            process.terminate()
            process.wait(SECONDS)


def _xdotool(env, *arguments):
    return subprocess.run(
        ["xdotool", *arguments], env=env, capture_output=True, text=True, timeout=SECONDS
    )


class Program:
    """The running program, and a keyboard."""

    def __init__(self, env, *arguments):
        self.env = env
        self.process = subprocess.Popen(
            [sys.executable, "main.py", *map(str, arguments)],
            cwd=PROJECT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def keys(self, *keys):
        """Press keys as a keyboard does, on whatever window has the focus."""
        done = _xdotool(self.env, "key", "--clearmodifiers", "--delay", "20", *keys)
        assert done.returncode == 0, done.stderr

    def type(self, text):
        """Type a text."""
        done = _xdotool(self.env, "type", "--clearmodifiers", "--delay", "12", text)
        assert done.returncode == 0, done.stderr

    def title(self):
        """The title of the window that has the focus."""
        return _xdotool(self.env, "getactivewindow", "getwindowname").stdout.strip()

    def wait_for_title(self, pattern):
        """Wait until a window with such a title has the focus."""

        def shown():
            assert self.process.poll() is None, self.process.communicate()[1]
            return re.fullmatch(pattern, self.title())

        until(shown, f"a window {pattern!r}")

    def export(self, path, *before):
        """Export through the dialog, with some keys pressed in it first."""
        self.keys("ctrl+e")
        self.wait_for_title("Export")
        if before:
            self.keys(*before)
        self.keys("alt+n", "ctrl+a")
        self.type(str(path))
        self.keys("Return")
        self.wait_for_title(r"numbers\.npy.* – Quantoscope")
        until(lambda: path.exists() and path.stat().st_size, path.name)


def figures(path):
    """The results in a CSV file, one mapping per scheme."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def sqnr_of(row):
    """The SQNR in a row, whatever unit stands in its head."""
    (head,) = [name for name in row if name.lower().startswith("sqnr") and "pred" not in name]
    return float(row[head])


def expected_sqnr(values):
    schemes = ("int8 scale-only", "int8 symmetric", "int8 asymmetric")
    return [engine.evaluate(values, scheme).metrics["sqnr"] for scheme in schemes]


def test_a_person_opens_edits_undoes_exports_and_quits(display, tmp_path):
    values = np.array([0.21535037, 1.2962357, -1.0161772], np.float32)
    np.save(tmp_path / "numbers.npy", values)
    edited = values.copy()
    edited[0] = 0.9
    program = Program(display, tmp_path / "numbers.npy")
    try:
        program.wait_for_title(r"numbers\.npy – Quantoscope")

        program.type("0.9")
        program.keys("Return")
        program.wait_for_title(r"numbers\.npy\* – Quantoscope")
        program.export(tmp_path / "after.csv", "alt+w", "Home", "Down", "Down")
        after = [sqnr_of(row) for row in figures(tmp_path / "after.csv")]
        assert after == pytest.approx(expected_sqnr(edited), rel=1e-12)

        program.keys("ctrl+z")
        program.wait_for_title(r"numbers\.npy – Quantoscope")
        program.export(tmp_path / "before.csv", "alt+w", "Home", "Down", "Down")
        before = [sqnr_of(row) for row in figures(tmp_path / "before.csv")]
        assert before == pytest.approx(expected_sqnr(values), rel=1e-12)
        assert before != after

        # The box for what is shown, the number line, is ticked off, and that for Signal on.
        boxes = [kind.key for kind in PLOTS]
        way = ["Tab"] * (boxes.index("signal") - boxes.index("number-line"))
        program.export(tmp_path / "signal.svg", "alt+w", "Home", "Tab", "space", *way, "space")
        program.export(tmp_path / "all.pdf", "alt+w", "Home")

        program.keys("ctrl+q")
        out, err = program.process.communicate(timeout=SECONDS)
    finally:
        if program.process.poll() is None:
            program.process.kill()
            print(program.process.communicate()[1])
    assert program.process.returncode == 0
    assert err == ""
    assert out == ""
    _check_svg(tmp_path / "signal.svg")
    pdf = (tmp_path / "all.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    assert np.load(tmp_path / "numbers.npy").tobytes() == values.tobytes()


def _check_svg(path):
    """Text as text, the Signal plot alone, vectors rather than a picture."""
    root = ET.parse(path).getroot()
    assert root.tag.endswith("svg")
    names = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert "text" in names
    assert "image" not in names
    words = " ".join("".join(e.itertext()) for e in root.iter() if e.tag.endswith("text"))
    assert "Signal" in words
    assert "position #" in words
    assert "Distribution" not in words
    assert "int8 scale-only" in words
