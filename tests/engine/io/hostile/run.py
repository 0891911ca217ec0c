"""Damages files for as long as is wanted: ``python tests/engine/io/hostile/run.py --seconds 600``.

What a reader got wrong is saved into ``tests/engine/io/corpus``, whose files the tests try again.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[4]
sys.path.insert(0, str(ROOT))

from tests.engine.io.hostile.harness import Result, Workers  # noqa: E402
from tests.engine.io.hostile.seeds import SEEDS  # noqa: E402

CORPUS = Path(__file__).parents[1] / "corpus"
FAMILIES = ("havoc", "havoc", "number", "flip")
BATCH = {".h5": 25}
"""How many files are tried at a stretch, where it is not 400."""


def main() -> int:
    """Try files until the time is over, and print what each reader was given and got wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--start", type=int, default=1_000_000, help="the number of the first file")
    parser.add_argument("--only", action="append", choices=list(SEEDS), help="an ending")
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    totals = {ending: Result() for ending in options.only or SEEDS}
    # Memory rather than a disk, where there is such a place.
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory() as seeds, tempfile.TemporaryDirectory(dir=place) as folder:
        cases = []
        for ending in totals:
            for i, make in enumerate(SEEDS[ending].values()):
                seed = Path(seeds) / f"seed{i}{ending}"
                make(seed)
                cases.append((ending, seed))
        with Workers(Path(folder)) as workers:
            turn = 0
            while time.monotonic() < end:
                for ending, seed in cases:
                    if time.monotonic() > end:
                        break
                    count = BATCH.get(ending, 400)
                    start = options.start + turn * count
                    family = FAMILIES[turn % len(FAMILIES)]
                    result = workers.batch(seed, ending, family, start, start + count)
                    _add(totals[ending], result, ending)
                turn += 1
    for ending, total in totals.items():
        note = f", {total.crashes} crashes of the library" if ending == ".h5" else ""
        note += f", {total.overtime} too slow" if ending == ".h5" else ""
        print(f"{ending}: {total.tried:,} files, {len(total.found)} wrong{note}")
    return any(total.found for total in totals.values())


def _add(total: Result, result: Result, ending: str) -> None:
    total.tried += result.tried
    total.crashes += result.crashes
    total.overtime += result.overtime
    known = {text.partition(": ")[2] for text, _ in total.found}
    for text, data in result.found:
        total.found.append((text, data))
        if text.partition(": ")[2] not in known:
            CORPUS.mkdir(exist_ok=True)
            path = CORPUS / f"{hashlib.sha256(data).hexdigest()[:12]}{ending}"
            path.write_bytes(data)
            print(f"{path.name}: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
