"""Ten thousand random edits, undos and redos end where a plain model ends, byte for byte."""

import gc
import random
import tracemalloc
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from quantoscope.engine import Scheme
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.tensors import source_of_array
from quantoscope.gui.panes import values_edit
from quantoscope.gui.workers.background import Background

SCHEMES = ("int8 symmetric", "uint8 asymmetric", "int4 scale-only", "int8 symmetric percentile(99)",
           "uint4 asymmetric manual(-1,1)", "int16 symmetric")  # fmt: skip
SEEDS = {1: 2000, 2: 2000, 3: 2000, 4: 2000, 5: 1800, 6: 200}
"""So many steps with that seed; those of the last one in a real window."""
WINDOW = 6
SPECIAL = np.array(
    [0, 1 << 31, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00001, 0x7FC12345, 0x7F800001, 0xFFBFFFFF,
     1, 0x80000001, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x3F800000],
    np.uint32,
).view(np.float32)  # fmt: skip
"""Zeros, infinities, NaN of many kinds, subnormals, and the ends of the range."""
QUIET = ~(np.isnan(SPECIAL) & (SPECIAL.view(np.uint32) & 1 << 22 == 0))
"""All but the signalling NaN, of which numpy warns where a plot or a glance widens them."""


@dataclass(frozen=True)
class State:
    """All that undo reaches: the bits of every value, and the schemes."""

    values: tuple[tuple[int, ...], ...]
    schemes: tuple[tuple[int, str], ...]
    active: int | None
    of: int | None = None
    """The tensor that the step to this state was done to, if it was to one."""
    place: str = ""
    """Where the step was done, of steps that merge."""


@dataclass
class Model:
    """What a document should do, with lists of numbers and a list of states."""

    states: list[State]
    at: int = 0
    shown: int = 0
    names: list[int] = field(default_factory=lambda: list(range(1, 100_000)))

    @property
    def now(self):
        return self.states[self.at]

    def push(self, state):
        before = self.now
        del self.states[self.at + 1 :]
        if state.place and state.place == before.place and self.at:
            self.states[self.at] = state
            earlier = self.states[self.at - 1]
            if (state.schemes, state.active) == (earlier.schemes, earlier.active):
                del self.states[self.at]
                self.at -= 1
        else:
            self.states.append(state)
            self.at += 1

    def put(self, changed):
        values = list(self.now.values)
        values[self.shown] = tuple(changed)
        self.push(replace(self.now, values=tuple(values), of=self.shown, place=""))

    def undo(self):
        if self.at:
            self.shown = self.shown if self.now.of is None else self.now.of
            self.at -= 1

    def redo(self):
        if self.at + 1 < len(self.states):
            self.at += 1
            self.shown = self.shown if self.now.of is None else self.now.of

    def list(self, schemes, active, place=""):
        self.push(replace(self.now, schemes=tuple(schemes), active=active, of=None, place=place))


def bits(array):
    """The values of an array as whole numbers, one for each pattern of bits."""
    kind = {4: np.uint32, 8: np.uint64}[array.itemsize]
    return tuple(array.reshape(-1).view(kind).tolist())


class Both:
    """A session and its model, to which the same things are done."""

    def __init__(self, session, seed, signals=True):
        self.signals = signals
        self.session, self.random = session, random.Random(seed)
        self.numbers = np.random.default_rng(seed)
        arrays = [self.fresh(np.float32, 60), self.fresh(np.float64, 35).reshape(5, 7),
                  self.fresh(np.float32, 700)]  # fmt: skip
        self.sources = [
            source_of_array(f"tensor {place}", array) for place, array in enumerate(arrays)
        ]
        session.start(np.zeros(1, np.float32), "first", None, [Scheme.parse(SCHEMES[0])])
        for source in self.sources:
            session.add(source)
        session.show(self.sources[0].tensors[0])
        self.uids = {0: session.entries[0].uid}
        self.acts = [
            *(self.set_one, self.set_one, self.set_one, self.paste, self.paste_block),
            *(self.fill_down, self.insert, self.remove, self.add_scheme, self.remove_scheme),
            *(self.move_scheme, self.change_scheme, self.turn, self.undo, self.redo),
        ]
        first = State(tuple(map(bits, arrays)), ((0, str(session.entries[0].scheme)),), 0)
        self.model = Model([first])

    def fresh(self, dtype, count):
        """Values of every kind; half of them the unusual ones."""
        values = self.numbers.normal(size=count).astype(dtype)
        unusual = self.numbers.random(count) < 0.5
        chosen = self.numbers.choice(SPECIAL if self.signals else SPECIAL[QUIET], count)
        if dtype == np.float64:
            kinds = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -1e-310, 1.7e308])
            chosen = self.numbers.choice(kinds, count)
        values[unusual] = chosen[unusual]
        return values

    @property
    def shape(self):
        return self.session.array.shape

    @property
    def bits(self):
        return list(self.model.now.values[self.model.shown])

    def some(self, most):
        """The first place, and how many, of a stretch."""
        size = self.session.array.size
        start = self.random.randrange(size + 1)
        return start, min(self.random.randrange(1, most), size - start)

    # What can be done

    def set_one(self):
        if not self.session.array.size:
            return
        index = self.random.randrange(self.session.array.size)
        new = self.fresh(self.session.array.dtype, 1)
        # A Python number has no signalling NaN.
        new[np.isnan(new)] = np.nan
        changed = self.bits
        was, changed[index] = changed[index], bits(new)[0]
        commands.edit_value(self.session, index, float(new[0]))
        if was != changed[index]:
            self.model.put(changed)

    def paste(self):
        row, count = self.some(30)
        new = self.fresh(self.session.array.dtype, max(count, 1))
        changed = self.bits
        if len(self.shape) == 1:
            # Beyond the end it grows.
            changed[row : row + len(new)] = bits(new)
        elif row + len(new) <= len(changed):
            changed[row : row + len(new)] = bits(new)
        else:
            assert values_edit.paste(self.session, new, row, np.zeros(0, np.intp), lambda r: r)
            return
        none = np.zeros(0, np.intp)
        size = self.session.array.size
        assert not values_edit.paste(self.session, new, row, none, lambda r: r[r < size])
        self.model.put(changed)

    def paste_block(self):
        if len(self.shape) != 2:
            return
        rows, columns = self.shape
        row, column = self.random.randrange(rows), self.random.randrange(columns)
        height = self.random.randint(1, rows - row)
        width = self.random.randint(1, columns - column)
        new = self.fresh(self.session.array.dtype, height * width).reshape(height, width)
        changed = self.bits
        for at in range(height):
            start = (row + at) * columns + column
            changed[start : start + width] = bits(new[at])
        assert not values_edit.paste_block(self.session, new, row * columns + column)
        self.model.put(changed)

    def fill_down(self):
        row, count = self.some(20)
        if count < 2:
            return
        changed = self.bits
        changed[row : row + count] = [changed[row]] * count
        assert not values_edit.fill_down(self.session, np.arange(row, row + count))
        self.model.put(changed)

    def insert(self):
        row, count = self.random.randrange(self.session.array.size + 1), self.random.randint(1, 9)
        if len(self.shape) != 1 or len(self.bits) > 900:
            return
        changed = self.bits
        changed[row:row] = [0] * count
        assert not values_edit.insert(self.session, row, count)
        self.model.put(changed)

    def insert_first(self):
        assert not values_edit.insert(self.session, 0, 1)
        self.model.put([0, *self.bits])

    def remove(self):
        size = self.session.array.size
        if len(self.shape) != 1 or not size:
            return
        rows = sorted(self.random.sample(range(size), min(size, self.random.randint(1, 9))))
        changed = [value for place, value in enumerate(self.bits) if place not in rows]
        assert not values_edit.remove(self.session, np.array(rows))
        self.model.put(changed)

    def add_scheme(self):
        schemes, text = list(self.model.now.schemes), self.random.choice(SCHEMES)
        if len(schemes) > 1:
            return
        name = self.model.names.pop()
        commands.add_scheme(self.session, Scheme.parse(text))
        self.uids[name] = self.session.entries[-1].uid
        self.model.list([*schemes, (name, str(Scheme.parse(text)))], name)

    def remove_scheme(self):
        schemes, active = list(self.model.now.schemes), self.model.now.active
        if not schemes:
            return
        place = self.random.randrange(len(schemes))
        name, _ = schemes.pop(place)
        if active == name and schemes:
            active = schemes[min(place, len(schemes) - 1)][0]
        commands.remove_entry(self.session, self.uids[name])
        self.model.list(schemes, active if schemes else None)

    def move_scheme(self):
        schemes = list(self.model.now.schemes)
        if len(schemes) < 2:
            return
        old, new = self.random.randrange(len(schemes)), self.random.randrange(len(schemes))
        commands.move_entry(self.session, self.uids[schemes[old][0]], new)
        if old != new:
            schemes.insert(new, schemes.pop(old))
            self.model.list(schemes, self.model.now.active)

    def change_scheme(self):
        schemes = list(self.model.now.schemes)
        if not schemes:
            return
        place, text = self.random.randrange(len(schemes)), self.random.choice(SCHEMES)
        where = self.random.choice(("", "bits"))
        name, old = schemes[place]
        commands.set_scheme(self.session, self.uids[name], Scheme.parse(text), where)
        schemes[place] = (name, str(Scheme.parse(text)))
        if schemes[place][1] != old:
            self.model.list(schemes, self.model.now.active, where and f"{name} {where}")

    def turn(self):
        self.model.shown = self.random.randrange(len(self.sources))
        self.session.show(self.sources[self.model.shown].tensors[0])

    def undo(self):
        for _ in range(self.random.randint(1, 6)):
            self.session.undo_stack.undo()
            self.model.undo()

    def redo(self):
        for _ in range(self.random.randint(1, 6)):
            self.session.undo_stack.redo()
            self.model.redo()

    def step(self):
        self.random.choice(self.acts)()

    # Whether both are the same

    def check(self):
        session, state = self.session, self.model.now
        assert session.current is self.sources[self.model.shown].tensors[0]
        assert tuple(bits(source.tensors[0].array) for source in self.sources) == state.values
        entries = [(entry.uid, str(entry.scheme)) for entry in session.entries]
        assert entries == [(self.uids[name], text) for name, text in state.schemes]
        assert session.active_uid == (None if state.active is None else self.uids[state.active])
        assert session.undo_stack.index() == self.model.at
        assert session.undo_stack.count() == len(self.model.states) - 1
        assert session.evaluator.snapshot.array is session.array


@pytest.fixture
def bare(qapp):
    """A session without a window."""
    background = Background()
    yield Session(background)
    background.shutdown()


@pytest.fixture(autouse=True)
def long_arrays_are_short(monkeypatch):
    """The longest of the three arrays is changed in place, as long ones are."""
    monkeypatch.setattr("quantoscope.gui.document.tensors.COPIED", 500)


@pytest.mark.parametrize("seed", SEEDS)
def test_thousands_of_random_edits_end_as_a_plain_model_of_them(seed, request):
    if seed == WINDOW:
        session = request.getfixturevalue("window").session
    else:
        session = request.getfixturevalue("bare")
    both = Both(session, seed, signals=seed != WINDOW)
    original = both.model.now
    for count in range(SEEDS[seed]):
        both.step()
        if count % 10 == 0:
            both.check()
    both.check()
    while both.model.at + 1 < len(both.model.states):
        both.model.redo()
        session.undo_stack.redo()
    both.check()
    final = both.model.now
    steps = session.undo_stack.count()
    assert steps > SEEDS[seed] // 50
    for _ in range(steps):
        session.undo_stack.undo()
        both.model.undo()
    assert both.model.now is original
    both.check()
    for _ in range(steps):
        session.undo_stack.redo()
        both.model.redo()
    assert both.model.now is final
    both.check()


def test_memory_is_steady_while_the_depth_of_undo_is(bare):
    both = Both(bare, 11)
    both.acts = [act for act in both.acts if act not in (both.undo, both.redo)]

    def round_trip():
        """Edits that are undone, redone and undone."""
        for _ in range(10):
            both.step()
        for there in (False, True, False):
            while bare.undo_stack.canRedo() if there else bare.undo_stack.canUndo():
                (both.model.redo if there else both.model.undo)()
                (bare.undo_stack.redo if there else bare.undo_stack.undo)()

    def memory():
        """What is held while the same tensor is shown, with one and the same step to redo."""
        bare.show(both.sources[0].tensors[0])
        both.model.shown = 0
        both.insert_first()
        both.undo()
        both.uids = {name: both.uids[name] for name, _ in both.model.now.schemes}
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    for _ in range(10):
        round_trip()
    both.check()
    tracemalloc.start()
    try:
        rounds, sizes = 30, []
        for _ in range(2):
            for _ in range(rounds):
                round_trip()
            sizes.append(memory())
    finally:
        tracemalloc.stop()
    both.check()
    # Some 1000 changes lie between. An array object takes 112 bytes, whatever it holds: were one
    # kept of each change, this would be more. Caches that fill for the first time stay below.
    assert sizes[1] - sizes[0] < 64 * 1024
