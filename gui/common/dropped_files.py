"""Local paths of URLs from the desktop (drag and drop, open requests)."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QUrl


def local_path(url: QUrl) -> Path | None:
    """Return the local file of a URL, whatever bytes its name has; None for other URLs."""
    if not url.isLocalFile():
        return None
    if os.name == "nt" or url.host():
        return Path(url.toLocalFile())
    # QUrl.toLocalFile replaces bytes that are not UTF-8.
    encoded = bytes(url.toEncoded(QUrl.ComponentFormattingOption.FullyEncoded).data())
    return Path(os.fsdecode(unquote_to_bytes(encoded.removeprefix(b"file://"))))
