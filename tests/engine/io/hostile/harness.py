"""Runs batches of damaged files in worker processes, and tells which file did what."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WORKER = Path(__file__).with_name("worker.py")
PATIENCE = 60.0
"""Seconds without any progress after which a worker hangs for good."""


@dataclass
class Result:
    """What came of a batch.

    Attributes
    ----------
    tried : int
        How many files.
    crashes : int
        How many children for HDF5 crashed, which is what they are for.
    overtime : int
        How many of them the system ended because they took too long.
    found : list of (str, bytes)
        What was wrong, with the file that it was wrong with.
    """

    tried: int = 0
    crashes: int = 0
    overtime: int = 0
    found: list[tuple[str, bytes]] = field(default_factory=list)


class Workers:
    """A worker process, started anew whenever a file has killed it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def batch(
        self, seed: Path, ending: str, family: str, start: int, stop: int, step: int = 1
    ) -> Result:
        """Try the mutants ``start … stop`` of a family."""
        from tests.engine.io.hostile import mutants

        job = {"seed": str(seed), "ending": ending, "family": family, "step": step}
        made, whole = mutants.FAMILIES[family], seed.read_bytes()
        result = Result()
        while start < stop:
            answer = self._ask(job | {"start": start, "stop": stop})
            if isinstance(answer, dict):
                result.tried += answer["tried"]
                result.crashes += answer["crashes"]
                result.overtime += answer["overtime"]
                named = ((f"{family} {i}: {text}", made(whole, i)) for i, text in answer["found"])
                result.found += named
                break
            # It is dead; the number of the file that did it is what it left.
            i = int((self._folder / "number").read_bytes() or b"0")
            result.found.append((f"{family} {i}: {answer}", made(whole, i)))
            result.tried += len(range(start, i + 1, step))
            start = i + step
        return result

    def one(self, path: Path) -> Result:
        """Try a file as it is, read and mapped."""
        answer = self._ask({"path": str(path)})
        if isinstance(answer, str):
            return Result(1, found=[(answer, path.read_bytes())])
        data = [(text, path.read_bytes()) for _, text in answer["found"]]
        return Result(answer["tried"], answer["crashes"], answer["overtime"], data)

    def _ask(self, job: dict[str, Any]) -> dict[str, Any] | str:
        """Return the worker's answer, or how it ended."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(job).encode() + b"\n")
        process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            before = None
            while not selector.select(PATIENCE):
                number = self._folder / "number"
                now = number.read_bytes() if number.exists() else b""
                if now == before:
                    self._end()
                    return f"no progress for {PATIENCE:g} s"
                before = now
        line = process.stdout.readline()
        if not line:
            status = process.wait()
            self._end()
            return f"the process ended with status {status}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        (self._folder / "number").write_bytes(b"")
        # Threads of numpy's, and a heap of its own for each thread, would count as memory taken.
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MALLOC_ARENA_MAX")
        environment = os.environ | dict.fromkeys(names, "1")
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER), str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            for stream in (self._process.stdin, self._process.stdout):
                assert stream is not None
                stream.close()
            self._process.wait()
            self._process = None
