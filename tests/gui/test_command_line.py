"""``plot`` and ``report``: as a person calls them, without a screen."""

import base64
import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage

from quantoscope.engine import cli
from quantoscope.engine.examples import EXAMPLES, example
from quantoscope.gui import __main__ as program
from quantoscope.gui import command_line
from quantoscope.gui.export import headless
from quantoscope.gui.export.figure import render_svg
from quantoscope.gui.export.presets import PRESETS
from quantoscope.gui.export.spec import FigureSpec
from quantoscope.gui.plots import PLOTS

PROJECT = Path(__file__).resolve().parents[2]
KEYS = [kind.key for kind in PLOTS]
SVG = "{http://www.w3.org/2000/svg}"
SEED = example("three-numbers").make()


@pytest.fixture
def seed(tmp_path):
    path = tmp_path / "seed.npy"
    np.save(path, SEED)
    return path


def start(*words):
    """Run main.py in a session that knows of no screen and no platform."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        [sys.executable, str(PROJECT / "main.py"), *map(str, words)],
        env=keep | {"PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def run(qapp, *words):
    """The same within this process, which takes no time to start."""
    return program.main([str(word) for word in words])


def words(path):
    nodes = ElementTree.parse(path).getroot().iter(f"{SVG}text")
    return " ".join("".join(node.itertext()) for node in nodes)


def test_a_plot_is_drawn_without_a_screen(seed, tmp_path):
    out = tmp_path / "error.svg"
    done = start("plot", seed, "--scheme", "int8 symmetric", "--plot", "error", "-o", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1 and "error.svg: error" in done.stdout
    assert "int8 symmetric: nothing is clipped" in words(out)


def test_a_report_is_written_without_a_screen(seed, tmp_path):
    out = tmp_path / "report.html"
    done = start("report", seed, "-o", out)
    assert (done.returncode, done.stderr) == (0, "")
    text = out.read_text(encoding="utf-8")
    assert text.count("<svg") == 4
    for scheme in cli.DEFAULT_SCHEMES:
        assert scheme in text


def test_bad_input_ends_in_one_line_and_no_file(tmp_path):
    done = start("plot", tmp_path / "none.npy", "--plot", "error", "-o", tmp_path / "a.svg")
    assert done.returncode == 2
    assert done.stdout == "" and done.stderr.count("\n") == 1
    assert "none.npy cannot be read" in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_help_lists_all_commands_and_loads_no_qt(tmp_path):
    done = start("--help")
    assert done.returncode == 0
    for name in ("quantize", "compare", "plot", "report"):
        assert re.search(rf"^ +{name} ", done.stdout, re.MULTILINE)
    code = (
        "import sys; from quantoscope.gui.__main__ import main; main(['--help']);"
        "sys.exit('PySide6' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True)


def test_the_help_of_a_figure_names_every_plot_and_every_preset(capsys):
    assert cli.main(["plot", "--help"], command_line.register) == 0
    text = capsys.readouterr().out
    for word in (*KEYS, *(preset.key for preset in PRESETS)):
        assert re.search(rf"(^|\s){word}[,.\s]", text), word
    assert cli.main(["report", "--help"], command_line.register) == 0
    assert f"The plots: {', '.join(KEYS)}." in capsys.readouterr().out


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
def test_every_plot_in_one_figure_in_every_format(qapp, seed, tmp_path, ending):
    out = tmp_path / f"all{ending}"
    asked = [word for key in KEYS for word in ("--plot", key)]
    assert run(qapp, "plot", seed, *asked, "-o", out) == 0
    assert out.stat().st_size > 10_000
    if ending == ".svg":
        assert "int8 scale-only and int8 symmetric: 3 of 3 values differ" in words(out)


def test_size_resolution_theme_and_text_are_as_asked_for(qapp, seed, tmp_path, capsys):
    out = tmp_path / "a.png"
    size = ("--width", 100, "--height", 80, "--dpi", 127, "--theme", "dark", "--font", 7.5)
    assert run(qapp, "plot", seed, "--plot", "signal", "-o", out, *size) == 0
    image = QImage(str(out))
    assert (image.width(), image.height()) == (500, 400)
    assert image.pixelColor(0, 0).lightness() < 40
    assert "100 × 80 mm, text of 7.5 pt" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ending", "dpi", "less"),
    [("svg", 600, True), ("pdf", 600, True), ("png", 600, False), ("svg", 150, False)],
)
def test_an_image_coarser_than_was_asked_for_is_noted(qapp, tmp_path, capsys, ending, dpi, less):
    out, values = tmp_path / f"a.{ending}", np.random.default_rng(0).normal(size=(1200, 2000))
    np.save(tmp_path / "x.npy", values.astype(np.float32))
    sizes = "--width", 120, "--height", 80, "--dpi", dpi
    assert run(qapp, "plot", tmp_path / "x.npy", "--plot", "image", "-o", out, *sizes) == 0
    said = capsys.readouterr().err
    assert ("note: The image has" in said) == less
    if less and ending == "svg":
        told = float(re.search(r"has (\d+) dpi, not 600", said)[1])
        text = out.read_text()
        found = re.findall(r'<image [^>]*width="([\d.]+)"[^>]*base64,([^"]+)"', text)
        width, data = max(found, key=lambda one: len(one[1]))
        pixels = QImage.fromData(base64.b64decode(data)).width()
        assert pixels / (float(width) / 96) == pytest.approx(told, rel=0.02)
    # A picture of few cells lacks nothing.
    np.save(tmp_path / "few.npy", values[:20, :30].astype(np.float32))
    assert run(qapp, "plot", tmp_path / "few.npy", "--plot", "image", "-o", out, *sizes) == 0
    assert "note:" not in capsys.readouterr().err


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_presets_are_known_by_name(qapp, seed, tmp_path, preset, capsys):
    out = tmp_path / "a.svg"
    assert run(qapp, "plot", seed, "--plot", "error", "-o", out, "--preset", preset.key) == 0
    root = ElementTree.parse(out).getroot()
    number, unit = re.fullmatch(r"([\d.]+)(mm|in)", root.get("width")).groups()
    assert float(number) * (25.4 if unit == "in" else 1) == pytest.approx(preset.width, abs=0.01)


def test_larger_text_takes_a_higher_figure_where_no_size_is_given(qapp, seed, tmp_path):
    plots = ("--plot", "signal", "--plot", "error")
    assert run(qapp, "plot", seed, *plots, "-o", tmp_path / "a.svg", "--font", 14) == 0


def test_a_range_is_that_of_the_first_plot_and_of_those_with_its_axis(qapp, tmp_path):
    np.save(tmp_path / "ramp.npy", np.linspace(-1, 1, 1000, dtype=np.float32))
    out = tmp_path / "a.svg"
    plots = ("--plot", "signal", "--plot", "error", "--plot", "transfer")
    assert run(qapp, "plot", tmp_path / "ramp.npy", *plots, "-o", out, "--range", "10,20") == 0
    assert words(out).count("Shown: positions 10 to 20 of 0…999") == 2
    plots = ("--plot", "transfer", "--plot", "signal")
    assert run(qapp, "plot", tmp_path / "ramp.npy", *plots, "-o", out, "--range=-0.5,0.25") == 0
    assert words(out).count("Shown: values from -0.5 to 0.25") == 1
    assert "Shown: positions" not in words(out)
    out_of = ("--plot", "calibration", "-o", out)
    assert run(qapp, "plot", tmp_path / "ramp.npy", *out_of, "--range", "0.5,0.9") == 0
    assert "Shown: thresholds from 0.5 to 0.9" in words(out)


def test_an_array_of_a_file_is_picked_by_its_name(qapp, tmp_path):
    np.savez(tmp_path / "m.npz", a=SEED, b=SEED * 1000)
    out = tmp_path / "a.svg"
    assert run(qapp, "plot", f"{tmp_path}/m.npz::b", "--plot", "distribution", "-o", out) == 0
    assert "Rmax 1296" in words(out)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--plot", "nope"], "There is no plot nope; known are number-line, image,"),
        (["--plot", "error", "--preset", "nope"], "There is no preset nope; known are column,"),
        (["--plot", "error", "--preset", "slide", "--width", "9"], "either --preset or"),
        (["--plot", "error", "--width", "20"], "The plots do not fit with text"),
        (["--plot", "error", "--width", "-3"], "number above 0"),
        (["--plot", "error", "--height", "nan"], "number above 0"),
        (["--plot", "error", "--font", "900"], "--font lies between 4 and 72"),
        (["--plot", "error", "--dpi", "3_00"], "whole number above 0"),
        (["--plot", "error", "--dpi", "300.5"], "whole number above 0"),
        (["--plot", "error", "--dpi", "5"], "--dpi lies between 30 and 2400"),
        (["--plot", "error", "--range", "3,1"], "range X0,X1"),
        (["--plot", "error", "--range", "1"], "range X0,X1"),
        (["--plot", "calibration", "--range", "0,1"], "its axis is logarithmic"),
        (["--plot", "difference", "--scheme", "q8_0"], "is about two schemes; give --scheme twice"),
        (["--plot", "error", "--scheme", "int8 nope"], "--scheme 'int8 nope'"),
        (["--plot", "error", "--scheme", "int8 symmetric per-channel(7)"], "axis 7"),
        ([], "--plot"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(qapp, seed, tmp_path, capsys, more, said):
    out = tmp_path / "a.svg"
    out.write_text("old")
    assert run(qapp, "plot", seed, "-o", out, *more) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1
    assert said in printed.err
    assert out.read_text() == "old"


@pytest.mark.parametrize("command", ["plot", "report"])
def test_an_ending_that_is_no_format_is_refused(qapp, seed, tmp_path, capsys, command):
    out = tmp_path / "a.gif"
    assert run(qapp, command, seed, "--plot", "error", "-o", out) == 2
    assert "-o needs a name that ends in" in capsys.readouterr().err
    assert not out.exists()


def test_values_that_no_scheme_takes_and_warnings_are_told(qapp, tmp_path, capsys):
    path, out = tmp_path / "x.npy", tmp_path / "a.svg"
    np.save(path, np.array([np.nan, np.nan], np.float32))
    assert run(qapp, "plot", path, "--plot", "error", "-o", out) == 2
    assert not out.exists()
    np.save(path, np.array([np.nan, 1.0], np.float32))
    capsys.readouterr()
    assert run(qapp, "plot", path, "--plot", "error", "-o", out) == 0
    assert "warning: 1 value is NaN" in capsys.readouterr().err


@pytest.mark.parametrize("entry", EXAMPLES, ids=lambda entry: entry.key)
def test_figures_are_those_of_the_window(picture, entry):
    schemes = entry.parsed_schemes()
    of_window = replace(picture(entry.make(), schemes), chosen=None)
    _, alone = headless.picture(entry.make(), schemes, pair=True)
    spec = FigureSpec(tuple(KEYS), 180, 520)
    assert render_svg(spec, alone) == render_svg(spec, of_window)


def test_a_report_as_markdown_has_its_title_and_names_its_files(qapp, seed, tmp_path, capsys):
    out = tmp_path / "r.md"
    plots = ("--plot", "error", "--plot", "codes")
    assert run(qapp, "report", seed, *plots, "--title", "conv1 | <b>", "-o", out) == 0
    printed = capsys.readouterr().out
    for name in ("r-error.svg", "r-codes.svg", "r.md"):
        assert name in printed and (tmp_path / name).is_file()
    text = out.read_text(encoding="utf-8")
    assert text.startswith("# Quantization of conv1 \\| \\<b\\>\n")
    assert "quantoscope-cli compare seed.npy" in text


@pytest.mark.parametrize(
    ("held", "told"),
    [("f2", "float16 (processed as float32)"), ("i8", "int64 (processed as float32)"),
     ("f4", "float32"), ("f8", "float64")],
)  # fmt: skip
@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_a_report_says_the_type_in_the_file_and_the_one_worked_in(
    qapp, tmp_path, held, told, ending
):
    given, out = tmp_path / f"in{ending}", tmp_path / "out.md"
    values = np.arange(-3, 4).astype(held)
    if ending == ".npy":
        np.save(given, values)
    else:
        np.savez(given, other=np.ones(2, "u1"), w=values)
    name = given if ending == ".npy" else f"{given}::w"
    assert run(qapp, "report", name, "--scheme", "int8 symmetric", "-o", out) == 0
    assert f"| Type | {told} |" in out.read_text("utf-8")


def test_the_commands_of_a_report_print_the_same_figures(seed, tmp_path):
    out = tmp_path / "r.md"
    assert start("report", seed, "--scheme", "int8 symmetric", "-o", out).returncode == 0
    command = re.search(r"```sh\n(.*?)\nquantoscope-cli report", out.read_text("utf-8"), re.DOTALL)[
        1
    ]
    words = shlex.split(command.replace("\\\n", " "))
    assert words[0] == "quantoscope-cli"
    words[words.index("seed.npy")] = str(seed)
    printed = start(*words[1:]).stdout
    assert "0.0102066" in printed and "int8 symmetric" in printed


# Calls without a command


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["extarct", "seed.npy", "-o", "y.npy"], "no command or file 'extarct'"),
        (["compre", "seed.npy"], "did you mean compare?"),
        (["Compare", "seed.npy"], "did you mean compare?"),
        (["reprot", "seed.npy", "-o", "y.html"], "did you mean report?"),
        (["qunatize"], "did you mean quantize?"),
        (["zzz"], "the commands are quantize, compare, params, list, plot, report"),
        (["--hepl"], "did you mean --help?"),
        (["--compare", "seed.npy"], "did you mean compare?"),
        (["seed.npy", "-o", "y.npy"], "no option '-o' without a command"),
        (["missing.npy"], "There is no file 'missing.npy'."),
        (["missing.npz::weight"], "There is no file 'missing.npz::weight'."),
        (["a/b.npy", "c.npy"], "There are no files 'a/b.npy', 'c.npy'."),
    ],
)
def test_a_mistyped_call_ends_in_one_sentence_and_opens_no_window(
    seed, words, says, capsys, monkeypatch
):
    monkeypatch.chdir(seed.parent)
    monkeypatch.setattr("quantoscope.gui.app.main", lambda words: pytest.fail("a window opened"))
    assert program.main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert err.startswith("quantoscope: ") and err.count("\n") == 1
    assert os.listdir() == ["seed.npy"]


@pytest.mark.parametrize(
    "words",
    [[], ["seed.npy"], ["seed.npy", "missing.npy"], ["missing.npy", "seed.npy"], ["-psn_0_12"],
     ["compar"], ["compar", "-o"], ["seed.npy::x"]],
)  # fmt: skip
def test_files_that_are_there_open_the_window_whatever_they_are_called(seed, words, monkeypatch):
    monkeypatch.chdir(seed.parent)
    for name in ("compar", "-o"):
        (seed.parent / name).write_text("1\n2\n")
    opened = []
    monkeypatch.setattr("quantoscope.gui.app.main", lambda words: opened.append(words) or 0)
    assert program.main(words) == 0
    assert opened == [words]


def test_what_a_desktop_adds_to_a_call_is_no_file():
    assert command_line.files_of(["-psn_0_12", "a.npy"]) == [Path("a.npy")]


@pytest.mark.parametrize(("size", "named"), [(1.7e308, "×1e308"), (3e-320, "×1e-320")])
def test_figures_of_numbers_at_the_ends_of_float64_name_the_power_of_ten(
    qapp, tmp_path, size, named
):
    np.save(tmp_path / "ends.npy", np.array([-1.0, 0.25, 1.0]) * size)
    plots = [word for key in headless.KEYS for word in ("--plot", key)]
    schemes = ["--scheme", "int8 symmetric", "--scheme", "e4m3fn symmetric"]
    out = tmp_path / "ends.svg"
    tall = ["--height", 700]
    assert run(qapp, "plot", tmp_path / "ends.npy", *plots, *schemes, *tall, "-o", out) == 0
    assert named in words(out)
    assert run(qapp, "report", tmp_path / "ends.npy", *schemes, "-o", tmp_path / "r.html") == 0
    if size < 1:
        part = ["--plot", "distribution", f"--range=0,{size / 2}"]
        assert run(qapp, "plot", tmp_path / "ends.npy", *part, *schemes, "-o", out) == 0
        assert "Shown: values from 0 to 1.5" in words(out)


@pytest.mark.parametrize("ends", ["500,600", "0,1e12", "0,1e-300"])
def test_a_part_that_shows_nothing_of_the_plot_is_refused(qapp, tmp_path, capsys, ends):
    np.save(tmp_path / "few.npy", np.linspace(-1, 1, 50))
    more = ["--plot", "distribution", "--range", ends, "-o", tmp_path / "x.png"]
    assert run(qapp, "plot", tmp_path / "few.npy", *more) == 2
    assert "distribution, whose axis goes from -1" in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()
