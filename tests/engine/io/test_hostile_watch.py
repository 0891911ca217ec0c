"""The watch over hostile files sees what it is there for: readers that misbehave on purpose."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of Linux")

SCRIPT = """
import os, pickle, resource, signal, subprocess, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from quantoscope.engine import io
from tests.engine.io.hostile import trial
path = Path({path!r})
io.load(path)
usual, watch = io.load, trial.Watch()
def load(path, name=None, **named):
    {deed}
    return usual(path, name, **named)
io.load = load
trial.SECONDS = 0.3
print(trial.try_file(path, watch))
"""

DEEDS = {
    "pass": "",
    "raise KeyError('x')": "KeyError",
    "raise io.FormatError('two\\nlines')": "AssertionError",
    "raise io.FormatError(f'{path.name} does not fit into the memory of this machine.')": "memory",
    "open('/etc/hostname').close()": "opened '/etc/hostname'",
    "open(path, 'ab').close()": "opened",
    "open(path.with_name('new'), 'w').close()": "opened",
    "os.system('true')": "os.system",
    "subprocess.run(['true'])": "subprocess.Popen",
    "exec('1')": "ran code",
    "eval('1')": "ran code",
    "pickle.loads(b'cos\\nsystem\\n.')": "pickle.find_class",
    "import iniconfig": "imported iniconfig",
    "bytearray(200_000_000)": "MemoryError",
    "while True: pass": "took longer",
    "return usual(path).T": "AssertionError",
    "return usual(path)[:1]": "not as listed",
}


@pytest.mark.parametrize(("deed", "words"), DEEDS.items(), ids=list(DEEDS))
def test_what_a_reader_must_not_do_is_seen(deed: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((2, 3), np.float32))
    code = SCRIPT.format(root=str(ROOT), path=str(path), deed=deed)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    said = done.stdout.strip()
    assert words in said
    assert bool(said) is bool(words)


def test_a_worker_that_dies_is_told_with_the_file_that_killed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engine.io.hostile import harness, mutants

    worker = tmp_path / "worker.py"
    worker.write_text(
        "import json, os, sys\n"
        "for line in sys.stdin:\n"
        "    job = json.loads(line)\n"
        "    if job['start'] <= 5:\n"
        "        open(sys.argv[1] + '/number', 'w').write('5'); os.abort()\n"
        "    tried = job['stop'] - job['start']\n"
        "    print(json.dumps({'tried': tried, 'crashes': 0, 'overtime': 0, 'found': []}))\n"
        "    sys.stdout.flush()\n"
    )
    monkeypatch.setattr(harness, "WORKER", worker)
    seed = tmp_path / "seed.npy"
    np.save(seed, np.zeros(3))
    with harness.Workers(tmp_path) as workers:
        result = workers.batch(seed, ".npy", "cut", 0, 20)
    assert result.tried == 20
    ((text, data),) = result.found
    assert "cut 5: the process ended with status -6" in text
    assert data == mutants.cut(seed.read_bytes(), 5)
