"""Tensors and their sources: files, or arrays without a file."""

from __future__ import annotations

import itertools
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from quantoscope.engine.analysis.glance import Glance
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.axes_view import AxesView
from quantoscope.engine.numerics.roles import Role
from quantoscope.gui.common.plain_text import plain
from quantoscope.gui.document.snapshot import DeviceCodes, Edit, frozen

if TYPE_CHECKING:
    from quantoscope.engine.io import TensorInfo
    from quantoscope.engine.io.block_codes import BlockCodes
    from quantoscope.engine.io.saved import SavedSource

OWN_AXES = AxesView()
COPIED = 1 << 20
"""Maximum number of values that an edit copies; longer arrays are changed in place."""
_EMPTY = frozen(np.zeros(0, np.float32))
_versions = itertools.count(1)


def next_version() -> int:
    """Return a new, unique version."""
    return next(_versions)


@dataclass(eq=False, slots=True)
class Tensor:
    """A tensor of the document, loaded or not.

    A file may have a hundred thousand tensors, so derived properties are not stored.
    """

    own_title: str = ""
    """Title in title bar, exports and questions; empty if file and name suffice."""
    path: Path | None = None
    """File of the tensor."""
    name: str | None = None
    """Its name in a file of several."""
    dtype: str = ""
    """The file's name of the dtype; empty until known."""
    shape: tuple[int, ...] = ()
    nbytes: int = 0
    """Size in bytes according to the file."""
    external: str = ""
    """External file with the data, if any."""
    reason: str = ""
    """Why it cannot be loaded, as a predicate for its name; empty if it can be."""
    used_by: str = ""
    """Node of a model that consumes it, if its own name is generated."""
    role: Role | None = None
    """Which axes are its outputs; None for the usual, out 0 and in the rest."""
    array: FloatArray = field(default_factory=lambda: _EMPTY)
    """The values, once loaded."""
    owned: FloatArray | None = None
    """The writable array behind it, for edits in place; None if there is none."""
    loaded: bool = False
    version: int = 0
    opened_version: int = 0
    saved_version: int = 0
    """Version of the values now, in the file, and at the last save."""
    chosen: int | None = None
    """Flat position of the chosen value."""
    kept: bool = False
    """Whether an undo command refers to these values."""
    seen: tuple[int, Glance | str] | None = None
    """Version and preview of the values, or why there is no preview."""
    block_codes: BlockCodes | None = None
    """Codes and scales in the file, if it is quantized."""
    device: DeviceCodes | None = None
    """Codes computed by a device, for Compare."""
    device_shape: tuple[int, ...] = ()
    """Shape of the tensor that they belong to."""
    base: tuple[Path, str | None] | None = None
    """File, and name in it, that has the values except those touched since."""
    base_state: tuple[int, int] | None = None
    """Size and modification time of that file then; None if unknown."""
    touched: list[IntArray] | None = field(default_factory=list)
    """Flat positions that may differ from that file; None if all may."""
    axes: AxesView = OWN_AXES
    """How its axes are shown, and what leads back to those of its file."""

    @property
    def title(self) -> str:
        """Title in title bar, exports and questions."""
        if self.own_title or self.path is None:
            return self.own_title
        file = self.path.name
        return plain(file if self.name is None else f"{file} ▸ {self.name}")

    @title.setter
    def title(self, title: str) -> None:
        self.own_title = title

    def take(self, array: FloatArray, dtype: str = "") -> None:
        """Set values loaded from the file."""
        self.hold(array)
        self.axes = OWN_AXES
        self.loaded = True
        self.dtype = dtype or self.dtype or array.dtype.name
        self.version = self.opened_version = self.saved_version = next_version()
        self.base = None if self.path is None else (self.path, self.name)
        self.base_state = None if self.path is None else state_of(self.path)
        self.touched = []
        if self.chosen is None or self.chosen >= self.array.size:
            self.chosen = 0 if self.array.size else None

    def hold(self, array: FloatArray) -> None:
        """Set an array unrelated to the previous one."""
        self.owned = array if array.flags.writeable and array.flags.c_contiguous else None
        self.array, self.shape = frozen(array), array.shape

    def put(self, where: IntArray, values: FloatArray) -> Edit:
        """Overwrite values at flat positions; return the edit."""
        old = self.array.reshape(-1)[where]
        if self.array.size <= COPIED or self.owned is None:
            self.owned = self.array.copy()
        self.owned.reshape(-1)[where] = values
        # A new object each time: whatever was computed of the old one is known to be of that.
        self.array = frozen(self.owned)
        each, first = where, np.arange(where.size)
        if not (where[1:] > where[:-1]).all():
            # Sorting takes seconds where they are millions, which mostly are in order.
            each, first = np.unique(where, return_index=True)
        if self.touched is not None:
            self.touched.append(each)
            if sum(map(len, self.touched)) > self.size // 4:
                self.touched = None
        return Edit(each, old[first])

    def drop(self) -> None:
        """Release large values that can be loaded again."""
        edited = self.kept or self.differs
        if self.path is not None and not edited and self.size > COPIED and self._filed:
            self.array, self.owned, self.loaded, self.block_codes = _EMPTY, None, False, None

    @property
    def glance(self) -> Glance | str | None:
        """Preview of the current values, if known."""
        return self.seen[1] if self.seen is not None and self.seen[0] == self.version else None

    @property
    def label(self) -> str:
        """Name in the list of a file."""
        return plain(self.name) if self.name is not None else self.title

    @property
    def readable(self) -> bool:
        """Whether its values can be loaded."""
        return self.loaded or not self.reason

    @property
    def size(self) -> int:
        """Number of values."""
        return self.array.size if self.loaded else int(np.prod(self.shape, dtype=np.int64))

    @property
    def needs_base(self) -> bool:
        """Whether it is large and no file has most of its values."""
        unknown = self.base is None or self.touched is None or not self._filed
        alone = self.path is None or self.differs or not self._filed
        return self.size > COPIED and unknown and alone

    @property
    def _filed(self) -> bool:
        """Whether the file still has the loaded values."""
        if self.base is None:
            return True
        now = state_of(self.base[0])
        return now is not None and self.base_state in (None, now)

    @property
    def differs(self) -> bool:
        """Whether the values differ from those of the file."""
        return self.version != self.opened_version

    @property
    def modified(self) -> bool:
        """Whether the values are unsaved."""
        return self.version != self.saved_version


@dataclass(frozen=True, eq=False)
class Shown:
    """What depends on how a tensor's axes are shown."""

    axes: AxesView
    role: Role | None
    chosen: int | None
    block_codes: BlockCodes | None = None
    device: DeviceCodes | None = None
    device_shape: tuple[int, ...] = ()

    @classmethod
    def of(cls, tensor: Tensor) -> Shown:
        """Return what a tensor shows now."""
        return cls(*(getattr(tensor, each.name) for each in fields(cls)))

    def give(self, tensor: Tensor) -> None:
        """Let a tensor show it."""
        for each in fields(self):
            setattr(tensor, each.name, getattr(self, each.name))


def state_of(path: Path) -> tuple[int, int] | None:
    """Return size and modification time of a file; None if it does not exist."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


@dataclass(eq=False)
class Source:
    """A file with its tensors, or an array without a file."""

    path: Path | None
    tensors: Sequence[Tensor]
    container: bool = False
    """Whether it is a file that can contain several tensors."""
    given: bool = False
    """Whether the program created it; unless edited, it goes when another array is shown."""
    problem: str = ""
    """Why the file could not be read, as one sentence; empty if it could."""
    agreed: bool = False
    """Whether the user agreed to read its external data."""
    known: SavedSource | None = None
    """Fingerprint of the file that the values were read from."""

    def take(self, read: Source) -> None:
        """Update from a new reading of the same file."""
        self.tensors, self.container, self.problem = read.tensors, read.container, read.problem
        self.agreed, self.known = read.agreed, read.known

    @property
    def title(self) -> str:
        """Name in lists."""
        return plain(self.path.name) if self.path is not None else self.tensors[0].title


def source_of_array(title: str, array: FloatArray, path: Path | None = None) -> Source:
    """Return a source that holds one array, of a file or of none."""
    tensor = Tensor(plain(title), path)
    tensor.take(array)
    return Source(path, [tensor])


def detach_from_file(tensors: Sequence[Tensor]) -> tuple[Source, ...]:
    """Take loaded tensors out of their file, and return them as arrays that no file holds."""
    for tensor in tensors:
        tensor.own_title = tensor.title
        tensor.path = tensor.name = tensor.base = None
        tensor.saved_version = 0
    return tuple(Source(None, [tensor]) for tensor in tensors)


def of_file(path: Path, infos: Sequence[TensorInfo]) -> Source:
    """Return a source for a file, with its tensors not loaded.

    Raises
    ------
    OSError
        If it does not exist any more.
    """
    from quantoscope.engine.io.saved import seen

    several = len(infos) > 1
    tensors = [
        Tensor(
            "",
            path,
            info.name if several else None,
            info.stored or info.dtype,
            info.shape,
            info.nbytes,
            info.external,
            info.reason,
            info.used_by,
            info.role,
        )
        for info in infos
    ]
    return Source(path, tensors, several, known=seen(path))
