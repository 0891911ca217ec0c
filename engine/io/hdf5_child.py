"""Child process that reads an HDF5 file, so that a crash of the C library is harmless.

``engine.io.hdf5`` starts this file as a program. The request is its only argument, in JSON; the
answer goes to standard output: a line of JSON per dataset, a final line without one, then
the line of the requested dataset and its values.
Only hard links are followed, so neither another file nor a plug-in is ever opened;
attributes are ignored.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

MAX_DEPTH = 100
MAX_OBJECTS = 200_000
_SLAB = 1 << 24
_SPARE = 1 << 26


class _Refused(Exception):
    """Raised for unsupported content; the argument is the word for it."""


def main(request: dict[str, Any], out: BinaryIO) -> None:
    """Answer one request.

    Parameters
    ----------
    request : dict
        ``path``; ``seconds``, limit of processor time; ``memory``, limit of opening in bytes;
        ``list``, whether to list all datasets; ``name`` of the dataset to send, or
        None.
    out : binary stream
    """
    try:
        import h5py
    except ImportError:
        _say(out, {"refused": "package"})
        out.flush()
        return
    _limit(request["seconds"], request["memory"])
    try:
        file = h5py.h5f.open(os.fsencode(request["path"]), h5py.h5f.ACC_RDONLY)
        root = h5py.h5o.open(file, b"/")
        if request["list"]:
            for name, dataset in _walk(root):
                _say(out, _told(name, dataset))
            _say(out, {"end": True})
        found = None if request["name"] is None else _find(root, request["name"])
        if found is None:
            out.flush()
            return
        told = _told(request["name"], found)
        _say(out, told)
        out.flush()
        if told["sends"]:
            _limit(request["seconds"] + told["nbytes"] // 50_000_000, 2 * told["nbytes"])
            _send(h5py.Dataset(found), out)
    except _Refused as refused:
        _say(out, {"refused": str(refused)})
        out.flush()


def _limit(seconds: float, memory: int) -> None:
    """Limit the processor time and memory of this process from now on."""
    try:
        import resource
    except ImportError:  # Windows, where only the parent's time limit applies
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    limits = {
        resource.RLIMIT_CPU: int(used.ru_utime + used.ru_stime + seconds) + 1,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    try:
        with open("/proc/self/statm", encoding="ascii") as stream:
            pages = int(stream.read().split()[0])
        limits[resource.RLIMIT_AS] = pages * resource.getpagesize() + memory + _SPARE
    except OSError:  # not Linux
        pass
    for kind, most in limits.items():
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, hard))


def _say(out: BinaryIO, answer: dict[str, Any]) -> None:
    out.write(json.dumps(answer).encode("ascii") + b"\n")


def _links(group: Any) -> Iterator[tuple[bytes, Any]]:
    """Yield the hard links of a group, and None for a link to another file; skip soft links."""
    import h5py

    for name in list(group):
        kind = group.links.get_info(name).type
        if kind == h5py.h5l.TYPE_HARD:
            yield name, h5py.h5o.open(group, name)
        elif kind == h5py.h5l.TYPE_EXTERNAL:
            yield name, None


def _walk(root: Any) -> Iterator[tuple[str, Any]]:
    """Yield every dataset with its path, visiting each group once; None for external links."""
    import h5py

    seen = {_address(root)}
    waiting: list[tuple[tuple[str, ...], Any]] = [((), root)]
    opened = 0
    while waiting:
        path, group = waiting.pop()
        groups: list[tuple[tuple[str, ...], Any]] = []
        for name, thing in _links(group):
            opened += 1
            if len(path) >= MAX_DEPTH:
                raise _Refused("depth")
            if opened > MAX_OBJECTS:
                raise _Refused("count")
            here = (*path, name.decode("utf-8", "surrogateescape"))
            if thing is None or isinstance(thing, h5py.h5d.DatasetID):
                yield "/".join(here), thing
            elif isinstance(thing, h5py.h5g.GroupID) and _address(thing) not in seen:
                seen.add(_address(thing))
                groups.append((here, thing))
        waiting.extend(reversed(groups))


def _address(thing: Any) -> tuple[int, int]:
    import h5py

    info = h5py.h5o.get_info(thing)
    return info.fileno, info.addr


def _find(root: Any, name: str) -> Any:
    """Return the dataset of a path, following link by link; None if there is none."""
    import h5py

    thing = root
    for part in name.encode("utf-8", "surrogateescape").split(b"/"):
        if not isinstance(thing, h5py.h5g.GroupID) or not part or not thing.links.exists(part):
            return None
        if thing.links.get_info(part).type != h5py.h5l.TYPE_HARD:
            return None
        thing = h5py.h5o.open(thing, part)
    return thing if isinstance(thing, h5py.h5d.DatasetID) else None


def _told(name: str, dataset: Any) -> dict[str, Any]:
    """Return the description of a dataset that the parent checks."""
    import h5py

    if dataset is None:
        return {"name": name, "real": False, "why": "link", "type": "", "shape": []}
    kind, space = dataset.get_type(), dataset.get_space()
    creation = dataset.get_create_plist()
    layout = creation.get_layout()
    told: dict[str, Any] = {
        "name": name,
        "real": isinstance(kind, h5py.h5t.TypeIntegerID | h5py.h5t.TypeFloatID)
        and not isinstance(kind, h5py.h5t.TypeEnumID)
        and space.get_simple_extent_type() != h5py.h5s.NULL,
        "shape": list(space.get_simple_extent_dims() or ()),
        "virtual": layout == h5py.h5d.VIRTUAL,
        "external": creation.get_external_count() > 0,
        "filters": [creation.get_filter(i)[0] for i in range(creation.get_nfilters())],
        "sends": False,
    }
    if not told["real"]:
        return told | _other(kind, space)
    try:
        dtype = kind.dtype
    except (TypeError, ValueError):
        return {**told, "real": False, "why": "number", "type": ""}
    as_is = kind == h5py.h5t.py_create(dtype)
    told |= {
        "dtype": dtype.str if as_is else dtype.newbyteorder("=").str,
        "nbytes": space.get_simple_extent_npoints() * dtype.itemsize,
        "storage": dataset.get_storage_size(),
        "offset": None,
    }
    owned = not (told["virtual"] or told["external"])
    if owned and as_is and layout == h5py.h5d.CONTIGUOUS and told["storage"]:
        told["offset"] = dataset.get_offset()
    if told["offset"] is None:
        told["dtype"] = dtype.newbyteorder("=").str
        filters = all(h5py.h5z.filter_avail(number) for number in told["filters"])
        told["sends"] = owned and filters and told["nbytes"] > 0
    return told


def _other(kind: Any, space: Any) -> dict[str, str]:
    """Return the description of content that is not real numbers."""
    import h5py

    if space.get_simple_extent_type() == h5py.h5s.NULL:
        return {"why": "empty", "type": ""}
    try:
        name = kind.dtype.name if kind.dtype.kind in "bc" else ""
    except (TypeError, ValueError):
        name = ""
    if name:
        return {"why": "bool" if name == "bool" else "complex", "type": name}
    classes = {
        h5py.h5t.STRING: "text",
        h5py.h5t.COMPOUND: "records",
        h5py.h5t.ENUM: "choice",
        h5py.h5t.REFERENCE: "references",
        h5py.h5t.VLEN: "lists",
        h5py.h5t.ARRAY: "arrays",
        h5py.h5t.OPAQUE: "bytes",
        h5py.h5t.BITFIELD: "bits",
        h5py.h5t.TIME: "times",
    }
    why = classes.get(kind.get_class(), "number")
    if why == "lists" and kind.get_super().get_class() == h5py.h5t.STRING:
        why = "text"
    return {"why": why, "type": why}


def _send(dataset: Any, out: BinaryIO) -> None:
    """Write all values in C order and native byte order, in batches of whole chunks."""
    import numpy as np

    native = dataset.dtype.newbyteorder("=")
    shape = dataset.shape
    # Batches are whole rows of chunks along the first axis, so that no chunk is read twice.
    axis = next((i for i, length in enumerate(shape) if length > 1), None)
    if axis is None:
        out.write(np.ascontiguousarray(dataset[()], native).tobytes())
        return
    row = max(1, dataset.nbytes // shape[axis])
    rows = dataset.chunks[axis] if dataset.chunks else 1
    step = max(1, _SLAB // (row * rows)) * rows
    for start in range(0, shape[axis], step):
        part = dataset[(0,) * axis + (slice(start, start + step),)]
        out.write(np.ascontiguousarray(part, native).data)
    out.flush()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.stdout.buffer)
