"""Every target of speed beside what was measured, with the compiled loops and without them.

``.venv/bin/python tests/benchmarks/speed.py [ROW ...]``: all rows, or those whose names contain one
of the words; ``--list`` has the names. A figure is a ratio of medians of one run, in which what is
compared takes turns, unless its unit says otherwise. "Without" has the compiled loops switched off,
of what the figure is compared with too; "before" was measured when there were none. Measure on a
machine that does nothing else; the load is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import ml_dtypes  # noqa: F401 - numpy knows bfloat16 by it
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from quantoscope import engine
from quantoscope.engine.analysis.plane_image import Quantity, plane_image
from quantoscope.engine.analysis.plane_lines import plane_lines
from quantoscope.engine.analysis.planes import whole_plane
from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.loops import SWITCH, in_use
from quantoscope.engine.quantizers.mxfp4 import MXFP4_QUANTIZERS
from tests.benchmarks import references
from tests.benchmarks.references import Missing, Work, medians
from tests.without_loops import numpy_alone

ROOT = Path(__file__).resolve().parents[2]
INT8, SPREAD = "int8 asymmetric", 1.1
"""What most is compared with; a ratio so far from another may still be the same."""
FLOATS = "e4m3fn symmetric", "e5m2 symmetric", "e2m1fn symmetric", "nf4 symmetric per-group(64)"
BLOCKS = (*(each.name for each in MXFP4_QUANTIZERS), "q8_0", "q4_0", "q4_1", "q5_0", "q5_1")
BEFORE = {"e4m3fn symmetric": 8.8, "nf4 symmetric per-group(64)": 11.7, "mxfp4-gguf": 8.8,
          "q8_0": 6.3, "q4_0": 6.3, "q4_1": 6.3, "q5_0": 6.3}  # fmt: skip
MAPPED = """
import sys, threading, time
import ml_dtypes, numpy as np
from quantoscope import engine
def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))
x = np.memmap(sys.argv[1], np.dtype(sys.argv[2]), "r", shape=(100, int(sys.argv[3])))
engine.evaluate(np.array(x[:1, :1000]), "int8 asymmetric")
before, peak, done = anonymous(), [0], threading.Event()
def watch():
    while not done.wait(0.002):
        peak.append(anonymous())
watcher = threading.Thread(target=watch)
watcher.start()
start = time.perf_counter()
made = engine.evaluate(x, "int8 asymmetric")
took = time.perf_counter() - start
done.set()
watcher.join()
print(took, (max(peak) - before - made.codes.nbytes) / 2**20)
"""
Both = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """A target: ``figure`` measures it with the compiled loops and without."""

    name: str
    asked: float
    figure: Callable[[], Both]
    unit: str = "×"
    at_least: bool = False
    before: float | None = None

    def met(self, figure: float, asked: float) -> bool:
        """Whether a figure is as good as asked."""
        return figure >= asked if self.at_least else figure <= asked


def without_loops(work: Work) -> Work:
    """Return the same work without the compiled loops."""

    def switched() -> object:
        with numpy_alone():
            return work()

    return switched


@dataclass(frozen=True)
class Setting:
    """What the rows are measured on."""

    values: int
    rounds: int
    library: Path | None
    millions: tuple[str, ...]
    """What the window shows."""
    repeats: int
    """Acts of each kind in the window."""

    @property
    def normals(self) -> np.ndarray:
        """A matrix with rows of 4096, which are whole blocks and groups."""
        shape = max(1, self.values // 4096), 4096
        return np.random.default_rng(0).standard_normal(shape, np.float32)

    def both(self, work: Work) -> Both:
        """Return seconds of work with the compiled loops and without."""
        took = medians({"with": work, "without": without_loops(work)}, self.rounds)
        return took["with"], took["without"]

    def ratio(self, work: Work, other: Callable[[], Work], faster: bool, ours: bool) -> Both:
        """Return how many times as long work takes as other, or how many times as fast it is."""
        reference = other()
        works = {"with": work, "without": without_loops(work), "reference": reference}
        works["reference without"] = without_loops(reference) if ours else lambda: None
        took = medians(works, self.rounds)
        one, two = took["reference"], took["reference without" if ours else "reference"]
        if faster:
            return one / took["with"], two / took["without"]
        return took["with"] / one, took["without"] / two

    def mapped(self) -> dict[str, Both]:
        """Return time and memory of evaluating mapped files, in programs of their own."""
        if not Path("/proc/self/status").exists():
            raise Missing("memory is only known on Linux")
        found: dict[tuple[str, str], list[list[float]]] = {}
        with tempfile.TemporaryDirectory() as folder:
            row = np.random.default_rng(0).standard_normal(self.values // 10, np.float32)
            for kind in ("bfloat16", "float32"):
                with Path(folder, kind).open("wb") as file:
                    for _ in range(100):
                        file.write(row.astype(np.dtype(kind)).tobytes())
            for _ in range(3):
                for kind in ("float32", "bfloat16"):
                    for switch in "10":
                        words = [sys.executable, "-c", MAPPED, Path(folder, kind), kind]
                        child = subprocess.run(
                            [*words, str(row.size)], cwd=ROOT, check=True, capture_output=True,
                            text=True, env={**os.environ, SWITCH: switch},
                        )  # fmt: skip
                        figures = [float(each) for each in child.stdout.split()]
                        found.setdefault((kind, switch), []).append(figures)
        took = {key: np.median(many, axis=0) for key, many in found.items()}
        ratios = (took["bfloat16", switch][0] / took["float32", switch][0] for switch in "10")
        memory = (took["bfloat16", switch][1] for switch in "10")
        return {"time": tuple(ratios), "memory": tuple(memory)}

    def latency(self) -> dict[str, Both]:
        """Return what a person waits for the window, in milliseconds, as ``latency.py`` has it."""
        script, made = ROOT / "tests" / "benchmarks" / "latency.py", []
        for switch in "10":
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "figures.json")
                subprocess.run(
                    [sys.executable, str(script), *self.millions, "--json", str(path),
                     "--repeats", str(self.repeats)],
                    cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
                    env={**os.environ, SWITCH: switch},
                )  # fmt: skip
                made.append(json.loads(path.read_text()))
        return {name: (made[0][name], made[1][name]) for name in made[0]}


def evaluating(at: Setting) -> Iterator[Row]:
    """Evaluations, beside references and beside int8 per tensor."""
    square = at.normals
    x, size = square.reshape(-1), f"{square.size / 1e6:.3g} M"
    whole = partial(engine.evaluate, x, INT8)

    def beside(name: str, other: Callable[[], Work], asked: float, before: float) -> Row:
        faster = asked > 2
        figure = partial(at.ratio, whole, other, faster, False)
        return Row(f"evaluate {size} beside {name}", asked, figure, "×", faster, before)

    yield beside("formulas, no metrics", partial(references.textbook, x), 3.5, 1.0)
    yield beside("torch, no metrics", partial(references.torch_error, x), 5, 1.9)
    yield beside("moving the bytes", partial(references.moving, x), 1.5, 3.6)
    yield beside("formulas, same metrics", partial(references.textbook_metrics, x), 12, 4.7)
    yield beside("torch, same metrics", partial(references.torch_metrics, x), 30, 12)

    def formatted(name: str, asked: float, before: float | None) -> Row:
        work, other = partial(engine.evaluate, square, name), partial(engine.evaluate, square, INT8)
        figure = partial(at.ratio, work, lambda: other, False, True)
        return Row(f"{name} beside int8", asked, figure, "×", False, before)

    for kind, before in {"channel(0)": 1.4, "group(32)": 2.4, "group(128)": 1.8}.items():
        yield formatted(f"{INT8} per-{kind}", 1.3, before)
    for name in (*FLOATS, *BLOCKS):
        yield formatted(name, 2, BEFORE.get(name))
    for name in references.GGML_TYPES:
        work = partial(engine.evaluate, square, name)
        theirs = partial(references.ggml, at.library, name, square, kernels.threads())
        figure = partial(at.ratio, work, theirs, False, False)
        yield Row(f"{name} beside llama.cpp's C", 1, figure)


def searching(at: Setting) -> Iterator[Row]:
    """Searches for a range, of a million values or fewer."""
    square = replace(at, values=min(at.values, 1_000_000)).normals
    histogram = partial(np.histogram, square.reshape(-1), bins=2048)
    methods = {"symmetric mse": 2.0, "asymmetric mse": 4.1, "symmetric entropy": 1.9,
               "symmetric percentile(99.99)": 2.9}  # fmt: skip
    for method, before in methods.items():
        work = partial(engine.calibrate, square, f"int8 {method}")
        figure = partial(at.ratio, work, lambda: histogram, False, False)
        yield Row(f"int8 {method} beside np.histogram", 1, figure, before=before)

    def each(words: str) -> Both:
        one, two = at.both(partial(engine.calibrate, square, words))
        return 1e9 * one / square.size, 1e9 * two / square.size

    for kind, asked, before in (("channel(0)", 40, 617), ("group(32)", 60, 930)):
        words = f"int4 symmetric mse per-{kind}"
        yield Row(f"{words}, each value", asked, partial(each, words), "ns", before=before)


def imaging(at: Setting) -> Iterator[Row]:
    """The first images of a matrix: R/S beside SQNR, with the figures of rows and columns."""
    x = at.normals
    plane = whole_plane(x.shape)
    made = engine.evaluate(x, "int4 symmetric per-channel(0)")

    def work() -> None:
        for quantity in (Quantity.SCALED, Quantity.SQNR):
            plane_image(x, made, plane, quantity, (740, 380))
        plane_lines(x, made, plane)

    def figure() -> Both:
        one, two = at.both(work)
        return 1000 * one, 1000 * two

    yield Row(f"first images of {x.size / 1e6:.3g} M", 300, figure, "ms")


def rows(at: Setting) -> Iterator[Row]:
    """Every target, in order."""
    yield from evaluating(at)
    mapped, latency = cache(at.mapped), cache(at.latency)
    name = f"bfloat16, {at.values / 1e5:g} M mapped"
    yield Row(f"{name}: time beside float32", 1.2, lambda: mapped()["time"])
    yield Row(f"{name}: memory beside the codes", 64, lambda: mapped()["memory"], "MB")
    yield from searching(at)
    yield from imaging(at)
    before = {"1": (37, 77, 56, 27), "10": (96, 221, 123, 97)}
    acts = "edit", "edit that moves the range", "clip handle", "GUI thread at a stretch"
    for millions in at.millions:
        most = 25 if float(millions) <= 1 else 60
        known = before.get(millions, (None,) * 4)
        for act, asked, was in zip(acts, (most, most, most, 16), known, strict=True):
            said = f"window, {millions} M: {act}"
            yield Row(said, asked, lambda said=said: latency()[said], "ms", before=was)
        for act in ("zoom", "pan across half", "pan across a thousand"):
            for more in ("", ", values clipped"):
                said = f"window, {millions} M: {act}{more}"
                yield Row(said, 16, lambda said=said: latency()[said], "ms")


def show(wanted: list[Row]) -> None:
    """Print the rows as they are measured, and then what falls short."""
    print(f"\n{'':58}{'with':>9}{'without':>9}{'before':>9}{'target':>10}")
    short, slower, known = [], [], 0
    for row in wanted:
        sign = "≥" if row.at_least else "≤"
        target = f"{sign} {row.asked:g} {row.unit}"
        was = "" if row.before is None else f"{row.before:g}"
        try:
            figure, without = row.figure()
        except Missing as why:
            print(f"{row.name:58}{'':18}{was:>9}{target:>10}  not measured: {why}", flush=True)
            continue
        met = row.met(figure, row.asked)
        short += [] if met else [row.name]
        if row.before is not None:
            known += 1
            spread = 1 / SPREAD if row.at_least else SPREAD
            slower += [] if row.met(without, row.before * spread) else [row.name]
        line = f"{row.name:58}{figure:9.2f}{without:9.2f}{was:>9}{target:>10}"
        print(f"{line}  {'met' if met else 'NOT MET'}", flush=True)
    print("\nShort of the target:", *(short or ["none"]), sep="\n  ")
    print(f"Slower without the loops than before, of {known}:", *(slower or ["none"]), sep="\n  ")


def main() -> None:
    """Measure what was asked for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="words of rows; all by default")
    parser.add_argument("--list", action="store_true", help="print the names of the rows alone")
    parser.add_argument("--quick", action="store_true", help="one million values, few rounds")
    parser.add_argument("--values", type=int, help="so many values, mapped ten times as many")
    parser.add_argument("--rounds", type=int, help="so many rounds")
    parser.add_argument("--ggml", type=Path, metavar="PATH", help="llama.cpp's libggml-base.so")
    asked = parser.parse_args()
    values = asked.values or (1_000_000 if asked.quick else 10_000_000)
    rounds = asked.rounds or (3 if asked.quick else 7)
    millions, repeats = (("1",), 10) if asked.quick else (("1", "10"), 40)
    at = Setting(values, rounds, asked.ggml, millions, repeats)
    wanted = [
        row for row in rows(at) if not asked.rows or any(word in row.name for word in asked.rows)
    ]
    if asked.list:
        print(*(row.name for row in wanted), sep="\n")
        return
    print(f"{platform.platform()}, Python {platform.python_version()}, numpy {np.__version__}")
    loops = "compiled loops" if in_use() else "NO COMPILED LOOPS"
    print(f"{kernels.threads()} threads, {loops}, load {os.getloadavg()[0]:.1f}")
    show(wanted)


if __name__ == "__main__":
    main()
