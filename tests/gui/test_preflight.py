"""What a person reads when something that Qt needs is not there."""

import ctypes
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quantoscope.gui import preflight

PROJECT = Path(__file__).resolve().parents[2]
on_linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux leaves Qt's libraries to the system"
)
#: As long as the name it stands for, so that it can take its place inside a library file.
ABSENT = {"libxcb-cursor.so.0": "libxcb-kursor.so.0", "libxcb-icccm.so.4": "libxcb-icckm.so.4"}


@pytest.fixture
def screen(monkeypatch):
    """A session with an X screen, whether there is one or not."""
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(preflight, "_silent_screen", lambda platforms: None)


@pytest.fixture
def crippled_qt(tmp_path):
    """A PySide6 whose X11 plugin really links to libraries that no system has."""
    spec = importlib.util.find_spec("PySide6")
    real = Path(spec.submodule_search_locations[0])
    package = tmp_path / "PySide6"
    platforms = package / "Qt" / "plugins" / "platforms"
    platforms.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('Qt was imported')\n")
    (package / "Qt" / "lib").symlink_to(real / "Qt" / "lib")
    plugin = (real / "Qt" / "plugins" / "platforms" / "libqxcb.so").read_bytes()
    for present, absent in ABSENT.items():
        assert plugin.count(present.encode()) == 1
        plugin = plugin.replace(present.encode(), absent.encode())
    (platforms / "libqxcb.so").write_bytes(plugin)
    return tmp_path


def start(*words, path=None, **environment):
    """Run main.py as a person would, in a session with only these variables."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    if path:
        environment["PYTHONPATH"] = str(path)
    return subprocess.run(
        [sys.executable, str(PROJECT / "main.py"), *words],
        env=keep | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_one_clear_message(run):
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr.startswith("Quantoscope ")
    assert "Traceback" not in run.stderr


@on_linux
def test_nothing_is_said_where_nothing_is_missing(screen):
    assert preflight.problem() is None


@on_linux
def test_nothing_is_said_about_screens_to_the_offscreen_platform(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert preflight.problem() is None


@on_linux
def test_the_check_is_quick_where_nothing_is_missing(screen):
    preflight.problem()
    start = time.process_time()
    preflight.problem()
    assert time.process_time() - start < 0.05


@on_linux
def test_no_screen_ends_in_one_message_that_names_the_way_without():
    run = start()
    assert_one_clear_message(run)
    assert "no screen" in run.stderr
    assert "quantoscope-cli compare FILE --scheme" in run.stderr


@on_linux
def test_a_screen_that_does_not_answer_is_named():
    run = start(DISPLAY=":7654")
    assert_one_clear_message(run)
    assert "(:7654)" in run.stderr


@on_linux
def test_all_missing_libraries_are_named_at_once(crippled_qt):
    run = start(path=crippled_qt, DISPLAY=":0")
    assert_one_clear_message(run)
    for absent in ABSENT.values():
        assert absent in run.stderr


@on_linux
def test_the_loaders_word_is_enough_where_there_is_no_ldd(crippled_qt, screen, monkeypatch):
    monkeypatch.syspath_prepend(crippled_qt)
    monkeypatch.setenv("PATH", "")
    hide_modules(monkeypatch, "PySide6")
    message = preflight.problem()
    assert any(absent in message for absent in ABSENT.values())


@on_linux
def test_a_broken_x11_plugin_does_not_matter_where_wayland_works(crippled_qt, screen, monkeypatch):
    monkeypatch.syspath_prepend(crippled_qt)
    hide_modules(monkeypatch, "PySide6")
    shutil.copy(
        crippled_qt / "PySide6/Qt/lib/libQt6Svg.so.6",  # any library that loads
        crippled_qt / "PySide6/Qt/plugins/platforms/libqwayland.so",
    )
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert preflight.problem() is None


@on_linux
@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libEGL.so.1", "libegl1"),
        ("libGL.so.1", "libgl1"),
        ("libxcb-cursor.so.0", "libxcb-cursor0"),
        ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
        ("libgthread-2.0.so.0", "libglib2.0-0"),
        ("libfontconfig.so.1", "libfontconfig1"),
    ],
)
@pytest.mark.parametrize(("user", "command"), [(0, "    apt-get"), (1000, "    sudo apt-get")])
def test_a_missing_library_comes_with_the_command_that_installs_it(
    library, package, user, command, screen, monkeypatch
):
    def refuse(path, *arguments):
        raise OSError(f"{library}: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "ldd" else f"/bin/{name}")
    message = preflight.problem()
    assert library in message
    assert f"{command} install {package}" in message.splitlines()


@on_linux
def test_a_system_without_apt_is_told_what_debian_calls_it(screen, monkeypatch):
    def refuse(path, *arguments):
        raise OSError("libEGL.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    message = preflight.problem()
    assert "libegl1" in message
    assert "apt-get" not in message


@on_linux
def test_any_other_complaint_of_the_loader_is_passed_on(screen, monkeypatch):
    def refuse(path, *arguments):
        raise OSError("libc.so.6: version `GLIBC_9.99' not found")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "GLIBC_9.99" in preflight.problem()


def hide_modules(monkeypatch, *names):
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.parametrize(
    ("module", "package"), [("PySide6", "PySide6-Essentials"), ("pyqtgraph", "pyqtgraph")]
)
def test_a_missing_package_comes_with_the_way_to_install_it(module, package, monkeypatch):
    monkeypatch.setattr(
        preflight,
        "find_spec",
        lambda name: None if name == module else importlib.util.find_spec(name),
    )
    message = preflight.problem()
    assert message.startswith(f"Quantoscope needs {package}, which {sys.executable}")
    assert "pip install" in message or "main.py" in message
    assert preflight.problem(window=False) is None


def test_without_numpy_neither_window_nor_command_line_starts(monkeypatch):
    monkeypatch.setattr(preflight, "find_spec", lambda name: None if name == "numpy" else object())
    assert "numpy" in preflight.problem(window=False)
    assert "numpy" in preflight.problem()


def readme_packages(which):
    """The libraries that a command of the README installs; headers (-dev) are the compiler's."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    block = re.search(rf"<!-- {which}-command -->\n```\w*\n(.*?)```", text, re.DOTALL)
    libraries = re.findall(r"\blib[a-z0-9.+-]+", block[1])
    return {library for library in libraries if not library.endswith("-dev")}


@pytest.mark.parametrize("which", ["start", "test"])
def test_the_readmes_command_installs_only_libraries_that_the_messages_know(which):
    packages = readme_packages(which)
    assert packages
    assert packages <= set(preflight.DEBIAN_PACKAGES.values())


def test_the_start_command_and_the_test_command_install_the_same_libraries():
    assert readme_packages("start") == readme_packages("test")
