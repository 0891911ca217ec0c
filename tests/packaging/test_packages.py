"""What is installed: the packages that the folders are, one name, and nothing of anybody else's."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = ("engine", "gui", "resources")
SOURCES = sorted(path.name for path in (ROOT / "engine").glob("_loops*.[ch]"))
"""The files of the compiled loops."""
HOSTILE = "raise SystemExit('somebody else was imported')\n"


def folders():
    """The folders that hold modules, as packages."""
    for name in NAMES:
        for file in (ROOT / name).rglob("*.py"):
            yield ".".join(("quantoscope", *file.parent.relative_to(ROOT).parts))


def test_the_packages_are_the_folders_that_hold_modules():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["setuptools"]["packages"]
    assert packages == sorted(set(folders()))


def test_the_compiled_loops_are_built_anew_after_a_change_in_any_of_their_files():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (module,) = project["tool"]["setuptools"]["ext-modules"]
    assert module["sources"] + module["depends"] == [f"engine/{name}" for name in SOURCES]


def run(*command, **options):
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=250, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """What git tracks, in a folder and a repository of its own."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    place = tmp_path_factory.mktemp("checkout")
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.invalid", "-C", place]
    files = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    if files.returncode:
        pytest.skip("this is no repository of git")
    for name in filter(None, os.fsdecode(files.stdout).split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, place / name)
    run(*git, "init", "--quiet")
    run(*git, "add", "--all")
    run(*git, "commit", "--quiet", "--message", "all")
    return place


@pytest.fixture(scope="module")
def source(checkout, tmp_path_factory):
    """The source distribution."""
    place = tmp_path_factory.mktemp("source")
    build = f"from setuptools import build_meta; build_meta.build_sdist({str(place)!r})"
    run(sys.executable, "-c", build, cwd=checkout)
    (made,) = place.iterdir()
    return made


def built(source, place, **variables):
    """The wheel that the source distribution gives, with these variables of the environment."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run(*pip, "--wheel-dir", place, source, cwd=place, env={**os.environ, **variables})
    (made,) = place.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    """The wheel of a machine with a compiler."""
    return built(source, tmp_path_factory.mktemp("wheel"))


def installed(wheel, place):
    """Return the folder of programs of an environment that holds the wheel, and not the checkout.

    What Quantoscope needs is taken from this environment: its packages, but none that is editable.
    """
    venv.create(place, with_pip=False, symlinks=os.name != "nt")
    paths = sysconfig.get_paths("venv", {"base": str(place), "platbase": str(place)})
    others = [place for place in sys.path if "packages" in Path(place).name]
    Path(paths["purelib"], "others.pth").write_text("\n".join(others), encoding="utf-8")
    python = Path(paths["scripts"], Path(sys.executable).name)
    python = python if python.exists() else Path(paths["scripts"], "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index"]
    run(*pip, "--no-deps", "--ignore-installed", wheel)
    return Path(paths["scripts"])


@pytest.fixture(scope="module")
def scripts(wheel, tmp_path_factory):
    """The folder of programs of an environment that holds the wheel."""
    return installed(wheel, tmp_path_factory.mktemp("environment"))


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """Work in a folder with modules of the names of our folders, which is on PYTHONPATH too."""
    for name in ("main.py", "engine.py", "resources.py", "gui/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(HOSTILE, encoding="utf-8")
    (tmp_path / "three.csv").write_text("0.2153\n1.2962\n-1.0162\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def test_the_source_distribution_has_the_tests_and_the_changelog(source):
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"CHANGELOG.md", "README.md", "main.py", ".ci/run", "tests/conftest.py"} <= names
    assert "tests/packaging/test_packages.py" in names
    assert {f"engine/{name}" for name in SOURCES} <= names


def test_the_wheel_holds_one_name_and_no_pictures(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {
        "quantoscope"
    }
    kept = [name for name in names if name.startswith("quantoscope/resources/")]
    assert not [name for name in kept if name.endswith((".png", ".pyc"))]
    assert "quantoscope/resources/icons/open.svg" in kept
    assert "quantoscope/resources/guide/index.md" in kept
    assert "quantoscope/resources/org.quantoscope.Quantoscope.desktop" in kept


def loops_in(wheel):
    """The names of compiled modules."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert not [name for name in names if name.endswith((".c", ".h"))]
    return [name for name in names if name.startswith("quantoscope/engine/_loops.")]


def test_the_wheel_holds_the_compiled_loops_for_every_later_python(wheel, scripts):
    assert len(loops_in(wheel)) == 1
    assert "-cp311-abi3-" in wheel.name
    assert "Evaluation: compiled loops" in run(scripts / "quantoscope-cli", "--version")


@pytest.mark.skipif(os.name == "nt", reason="compilers are not found by a variable there")
def test_without_a_compiler_it_is_installed_on_numpy_alone(source, tmp_path_factory):
    wheel = built(source, tmp_path_factory.mktemp("wheel"), CC="no-such-compiler")
    assert not loops_in(wheel)
    scripts = installed(wheel, tmp_path_factory.mktemp("environment"))
    assert "Evaluation: numpy alone" in run(scripts / "quantoscope-cli", "--version")


STARTS = """
from quantoscope.gui import app
from quantoscope import resources
app.QApplication.exec = lambda *_: 0
assert app.main([]) == 0
assert app.app_icon().availableSizes() or not app.app_icon().isNull()
print(resources.__file__)
"""


def test_an_installed_wheel_starts_among_hostile_names(scripts, hostile):
    printed = run(scripts / "quantoscope-cli", "compare", "three.csv")
    assert "int8 symmetric" in printed
    python = scripts / "python"
    assert "compare" in run(python, "-m", "quantoscope.gui", "--help")
    place = run(python, "-c", STARTS, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
    assert Path(place.strip()).is_relative_to(scripts.parent)
    assert "compare" in run(scripts / "quantoscope", "--help")


def test_a_checkout_starts_among_hostile_names(hostile):
    assert "int8 symmetric" in run(sys.executable, ROOT / "main.py", "compare", "three.csv")
    assert "compare" in run(sys.executable, "-m", "quantoscope.gui", "--help")
