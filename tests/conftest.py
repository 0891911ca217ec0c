"""What every test starts from: no screen, the C locale, a home of its own; and no threads left."""

import collections
import contextlib
import gc
import itertools
import os
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import settings

from quantoscope import engine
from quantoscope.engine.numerics import loops

# Before anything imports Qt. A test that needs a real screen starts a process of its own.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
for _name in ("LC_ALL", "LC_NUMERIC", "LANG", "LANGUAGE"):
    os.environ[_name] = "C.UTF-8"
for _name in ("QT_SCALE_FACTOR", "QT_STYLE_OVERRIDE", "QT_QPA_PLATFORMTHEME", "QT_LOGGING_RULES"):
    os.environ.pop(_name, None)


# Workers, and the hundreds of programs that tests start, compile the same files: once is enough.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

ROOT = Path(__file__).resolve().parents[1]
if (_tested := Path(engine.__file__).resolve().parents[1]) != ROOT:
    raise pytest.UsageError(
        f"quantoscope is imported from {_tested}; install this checkout: pip install -e {ROOT}"
    )


def pytest_addoption(parser):
    parser.addoption("--no-skips", action="store_true", help="fail when any test is skipped")
    parser.addoption("--skips-only-in", metavar="FOLDER", help="fail when one elsewhere is skipped")


for _name, _examples in {"quick": 10, "whole": 100, "thorough": 1000}.items():
    # How long an example takes is nobody's business on a busy machine.
    settings.register_profile(_name, max_examples=_examples, deadline=None)


def pytest_configure(config):
    """Try laws on few examples where slow tests are left out, unless a profile is asked for."""
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("quick" if _is_quick(config) else "whole")


def _is_quick(config):
    return config.option.markexpr == "not slow"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """What was skipped was not tested: fail where that was not allowed."""
    option = session.config.getoption
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not (option("--no-skips") or option("--skips-only-in")):
        return
    allowed = () if option("--no-skips") else (option("--skips-only-in").rstrip("/") + "/",)
    skipped = [report.nodeid for report in reporter.stats.get("skipped", ())]
    refused = [name for name in skipped if not name.startswith(allowed)]
    if refused:
        reporter.write_line("skipped, which is a failure here: " + ", ".join(refused), red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


FEW = 2
"""So many cases of a test with many are for everybody; the others are slow."""
OPENERS = {"new_window", "open_dialog"}
FEW_WINDOWS = 4
"""So many tests of a file that open a window, the first ones, are for everybody."""
SLOW_FOLDERS = {"e2e", "packaging", "runtimes", "hostile"}
SLOW_WORDS = ("hostile", "many_edits", "memory", "million", "thousands", "no_time")
"""Tests of what is large, or damaged in every way."""


def pytest_ignore_collect(collection_path, config):
    """Import no package of a runtime for tests that are left out; compare numpy with no numpy."""
    if _is_quick(config) and collection_path.name in SLOW_FOLDERS:
        return True
    if collection_path.match("test_loops*.py") and not loops.in_use():
        return True
    return None


def _is_large(path, name):
    """Whether a test of that name is of what is large or damaged, or starts programs."""
    folders = SLOW_FOLDERS.intersection(path.relative_to(ROOT).parts)
    return bool(folders) or any(word in f"{path.stem} {name}" for word in SLOW_WORDS)


def pytest_collection_modifyitems(items):
    """Mark as slow what only multiplies cases, what is large, and what starts programs."""
    # Files that are named one by one are never ignored.
    if not loops.in_use() and any(item.path.match("test_loops*.py") for item in items):
        raise pytest.UsageError(f"nothing to compare with numpy: {loops.means().value}")
    cases = collections.defaultdict(list)
    for item in items:
        cases[item.path, getattr(item, "originalname", item.name), item.cls].append(item)
    windows = collections.Counter()
    for (path, name, _), alike in cases.items():
        few = FEW
        if OPENERS.intersection(alike[0].fixturenames):
            windows[path] += 1
            few = 1 if windows[path] <= FEW_WINDOWS else 0
        if _is_large(path, name):
            few = 0
        kept = {round(i * (len(alike) - 1) / max(1, few - 1)) for i in range(few)}
        for number, item in enumerate(alike):
            if number not in kept:
                item.add_marker("slow")
    # The longest first: at the end of a run no worker is waited for with one of them.
    items.sort(key=lambda item: not _is_large(item.path, item.name))


def pytest_collection_finish():
    """Spare what was collected from every later look for garbage and for what is left behind."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter):
    """Tell how many damaged and malicious files each reader was given."""
    tried = collections.Counter()
    for report in itertools.chain.from_iterable(terminalreporter.stats.values()):
        if getattr(report, "when", None) == "call":
            for name, count in report.user_properties:
                tried[name.removeprefix("hostile ")] += count
    if tried:
        counts = ", ".join(f"{ending} {count:,}" for ending, count in tried.items())
        terminalreporter.write_line(f"hostile files: {tried.total():,} ({counts})")


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """Nothing that a test remembers or logs reaches the person's own files, or the next test."""
    place = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(place))
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(place / name.lower()))
    yield place
    # Most are empty: a run's end would spend seconds on thousands of them.
    with contextlib.suppress(OSError):
        place.rmdir()


@pytest.fixture(autouse=True)
def no_thread_is_left():
    """Fail the test that leaves a thread running."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        # Its work is done, its end may not be.
        thread.join(5)
    left = [t.name for t in threading.enumerate() if t not in before and t.is_alive()]
    if left:
        gc.collect()
    assert not left, f"threads left running: {left}"
