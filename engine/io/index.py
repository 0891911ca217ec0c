"""Cache of parsed file heads, valid while the file is unchanged.

Without it, loading all tensors of a file would parse the head once per tensor.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

KEPT = 2
"""Number of files in the cache."""
# A file counts as unchanged if its size and modification time are. Some systems count that time in
# steps of two seconds, within which a change goes unnoticed, so the head of a
# recently changed file is not cached.
_STEP, _COARSE_STEP = 100_000_000, 2_500_000_000

_T = TypeVar("_T")
_Key = tuple[str, int, int, int, int, int]
_lock = threading.Lock()
_files: dict[_Key, dict[object, Any]] = {}


def cached(
    file: Path | BinaryIO,
    path: Path,
    what: object,
    read: Callable[[], _T],
    is_small: Callable[[_T], bool] = lambda _: True,
) -> _T:
    """Return the cached result of ``read`` for an unchanged file, or call it.

    The result must not be modified; ``what`` is its key (hashable) within the file at ``path``, and
    ``is_small`` tells whether it may stay in memory while unused.
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
    """Clear the cache."""
    with _lock:
        _files.clear()
