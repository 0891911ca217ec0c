"""README, guide and CONTRIBUTING: commands that run, links that lead somewhere, few words."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.engine.io import builders, containers

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
CONTRIBUTING = ROOT / ".github" / "CONTRIBUTING.md"
INDEX = ROOT / "resources" / "guide" / "index.md"
PAGES = sorted(INDEX.parent.glob("*.md"))
DOCUMENTS = [README, CONTRIBUTING, *PAGES]
MOST_WORDS = 1500
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]
ISSUES = URLS["Issues"]
RAW = URLS["Homepage"].replace("//github.com/", "//raw.githubusercontent.com/") + "/main/"

_CI = "the checks run it"
_SCREEN = "it opens a window: tests/e2e does"
_NETWORK = "it installs packages from the network"
NOT_RUN = {
    "py -m venv .venv": "it is for Windows",
    r".venv\Scripts\pip install -e .": "it is for Windows",
    r".venv\Scripts\python main.py": "it is for Windows",
    ".venv/bin/python main.py": _SCREEN,
    "quantoscope model.safetensors": _SCREEN,
    "bash .ci/run": "it runs this test",
    ".venv/bin/python tests/screenshots.py": "it writes the pictures of this checkout anew",
    ".venv/bin/python tests/benchmarks/speed.py": "it takes ten minutes, and wants them alone",
    ".venv/bin/python tests/engine/io/hostile/run.py --seconds 600": "it takes ten minutes; "
    "tests/engine/io/test_hostile.py does the same for a while",
    '.venv/bin/pip install -e ".[formats]"': _NETWORK,
    '.venv/bin/pip install -e ".[dev]"': _NETWORK,
    '.venv/bin/pip install -e ".[runtimes]" torch==2.13.0': _NETWORK,
    ".venv/bin/pip install --no-deps torchao==0.18.0 aimet-onnx==2.42.0 "
    "nvidia-modelopt==0.47.0": _NETWORK,
    ".venv/bin/python -m pytest -n auto --no-skips tests/runtimes": _CI,
    ".venv/bin/python -m pytest -n auto": _CI,
    '.venv/bin/python -m pytest -n auto -m "not slow"': "it is part of all tests",
    ".venv/bin/ruff check .": _CI,
    ".venv/bin/ruff format --check .": _CI,
    ".ci/types": _CI,
    ".venv/bin/lint-imports": _CI,
    '.venv/bin/python -c "import setuptools; setuptools.setup()" build_ext --inplace': "it builds "
    "in this checkout; tests/packaging builds elsewhere",
}
"""Commands that no test runs, and why."""

FENCE = re.compile(r"(<!-- [\w-]+ -->\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
COMMAND = re.compile(r"(bash|py|pip|python3?|quantoscope(-cli)?|\.venv[/\\]\S+) \S")
LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)]*)\)")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def prose_of(path: Path) -> str:
    """All but the fenced blocks."""
    return FENCE.sub("", text_of(path))


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of a language, without those that the checks run as they are."""
    return [
        m[3] for m in FENCE.finditer(text_of(path)) if m[2] == language and not (m[1] or "").strip()
    ]


def commands(path: Path) -> Iterator[str]:
    """Every command, in blocks and between words."""
    for block in blocks(path, "sh"):
        yield from block.replace("\\\n", " ").strip().splitlines()
    yield from (span for span in SPAN.findall(prose_of(path)) if COMMAND.match(span))


def every_document(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=named)


# Commands

RUN = [(path, c) for path in DOCUMENTS for c in commands(path) if c not in NOT_RUN]
PROGRAMS = [path for path in DOCUMENTS if blocks(path, "python")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the documents name, and the program as a checkout has it."""
    weights = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    models = {"layers.0.weight": weights, "layers.0.bias": weights[0]}
    np.save(tmp_path / "weights.npy", weights)
    (tmp_path / "model.safetensors").write_bytes(builders.safetensors(models))
    (tmp_path / "model.pt").write_bytes(
        builders.torch({"conv1.weight": weights, "conv1.bias": weights[0]})
    )
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "main.py").symlink_to(ROOT / "main.py")
    folders = [str(Path(sys.executable).parent), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(folders))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def done(*command: str) -> None:
    run = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(("path", "command"), RUN, ids=[f"{named(p)}: {c}" for p, c in RUN])
def test_every_command_runs(path: Path, command: str, folder: Path) -> None:
    if "--as onnx" in command:
        pytest.importorskip("onnx")
    before = set(folder.iterdir())
    done("bash", "-c", command)
    out = re.search(r"(?:--out|-o) (\S+)", command)
    assert set(folder.iterdir()) - before == ({folder / out[1]} if out else set())


@every_document(PROGRAMS)
def test_every_python_block_of_a_page_runs_after_those_before_it(path: Path, folder: Path) -> None:
    program = "\n".join(blocks(path, "python"))
    if "model.gguf" in program:
        values = np.zeros((2, 32), np.float32)
        quantized = {"blk.0.ffn_up.weight": containers.quantized(values, "Q8_0")}
        (folder / "model.gguf").write_bytes(containers.gguf(quantized))
    done(sys.executable, "-W", "error", "-c", program)


def test_what_is_not_run_still_stands_somewhere() -> None:
    assert set(NOT_RUN) <= {command for path in DOCUMENTS for command in commands(path)}


def test_the_documents_name_commands() -> None:
    assert {named(path) for path, _ in RUN} >= {"README.md", "resources/guide/command-line.md"}
    assert {named(path) for path in PROGRAMS} >= {"README.md", "resources/guide/notebook.md"}


# Links


def slugs(path: Path) -> set[str]:
    """The anchors of a page: its headings in small letters, words joined by hyphens."""
    heads = re.findall(r"^#{1,6} +(.+)$", prose_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def links(path: Path) -> list[str]:
    return LINK.findall(SPAN.sub("", prose_of(path)))


@every_document(DOCUMENTS)
def test_every_link_leads_somewhere_in_the_project(path: Path) -> None:
    for link in links(path):
        if link == ISSUES:
            continue
        target, _, anchor = link.partition("#")
        if target.startswith(RAW):
            # Only so does the package index show a picture.
            assert path == README and target.endswith(".png"), link
            page = ROOT / target.removeprefix(RAW)
        else:
            page = (path.parent / target).resolve() if target else path
        assert page.is_file() and page.is_relative_to(ROOT), link
        assert not anchor or anchor in slugs(page), link


@every_document(PAGES)
def test_a_page_of_the_guide_links_to_pages_and_pictures_alone(path: Path) -> None:
    for link in links(path):
        assert re.fullmatch(r"([\w-]+\.md)?(#[\w-]+)?|\.\./screenshots/[\w-]+\.png", link), link


def test_every_page_is_linked_from_the_index_and_the_index_from_the_readme() -> None:
    assert {link for link in links(INDEX) if link.endswith(".md")} == {
        page.name for page in PAGES if page != INDEX
    }
    assert named(INDEX) in links(README)
    assert URLS["Documentation"] == f"{URLS['Homepage']}/blob/main/{named(INDEX)}"


# What they say


def test_the_readme_is_short() -> None:
    assert len(text_of(README).split()) <= MOST_WORDS


@every_document(DOCUMENTS)
def test_every_file_and_folder_that_is_named_exists(path: Path) -> None:
    spans = [s for s in SPAN.findall(prose_of(path)) if "…" not in s and "*" not in s]
    roots = r"(engine|gui|resources|tests|\.ci|\.github)/[\w./-]*|[\w/.-]+\.(py|toml)"
    missing = [s for s in spans if re.fullmatch(roots, s) and not (ROOT / s).exists()]
    assert not missing


def test_the_map_of_the_house_has_every_room() -> None:
    rooms = [named(init.parent) for top in ("engine", "gui") for init in ROOT.glob(f"{top}/*/*.py")
             if init.name == "__init__.py"]  # fmt: skip
    listed = re.findall(r"^\| `((?:engine|gui)/\w+)` \|", text_of(CONTRIBUTING), re.MULTILINE)
    assert sorted(listed) == sorted(rooms)


@every_document(DOCUMENTS)
def test_a_code_gives_back_a_reconstructed_value_and_no_rebuilt_one(path: Path) -> None:
    assert "rebuil" not in text_of(path).lower()
