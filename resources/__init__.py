"""The files the program carries with it, found wherever it is installed."""

from importlib.resources import files
from pathlib import Path

_HERE = files(__name__)

__all__ = ["read_text", "resource_path"]


def resource_path(name: str) -> Path:
    """Give the path of a resource.

    Parameters
    ----------
    name
        Path below this package, with forward slashes, e.g. ``"quantoscope.svg"``.

    Raises
    ------
    FileNotFoundError
        If there is no such resource.
    """
    path = Path(str(_HERE.joinpath(name)))
    if not path.is_file():
        raise FileNotFoundError(f"no resource named {name!r}")
    return path


def read_text(name: str) -> str:
    """Read a resource as UTF-8 text; see `resource_path` for the name."""
    return resource_path(name).read_text(encoding="utf-8")
