"""Checks before importing Qt, so that missing dependencies give one clear message.

Without them, a missing system library gives a traceback at best; a missing library of Qt's
platform plugin, or a missing screen, makes Qt abort the process. Only the standard library
is used here, and on a machine where nothing is missing the checks take a few milliseconds,
most of them spent on loading libraries that Qt needs a moment later anyway.
"""

import ctypes
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

__all__ = ["DEBIAN_PACKAGES", "problem"]


def _debian_package(library: str) -> str:
    """Return the package that Debian's rule names after a library."""
    name, _, version = library.lower().partition(".so.")
    return f"{name}-{version}" if name[-1].isdigit() else name + version


_NAMED_AFTER = """
    libEGL.so.1 libGL.so.1 libGLX.so.0 libOpenGL.so.0 libX11-xcb.so.1 libX11.so.6 libdbus-1.so.3
    libfontconfig.so.1 libfreetype.so.6 libstdc++.so.6 libwayland-client.so.0
    libwayland-cursor.so.0 libwayland-egl.so.1 libxcb-cursor.so.0 libxcb-glx.so.0
    libxcb-icccm.so.4 libxcb-image.so.0 libxcb-keysyms.so.1 libxcb-randr.so.0
    libxcb-render-util.so.0 libxcb-render.so.0 libxcb-shape.so.0 libxcb-shm.so.0
    libxcb-sync.so.1 libxcb-util.so.1 libxcb-xfixes.so.0 libxcb-xinerama.so.0 libxcb-xkb.so.1
    libxcb.so.1 libxkbcommon-x11.so.0 libxkbcommon.so.0 libzstd.so.1
"""
#: Debian and Ubuntu packages of the libraries that Qt links to.
DEBIAN_PACKAGES = {library: _debian_package(library) for library in _NAMED_AFTER.split()} | {
    "libGLdispatch.so.0": "libglvnd0",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgobject-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libz.so.1": "zlib1g",
}

#: Required modules, and their names for pip.
_ENGINE_MODULES = {"numpy": "numpy", "ml_dtypes": "ml_dtypes"}
_WINDOW_MODULES = {"PySide6": "PySide6-Essentials", "pyqtgraph": "pyqtgraph"}

_WITHOUT_SCREEN = (
    "Without a screen, the command line does the same arithmetic:\n\n"
    '    quantoscope-cli compare FILE --scheme "int8 symmetric" --scheme "int8 asymmetric"'
)


def problem(window: bool = True) -> str | None:
    """Return what prevents Quantoscope from starting; None if nothing does.

    Without ``window``, only what the engine needs is looked for.
    """
    if message := _missing_modules(window):
        return message
    if not window or not sys.platform.startswith("linux"):
        return None
    platforms = _platforms()
    if not platforms:
        return (
            "Quantoscope cannot open its window: there is no screen here "
            "(neither DISPLAY nor WAYLAND_DISPLAY is set).\n" + _WITHOUT_SCREEN
        )
    return _missing_libraries(platforms) or _silent_screen(platforms)


def _missing_modules(window: bool) -> str | None:
    wanted = _ENGINE_MODULES | (_WINDOW_MODULES if window else {})
    missing = [name for module, name in wanted.items() if find_spec(module) is None]
    if not missing:
        return None
    lines = [f"Quantoscope needs {_listed(missing)}, which {sys.executable} does not have."]
    project = Path(__file__).resolve().parents[1]
    source = (project / "pyproject.toml").is_file()
    python = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    ready = project / ".venv" / python
    if ready.is_file() and Path(sys.prefix).resolve() != (project / ".venv").resolve():
        lines += ["This folder has an environment of its own; start with it:", ""]
        lines += [f"    {ready} {project / 'main.py'}"]
    elif source and sys.prefix == sys.base_prefix:
        lines += ["Install it into an environment of its own, and start with that:", ""]
        lines += [f"    cd {project}", f"    {sys.executable} -m venv .venv"]
        lines += [f"    {Path('.venv', python)} -m pip install -e ."]
        lines += [f"    {Path('.venv', python)} main.py"]
    else:
        what = f"-e {project}" if source else " ".join(missing)
        lines += ["Install it with", "", f"    {sys.executable} -m pip install {what}"]
    return "\n".join(lines)


def _platforms() -> list[str]:
    """Return Qt's platform plugins allowed in this session, in order of preference."""
    chosen = os.environ.get("QT_QPA_PLATFORM")
    if chosen:
        return [name.partition(":")[0] for name in chosen.split(";") if name]
    # The Wayland variable may be unset, which means "wayland-0".
    socket = Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent"), "wayland-0")
    has_wayland = bool(os.environ.get("WAYLAND_DISPLAY")) or socket.exists()
    found = ["wayland"] if has_wayland else []
    return [*found, "xcb"] if os.environ.get("DISPLAY") else found


def _missing_libraries(platforms: list[str]) -> str | None:
    """Load Qt's libraries and one platform plugin; report all missing system libraries."""
    spec = find_spec("PySide6")
    folders = spec.submodule_search_locations if spec else None
    qt = Path(folders[0], "Qt") if folders else None
    if qt is None or not qt.is_dir():
        return None  # the distribution's PySide6: its packages have their dependencies
    plugins = [qt / "plugins" / "platforms" / f"libq{name}.so" for name in platforms]
    plugins = [path for path in plugins if path.is_file()]
    libraries = [qt / "lib" / "libQt6Widgets.so.6", qt / "lib" / "libQt6Svg.so.6"]
    faults = {path: _fault(path) for path in plugins[:1]}
    if any(faults.values()):  # another platform may work
        faults |= {path: _fault(path) for path in plugins[1:]}
        if not all(faults.values()):
            faults = {}
    faults |= {path: _fault(path) for path in libraries if path.is_file()}
    broken = {path: fault for path, fault in faults.items() if fault}
    if not broken:
        return None
    missing = sorted({name for path, fault in broken.items() for name in _lacking(path, fault)})
    if not missing:
        return "Quantoscope cannot start, because Qt does not load:\n" + "\n".join(broken.values())
    return _advice(missing)


def _fault(path: Path) -> str:
    """Return the dynamic loader's error for a library; empty if it loads."""
    try:
        ctypes.CDLL(str(path))
    except OSError as error:
        return str(error)
    return ""


def _lacking(path: Path, fault: str) -> set[str]:
    """Return the missing libraries: all according to ldd, else the loader's first."""
    names = set(re.findall(r"^(\S+): cannot open shared object file", fault, re.MULTILINE))
    if ldd := shutil.which("ldd"):
        answer = subprocess.run([ldd, str(path)], capture_output=True, text=True, check=False)
        names |= set(re.findall(r"^\s*(\S+) => not found", answer.stdout, re.MULTILINE))
    return names


def _advice(missing: list[str]) -> str:
    packages = sorted({DEBIAN_PACKAGES[name] for name in missing if name in DEBIAN_PACKAGES})
    unknown = [name for name in missing if name not in DEBIAN_PACKAGES]
    these = "this system library is" if len(missing) == 1 else "these system libraries are"
    lines = [f"Quantoscope cannot start, because {these} missing: {', '.join(missing)}."]
    if packages and shutil.which("apt-get"):
        sudo = "" if os.geteuid() == 0 else "sudo "
        lines += ["Install what is missing, then start again:", ""]
        lines += [f"    {sudo}apt-get install {' '.join(packages)}"]
    elif packages:
        lines += [f"Debian and Ubuntu have them in {_listed(packages)}; install the packages"]
        lines += ["of your system that correspond, then start again."]
    if unknown:
        lines += [f"Find out which package of your system brings {_listed(unknown)}."]
    return "\n".join(lines)


def _silent_screen(platforms: list[str]) -> str | None:
    """Check that the X server responds: Qt aborts if it does not."""
    if platforms != ["xcb"]:
        return None
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return None
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    error = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    if not error:
        return None
    display = os.environ.get("DISPLAY")
    if not display:
        return "Quantoscope cannot open its window: DISPLAY is not set.\n" + _WITHOUT_SCREEN
    return (
        f"Quantoscope cannot open its window: the screen that DISPLAY names ({display}) does "
        "not answer.\nIs its X server running, and may this user use it?\n" + _WITHOUT_SCREEN
    )


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
