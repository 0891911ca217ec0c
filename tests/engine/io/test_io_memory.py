"""Opening a file takes no more memory than four times its size and 64 MB, whatever is in it.

Files that are all names, metadata and texts are opened as the window and the command line open
them, in a process that is measured (``hostile/peak.py``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from quantoscope.engine import io
from quantoscope.engine.io.base import most_memory
from quantoscope.engine.io.budget import Budget, bytes_each
from tests.engine.io.hostile.amplifiers import AMPLIFIERS

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="how much memory a process takes is counted as Linux does"
)
Measure = Callable[[Path], dict[str, Any]]


@pytest.fixture(scope="module")
def measure() -> Iterator[Measure]:
    """Tell how many bytes opening a file takes at the peak, and what came of it."""
    worker = Path(__file__).parent / "hostile" / "peak.py"
    # Threads of numpy's, and a heap of its own for each thread, would count as memory taken.
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MALLOC_ARENA_MAX")
    environment = os.environ | dict.fromkeys(names, "1")
    command = [sys.executable, str(worker)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(path: Path) -> dict[str, Any]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            answer: dict[str, Any] = json.loads(process.stdout.readline())
            return answer

        yield ask
        process.stdin.close()


@pytest.mark.parametrize("ending", [known.endings[0] for known in io.READERS])
def test_names_metadata_and_texts_take_no_more_than_a_file_may(
    ending: str, measure: Measure
) -> None:
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    wrong = []
    with tempfile.TemporaryDirectory(dir=place) as folder:
        path = Path(folder) / f"x{ending}"
        for name, data in AMPLIFIERS[ending]():
            path.write_bytes(data)
            answer, most = measure(path), most_memory(len(data))
            if answer.get("bytes", most + 1) > most:
                wrong.append(f"{name}: {answer} of {most:,}")
            what = answer.get("what", ".")
            if what and (not what.endswith(".") or "memory of this machine" in what):
                wrong.append(f"{name}: {what}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "text",
    ["", "a" * 50, *(sign * 50 for sign in "éł\N{ROCKET}"), "a\u0142"]
    # One sign makes all the others as wide as it is.
    + ["a" * 500 + sign for sign in "éł\uffff\U00010000\N{ROCKET}\U0003ffff\U0010ffff"],
)
def test_texts_are_counted_before_they_are_made(text: str) -> None:
    def left(call: Callable[[Budget], object]) -> int:
        budget = Budget(Path("x"), 0)
        before = budget._left
        call(budget)
        return before - budget._left

    data = text.encode()
    assert left(lambda budget: budget.text(data)) >= sys.getsizeof(text) + len(data) - 8
    joined = sys.getsizeof("".join((text, text)))
    assert left(lambda budget: budget.take_joined(text, text)) >= joined - 16
    assert bytes_each(text) in (1, 2, 4)


def test_a_file_says_that_its_names_take_too_much() -> None:
    budget = Budget(Path("model.onnx"), 100)
    with pytest.raises(io.FormatError) as caught:
        budget.take(1 << 30)
    assert str(caught.value) == (
        "model.onnx has more names and other texts than fit into the 67,109,264 bytes of memory "
        "that a file of 100 bytes may take here."
    )
