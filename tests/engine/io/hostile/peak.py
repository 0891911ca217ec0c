"""A process that measures how much memory opening a file takes, in a child for each file.

One path per line comes in; one line of JSON goes out: the bytes beyond those before, at the peak,
and what came of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[4]
sys.path.insert(0, str(ROOT))

from quantoscope.engine import cli, io  # noqa: E402
from quantoscope.engine.io import qscope  # noqa: E402


def _status(word: str) -> int:
    with open("/proc/self/status", encoding="ascii") as stream:
        return next(int(line.split()[1]) << 10 for line in stream if line.startswith(word))


def _open(path: Path) -> str:
    """Do what the window and the command line do first; return the sentence, if it is one."""
    try:
        infos = io.list_tensors(path)
    except io.FormatError as error:
        return str(error)
    source = None
    with contextlib.suppress(ImportError):
        source = import_module("quantoscope.gui.document.tensors").of_file(path, infos)
    only = len(infos) == 1
    # The window and the command line are two processes: neither keeps what the other has.
    del source, infos
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        for form in ([], ["--json"]):
            if cli.main(["list", str(path), *form]):
                return "the list cannot be printed"
    try:
        if only:
            io.load(path)
        if path.suffix == ".qscope":
            qscope.read(path)
    except io.FormatError as error:
        return str(error)
    return ""


def main() -> None:
    """Answer until there are no more paths."""
    for known in io.READERS:
        known.load_module()
    for package in ("gguf", "quantoscope.gui.document.tensors"):
        with contextlib.suppress(ImportError):
            import_module(package)
    for line in sys.stdin:
        path = Path(line.rstrip("\n"))
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            before, started = _status("VmRSS"), time.process_time()
            try:
                what = _open(path)
            except BaseException as error:  # That is what is being looked for.
                what = f"{type(error).__name__}: {error}"[:300]
            answer = {
                "bytes": _status("VmHWM") - before,
                "seconds": time.process_time() - started,
                "what": what,
            }
            os.write(writing, json.dumps(answer).encode() + b"\n")
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as stream:
            sys.stdout.write(stream.readline().decode() or "{}\n")
        os.waitpid(pid, 0)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
