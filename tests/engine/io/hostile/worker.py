"""A process that tries files on the readers, and may be killed by one; ``harness`` starts it.

One job in JSON per line comes in, one answer per line goes out. The file at hand lies in the
folder given as argument, with its number, so that a crash is known by what it left.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[4]
sys.path.insert(0, str(ROOT))

from quantoscope.engine import io  # noqa: E402
from quantoscope.engine.io import hdf5  # noqa: E402
from tests.engine.io.hostile import mutants, trial  # noqa: E402
from tests.engine.io.hostile.forks import ForkServer  # noqa: E402


def main(folder: Path) -> None:
    """Answer jobs until there are no more."""
    # What readers import themselves is none of a file's doing.
    for known in io.READERS:
        known.load_module()
    with suppress(ImportError):
        import_module("gguf")
    watch = trial.Watch()
    with ForkServer() as server:
        for line in sys.stdin:
            job = json.loads(line)
            hdf5.start = server.start
            before, slow = server.crashes, server.overtime
            answer = _batch(job, folder, watch) if "family" in job else _one(job, watch)
            answer["crashes"] = server.crashes - before
            answer["overtime"] = server.overtime - slow
            print(json.dumps(answer), flush=True)


def _one(job: dict[str, Any], watch: trial.Watch) -> dict[str, Any]:
    found = [trial.try_file(Path(job["path"]), watch, mapping) for mapping in (False, True)]
    return {"tried": 2, "found": [[0, text] for text in found if text]}


def _batch(job: dict[str, Any], folder: Path, watch: trial.Watch) -> dict[str, Any]:
    """Try the mutants of a seed with the given numbers."""
    seed = Path(job["seed"]).read_bytes()
    path = folder / f"current{job['ending']}"
    mutant = mutants.FAMILIES[job["family"]]
    path.write_bytes(seed)
    _warm_up(path)
    found: list[list[Any]] = []
    number = os.open(folder / "number", os.O_WRONLY | os.O_CREAT)
    for i in range(job["start"], job["stop"], job.get("step", 1)):
        path.write_bytes(mutant(seed, i))
        os.pwrite(number, b"%20d" % i, 0)
        # What is odd about i must not go along with what is odd about the mutant.
        text = trial.try_file(path, watch, mapping=i // 3 % 2 == 1, alone=i % 7 == 0)
        if text:
            found.append([i, text])
            if len(found) >= 20:
                break
    os.close(number)
    return {"tried": len(range(job["start"], job["stop"], job.get("step", 1))), "found": found}


def _warm_up(path: Path) -> None:
    """Have the modules loaded that reading such a file takes, before anything is watched."""
    for info in io.list_tensors(path):
        for call in (io.load, io.load_codes):
            with suppress(io.FormatError):  # numbers in another file
                call(path, info.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
