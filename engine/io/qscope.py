"""Session files (.qscope): a zip of a JSON manifest and .npy arrays.

``session.json`` lists source files, arrays, schemes and the view. An
array is in the zip, or is a tensor of a source file, with the edited values in the
zip. Everything in the manifest is checked; reading a session opens no other
file.

>>> write(path, session)                                    # doctest: +SKIP
>>> read(path).tensors[0].array                             # doctest: +SKIP
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np

from quantoscope.engine import cancellation
from quantoscope.engine.io import npz
from quantoscope.engine.io.base import (
    Check,
    FormatError,
    TensorInfo,
    label,
    no_such_array,
    sentences,
    write_atomically,
)
from quantoscope.engine.io.budget import Budget
from quantoscope.engine.io.index import cached
from quantoscope.engine.io.saved import (
    MAX_SCHEMES,
    SavedScheme,
    SavedSession,
    SavedSource,
    SavedTensor,
)
from quantoscope.engine.numerics.axes_view import AxesView
from quantoscope.engine.numerics.roles import Role
from quantoscope.engine.text.number_parsing import quoted

FORMAT = "quantoscope session"
VERSION = 2
MANIFEST = "session.json"
# Upper bound of the memory per tensor or source file of an open session, in bytes.
_RECORD = 1 << 12
# Upper bound of the view, which holds about a hundred numbers and the dock layout.
_VIEW_PARTS, _VIEW_TEXT = 10_000, 1 << 20

_PIECE, _DEEPEST = 1 << 18, 64
_ARRAYS = ("array", "where", "values", "codes")

Fields = dict[str, Any]


def _hashed_in_full(fields: Fields) -> Fields:
    """Migrate 1 to 2: drop digests of long files, which were taken of samples."""
    for source in fields["sources"]:
        if not source["digest"].startswith("sha256:"):
            source["digest"] = ""
    return {**fields, "version": 2}


MIGRATIONS: dict[int, Callable[[Fields], Fields]] = {1: _hashed_in_full}
"""Migrations of a manifest to the next version, by version."""


# Writing


def write(path: Path, session: SavedSession, check: Check | None = None) -> None:
    """Write a session as ``write_atomically`` does, or raise FormatError."""
    write_atomically(path, lambda stream: save(stream, session), check)


def save(stream: BinaryIO, session: SavedSession) -> None:
    """Write a session to a stream, deterministically."""
    with zipfile.ZipFile(stream, "w") as archive:
        tensors = [_put(archive, place, one) for place, one in enumerate(session.tensors)]
        fields: Fields = {
            "format": FORMAT,
            "version": VERSION,
            "title": session.title,
            "sources": [
                {key: value for key, value in vars(one).items() if key != "inode"}
                for one in session.sources
            ],
            "tensors": tensors,
            "schemes": [vars(one) for one in session.schemes],
            "current": session.current,
            "active": session.active,
            "view": dict(session.view),
        }
        text = json.dumps(fields, indent=1, allow_nan=False)
        archive.writestr(npz.plain_member(MANIFEST), text, zipfile.ZIP_DEFLATED)


def _put(archive: zipfile.ZipFile, place: int, tensor: SavedTensor) -> Fields:
    """Write the arrays of a tensor; return its manifest entry."""
    fields = dict(vars(tensor))
    fields["axes"] = tensor.axes.as_json()
    fields["role"] = None if tensor.role is None else tensor.role.as_json()
    for key in _ARRAYS:
        array = fields[key]
        if array is None:
            continue
        fields[key] = f"arrays/{place}.npy" if key == "array" else f"arrays/{place}.{key}.npy"
        npz.write_member(archive, fields[key], array)
    return fields


# Reading


def read(path: Path) -> SavedSession:
    """Read a session file.

    Raises
    ------
    FormatError
        If it is damaged, not a session, or was written by a later version of the program.
    """
    with sentences(path, "read"), _opened(path) as archive:
        return _session(_manifest(archive, path), archive, path)


def head_of(path: Path) -> tuple[str, Fields]:
    """Return the title and view of a session without its arrays, or raise FormatError."""
    with sentences(path, "read"), _opened(path) as archive:
        fields = _manifest(archive, path)
        return str(_take(fields, "title", str, "")), _view(fields)


def list_tensors(path: Path) -> list[TensorInfo]:
    """List the arrays in the session file itself, by title."""
    with _opened(path) as archive:
        infos = npz.listed(archive, _members(archive, path), path)
    if not infos:
        raise FormatError(
            f"{label(path)} is a session without arrays of its own; open it in the window."
        )
    return infos


def load(path: Path, name: str) -> np.ndarray:
    """Load an array in the session file itself, by title."""
    with _opened(path) as archive:
        members = _members(archive, path)
        if name not in members:
            raise no_such_array(path, name, members)
        return npz.read_member(archive, members[name], path, name)


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the members that hold whole arrays, by title made unique."""
    assert archive.fp is not None
    return cached(archive.fp, path, "qscope", lambda: _titled(archive, path))  # type: ignore[arg-type]


def _titled(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    more: dict[str, int] = {}  # occurrences of each title
    for tensor in _each(_manifest(archive, path), "tensors"):
        title, member = _take(tensor, "title", str), _take(tensor, "array", str, None)
        if member is not None:
            name = title
            while name in members:
                more[title] = more.get(title, 1) + 1
                name = f"{title} ({more[title]})"
            members[name] = _member(archive, member)
    return members


class _BadField(Exception):  # noqa: N818 - becomes a FormatError that names the file
    """Raised for an invalid manifest field."""


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a session; convert the error of an invalid field to FormatError."""
    try:
        with npz.opened(path) as archive:
            yield archive
    except _BadField as error:
        raise FormatError(f"{label(path)} is damaged: {error}.") from None


def _manifest(archive: zipfile.ZipFile, path: Path) -> Fields:
    """Return the manifest, migrated to the current version."""
    names = [member for member in archive.infolist() if member.filename == MANIFEST]
    if len(names) != 1:
        raise FormatError(f"{label(path)} is not a session of Quantoscope.")
    size = path.stat().st_size
    with npz.stream_of(archive, names[0], path) as stream:
        # Parsing holds it at least twice, as bytes and as text.
        Budget(path, size).take(2 * names[0].file_size)
        text = _whole(stream, names[0].file_size)
    Budget(path, size).take_json(text)
    fields: Any
    try:
        fields = _parsed(text)
    except (ValueError, RecursionError):
        raise FormatError(f"{label(path)} is damaged: its {MANIFEST} cannot be read.") from None
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise FormatError(f"{label(path)} is not a session of Quantoscope.")
    version = fields.get("version")
    if type(version) is not int or version < 1:
        raise FormatError(f"{label(path)} is damaged: it does not say of which version it is.")
    if version > VERSION:
        raise FormatError(
            f"{label(path)} was written by a later version of Quantoscope (its format is "
            f"{version}, this program knows {VERSION}); open it with that one."
        )
    while version < VERSION:
        try:
            fields = MIGRATIONS[version](fields)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise FormatError(
                f"{label(path)} is of an earlier format ({version}), and damaged."
            ) from None
        version += 1
    return dict(fields)


def _parsed(text: bytes | bytearray) -> Any:
    """Parse JSON with bounded nesting; raise ValueError or RecursionError for anything else."""

    def checked(found: list[tuple[str, Any]]) -> Any:
        cancellation.check()
        return dict(found)

    found = json.loads(text.decode("utf-8"), object_pairs_hook=checked)
    above = [iter((found,))]
    while above:
        for part in above[-1]:
            if isinstance(part, dict | list):
                above.append(iter(part.values() if isinstance(part, dict) else part))
                break
        else:
            above.pop()
        if len(above) > _DEEPEST:
            raise ValueError("parts that lie too deep within each other")
    return found


def _whole(stream: BinaryIO, size: int) -> bytearray:
    """Read a member piece by piece: zipfile would hold it three times."""
    text, filled = bytearray(size), 0
    while piece := stream.read(_PIECE):
        text[filled : filled + len(piece)] = piece
        filled += len(piece)
    return text


def _session(fields: Fields, archive: zipfile.ZipFile, path: Path) -> SavedSession:
    sources = tuple(
        SavedSource(
            _path(one, "path"),
            _path(one, "beside", ""),
            _take(one, "size", int, 0),
            _take(one, "digest", str, ""),
            _take(one, "modified", int, 0),
        )
        for one in _each(fields, "sources")
    )
    listed = _each(fields, "tensors")
    size = path.stat().st_size
    Budget(path, size).take(_RECORD * (len(listed) + len(sources)))
    names = [one[key] for one in listed for key in _ARRAYS if isinstance(one.get(key), str)]
    if len(set(names)) < len(names):
        raise _BadField("two arrays share their values")
    # Zip members may overlap, so that a small file contains any amount of data.
    if sum(_member(archive, name).file_size for name in names) > size:
        raise _BadField("its arrays are larger than all of it")
    tensors = tuple(_tensor(one, len(sources), archive, path) for one in listed)
    lines = _each(fields, "schemes")
    if len(lines) > MAX_SCHEMES:
        raise FormatError(
            f"{label(path)} holds {len(lines):,} schemes; a session has at most {MAX_SCHEMES}."
        )
    schemes = tuple(
        SavedScheme(
            _take(one, "text", str),
            _take(one, "label", str, ""),
            _place(one, "colour"),
            _place(one, "line"),
            _place(one, "marker"),
            _take(one, "enabled", bool, True),
        )
        for one in lines
    )
    return SavedSession(
        sources,
        tensors,
        schemes,
        _below(fields, "current", len(tensors)),
        _below(fields, "active", len(schemes)),
        _take(fields, "title", str, ""),
        _view(fields),
    )


def _view(fields: Fields) -> Fields:
    """Return the view, which takes a few kilobytes."""
    view = _take(fields, "view", dict, {})
    parts, rest = 0, [view]
    while rest and parts < _VIEW_PARTS:
        part = rest.pop()
        inner = [*part, *part.values()] if isinstance(part, dict) else part
        parts += len(inner)
        rest += [one for one in inner if isinstance(one, dict | list)]
        if any(isinstance(one, str) and len(one) > _VIEW_TEXT for one in inner):
            parts = _VIEW_PARTS
    if parts >= _VIEW_PARTS:
        raise _BadField("its view cannot be read")
    return dict(view)


def _tensor(one: Fields, sources: int, archive: zipfile.ZipFile, path: Path) -> SavedTensor:
    title = _take(one, "title", str)
    arrays: dict[str, np.ndarray | None] = {}
    for key in _ARRAYS:
        name = _take(one, key, str, None)
        arrays[key] = None
        if name is not None:
            member = _member(archive, name)
            arrays[key] = npz.read_member(archive, member, path, title)
    array = arrays["array"]
    axes = AxesView.from_json(_take(one, "axes", list, []), () if array is None else array.shape)
    role = Role.from_json(one.get("role"))
    if axes is None or (role is None) != (one.get("role") is None):
        raise _BadField(f"the axes of {quoted(title)} cannot be read")
    tensor = SavedTensor(
        title,
        _below(one, "source", sources),
        _take(one, "name", str, None),
        **arrays,
        codes_name=_take(one, "codes_name", str, ""),
        edited=_take(one, "edited", bool, False),
        chosen=_below(one, "chosen", 1 << 62),
        axes=axes,
        role=role,
    )
    if tensor.array is None and tensor.source is None:
        raise _BadField(f"{quoted(title)} has neither values nor a file that has them")
    if tensor.codes is not None and tensor.codes.dtype.kind not in "iu":
        raise _BadField(f"the codes of {quoted(title)} are no whole numbers")
    where, values = tensor.where, tensor.values
    if (where is None) != (values is None):
        raise _BadField(f"the changes of {quoted(title)} are incomplete")
    if where is not None and values is not None:
        sound = where.dtype.kind == "i" and where.ndim == 1 and where.shape == values.shape
        if not sound or (where < 0).any():
            raise _BadField(f"the changes of {quoted(title)} cannot be read")
    return tensor


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    try:
        member = archive.getinfo(name)
    except KeyError:
        raise _BadField(f"it lacks {quoted(name)}") from None
    if member.compress_type != zipfile.ZIP_STORED:
        # Sessions are written uncompressed, so an array is never larger than the file.
        raise _BadField(f"{quoted(name)} in it is compressed, which no session is")
    return member


def _each(fields: Fields, key: str) -> list[Fields]:
    """Return a field that is a list of objects."""
    found = _take(fields, key, list, [])
    if not all(isinstance(one, dict) for one in found):
        raise _BadField(f"its {key} cannot be read")
    return list(found)


_Kind = TypeVar("_Kind")
_NEEDED: Any = object()


def _take(fields: Fields, key: str, kind: type[_Kind], default: Any = _NEEDED) -> Any:
    """Return a field of the given type; the default if it is missing or null."""
    found = fields.get(key)
    if found is None and default is not _NEEDED:
        return default
    # bool is a subclass of int, but not a number here.
    if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        raise _BadField(f"its {key} cannot be read")
    return found


def _path(fields: Fields, key: str, default: Any = _NEEDED) -> str:
    """Return a field that is a valid path, wherever it leads."""
    path = str(_take(fields, key, str, default))
    try:
        possible = b"\0" not in os.fsencode(path)
    except ValueError:  # a lone surrogate
        possible = False
    if not possible:
        raise _BadField(f"its {key} cannot be that of a file")
    return path


def _place(fields: Fields, key: str) -> int:
    """Return an index into the theme's colours; others wrap around."""
    return abs(int(_take(fields, key, int, 0))) % (1 << 16)


def _below(fields: Fields, key: str, count: int) -> int | None:
    """Return an index below ``count``, or None."""
    place = _take(fields, key, int, None)
    if place is not None and not 0 <= place < count:
        raise _BadField(f"its {key} leads nowhere")
    return None if place is None else int(place)
