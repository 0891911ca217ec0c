"""Lines of the ``list`` command."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from quantoscope.engine.io import TensorInfo
from quantoscope.engine.text.number_parsing import printable

_LONGEST = 1000  # printed characters of a name
_WIDE = 100  # maximum width of an aligned column
_STRETCH = 1 << 16


def table(infos: Sequence[TensorInfo]) -> Iterator[str]:
    """Yield lines of name, type, shape, size, and the consumer or why it cannot be loaded."""
    widths = [0, 0, 0, 0]
    for info in infos:
        lengths = [min(len(cell), _WIDE) for cell in _cells(info)[:-1]]
        widths = list(map(max, widths, lengths))
    for info in infos:
        *cells, note = _cells(info)
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        yield "  ".join((*padded, note)).rstrip()


def _cells(info: TensorInfo) -> tuple[str, ...]:
    unknown = not info.readable and not info.nbytes
    shape = "×".join(map(str, info.shape)) or ("" if unknown else "1")
    size = "" if unknown else f"{info.nbytes:,} bytes"
    if info.external:
        size += f" in {printable(info.external)}"
    note = f"for {printable(info.used_by)}" if info.used_by else ""
    if info.role is not None:
        note = f"{note}  {printable(str(info.role), 80)}".lstrip()
    if info.reason:
        note = f"not loaded: it {info.reason}"
    name, kind = printable(info.name, _LONGEST), printable(info.stored or info.dtype, 40)
    return name, kind, shape, size, note


def as_json(infos: Iterable[TensorInfo]) -> Iterator[str]:
    """Yield JSON in pieces: a list of one object per array, with its full name."""
    begin = "[\n"
    for info in infos:
        fields = {
            "dtype": info.dtype,
            "stored": info.stored or None,
            "shape": list(info.shape),
            "nbytes": info.nbytes,
            "external": info.external or None,
            "used_by": info.used_by or None,
            "role": None if info.role is None else info.role.as_json(),
            "readable": info.readable,
            "reason": info.reason or None,
        }
        yield f'{begin}  {{"name": "'
        # A character may take twelve in JSON, so long names are encoded in pieces.
        for start in range(0, len(info.name), _STRETCH):
            yield json.dumps(info.name[start : start + _STRETCH])[1:-1]
        yield f'", {json.dumps(fields)[1:]}'
        begin = ",\n"
    yield "\n]\n"
