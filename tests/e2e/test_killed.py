"""SIGKILL at any moment of editing and saving: what was saved is whole, what was typed comes back.

The runs are those of ``tests.e2e.killed``, in processes of their own.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from quantoscope.engine.io import qscope

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no fork")

PROJECT = Path(__file__).resolve().parents[2]
PROMISE = 2.0
"""Seconds of typing that may be lost."""
RUNS, WORKERS = 50, 3
KINDS = ("small", "several", "long file", "long", "save", "small", "save", "several", "long file",
         "save")  # fmt: skip
PART = re.compile(r"\.[0-9a-f]{16}\.part")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What was told before, and found after, 50 kills."""
    first = int(os.environ.get("KILL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
    runs = []
    for place in range(RUNS):
        home = tmp_path_factory.mktemp("killed")
        seed = first + place
        runs.append({"seed": seed, "kind": KINDS[place % len(KINDS)], "home": str(home)})
    with ThreadPoolExecutor(WORKERS) as pool:
        parts = pool.map(_answers, [runs[place::WORKERS] for place in range(WORKERS)])
        return [outcome for part in parts for outcome in part]


def _answers(runs):
    """Let one process do some of the runs."""
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "OPENBLAS_NUM_THREADS": "1"}
    lines = "".join(json.dumps(run) + "\n" for run in runs)
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.killed"], cwd=PROJECT, env=env, input=lines, text=True,
        capture_output=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) | {"stderr": done.stderr} for line in done.stdout.splitlines()]


def told(outcome, *what):
    return [event for event in outcome["events"] if event["what"] in what]


def killed(outcome):
    return os.WIFSIGNALED(outcome["status"]) and os.WTERMSIG(outcome["status"]) == signal.SIGKILL


def about(outcome):
    """What to say of a run that failed; KILL_SEED=seed does the like again."""
    start = outcome["events"][0]["time"] if outcome["events"] else 0.0
    events = [
        f"{e['time'] - start:.3f} {e['what']} {e.get('state', '')}" for e in outcome["events"]
    ]
    end = f"{outcome['killed'] - start:.3f} killed"
    return "\n".join([str({k: outcome[k] for k in ("seed", "kind", "found")}), *events, end])


def each(outcomes, problem):
    """Fail with every run that has a problem."""
    bad = [f"{text}: {about(outcome)}" for outcome in outcomes if (text := problem(outcome))]
    assert not bad, "\n\n".join(bad)


def test_every_run_was_killed_while_it_edited_and_looked_at_afterwards(outcomes):
    def problem(outcome):
        if (
            not os.WIFSIGNALED(outcome["status"])
            or os.WTERMSIG(outcome["status"]) != signal.SIGKILL
        ):
            return f"it ended by itself: {outcome['stderr']}"
        if outcome["found"] is None:
            return f"the program did not start again: {outcome['stderr']}"
        return "" if told(outcome, "ready") else "it never began"

    assert len(outcomes) == RUNS
    each(outcomes, problem)
    # Else the other tests would show little. How many there are is up to chance and the machine.
    assert sum(len(told(outcome, "edit")) for outcome in outcomes) > RUNS
    assert sum(len(told(outcome, "saved")) for outcome in outcomes) >= 5
    assert sum(outcome["found"]["offered"] for outcome in outcomes) >= 2


def test_the_file_is_what_was_saved_last_or_was_being_saved(outcomes):
    def problem(outcome):
        saved, allowed = None, {None}
        for event in told(outcome, "saving", "saved"):
            if event["what"] == "saving":
                saved = event["state"]
                allowed = allowed | {saved}
            else:
                allowed = {saved}
        found = outcome["found"]["saved"]
        return "" if found in allowed else f"the file holds {found}, and should hold {allowed}"

    each(outcomes, problem)


def test_no_more_than_two_seconds_of_typing_are_lost(outcomes):
    def problem(outcome):
        states = told(outcome, "ready", "edit")
        found = outcome["found"]
        kept = found["restored"] if found["offered"] else found["saved"] or states[0]["state"]
        places = [place for place, event in enumerate(states) if event["state"] == kept]
        if not places:
            return f"the document never was as {kept}"
        needed = [p for p, e in enumerate(states) if e["time"] < outcome["killed"] - PROMISE]
        lost = needed[-1] - places[-1] if needed else 0
        return f"{lost} edits are lost" if lost > 0 else ""

    each(outcomes, problem)


def test_what_was_saved_needs_no_recovery(outcomes):
    def problem(outcome):
        last = told(outcome, "edit", "clean", "ready")[-1]
        bad = last["what"] != "edit" and outcome["found"]["offered"]
        return "what is in the file is offered all the same" if bad else ""

    each(outcomes, problem)


def test_nothing_half_written_is_taken_for_a_session_or_stays_with_what_is_kept(outcomes):
    def problem(outcome):
        found = outcome["found"]
        if found["problems"] or found.get("notes") or found.get("again"):
            return "there was something to say"
        if found["left"]:
            return "files are left"
        strange = [n for n in found["beside"] if n != "mine.qscope" and not PART.fullmatch(n)]
        # A draft of the save that was cut off is hidden, and no session.
        under_way = [event["what"] for event in told(outcome, "saving", "saved")][-1:] == ["saving"]
        parts = len(found["beside"]) - ("mine.qscope" in found["beside"])
        return "strange files" if strange or parts > under_way else ""

    each(outcomes, problem)


@pytest.mark.parametrize("end", ["killed", "full"])
def test_a_save_that_is_cut_off_anywhere_leaves_the_old_file_whole(tmp_path, end):
    file = tmp_path / "mine.qscope"
    values = np.arange(500, dtype=np.float32)
    qscope.write(file, qscope.SavedSession(tensors=(qscope.SavedTensor("old", array=values),)))
    before = file.read_bytes()
    # The new session takes 12 to 13 thousand bytes; the last ones are the list of the zip.
    rooms = [
        0,
        1,
        2,
        29,
        30,
        31,
        64,
        127,
        128,
        200,
        *range(1000, 12_000, 750),
        *range(12_000, 12_400, 16),
    ]
    runs = [{"path": str(file), "room": room, "end": end, "seed": room} for room in rooms]
    outcomes = _answers(runs)
    assert file.read_bytes() == before
    if end == "killed":
        assert all(map(killed, outcomes))
    else:
        said = "mine.qscope cannot be written: the file would be too large for this disk."
        assert all(outcome["said"] == [said] for outcome in outcomes)
    others = [path.name for path in tmp_path.iterdir() if path != file]
    assert all(PART.fullmatch(name) for name in others)
    assert len(others) == (len(rooms) if end == "killed" else 0)
