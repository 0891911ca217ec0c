"""Read pickles without executing anything: known names become records, unknown ones are refused.

A pickle is a program. This interpreter supports the opcodes of plain values; a name in the
pickle is looked up in a table of the caller, and nothing is imported. Time and memory are
proportional to the pickle: no opcode copies more than the pickle spells out. The
opcodes are described in the standard library's ``pickletools``, whose ``genops`` does not serve
here: it decodes lengths, lines and texts of any size before they can be refused.
"""

from __future__ import annotations

import pickletools
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from quantoscope.engine import cancellation
from quantoscope.engine.io.budget import Budget
from quantoscope.engine.text.number_parsing import printable

# A large checkpoint has about forty opcodes per tensor. One may make an object of a
# hundred bytes or more, so a short file is allowed fewer: with its data a file
# has thousands of bytes per opcode.
MAX_INSTRUCTIONS = 2_000_000
_ANYWAY, _BYTES_EACH = 400_000, 32
_MAX_ARGUMENTS = 16
_MAX_INTEGER = 1024
_MAX_NAME = 1000
_LONG = 1000
_NAMED = 400  # bytes per unknown name
_HIGHEST_PROTOCOL = 5

# Python modules whose objects training programs store beside weights.
_KEEPSAKES = {
    *("argparse", "pathlib", "datetime", "enum", "collections", "types", "decimal", "fractions"),
    *("uuid", "dataclasses", "functools"),
}
# Training programs store no other objects of the standard library: no advice on these.
_FOREIGN = {*sys.stdlib_module_names, "__builtin__"} - _KEEPSAKES
# Of these packages only classes are accepted: their functions load, call and run things.
_CLASSES_ALONE = {"torch", "numpy"}


class PickleError(ValueError):
    """Raised if a pickle is damaged or unsafe; the message follows the file's name."""


@dataclass(frozen=True, eq=False)
class Call:
    """Signature of a callable name; its arguments are untrusted."""

    function: Callable[..., object]


@dataclass(frozen=True, eq=False, slots=True)
class Pairs:
    """A dictionary as lists of keys and values; keys are never hashed."""

    entries: list[object] = field(default_factory=list)


@dataclass(frozen=True, eq=False, slots=True)
class ForeignName:
    """An unknown name."""

    name: str


@dataclass(eq=False, slots=True)
class Foreign:
    """Placeholder for the object of an unknown name, with its contents."""

    name: str  # of its class or factory
    arguments: tuple[object, ...]
    state: object = None  # its attributes
    items: list[object] | None = None  # of a list
    pairs: Pairs | None = None  # of a dictionary

    def build(self, state: object) -> None:
        """Set attributes."""
        self.state = state


@runtime_checkable
class Buildable(Protocol):
    """A record that a BUILD opcode completes."""

    def build(self, state: object) -> None:
        """Set the contents."""


class Inert:
    """An object that is ignored."""


INERT = Inert()
_UNSET = Inert()


class Machine:
    """Interpreter of one pickle.

    ``stream`` has ``size`` bytes from the start of the pickle, and is afterwards at its end;
    ``names`` gives the meaning of each name, ``persistent`` resolves a persistent reference,
    ``whole`` is the size of the file around the pickle; texts are charged to the budget.
    """

    def __init__(
        self,
        stream: BinaryIO,
        size: int,
        names: Mapping[str, object],
        persistent: Callable[[object], object] | None = None,
        whole: int = 0,
        budget: Budget | None = None,
    ) -> None:
        self._most = min(MAX_INSTRUCTIONS, _ANYWAY + max(size, whole) // _BYTES_EACH)
        self.used = self.steps = 0  # bytes read, opcodes executed
        self._stream, self._size = stream, size
        self._names, self._persistent = names, persistent
        self._budget = Budget(Path(), max(size, whole)) if budget is None else budget
        self._stack: list[object] = []
        self._marks: list[int] = []
        self._memo: list[object] = []

    def run(self) -> object:
        """Return the value that the pickle describes, or raise PickleError."""
        most = self._most
        for self.steps in cancellation.checked(range(most)):
            code = self._take(1)
            if code == b".":
                return self._pop()
            instruction = _INSTRUCTIONS.get(code)
            if instruction is None:
                raise _not_needed(code)
            instruction(self)
        raise PickleError(f"has a pickle of more than {most:,} instructions")

    def _take(self, count: int) -> bytes:
        data = self._stream.read(count) if count <= self._size - self.used else b""
        if len(data) < count:
            raise PickleError("is damaged: it ends within its pickle")
        self.used += count
        return data

    def _payload(self, width: int) -> bytes:
        """Read a length and that many bytes."""
        count = self._number(width)
        if _LONG < count <= self._size - self.used:
            self._budget.take(count)
        return self._take(count)

    def _number(self, width: int) -> int:
        return int.from_bytes(self._take(width), "little")

    def _line(self) -> str:
        data = self._stream.readline(min(_MAX_NAME, self._size - self.used))
        self.used += len(data)
        if not data.endswith(b"\n"):
            raise PickleError("is damaged: its pickle cannot be read")
        return data[:-1].decode("utf-8", "replace")

    def _pop(self) -> object:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise PickleError("is damaged: its pickle uses values that it does not have")
        return self._stack.pop()

    def _top(self) -> object:
        value = self._pop()
        self._stack.append(value)
        return value

    def _since_mark(self) -> list[object]:
        if not self._marks:
            raise PickleError("is damaged: its pickle uses values that it does not have")
        start = self._marks.pop()
        values = self._stack[start:]
        del self._stack[start:]
        return values

    # Opcodes.

    def _protocol(self) -> None:
        if self._number(1) > _HIGHEST_PROTOCOL:
            raise PickleError("has a pickle of a version that is not known here")

    def _integer(self, width: int) -> None:
        length = self._number(width)
        if length > _MAX_INTEGER:
            raise PickleError("is damaged: its pickle has an endless number")
        self._push(int.from_bytes(self._take(length), "little", signed=True))

    def _packed(self, form: str) -> None:
        self._stack += struct.unpack(form, self._take(struct.calcsize(form)))

    def _push(self, value: object) -> None:
        self._stack.append(value)

    def _text(self, width: int) -> None:
        self._push(self._budget.text(self._payload(width)))

    def _tuple_of(self, count: int) -> None:
        values = [self._pop() for _ in range(count)]
        self._push(tuple(reversed(values)))

    def _extend(self, values: list[object]) -> None:
        target = self._top()
        if isinstance(target, Foreign):
            target.items = target.items or []
            target.items += values
        elif isinstance(target, list):
            target += values
        elif target is not INERT:
            raise PickleError("is damaged: its pickle appends to what is no list")

    def _set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._set_items([key, value])

    def _set_items(self, values: list[object]) -> None:
        target = self._top()
        if isinstance(target, Foreign):
            if target.pairs is None:
                target.pairs = Pairs()
            target = target.pairs
        if isinstance(target, Pairs) and len(values) % 2 == 0:
            target.entries.extend(zip(values[::2], values[1::2], strict=True))
        elif target is not INERT:
            raise PickleError("is damaged: its pickle sets items of what has none")

    def _put(self, index: int) -> None:
        # Python 2 starts at 1; larger gaps would only allocate memory.
        if index > len(self._memo) + 1:
            raise PickleError("is damaged: its pickle has references out of order")
        while len(self._memo) <= index:
            self._memo.append(_UNSET)
        self._memo[index] = self._top()

    def _get(self, width: int) -> None:
        index = self._number(width)
        value = self._memo[index] if index < len(self._memo) else _UNSET
        if value is _UNSET:
            raise PickleError("is damaged: its pickle uses values that it does not have")
        self._push(value)

    def _name(self) -> None:
        module = self._line()
        self._look_up(module, self._line())

    def _name_from_stack(self) -> None:
        name, module = self._pop(), self._pop()
        if not (isinstance(name, str) and isinstance(module, str)):
            raise PickleError("is damaged: its pickle has a name that is no text")
        self._look_up(module, name)

    def _look_up(self, module: str, name: str) -> None:
        full = f"{module[:_MAX_NAME]}.{name[:_MAX_NAME]}"
        found = self._names.get(full, _UNSET)
        if found is _UNSET:
            if not _may_be_kept(module, name):
                raise PickleError(not_run(full))
            self._budget.take(_NAMED)
            found = ForeignName(full)
        self._push(found)

    def _call(self) -> None:
        arguments, called = self._pop(), self._pop()
        if isinstance(called, ForeignName) and isinstance(arguments, tuple):
            self._push(Foreign(called.name, arguments))
            return
        if not (isinstance(called, Call) and isinstance(arguments, tuple)):
            raise PickleError("is damaged: its pickle calls what cannot be called")
        self._push(called_with(called, arguments))

    def _call_with_names(self) -> None:
        self._pop()
        self._call()

    def _build(self) -> None:
        # On known objects these are attributes besides the values, such as the _metadata of a
        # state_dict, unless the object handles them.
        state, target = self._pop(), self._top()
        if isinstance(target, Buildable):
            target.build(state)

    def _refer(self) -> None:
        reference = self._pop()
        if self._persistent is None:
            raise PickleError("is damaged: its pickle refers to storages where there are none")
        self._push(self._persistent(reference))


def _not_needed(code: bytes) -> PickleError:
    known = [op.name for op in pickletools.opcodes if op.code.encode("latin-1") == code]
    if not known:
        return PickleError("is damaged: its pickle cannot be read")
    return PickleError(
        f"has the pickle instruction {known[0]}, which a checkpoint of tensors does not need; "
        "it was not run"
    )


def not_run(name: str) -> str:
    """Return why a name is not executed; follows the file's name."""
    own = name.partition(".")[0] not in _FOREIGN
    advice = "; save the state_dict() of the model alone" if own else ""
    return (
        f"names {printable(name, 100)}, which a checkpoint of tensors does not need; "
        f"it was not run{advice}"
    )


def _may_be_kept(module: str, name: str) -> bool:
    """Return whether an object of this name may be ignored beside tensors."""
    package = module.partition(".")[0]
    if package in _FOREIGN or (package in _KEEPSAKES and "." in name):
        return False
    return package not in _CLASSES_ALONE or name[:1].isupper()


def called_with(called: Call, arguments: tuple[object, ...]) -> object:
    """Call a name with untrusted arguments; raise PickleError if they do not fit."""
    if len(arguments) > _MAX_ARGUMENTS:
        raise PickleError("is damaged: its pickle calls something with too many values")
    try:
        return called.function(*arguments)
    except TypeError:
        raise PickleError("is damaged: its pickle calls something with the wrong values") from None


_INSTRUCTIONS: dict[bytes, Callable[[Machine], object]] = {
    b"\x80": Machine._protocol,
    b"\x95": lambda m: m._take(8),
    b"(": lambda m: m._marks.append(len(m._stack)),
    b"N": lambda m: m._push(None),
    b"\x88": lambda m: m._push(True),
    b"\x89": lambda m: m._push(False),
    b")": lambda m: m._push(()),
    b"K": lambda m: m._packed("<B"),
    b"M": lambda m: m._packed("<H"),
    b"J": lambda m: m._packed("<i"),
    b"G": lambda m: m._packed(">d"),
    b"\x8a": lambda m: m._integer(1),
    b"\x8b": lambda m: m._integer(4),
    b"\x8c": lambda m: m._text(1),
    b"X": lambda m: m._text(4),
    b"\x8d": lambda m: m._text(8),
    b"U": lambda m: m._text(1),  # Python 2 has one type for both
    b"T": lambda m: m._text(4),
    b"C": lambda m: m._push(m._payload(1)),
    b"B": lambda m: m._push(m._payload(4)),
    b"\x8e": lambda m: m._push(m._payload(8)),
    b"\x96": lambda m: m._push(m._payload(8)),
    b"]": lambda m: m._push([]),
    b"}": lambda m: m._push(Pairs()),
    b"\x8f": lambda m: m._push([]),  # a set is read as its values
    b"\x91": lambda m: m._push(tuple(m._since_mark())),
    b"\x90": lambda m: m._extend(m._since_mark()),
    b"t": lambda m: m._push(tuple(m._since_mark())),
    b"\x85": lambda m: m._tuple_of(1),
    b"\x86": lambda m: m._tuple_of(2),
    b"\x87": lambda m: m._tuple_of(3),
    b"a": lambda m: m._extend([m._pop()]),
    b"e": lambda m: m._extend(m._since_mark()),
    b"s": Machine._set_item,
    b"u": lambda m: m._set_items(m._since_mark()),
    b"q": lambda m: m._put(m._number(1)),
    b"r": lambda m: m._put(m._number(4)),
    b"\x94": lambda m: m._put(len(m._memo)),
    b"h": lambda m: m._get(1),
    b"j": lambda m: m._get(4),
    b"c": Machine._name,
    b"\x93": Machine._name_from_stack,
    b"R": Machine._call,
    b"\x81": Machine._call,
    b"\x92": Machine._call_with_names,
    b"b": Machine._build,
    b"Q": Machine._refer,
}
