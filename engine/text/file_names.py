"""Conversion of file names to valid Unicode and back.

File names are bytes. Python maps bytes that are not UTF-8 to lone surrogates, which text files,
settings and Qt cannot hold: Qt drops them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

_SURROGATES = re.compile("[\ud800-\udfff]")
_URI = "file:///"


def as_text(name: str | os.PathLike[str]) -> str:
    """Return a name or path as valid text, for display."""
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", os.fspath(name))


def is_text(name: str | os.PathLike[str]) -> bool:
    """Return whether a name or path is valid Unicode."""
    return _SURROGATES.search(os.fspath(name)) is None


def kept(path: Path) -> str:
    """Return a path as text that ``path_of`` converts back: the path itself, or a URI."""
    return str(path) if is_text(path) else path.absolute().as_uri()


def path_of(text: str) -> Path:
    """Return the path that ``kept`` converted to text."""
    if not text.startswith(_URI):
        return Path(text)
    return Path(os.fsdecode(unquote_to_bytes(text[len(_URI) - 1 :])))
