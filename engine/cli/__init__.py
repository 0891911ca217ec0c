"""Commands of the engine: ``quantize``, ``compare``, ``list`` and ``params``.

Any error of the input gives one line on stderr and exit status 2, and leaves every
file unchanged.
"""

from __future__ import annotations

import argparse
import io as stdio
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from quantoscope.engine import (
    METRICS,
    Evaluation,
    QuantizationError,
    Scheme,
    SchemeError,
    __version__,
    export,
)
from quantoscope.engine.cli import list_lines
from quantoscope.engine.evaluation.evaluator import evaluate
from quantoscope.engine.evaluation.metrics import METRIC
from quantoscope.engine.io import (
    ExternalDataError,
    FormatError,
    list_tensors,
    load,
    role_of,
    save_npz,
    split_name,
)
from quantoscope.engine.io.base import require_unchanged
from quantoscope.engine.notes import listening, say
from quantoscope.engine.numerics import loops
from quantoscope.engine.numerics.arrays import integers_note
from quantoscope.engine.quantizers import MAPPINGS
from quantoscope.engine.quantizers.params import parameter_arrays
from quantoscope.engine.text.file_names import as_text
from quantoscope.engine.text.number_parsing import printable
from quantoscope.engine.text.number_text import position_text
from quantoscope.engine.text.spreadsheet import csv_line

COMMANDS = ("quantize", "compare", "params", "list")
DEFAULT_SCHEMES = ("int8 scale-only", "int8 symmetric", "int8 asymmetric")
BAD_INPUT = 2

Cell = str | int | float | list[Any]
Row = dict[str, Cell]
Add = Callable[[str, object, str, str, Callable[[], str]], argparse.ArgumentParser]
"""A way to add a command: its name, what runs it, a summary, a description, and what returns
the rest of the description, which is asked only when the help is printed."""

_EXAMPLES = """\
examples:
  quantoscope compare weights.npy
  quantoscope compare model.npz::conv1 --scheme "int8 symmetric" --scheme "uint8 asymmetric" --csv
  quantoscope quantize weights.csv --scheme "int8 symmetric manual(-1,1)" --out codes.npz
  quantoscope list model.safetensors
  quantoscope params model.npz::conv1 --scheme "int8 symmetric" --as onnx --out conv1.onnx

IN is a file of numbers such as .npy, .npz, .csv or .txt, or a model such as .safetensors, .onnx
or .pt; FILE::NAME picks one array of a file with several.
A scheme is a format and a mapping ({mappings}) and, if wanted, a
calibration, a granularity such as per-channel(0), a rounding, or a runtime such as @onnxruntime.
per-channel(out) and per-group(32,in) go by the tensor's role, where a file tells it: see list.
"""
_QUANTIZE = """\
Write the arrays scale, zero_point, codes, reconstructed and error, and the scheme's text as
scheme, to an .npz file; scale and zero_point have one entry per channel or group where there are
many. A zero point that no 64-bit integer can hold is written as a float.
"""
_COMPARE = """\
Print every metric of every scheme: as a table for people, or with full precision as CSV (one row
per scheme) or JSON (a list of one object per scheme). JSON knows neither infinity nor NaN: they
are the strings "inf", "-inf" and "nan" there.
"""
_LIST = """\
Print name, type, shape and size of each array of a file, in the order of the file. What cannot be
loaded is listed too, with the reason. Where a model made a name up, the node that takes the array
is named beside it; and the role of a weight's axes, where it is not the usual one, which is
out 0, in the rest. In JSON names are in full.
"""
_PARAMS = """\
Write scale, zero point and all that belongs to them in a form that other programs read. What a
form cannot say is refused; but of the code range those for TensorRT, AIMET and ONNX Runtime's
overrides say nothing: what a scheme clips at -127 may become -128 there. The forms, with the
endings of their files:

"""


class UsageError(Exception):
    """Raised for an invalid command line; the message is one sentence."""


class _Parser(argparse.ArgumentParser):
    """A parser that raises instead of printing its usage."""

    rest: Callable[[], str] = str

    def format_help(self) -> str:
        self.description, self.rest = f"{self.description or ''}{self.rest()}", str
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None, more: Callable[[Add], None] | None = None) -> int:
    """Run a command and return the exit status: 0, or 2 for bad input.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the program's name; by default those of the process.
    more : callable, optional
        Adds further commands, which take the parsed arguments and return warnings.
    """
    if isinstance(sys.stdout, stdio.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without "²"
    try:
        with listening() as notes:
            warnings = _run(argv, more)
        if sys.stdout is not None:  # None in a windowed program
            sys.stdout.flush()
    except (UsageError, QuantizationError) as error:
        return fail(str(error))
    except MemoryError:
        return fail("This does not fit into the memory of this machine.")
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has closed the pipe, as in "| head"
        _drop_stdout()
        return 0
    except OSError as error:
        _drop_stdout()
        return fail(f"The result cannot be printed: {error.strerror or error}.")
    for note in notes:
        _complain(f"note: {note}")
    said = set(map(str, notes))
    for warning in warnings:
        if warning not in said:
            _complain(f"warning: {warning}")
    return 0


def _run(argv: Sequence[str] | None, more: Callable[[Add], None] | None) -> list[str]:
    """Run a command and return its warnings."""
    try:
        arguments = _parser(more).parse_args(argv)
    except SystemExit:  # --help and --version have been printed.
        return []
    command: Callable[[argparse.Namespace], list[str]] = arguments.command
    return command(arguments)


def fail(message: str) -> int:
    """Print one line about bad input and return the exit status for it."""
    _complain(f"quantoscope: {message}")
    return BAD_INPUT


def _complain(line: str) -> None:
    print(printable(line, 2000), file=sys.stderr)


def _drop_stdout() -> None:
    """Redirect buffered output to nowhere, so that the interpreter's final flush succeeds."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser(more: Callable[[Add], None] | None = None) -> argparse.ArgumentParser:
    style: dict[str, Any] = dict(
        epilog=_EXAMPLES.format(mappings=", ".join(MAPPINGS)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    description = "See what quantization does to an array. Without a command, a window opens."
    parser = _Parser(prog="quantoscope", description=description, **style)
    version = f"quantoscope {__version__}\nEvaluation: {loops.means().value}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(
        name: str, run: object, summary: str, description: str, rest: Callable[[], str] = str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=description, **style)
        command.rest = rest
        command.set_defaults(command=run)
        command.add_argument("input", metavar="IN", help="file to read, or FILE::NAME")
        numbers = "also read numbers that a model keeps in a file beside it"
        command.add_argument("--external", action="store_true", help=numbers)
        return command

    one_scheme: dict[str, Any] = dict(
        action="append", required=True, metavar="TEXT", help='such as "int8 symmetric"'
    )
    command = add("quantize", _quantize, "write codes and parameters to a file", _QUANTIZE)
    command.add_argument("--scheme", **one_scheme)
    command.add_argument("--out", required=True, metavar="OUT.npz", help="file to write")

    command = add("compare", _compare, "print the metrics of several schemes", _COMPARE)
    command.add_argument(
        "--scheme",
        action="append",
        metavar="TEXT",
        help="may be given several times; by default the three int8 mappings",
    )
    form = command.add_mutually_exclusive_group()
    form.add_argument(
        "--csv", dest="show", action="store_const", const=_as_csv, help="one row per scheme"
    )
    form.add_argument(
        "--json", dest="show", action="store_const", const=_as_json, help="one object per scheme"
    )
    command.set_defaults(show=_as_table)

    forms = "\n".join(f"  {f.key:<14} {f.title} ({', '.join(f.endings)})" for f in export.FORMATS)
    summary = "write parameters for other programs"
    command = add("params", _params, summary, f"{_PARAMS}{forms}")
    command.add_argument("--scheme", **one_scheme)
    command.add_argument(
        "--as",
        dest="form",
        required=True,
        metavar="FORM",
        choices=[form.key for form in export.FORMATS],
        help="one of the forms above",
    )
    command.add_argument("--name", metavar="NAME", help="of the tensor; its own, or the file's")
    command.add_argument("--out", metavar="FILE", help="file to write; text is else printed")
    command = add("list", _list, "print the arrays of a file", _LIST)
    command.add_argument("--json", action="store_true", help="one object per array")
    if more is not None:
        more(add)
    return parser


def _quantize(arguments: argparse.Namespace) -> list[str]:
    scheme = _one_scheme(arguments)
    out = Path(arguments.out)
    if out.suffix.lower() != ".npz":
        raise FormatError(f"--out needs a name that ends in .npz, not {printable(out.name)}.")
    result = evaluate(_input(arguments), scheme, role=arguments.role)
    require_input_unchanged(arguments)
    save_npz(
        out,
        **parameter_arrays(result.qparams),
        codes=result.codes,
        reconstructed=result.reconstructed,
        error=result.error,
        scheme=np.array(str(scheme)),
    )
    p = result.qparams
    count = "1 value" if result.codes.size == 1 else f"{result.codes.size:,} values"
    numbers = f"{p.count:,} scales"
    if p.granularity.whole:
        numbers = f"scale {p.scale:.9g}, zero point {p.zero_point}"
    sqnr = f"SQNR {result.metrics['sqnr']:.4g} dB"
    print(f"{printable(str(out))}: {count}, {scheme}, {numbers}, {sqnr}")
    return list(result.warnings)


def _compare(arguments: argparse.Namespace) -> list[str]:
    schemes = _schemes(arguments.scheme or DEFAULT_SCHEMES)
    array = _input(arguments)
    results = [evaluate(array, scheme, role=arguments.role) for scheme in schemes]
    require_input_unchanged(arguments)
    print(arguments.show(results))
    return warnings_of(results)


def _list(arguments: argparse.Namespace) -> list[str]:
    """Print every array of a file, in the order of the file."""
    path, name = split_name(arguments.input)
    infos = list_tensors(path)
    if name is not None:
        infos = [info for info in infos if info.name == name]
        if not infos:
            load(path, name)  # raises an error that lists the available names
    if arguments.json:
        for piece in list_lines.as_json(infos):
            print(piece, end="")
    else:
        for line in list_lines.table(infos):
            print(line)
    return []


def _params(arguments: argparse.Namespace) -> list[str]:
    scheme = _one_scheme(arguments)
    form = next(form for form in export.FORMATS if form.key == arguments.form)
    if arguments.out is None and not form.text:
        raise FormatError(f"--as {form.key} needs --out FILE: it cannot be printed.")
    result = evaluate(_input(arguments), scheme, role=arguments.role)
    require_input_unchanged(arguments)
    name = _name(arguments.input) if arguments.name is None else as_text(arguments.name)
    if arguments.out is None:
        print(export.render(form.key, result, name).decode("utf-8"), end="")
    else:
        export.write(arguments.out, form.key, result, name)
        print(f"{printable(arguments.out)}: {form.title}, {scheme}, of {printable(name)}")
    return list(result.warnings)


def _schemes(texts: Iterable[str]) -> list[Scheme]:
    schemes = []
    for text in texts:
        try:
            schemes.append(Scheme.parse(text))
        except SchemeError as error:
            raise UsageError(f"--scheme '{text}': {error}") from None
    return schemes


def _one_scheme(arguments: argparse.Namespace) -> Scheme:
    schemes = _schemes(arguments.scheme)
    if len(schemes) > 1:
        raise UsageError("This command takes one --scheme; call it once for each.")
    return schemes[0]


def _input(arguments: argparse.Namespace) -> np.ndarray:
    """Load FILE, or the tensor NAME of ``FILE::NAME``."""
    path, name = split_name(arguments.input)
    try:
        array = load(path, name, external=arguments.external)
        arguments.role = role_of(path, name)
    except ExternalDataError as error:
        raise FormatError(f"{str(error).rstrip('.')}; --external says so.") from None
    with suppress(OSError):  # the file may have been deleted
        arguments.read = path, path.stat()
    note = integers_note(array)
    if note is not None:
        say(note)
    return array


def require_input_unchanged(arguments: argparse.Namespace) -> None:
    """Raise if the input file has changed since it was read."""
    if hasattr(arguments, "read"):
        require_unchanged(*arguments.read)


def inputs(arguments: argparse.Namespace) -> tuple[np.ndarray, list[Scheme]]:
    """Return the array of a further command, and its schemes or the default ones."""
    schemes = _schemes(arguments.scheme or DEFAULT_SCHEMES)
    return _input(arguments), schemes


def _name(text: str) -> str:
    """Return the name in FILE::NAME, or the file's name without its ending."""
    path, name = split_name(text)
    return as_text(path.stem if name is None else name)


def warnings_of(results: Sequence[Evaluation]) -> list[str]:
    """Return each warning once, with the schemes it concerns unless it concerns all."""
    about: dict[str, list[str]] = {}
    for result in results:
        for warning in result.warnings:
            about.setdefault(warning, []).append(str(result.scheme))
    return [
        sentence if len(schemes) == len(results) else f"{', '.join(schemes)}: {sentence}"
        for sentence, schemes in about.items()
    ]


def _row(result: Evaluation) -> Row:
    return {
        "scheme": str(result.scheme),
        "scale": np.asarray(result.qparams.scale).tolist(),
        "zero_point": np.asarray(result.qparams.zero_point).tolist(),
        **{metric.key: result.metrics[metric.key] for metric in METRICS},
    }


def _as_csv(results: Sequence[Evaluation]) -> str:
    """Return one row per scheme, with floats as the shortest text that reads back the same."""
    rows = [_row(result) for result in results]
    lines = [csv_line(rows[0]), *(csv_line(map(_csv_cell, row.values())) for row in rows)]
    return "".join(lines).rstrip("\n")


def _csv_cell(cell: Cell) -> str:
    """Return a CSV cell; parameters of many channels are separated by spaces."""
    return " ".join(map(str, cell)) if isinstance(cell, list) else str(cell)


def _as_json(results: Sequence[Evaluation]) -> str:
    objects = [
        {key: _json_value(value) for key, value in _row(result).items()}
        | {"role": None if result.role is None else result.role.as_json()}
        | {"warnings": list(result.warnings)}
        for result in results
    ]
    return json.dumps(objects, indent=2, allow_nan=False)


def _json_value(value: Cell) -> Cell:
    if isinstance(value, list):
        return [_json_value(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _as_table(results: Sequence[Evaluation]) -> str:
    """Return metrics as rows and schemes as columns, with right-aligned numbers."""
    rows = [_row(result) for result in results]
    labels = [("Scale", "unit of R"), ("Zero point", "")]
    labels += [(metric.name, metric.unit) for metric in METRICS]
    keys = list(rows[0])[1:]
    table = [["", "", *(str(row["scheme"]) for row in rows)]]
    for (name, unit), key in zip(labels, keys, strict=True):
        cells = zip(rows, results, strict=True)
        table.append([name, unit, *(_cell_text(key, row[key], result) for row, result in cells)])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for name, unit, *values in table:
        numbers = (value.rjust(width) for value, width in zip(values, widths[2:], strict=True))
        lines.append("  ".join([name.ljust(widths[0]), unit.ljust(widths[1]), *numbers]))
    return "\n".join(lines)


def _cell_text(key: str, value: Cell, result: Evaluation) -> str:
    """Return a metric as text; positions have one index per axis."""
    if key in METRIC and METRIC[key].position and isinstance(value, int):
        return position_text(value, result.codes.shape)
    return _short(value)


def _short(value: Cell) -> str:
    if isinstance(value, list):
        low, high = _short(min(value)), _short(max(value))
        return low if low == high else f"{low}…{high}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
