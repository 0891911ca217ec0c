"""Files that the desktop hands over: dropped on the window, or asked to be opened."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QUrl


def local_path(url: QUrl) -> Path | None:
    """The file on this machine that a URL names, whatever bytes its name has; None for others."""
    if not url.isLocalFile():
        return None
    if os.name == "nt" or url.host():
        return Path(url.toLocalFile())
    # Qt's own answer has a mark in the place of every byte that is no UTF-8.
    encoded = bytes(url.toEncoded(QUrl.ComponentFormattingOption.FullyEncoded).data())
    return Path(os.fsdecode(unquote_to_bytes(encoded.removeprefix(b"file://"))))
