"""How long a person waits for the window: edits, handles, panning and zooming, opening a file.

``.venv/bin/python tests/benchmarks/latency.py [MILLIONS ...]`` measures in the real window, with
three schemes on; one and ten million values by default. ``--open`` opens a file of 400 MB too.
``--trace`` says what kept the GUI thread busy, which makes everything a little slower. ``--json``
writes the figures that have a target, in milliseconds, for ``speed.py``.

The event loop is turned by hand, one round of the dispatcher after the other: what a round takes
is how long the window could not answer. Signals of the dispatcher cannot tell that on Linux, where
glib's works between ``aboutToBlock`` and ``awake``, just where it also waits.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pyqtgraph
import PySide6
from PySide6.QtCore import QEvent, QLocale, QObject, QSettings, qInstallMessageHandler
from PySide6.QtWidgets import QAbstractScrollArea, QStatusBar

from quantoscope.engine import Scheme
from quantoscope.gui.app import Application, prepare
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.document import commands
from quantoscope.gui.window.main_window import MainWindow

ROOT = Path(__file__).resolve().parents[2]
SCHEMES = ("int8 scale-only", "int8 symmetric", "int8 asymmetric")
ASKED, FRAME = {1: 0.025, 10: 0.060}, 0.016
"""From edit to paint in 95 of 100 cases, by millions of values; for a frame, and at a stretch."""
QUIET, QUIET_FRAME = 0.25, 0.06
"""As long as this nothing may be painted before a reaction counts as finished."""
LIMIT, PAUSE = 120.0, 0.0002
OPENED, HERE = 100_000_000, globals()

Act, Done = Callable[[], object], Callable[[], bool]
Row = tuple[str, float, str]
Clock = time.perf_counter


@dataclass
class Reaction:
    """What came of an act, in seconds from its start.

    ``rounds``: start and end of what the GUI thread did at a stretch. ``held``: the longest it
    waited for Python or for a processor. ``paints``: how often each pane painted.
    """

    total: float = 0.0
    fresh: float = 0.0
    longest: float = 0.0
    held: float = 0.0
    rounds: list[tuple[float, float]] = field(default_factory=list)
    paints: Counter[str] = field(default_factory=Counter)


class Watcher(QObject):
    """Sees what is painted: each pane by its name."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.painted, self.pane, self.paints = False, "", Counter[str]()
        self._names: dict[QObject, str] = {}
        for key, dock in window.places.items():
            for area in dock.findChildren(QAbstractScrollArea):
                self._names[area.viewport()] = key
        self._names |= {bar: "status" for bar in window.findChildren(QStatusBar)}
        for watched in self._names:
            watched.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and watched in self._names:
            self.painted, self.pane = True, self._names[watched]
            self.paints[self.pane] += 1
        return False


class Tracer:
    """Looks every 2 ms at what the GUI thread does, or has just done outside Python."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._seen: list[tuple[float, str, list[tuple[Any, int]]]] = []
        # From another thread, walking up the frames of this one crashes Python 3.11.
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)

    def _look(self, number: int, frame: Any) -> None:
        stack = []
        while frame is not None and frame.f_globals is not HERE:
            stack.append((frame.f_code, frame.f_lineno))
            frame = frame.f_back
        self._seen.append((Clock(), self._watcher.pane, stack))

    def _place(self, pane: str, stack: list[tuple[Any, int]]) -> str:
        """The innermost functions of the program and, of others, those that they called."""
        names = []
        for code, line in stack:
            path = Path(code.co_filename)
            if path.is_relative_to(ROOT) and ".venv" not in path.parts:
                names.append(f"{code.co_qualname} ({path.name}:{line})")
            elif len(names) < 2 and not code.co_name.endswith("_dispatcher"):
                names.append(f"[{code.co_qualname}]")
        return " < ".join([*names[:5], f"painting {pane}" if pane else "no painting"])

    def report(self, name: str, reactions: list[Reaction]) -> None:
        """Print what ran in stretches that are too long, in milliseconds per act."""
        long = [r for one in reactions for r in one.rounds if r[1] - r[0] > FRAME]
        spent, before = Counter[str](), 0.0
        for at, *what in self._seen:
            if took := sum(at - max(a, before) for a, b in long if a <= at <= b + 0.001):
                spent[self._place(*what)] += took
            before = at
        self._seen.clear()
        total, acts = sum(b - a for a, b in long) * 1000, len(reactions)
        print(f"    {name}: {len(long) / acts:.1f} stretches over 16 ms, {total / acts:.1f} ms")
        for place, took in spent.most_common(20):
            print(f"       {took / acts * 1000:7.1f} ms  {place}")


class Bench:
    """The window, acts on it, and what comes of them."""

    def __init__(self, app: Application, repeats: int, trace: bool) -> None:
        self.app, self.repeats = app, repeats
        self.window = MainWindow(Settings())
        self.window.resize(1440, 900)
        self.window.reset_layout()
        self.window.show()
        self.session = self.window.session
        self.view = self.window.plots["signal"].widget.getPlotItem().getViewBox()
        self.watcher = Watcher(self.window)
        self.tracer = Tracer(self.watcher) if trace else None
        self.random = np.random.default_rng(1)
        self.size = ""
        self.figures: dict[str, float] = {}
        """What has a target, in milliseconds: 95 of 100 cases, but the GUI thread's longest."""

    def react(self, act: Act, done: Done | None = None, quiet: float = QUIET) -> Reaction:
        """Do something and wait until it is shown: up to date, and nothing more is painted."""
        made, done = Reaction(), done or self.up_to_date
        watcher, work, finished = self.watcher, act, None
        watcher.painted, watcher.paints = False, made.paints
        faulthandler.dump_traceback_later(LIMIT, exit=True)
        begin = now = Clock()
        while finished is None or now - finished < quiet:
            start, cpu = Clock(), time.thread_time()
            work()
            now, cpu = Clock(), time.thread_time() - cpu
            work = self.app.processEvents
            if now - start > 0.001:
                made.held = max(made.held, now - start - cpu)
                if cpu > 0.0003:
                    made.rounds.append((start, now))
            if finished is None and done():
                finished, made.fresh = now, now - begin
            if finished is not None and watcher.painted:
                finished = now
            watcher.painted, watcher.pane = False, ""
            time.sleep(PAUSE)
            made.held = max(made.held, Clock() - now - PAUSE)
        faulthandler.cancel_dump_traceback_later()
        made.total = finished - begin
        made.longest = max((end - start for start, end in made.rounds), default=0.0)
        self.app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        return made

    def up_to_date(self, index: int | None = None, value: float = 0.0) -> bool:
        """Whether what is shown is what the document holds, and a value there is this one."""
        session, shown = self.session, self.session.evaluator.snapshot.array
        if session.evaluator.stale or shown is not session.array:
            return False
        if index is not None and shown.reshape(-1)[index] != shown.dtype.type(value):
            return False
        made = session.evaluator.active_evaluation
        return made is not None and made.scheme == session.active.scheme

    def start(self, count: int) -> None:
        """Show normals, with the three schemes, the asymmetric one active."""
        x = np.random.default_rng(0).standard_normal(count, np.float32)
        schemes = [Scheme.parse(text) for text in SCHEMES]
        self.react(partial(self.session.start, x, "normals", None, schemes))
        self.react(partial(self.session.activate, self.session.entries[-1].uid))

    # What is measured

    def edits(self, moving: bool) -> list[Reaction]:
        """Type over chosen values; with ``moving``, make a new extreme and take it away again."""
        made, flat = [], self.session.array.reshape(-1)
        low, high = float(flat.min()), float(flat.max())
        where = self.random.integers(flat.size, size=self.repeats)
        for turn in range(self.repeats):
            index, value = int(where[turn]), float(self.random.uniform(low / 2, high / 2))
            if moving:
                index = int(where[turn // 2])
                value = value if turn % 2 else high + 0.5 + 0.01 * turn
            self.react(partial(self.session.view.choose, index))
            act = partial(commands.edit_value, self.session, index, value)
            made.append(self.react(act, partial(self.up_to_date, index, value)))
        return made

    def drags(self) -> list[Reaction]:
        """Move both clip handles a little, as one drag does."""
        made, entry, reach = [], self.session.active, self.session.evaluator.snapshot.summary.high
        for turn in range(self.repeats):
            ends = -reach * (0.8 - 0.004 * turn), reach * (0.75 - 0.003 * turn)
            act = partial(commands.set_scheme, self.session, entry.uid)
            made.append(self.react(partial(act, entry.scheme.with_range(*ends), "drag 1")))
        return made

    def frames(self, spans: Iterable[tuple[float, float]]) -> list[Reaction]:
        """Show one stretch of positions after another, as wheel and drag do."""
        self.view.sigRangeChangedManually.emit([True, False])
        acts = [partial(self.view.setXRange, x0, x1, padding=0) for x0, x1 in spans]
        return [self.react(act, quiet=QUIET_FRAME) for act in acts]

    # Rows

    def rows(self, name: str, made: list[Reaction], asked: float | None, frame: bool) -> list[Row]:
        """How long the acts took, and, but for frames, what the GUI thread did meanwhile."""
        if self.tracer:
            self.tracer.report(name, made)
        middle, *ends = np.percentile([r.total for r in made], [50, 95, 100])
        self.figures[self.size + name] = 1000 * ends[0]
        said = f"asked: {asked * 1000:.0f} ms; " if asked else ""
        said += "95 %: {:.1f} ms, most: {:.1f} ms".format(*(1000 * end for end in ends))
        if frame:
            return [(name, middle, said)]
        paints = sum((r.paints for r in made), Counter())
        often = ", ".join(f"{pane} {n / len(made):.1f}" for pane, n in paints.most_common())
        usual, longest = np.percentile([r.longest for r in made], [95, 100])
        stretch = f"{self.size}GUI thread at a stretch"
        self.figures[stretch] = max(self.figures.get(stretch, 0), 1000 * longest)
        most = f"asked: 16 ms; 95 %: {1000 * usual:.1f} ms"
        return [
            (name, middle, said),
            ("  until evaluated", float(np.median([r.fresh for r in made])), f"paints: {often}"),
            ("  GUI thread busy at a stretch, most", longest, most),
            ("  GUI thread waiting, most", max(r.held for r in made), "for others: Python, CPU"),
        ]  # fmt: skip

    def size_rows(self, millions: float) -> Iterable[list[Row]]:
        """Everything for one size, as it comes."""
        count, asked = int(millions * 1e6), ASKED.get(int(millions))
        self.size = f"window, {millions:g} M: "
        self.start(count)
        yield self.rows("edit", self.edits(moving=False), asked, False)
        yield self.rows("edit that moves the range", self.edits(moving=True), asked, False)
        yield from self.look_rows(count, "")
        self.react(self.window.fit_plots)
        yield self.rows("clip handle", self.drags(), asked, False)
        yield from self.look_rows(count, ", values clipped")

    def look_rows(self, count: int, remark: str) -> Iterable[list[Row]]:
        """Zooming in from all values to some hundred, and panning across half and across few."""
        steps = np.arange(self.repeats)
        middle, widths = 0.37 * count, count * (200 / count) ** (steps / max(1, steps[-1]))
        spans = [(middle - w * 0.37, middle + w * 0.63) for w in widths]
        yield self.rows(f"zoom{remark}", self.frames(spans), FRAME, True)
        for name, width in (("pan across half", count / 2), ("pan across a thousand", 1000)):
            lefts = count / 4 + 0.02 * width * np.sin(steps / 5) * 10
            made = self.frames((float(x), float(x) + width) for x in lefts)
            yield self.rows(f"{name}{remark}", made[1:], FRAME, True)

    def open_rows(self, folder: Path) -> list[Row]:
        """Opening 400 MB: until the table and the Signal plot show it, and until all is done."""
        path = folder / "large.npy"
        np.save(path, self.random.standard_normal(OPENED, np.float32))
        self.session.mark_saved(None)
        self.size = ""
        self.react(self.window.fit_plots)
        shown, paints, begin = {}, Counter(), Clock()

        def done() -> bool:
            ready = {"values": self.session.array.size == OPENED}
            ready["signal"] = ready["values"] and self.view.viewRange()[0][1] > OPENED / 2
            for pane in ready:
                if ready[pane] and self.watcher.paints[pane] > paints[pane]:
                    shown.setdefault(pane, Clock() - begin)
                paints[pane] = self.watcher.paints[pane]
            return len(shown) == 2 and self.up_to_date()

        made = self.react(partial(self.window.files.open, path), done)
        path.unlink()
        rows = [(f"open: pane {pane}", took, "asked: 1000 ms") for pane, took in shown.items()]
        return rows + self.rows("open: everything", [made], None, False)


def tell(kind: object, context: object, text: str) -> None:
    """Pass on what Qt says, but for what the offscreen platform says of itself."""
    if not text.startswith("This plugin does not support "):
        print(text, file=sys.stderr)


def show(rows: list[Row]) -> None:
    """Print rows as they come."""
    for name, took, said in rows:
        print(f"{name:46} {1000 * took:9.1f} ms   {said}", flush=True)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("millions", nargs="*", type=float, default=[1, 10])
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--open", action="store_true", help="open a file of 400 MB too")
    parser.add_argument("--trace", action="store_true", help="say what kept the window busy")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures with a target")
    asked = parser.parse_args()
    versions = f"PySide6 {PySide6.__version__}, pyqtgraph {pyqtgraph.__version__}"
    print(f"{platform.platform()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(f"Python {platform.python_version()}, {versions}, numpy {np.__version__}; {ROOT}")
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    qInstallMessageHandler(tell)
    with tempfile.TemporaryDirectory() as place:
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, place)
        QLocale.setDefault(QLocale.c())
        app = Application([])
        prepare(app)
        bench = Bench(app, asked.repeats, asked.trace)
        for millions in asked.millions:
            print(f"\n{millions:g} million float32 normals, {', '.join(SCHEMES)}")
            for rows in bench.size_rows(millions):
                show(rows)
        if asked.open:
            print(f"\nA file of {OPENED:,} float32")
            show(bench.open_rows(Path(place)))
        if bench.tracer:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if asked.json:
            asked.json.write_text(json.dumps(bench.figures))
        bench.session.mark_saved(None)
        bench.window.close()


if __name__ == "__main__":
    main()
