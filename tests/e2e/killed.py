"""Runs the program in children that are killed while they edit and save, and looks at the rest.

``python -m tests.e2e.killed`` reads one run per line, as JSON, and answers each with a line. It
imports everything once and forks for each run, before there is any QApplication or thread.
"""

import contextlib
import hashlib
import io
import json
import os
import random
import resource
import select
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

import numpy as np
from PySide6.QtCore import QElapsedTimer, QEventLoop, QObject, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from quantoscope.engine import Scheme
from quantoscope.engine.io import load, qscope
from quantoscope.engine.io.base import FormatError, write_atomically
from quantoscope.gui.app import Application, Windows, prepare
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.document import commands
from quantoscope.gui.document.tensors import COPIED
from quantoscope.gui.storage import session_codec
from quantoscope.gui.storage.recovery import recovery_folder

SCHEMES = ("uint8 asymmetric", "int4 symmetric", "int8 symmetric percentile(99)", "int6 scale-only")
LIMIT = 60_000
"""Milliseconds after which a child is not going to come any more."""


# What a document is, in a form that processes can compare


def digest(array):
    described = f"{array.dtype} {array.shape} ".encode()
    return hashlib.sha256(described + np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def state_of(sources, entries):
    """Every tensor's bytes, whether loaded or still in its file, and every scheme."""
    values = {}
    for source in sources:
        for tensor in source.tensors:
            if tensor.loaded:
                values[tensor.title] = digest(tensor.array)
            elif tensor.title not in values:
                values[tensor.title] = digest(load(tensor.path, tensor.name))
    return named(values, entries)


def named(values, entries):
    schemes = [f"{e.scheme}|{e.label}|{e.colour}|{e.line}|{e.marker}|{e.enabled}" for e in entries]
    text = json.dumps([sorted(values.items()), schemes])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# The arrays of a run


def prepare_files(kind, folder, seed):
    """Write the files that a run opens."""
    rng = np.random.default_rng(seed)
    if kind == "several":
        arrays = {
            "a": rng.normal(size=50).astype(np.float32),
            "b": rng.normal(size=(4, 6)),
            "c": rng.normal(size=COPIED + 3).astype(np.float32),
        }
        np.savez(folder / "several.npz", **arrays)
        return [folder / "several.npz"]
    if kind == "long file":
        np.save(folder / "long.npy", rng.normal(size=COPIED + 77).astype(np.float32))
        return [folder / "long.npy"]
    return []


def opened_array(kind, seed):
    """The array that a run begins with where it opens no file."""
    rng = np.random.default_rng(seed)
    sizes = {"small": 40, "long": COPIED + 5, "save": 4 * COPIED}
    return rng.normal(size=sizes[kind]).astype(np.float32) if kind in sizes else None


# Editing


class Typist(QObject):
    """Edits a window at typing speed, saves now and then, and tells of both."""

    def __init__(self, window, kind, seed, file, pipe):
        super().__init__(window)
        self.window, self.session, self.file, self.pipe = window, window.session, file, pipe
        self.kind, self.random, self.numbers = (
            kind,
            random.Random(seed),
            np.random.default_rng(seed),
        )
        self.known = {}
        self.saved = False
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.timeout.connect(self.act)

    def start(self):
        for source in self.session.sources:
            for tensor in source.tensors:
                array = tensor.array if tensor.loaded else load(tensor.path, tensor.name)
                self.known[tensor] = [tensor.version, digest(array)]
        self.session.undo_stack.indexChanged.connect(self.tell_edit)
        self.tell("ready", state=self.state())
        self.timer.start(1)

    def tell(self, what, **more):
        line = json.dumps({"what": what, "time": time.monotonic(), **more}) + "\n"
        os.write(self.pipe, line.encode())

    def state(self):
        """As ``state_of``, hashing only what was changed since it was hashed last."""
        values = {}
        for tensor, known in self.known.items():
            if tensor.loaded and known[0] != tensor.version:
                known[:] = [tensor.version, digest(tensor.array)]
            values[tensor.title] = known[1]
        return named(values, self.session.entries)

    def tell_edit(self):
        self.saved = False
        self.tell("edit", state=self.state())

    def act(self):
        chance = 0.3 if self.kind == "save" else 0.08
        if self.saved and not list(recovery_folder().glob("*.qscope")):
            self.tell("clean")
            self.saved = False
        if self.random.random() < chance:
            self.save()
        else:
            acts = (self.type, self.type, self.type, self.block, self.block, self.undo, self.redo,
                    self.scheme, self.turn)  # fmt: skip
            self.random.choice((*acts, self.splice) if self.kind != "save" else acts)()
        self.timer.start(self.random.randint(30, 150))

    def save(self):
        self.tell("saving", state=self.state())
        whole = self.window.whole
        done = whole.save() if self.session.file is not None else whole.write(self.file)
        self.tell("saved" if done else "failed")
        self.saved = done

    def type(self):
        """Type over a cell, key by key."""
        table = self.window.values.table
        if not self.window.isActiveWindow():
            # There is no window manager that gives the focus back when a dialog has closed.
            self.window.activateWindow()
            return
        row = self.random.randrange(min(self.session.array.size, 10_000))
        table.setFocus()
        table.setCurrentIndex(table.model().index(row, 0))
        # The first key opens the cell, and the others go into it.
        for letter in f"{self.numbers.normal():.4g}":
            QTest.keyClick(QApplication.focusWidget() or table, letter)
        QTest.keyClick(QApplication.focusWidget() or table, Qt.Key.Key_Return)

    def block(self):
        size = self.session.array.size
        count = min(size, self.random.choice((1, 7, 300)))
        where = self.numbers.integers(0, max(size, 1), count)
        values = self.numbers.normal(size=count)
        commands.set_values(
            self.session, np.unique(where), values[: len(np.unique(where))], "block"
        )

    def splice(self):
        array = self.session.array
        if array.ndim == 1 and array.size > 4:
            at = self.random.randrange(array.size - 3)
            new = self.numbers.normal(size=self.random.randrange(4))
            commands.splice(self.session, at, self.random.randrange(3), new, "splice")

    def undo(self):
        self.session.undo_stack.undo()

    def redo(self):
        self.session.undo_stack.redo()

    def scheme(self):
        scheme = Scheme.parse(self.random.choice(SCHEMES))
        entries = self.session.entries
        entry = self.random.choice(entries) if entries else None
        what = self.random.randrange(4)
        if entry is None or (what == 0 and len(entries) < 5):
            commands.add_scheme(self.session, scheme)
        elif what == 1:
            commands.set_scheme(self.session, entry.uid, scheme)
        elif what == 2:
            commands.move_entry(self.session, entry.uid, self.random.randrange(len(entries)))
        elif len(entries) > 2:
            commands.remove_entry(self.session, entry.uid)

    def turn(self):
        """Turn to another tensor."""
        tensors = [t for source in self.session.sources for t in source.tensors]
        self.window.files.show_tensor(self.random.choice(tensors))


def edit(run, pipe):
    """Edit until killed."""
    home = Path(run["home"])
    app, windows, window = start(home)
    files = prepare_files(run["kind"], home, run["seed"])
    array = opened_array(run["kind"], run["seed"])
    if array is not None:
        window.session.start(array, "made here")
    typist = Typist(window, run["kind"], run["seed"], home / "mine.qscope", pipe)
    if files:
        window.open_paths(files)
        wait(lambda: window.session.path is not None or window.session.sources[-1].container)
    if files and window.session.path is None:
        window.files.show_tensor(window.session.sources[-1].tensors[0])
        wait(lambda: window.session.path is not None)
    typist.start()
    app.exec()


# Looking at what is left


def start(home):
    """The program, started as ``gui.app.main`` starts it, in a home of its own."""
    os.environ["HOME"] = str(home)
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        os.environ[f"XDG_{name}_HOME"] = str(home / name.lower())
    app = Application(["quantoscope"])
    prepare(app)
    windows = Windows(Settings(), app)
    return app, windows, windows.add()


def wait(condition):
    """Run the event loop until something holds."""
    loop, timer, watch = QEventLoop(), QTimer(), QElapsedTimer()
    watch.start()

    def look():
        if condition() or watch.elapsed() > LIMIT:
            loop.quit()

    timer.timeout.connect(look)
    timer.start(5)
    loop.exec()
    timer.stop()
    assert condition(), "waited in vain"


def unheard(done, total):
    """Progress that nobody is told of."""
    return lambda inner, of: None


def look(run, pipe):
    """Start afresh, restore what is offered, and tell what there is."""
    home = Path(run["home"])
    found = {"saved": None, "restored": None}
    file = home / "mine.qscope"
    if file.exists():
        opened = session_codec.opened(
            qscope.read(file), file, True, lambda done, total: lambda inner, of: None
        )
        found["saved"] = state_of(opened.sources, opened.entries)
        found["notes"] = opened.notes
    app, windows, window = start(home)
    problems, opened = [], []
    window.recovery.problem.connect(problems.append)
    window.whole.problem.connect(problems.append)
    window.whole.view_opened.connect(opened.append)
    found["told"] = window.message.text if window.message.isVisible() else ""
    found["offered"] = window.offer.isVisible()
    if found["offered"]:
        buttons = window.offer.findChildren(QPushButton)
        next(b for b in buttons if b.text().replace("&", "") == "Restore").click()
        wait(lambda: opened or problems)
        if opened:
            found["restored"] = state_of(window.session.sources, window.session.entries)
        found["again"] = window.offer.isVisible()
    found["problems"] = problems
    # What was being typed is typed on after a restore; taken over later, it would be a change.
    window.session.finish_typing.emit()
    window.session.mark_saved(None)
    assert window.close()
    folder = recovery_folder()
    found["left"] = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    found["beside"] = sorted(
        p.name for p in home.iterdir() if p.is_file() and not p.name.endswith((".npy", ".npz"))
    )
    os.write(pipe, (json.dumps(found) + "\n").encode())


# A save that ends in its middle


def write_until(run, pipe):
    """Save over a file until so many bytes are written; then be killed, or find the disk full."""
    path, room = Path(run["path"]), run["room"]
    array = np.random.default_rng(run["seed"]).normal(size=3000).astype(np.float32)
    session = qscope.SavedSession(tensors=(qscope.SavedTensor("new", array=array),))
    if run["end"] == "full":
        # Python ignores the signal, so that a write beyond this raises what a full disk does.
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        try:
            qscope.write(path, session)
        except FormatError as error:
            os.write(pipe, (json.dumps(str(error)) + "\n").encode())
        return
    whole = io.BytesIO()
    qscope.save(whole, session)

    def cut(stream):
        stream.write(whole.getvalue()[:room])
        stream.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    write_atomically(path, cut)


# The parent of all


def fork(job, run):
    """Run ``job(run, pipe)`` in a child; give its number and what it writes into."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            os.close(reading)
        try:
            job(run, writing)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)
    return child, reading


def lines(reading, until):
    """Lines of a pipe as they come, None whenever the time that ``until()`` gives is there."""
    poll, rest = select.poll(), b""
    poll.register(reading, select.POLLIN)
    while True:
        left = max(0.0, until() - time.monotonic())
        if not poll.poll(left * 1000):
            yield None
            continue
        more = os.read(reading, 1 << 16)
        if not more:
            return
        *whole, rest = (rest + more).split(b"\n")
        yield from map(json.loads, whole)


def cut_off(run):
    """A save that ends early; give what it said, and how it ended."""
    child, reading = fork(write_until, run)
    end = time.monotonic() + LIMIT / 1000
    said = [line for line in lines(reading, lambda: end) if line is not None]
    os.close(reading)
    return {**run, "said": said, "status": os.waitpid(child, 0)[1]}


def one(run):
    """A whole run: edit, kill, look."""
    dice = random.Random(run["seed"])
    child, reading = fork(edit, run)
    moment, events, saves = [time.monotonic() + LIMIT / 1000], [], 0
    aimed = dice.randint(1, 3) if run["kind"] == "save" else 0
    for event in lines(reading, lambda: moment[0]):
        if event is None:
            break
        events.append(event)
        if event["what"] == "ready":
            moment[0] = event["time"] + (dice.uniform(0, 4) if not aimed else 6)
        elif event["what"] == "saving":
            saves += 1
            if saves == aimed:
                moment[0] = event["time"] + dice.uniform(0, 0.12)
    killed = time.monotonic()
    os.kill(child, signal.SIGKILL)
    # What it had written before it died.
    for event in lines(reading, lambda: killed + LIMIT / 1000):
        assert event is not None, "a killed process lives"
        events.append(event)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    result = {**run, "killed": killed, "events": events, "status": status}
    checker, reading = fork(look, run)
    end = time.monotonic() + LIMIT / 1000
    found = [event for event in lines(reading, lambda: end) if event is not None]
    os.close(reading)
    os.waitpid(checker, 0)
    return {**result, "found": found[0] if found else None}


def main():
    assert threading.active_count() == 1, "a process with threads cannot be forked"
    for line in sys.stdin:
        run = json.loads(line)
        print(json.dumps((cut_off if "room" in run else one)(run)), flush=True)


if __name__ == "__main__":
    main()
