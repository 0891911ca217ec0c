"""Export the table of values and the results as CSV and NPZ, at full precision."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from quantoscope.engine import METRICS, QUANTIZERS, Evaluation, trace
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.quantizers.params import parameter_arrays
from quantoscope.engine.text.spreadsheet import csv_line
from quantoscope.gui.common.localized_numbers import filled, full
from quantoscope.gui.document.snapshot import Snapshot
from quantoscope.gui.export.files import ExportError, FileStream, translated, write_atomically
from quantoscope.gui.workers.background import Ticket

BLOCK = 8192
"""Rows converted to text at once: a few milliseconds, so that the window stays responsive."""


# The table


@dataclass(frozen=True)
class _Column:
    head: str
    cells: Callable[[int, int], list[str]]
    """Returns the texts of rows from start to stop."""


def write_table(path: str | Path, data: Snapshot, ticket: Ticket | None = None) -> None:
    """Write every value with its stages under the active scheme, and the other schemes' results.

    By ending, CSV with one row per value, or NPZ with whole arrays. Runs on any thread.

    Raises
    ------
    ExportError
        If the ending is unknown or writing fails; an existing file is then unchanged.
    """
    _write(Path(path), data, ticket, {".csv": _table_csv, ".npz": _table_npz})


def table_head(data: Snapshot, rows: int) -> str:
    """Return the first lines of the table as CSV, for a preview."""
    columns = _columns(data)
    lines = [csv_line([column.head for column in columns])]
    lines += _rows(columns, 0, min(rows, data.array.size))
    return "".join(lines)


def _table_csv(stream: FileStream, data: Snapshot, ticket: Ticket | None) -> None:
    columns, total = _columns(data), data.array.size
    stream.write(csv_line([column.head for column in columns]).encode())
    for start in range(0, total, BLOCK):
        if ticket is not None:
            ticket.step(start, total)
        stream.write("".join(_rows(columns, start, min(start + BLOCK, total))).encode())


def _rows(columns: Sequence[_Column], start: int, stop: int) -> Iterator[str]:
    cells = [column.cells(start, stop) for column in columns]
    return (f"{','.join(row)}\n" for row in zip(*cells, strict=True))


def _columns(data: Snapshot) -> list[_Column]:
    array = data.array
    columns = [_Column("index", lambda start, stop: [str(i) for i in range(start, stop)])]
    if array.ndim > 1:
        columns += [_axis_column(array.shape, axis) for axis in range(array.ndim)]
    columns.append(_Column("R", _floats(array)))
    for name, evaluation in data.evaluations:
        if evaluation is data.active:
            columns += _stage_columns(array, name, evaluation)
        columns.append(_Column(f"{name}: code", _codes(array, evaluation)))
        columns.append(_Column(f"{name}: reconstructed", _floats(evaluation.reconstructed)))
        columns.append(_Column(f"{name}: error", _floats(evaluation.error)))
        if evaluation is data.active:
            columns.append(_Column(f"{name}: saturated", _integers(evaluation.saturated)))
    return columns


def _axis_column(shape: tuple[int, ...], axis: int) -> _Column:
    def cells(start: int, stop: int) -> list[str]:
        places = np.unravel_index(np.arange(start, stop), shape)[axis]
        return [str(place) for place in places.tolist()]

    return _Column(f"index {axis}", cells)


def _floats(array: FloatArray) -> Callable[[int, int], list[str]]:
    flat = array.reshape(-1)
    # numpy writes the shortest text that reads back as the same number in its precision.
    return lambda start, stop: flat[start:stop].astype(np.str_).tolist()


def _integers(array: np.ndarray) -> Callable[[int, int], list[str]]:
    flat = array.reshape(-1)
    return lambda start, stop: [str(number) for number in flat[start:stop].tolist()]


def _codes(array: FloatArray, evaluation: Evaluation) -> Callable[[int, int], list[str]]:
    """Return codes as text; empty for NaN, which has no code."""
    values, codes = array.reshape(-1), evaluation.codes.reshape(-1)
    label = evaluation.qparams.format.label

    def cells(start: int, stop: int) -> list[str]:
        nan = np.isnan(values[start:stop]).tolist()
        pairs = zip(codes[start:stop].tolist(), nan, strict=True)
        return ["" if missing else label(code) for code, missing in pairs]

    return cells


def _stage_columns(array: FloatArray, name: str, evaluation: Evaluation) -> list[_Column]:
    """Return the columns of the stages; the last one is the code."""
    p = evaluation.qparams
    stages = QUANTIZERS[p.mapping].stage_list(p.format, p.arithmetic)[:-1]
    known: dict[tuple[int, int], Any] = {}

    def block(start: int, stop: int) -> Any:
        # Cached: the columns of a block are requested one after the other.
        if (start, stop) not in known:
            known.clear()
            known[start, stop] = trace(array, evaluation.qparams, np.arange(start, stop))
        return known[start, stop]

    def column(key: str) -> Callable[[int, int], list[str]]:
        return lambda start, stop: block(start, stop)[key].astype(np.str_).tolist()

    return [_Column(f"{name}: {stage.symbol}", column(stage.key)) for stage in stages]


def _table_npz(stream: FileStream, data: Snapshot, ticket: Ticket | None) -> None:
    evaluations = data.evaluations
    arrays: dict[str, np.ndarray] = {
        "values": data.array,
        "schemes": np.array([str(e.scheme) for _, e in evaluations], dtype=np.str_),
    }
    for place, (_, evaluation) in enumerate(evaluations):
        p = evaluation.qparams
        arrays |= {
            f"codes_{place}": evaluation.codes,
            f"reconstructed_{place}": evaluation.reconstructed,
            f"error_{place}": evaluation.error,
            f"saturated_{place}": evaluation.saturated,
        } | {f"{name}_{place}": each for name, each in parameter_arrays(p).items()}
    _npz(stream, arrays, ticket)


# The results


def write_results(path: str | Path, data: Snapshot) -> None:
    """Write one row per enabled scheme, with every figure at full precision.

    Raises
    ------
    ExportError
        As ``write_table``.
    """
    _write(Path(path), data, None, {".csv": _results_csv, ".npz": _results_npz})


def results_text(data: Snapshot) -> str:
    """Return the results as CSV."""
    heads = ["scheme", "name", "scale", "zero_point", *(m.key for m in METRICS), "notes"]
    lines = [csv_line(heads)]
    for entry, outcome in data.results:
        row = [str(entry.scheme), entry.name]
        if isinstance(outcome, Evaluation):
            row += [_each(outcome.qparams.scale), _each(outcome.qparams.zero_point)]
            row += [full(outcome.metrics[metric.key]) for metric in METRICS]
            row.append(" ".join(outcome.warnings))
        else:
            row += [""] * (2 + len(METRICS)) + [str(outcome)]
        lines.append(csv_line(row))
    return "".join(lines)


def _each(parameter: Any) -> str:
    """Return one number, or those of all channels separated by spaces."""
    if isinstance(parameter, np.ndarray):
        return " ".join(full(number) for number in parameter.tolist())
    return full(parameter)


def _results_csv(stream: FileStream, data: Snapshot, ticket: Ticket | None) -> None:
    stream.write(results_text(data).encode())


def _results_npz(stream: FileStream, data: Snapshot, ticket: Ticket | None) -> None:
    """Write arrays along the schemes; NaN for a scheme that cannot be applied."""
    outcomes = [outcome for _, outcome in data.results]

    def figures(of: Callable[[Evaluation], float]) -> np.ndarray:
        return np.array([of(o) if isinstance(o, Evaluation) else math.nan for o in outcomes])

    arrays = {
        "schemes": np.array([str(entry.scheme) for entry, _ in data.results], dtype=np.str_),
        "names": np.array([entry.name for entry, _ in data.results], dtype=np.str_),
        "scale": figures(lambda e: _only(e.qparams.scale)),
        "zero_point": figures(lambda e: _only(e.qparams.zero_point)),
    }
    for metric in METRICS:
        arrays[metric.key] = figures(lambda e, key=metric.key: e.metrics[key])  # type: ignore[misc]
    _npz(stream, arrays, ticket)


def _only(parameter: Any) -> float:
    """Return a parameter of the whole tensor; NaN if it differs per channel."""
    return math.nan if isinstance(parameter, np.ndarray) else float(parameter)


# Shared

_Writer = Callable[[FileStream, Snapshot, Ticket | None], None]


def _write(path: Path, data: Snapshot, ticket: Ticket | None, writers: dict[str, _Writer]) -> None:
    write = writers.get(path.suffix.lower())
    if write is None:
        sentence = translated("%1 is not a table format: end the name in .csv or .npz.")
        raise ExportError(filled(sentence, path.suffix or path.name))
    write_atomically(path, lambda stream: write(stream, data, ticket))


class _Counted(io.RawIOBase):
    """A stream that reports the share of bytes written."""

    def __init__(self, stream: FileStream, ticket: Ticket | None, total: int) -> None:
        super().__init__()
        self._stream, self._ticket, self._total, self._done = stream, ticket, total, 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self._ticket is not None:
            self._ticket.step(min(self._done, self._total), self._total)
        written = self._stream.write(data)
        self._done += written
        return written


def _npz(stream: FileStream, arrays: dict[str, Any], ticket: Ticket | None) -> None:
    total = max(1, sum(np.asarray(array).nbytes for array in arrays.values()))
    # Uncompressed, for speed; numpy reads it anywhere. No array holds objects.
    np.savez(cast(IO[bytes], _Counted(stream, ticket, total)), **arrays)
