"""Damaged and malicious files of every kind: each gives arrays or sentences, and nothing else.

Every try runs in a worker process under watch (``hostile/trial.py``): no exception but
FormatError, no crash, no more than 2 s of processor time or four times the file and 64 MB of
memory, no other file opened, no code run. ``hostile/run.py`` tries more of them, for longer.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quantoscope.engine import io
from tests.engine.io.hostile.crafted import CRAFTED
from tests.engine.io.hostile.harness import Result, Workers
from tests.engine.io.hostile.mutants import MASKS, NUMBERS
from tests.engine.io.hostile.seeds import SEEDS

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the limits and the count of memory are those of Linux"
)
for _package in ("gguf", "h5py"):
    pytest.importorskip(_package)

CORPUS = sorted(path for path in Path(__file__).with_name("corpus").iterdir() if path.is_file())
ENDINGS = [known.endings[0] for known in io.READERS]
CASES = [(ending, name) for ending in SEEDS for name in SEEDS[ending]]
# Every look at an HDF5 file is a process of its own, and takes many times as long as another.
SLOW = (".h5",)
CUTS, FLIPS, LIES, HAVOCS, SLOWER = 1000, 1500, 500, 300, 20

Check = Callable[..., None]


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    # Memory rather than a disk, where there is such a place.
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder, Workers(Path(folder)) as started:
        yield started


@pytest.fixture
def check(record_property: Callable[[str, object], None]) -> Check:
    def check(ending: str, *results: Result) -> None:
        record_property(f"hostile {ending}", sum(result.tried for result in results))
        found = [text for result in results for text, _ in result.found]
        assert not found, "\n".join(found)

    return check


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_reader_has_sound_files_to_be_damaged_and_crafted_ones(ending: str) -> None:
    assert SEEDS[ending]
    assert CRAFTED[ending]


@pytest.mark.parametrize(("ending", "name"), CASES)
def test_damaged_files(
    ending: str, name: str, workers: Workers, tmp_path: Path, check: Check
) -> None:
    seed = tmp_path / f"seed{ending}"
    SEEDS[ending][name](seed)
    assert io.list_tensors(seed), "a sound file to begin with"
    size, slower = seed.stat().st_size, SLOWER if ending in SLOW else 1
    flips, lies = size * len(MASKS), size * len(NUMBERS)
    check(
        ending,
        workers.batch(seed, ending, "cut", 0, size, 1 + (size - 1) // CUTS),
        workers.batch(seed, ending, "flip", 0, flips, 1 + (flips * slower - 1) // FLIPS),
        workers.batch(seed, ending, "number", 0, lies, 1 + (lies * slower - 1) // LIES),
        workers.batch(seed, ending, "havoc", 0, HAVOCS // slower),
    )


@pytest.mark.parametrize("ending", ENDINGS)
def test_crafted_files(ending: str, workers: Workers, tmp_path: Path, check: Check) -> None:
    wrong = []
    tried = 0
    for what, data in CRAFTED[ending]().items():
        path = tmp_path / f"crafted{ending}"
        path.write_bytes(data)
        result = workers.one(path)
        tried += result.tried
        wrong += [(f"{what}: {text}", b"") for text, _ in result.found]
    check(ending, Result(tried, found=wrong))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_files_that_were_wrong_once(path: Path, workers: Workers, check: Check) -> None:
    check(path.suffix, workers.one(path))


@pytest.mark.parametrize(("ending", "name"), [case for case in CASES if case[0] not in SLOW])
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 4000), st.integers(0, 8), st.binary(max_size=12)),
        min_size=2,
        max_size=6,
    )
)
def test_files_changed_in_many_places(
    ending: str,
    name: str,
    changes: list[tuple[int, int, bytes]],
    workers: Workers,
    tmp_path_factory: pytest.TempPathFactory,
    check: Check,
) -> None:
    path = tmp_path_factory.getbasetemp() / f"changed{ending}"
    SEEDS[ending][name](path)
    data = bytearray(path.read_bytes())
    for place, length, put in changes:
        at = place % (len(data) + 1)
        data[at : at + length] = put
    path.write_bytes(bytes(data) or b" ")
    check(ending, workers.one(path))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_link_to_a_file_is_that_file(
    ending: str, tmp_path: Path, workers: Workers, check: Check
) -> None:
    (tmp_path / "there").mkdir()
    seed, link = tmp_path / "there" / f"seed{ending}", tmp_path / f"link{ending}"
    next(iter(SEEDS[ending].values()))(seed)
    link.symlink_to(seed)
    check(ending, workers.one(link))
    assert len(io.list_tensors(link)) == len(io.list_tensors(seed))


def test_numbers_beside_a_model_may_be_no_link_that_leads_out(
    tmp_path: Path, workers: Workers, check: Check
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(64))
    model = folder / "model.onnx"
    SEEDS[".onnx"]["external"](model)
    (folder / "beside.bin").symlink_to(tmp_path / "secret")
    check(".onnx", workers.one(model))
    with pytest.raises(io.FormatError, match="leads out"):
        io.load(model, "far", external=True)
    (folder / "beside.bin").unlink()
    (folder / "beside.bin").write_bytes(bytes(64))
    assert not io.load(model, "far", external=True).any()
