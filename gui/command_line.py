"""Commands ``plot`` and ``report``, which need no window or screen.

Qt is imported only when one of them runs.
"""

from __future__ import annotations

import argparse
import difflib
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from quantoscope.engine import cli
from quantoscope.engine.text.number_parsing import parse_number, quoted

COMMANDS = ("plot", "report")
_LONGEST = 40
"""Maximum length of words compared with command names."""

_EXAMPLES = """\
examples:
  quantoscope plot weights.npy --plot error -o error.svg --preset column
  quantoscope plot model.npz::conv1 --scheme "int8 symmetric" --plot signal --plot error \\
      --range 0,255 -o figure.pdf --width 120 --height 90 --font 8
  quantoscope plot three.npy --plot number-line --plot distribution --columns 2 --no-title \\
      -o figure.pdf --preset two-columns
  quantoscope plot weights.npy --plot waterfall --from "int8 scale-only" \\
      --to "int8 symmetric mse" -o why.svg
  quantoscope report weights.npy --scheme "int8 symmetric" --scheme "int8 asymmetric" -o report.html
"""
_PLOT = """\
Draw plots into one figure, as the window's Export does, in rows of --columns plots. The ending of
OUT says in which format: .png, .svg or .pdf. No screen is needed.
"""
_REPORT = """\
Write a report: what the values are, what every scheme makes of them, figures, definitions and the
commands to get the same again. An .html file is complete in itself; an .md file has its figures
as SVG files beside it, named after it.
"""


_SAID_BY_SYSTEMS = ("-psn_",)
"""Prefix of arguments added by the desktop: macOS adds a process number."""


def files_of(words: Sequence[str]) -> list[Path]:
    """Return the files, or ``FILE::NAME``, in a call without a command."""
    return [Path(word) for word in words if not word.startswith(_SAID_BY_SYSTEMS)]


def complaint(words: Sequence[str]) -> str:
    """Return why a call without a command is wrong; empty if the window can open its files."""
    from quantoscope.engine.io import split_name

    names = [word for word in words if not word.startswith(_SAID_BY_SYSTEMS)]
    known = (*cli.COMMANDS, *COMMANDS)
    if names and not names[0].startswith("-") and not split_name(names[0])[0].exists():
        word = names[0]
        near = _near(word, known)
        if near:
            return f"There is no command or file {quoted(word)}; did you mean {near[0]}?"
        if word.isidentifier():
            listed = ", ".join(known)
            return f"There is no command or file {quoted(word)}; the commands are {listed}."
    options = [word for word in names if word.startswith("-") and not Path(word).exists()]
    if options:
        near = _near(options[0], ("--help", "--version")) or _near(options[0].lstrip("-"), known)
        hint = f"did you mean {near[0]}?" if near else "see --help."
        return f"There is no option {quoted(options[0])} without a command; {hint}"
    missing = [word for word in names if not split_name(word)[0].exists()]
    if names and missing == names:
        # If some exist, the window reports the missing ones.
        listed = ", ".join(quoted(word, 200) for word in missing[:8])
        return f"There {'is no file' if len(missing) == 1 else 'are no files'} {listed}."
    return ""


def _near(word: str, known: Sequence[str]) -> list[str]:
    return difflib.get_close_matches(word.lower()[:_LONGEST], known, 1, 0.6)


def offscreen() -> None:
    """Make Qt render offscreen unless a platform is set."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def register(add: cli.Add) -> None:
    """Add the commands to the parser."""
    command = add("plot", _plot, "draw plots to a PNG, SVG or PDF file", _PLOT, _figures)
    _add_common(command, plots_required=True)
    command.add_argument("--preset", metavar="NAME", help="one of the sizes above")
    command.add_argument("--width", type=_positive, metavar="MM")
    command.add_argument("--height", type=_positive, metavar="MM")
    command.add_argument(
        "--dpi",
        type=_whole,
        metavar="N",
        help="of a PNG, and of images and dense layers in SVG and PDF; 300 by default",
    )
    command.add_argument("--font", type=_positive, metavar="PT", help="size of the text in points")
    command.add_argument("--theme", choices=("light", "dark"), default="light")
    command.add_argument("--columns", type=_whole, metavar="N", help="plots side by side; 1")
    for part, what in (
        ("title", "leave out the titles of plots"),
        ("sentence", "leave out the sentence below each title"),
        ("legend", "leave out the legend"),
        ("letters", "do not name several plots (a), (b), …"),
    ):
        command.add_argument(f"--no-{part}", action="store_true", help=what)
    command.add_argument(
        "--range",
        type=_range,
        metavar="X0,X1",
        help="part of the x axis of the first plot, and of all that share it; "
        "--range=-1,1 where it begins with a minus",
    )
    command = add("report", _report, "write a report as HTML or Markdown", _REPORT, _plots)
    _add_common(command, plots_required=False)
    command.add_argument("--title", metavar="TEXT", help="what to call the values")


def _add_common(command: argparse.ArgumentParser, plots_required: bool) -> None:
    command.epilog = _EXAMPLES
    command.add_argument(
        "--scheme",
        action="append",
        metavar="TEXT",
        help="may be given several times; by default the three int8 mappings",
    )
    command.add_argument(
        "--plot",
        action="append",
        required=plots_required,
        metavar="NAME",
        help="one of the plots above; may be given several times",
    )
    for end, which in (("from", "where --plot waterfall begins"), ("to", "where it leads to")):
        text = f"scheme {which}; added to the others if it is none of them"
        command.add_argument(f"--{end}", dest=f"{end}_scheme", metavar="TEXT", help=text)
    command.add_argument("-o", "--out", required=True, metavar="OUT", help="file to write")


def _plots() -> str:
    """Return the help on ``--plot``."""
    from quantoscope.gui.export.headless import KEYS

    return f"\nThe plots: {', '.join(KEYS)}.\n"


def _figures() -> str:
    """Return the help on ``--plot`` and ``--preset``."""
    from quantoscope.gui.export.presets import PRESETS

    sizes = "\n".join(f"  {preset.key:<18}{preset.title}" for preset in PRESETS)
    return f"{_plots()}\nThe sizes of --preset:\n\n{sizes}\n"


def _positive(text: str) -> float:
    number = parse_number(text)
    if not (math.isfinite(number) and number > 0):
        raise ValueError
    return number


def _whole(text: str) -> int:
    number = parse_number(text)
    if number <= 0 or not number.is_integer():
        raise ValueError
    return int(number)


def _range(text: str) -> tuple[float, float]:
    low, high = map(parse_number, text.split(","))
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError
    return low, high


# argparse uses the function's name in error messages.
_positive.__name__ = "number above 0"
_whole.__name__ = "whole number above 0"
_range.__name__ = "range X0,X1"


def _plot(arguments: argparse.Namespace) -> list[str]:
    from quantoscope.gui.export import headless

    return _told(headless.plot, arguments)


def _report(arguments: argparse.Namespace) -> list[str]:
    from quantoscope.gui.export import headless

    return _told(headless.report, arguments)


def _told(
    run: Callable[[argparse.Namespace], list[str]], arguments: argparse.Namespace
) -> list[str]:
    """Run a command; print export errors like those of the engine's commands."""
    from quantoscope.gui.export.files import ExportError

    try:
        return run(arguments)
    except ExportError as error:
        raise cli.UsageError(str(error)) from error
