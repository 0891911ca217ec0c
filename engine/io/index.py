"""What was read from the head of a file is kept for the next tensor, while the file is the same.

Else reading all tensors one by one would read the head once for each.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

KEPT = 2
"""Of how many files it is kept."""
# A file is believed to be the same while size and time of change are. Systems count that time in
# steps, some of them in steps of two seconds: within one step a file can change unseen, so what
# was changed only just now is read anew each time.
_STEP, _COARSE_STEP = 100_000_000, 2_500_000_000

_T = TypeVar("_T")
_Key = tuple[str, int, int, int, int, int]
_lock = threading.Lock()
_files: dict[_Key, dict[object, Any]] = {}


def kept(
    file: Path | BinaryIO,
    path: Path,
    what: object,
    read: Callable[[], _T],
    is_small: Callable[[_T], bool] = lambda _: True,
) -> _T:
    """Return what ``read`` returns, or returned before of the same unchanged file.

    Parameters
    ----------
    file : Path or binary stream
        What is read.
    path : Path
        Its name.
    what : hashable
        Tells apart what is kept of one file.
    read : callable
        Nothing may change what it returns.
    is_small : callable
        Whether that may stay in memory when nobody uses it.
    """
    found = os.stat(file) if isinstance(file, Path) else os.fstat(file.fileno())
    key = (
        *(os.path.abspath(path), found.st_dev, found.st_ino, found.st_size),
        *(found.st_mtime_ns, found.st_ctime_ns),
    )
    with _lock:
        known = _files.get(key, {})
        if what in known:
            return known[what]  # type: ignore[no-any-return]
    started = time.time_ns()
    result = read()
    changed = max(found.st_mtime_ns, found.st_ctime_ns if os.name == "posix" else 0)
    step = _STEP if changed % 1_000_000 else _COARSE_STEP
    if started - changed > step and is_small(result):
        with _lock:
            kept_of_it = _files.pop(key, {})
            kept_of_it[what] = result
            _files[key] = kept_of_it
            while len(_files) > KEPT:
                del _files[next(iter(_files))]
    return result


def forget() -> None:
    """Keep nothing of any file."""
    with _lock:
        _files.clear()
