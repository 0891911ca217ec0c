"""Names of files as text: to be shown, and to be kept where nothing but real text can be.

The name of a file is bytes. Python stands for those that are no UTF-8 with lone surrogates, which
no file of text, no settings and no window take: Qt leaves them out.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

_SURROGATES = re.compile("[\ud800-\udfff]")
_URI = "file:///"


def as_text(name: str | os.PathLike[str]) -> str:
    """Return a name or a path as text that is fit for a window and for UTF-8."""
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", os.fspath(name))


def is_text(name: str | os.PathLike[str]) -> bool:
    """Tell whether a name or a path is text, which everything can hold."""
    return _SURROGATES.search(os.fspath(name)) is None


def kept(path: Path) -> str:
    """Return a path as text that ``path_of`` takes back: itself, or else as a URI."""
    return str(path) if is_text(path) else path.absolute().as_uri()


def path_of(text: str) -> Path:
    """Return the path that ``kept`` made a text of."""
    if not text.startswith(_URI):
        return Path(text)
    return Path(os.fsdecode(unquote_to_bytes(text[len(_URI) - 1 :])))
