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
    """Placeholder for the object of an unknown name, with its contents.

    Attributes
    ----------
    name : str
        Name of its class or factory.
    arguments : tuple
    state : object
        Attributes.
    items : list
        List items.
    pairs : Pairs or None
        Dictionary items.
    """

    name: str
    arguments: tuple[object, ...]
    state: object = None
    items: list[object] | None = None
    pairs: Pairs | None = None

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

    Parameters
    ----------
    stream : binary stream
        Positioned at the start of the pickle, afterwards at its end.
    size : int
        Number of bytes available.
    names : mapping
        Meaning of each name.
    persistent : callable, optional
        Resolves a persistent reference.
    whole : int, optional
        Size of the file around the pickle in bytes.
    budget : Budget, optional
        Budget that texts are charged to.

    Attributes
    ----------
    used : int
        Number of bytes read.
    steps : int
        Number of opcodes executed.
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
        self.used = self.steps = 0
        self._stream, self._size = stream, size
        self._names, self._persistent = names, persistent
        self._budget = Budget(Path(), max(size, whole)) if budget is None else budget
        self._stack: list[object] = []
        self._marks: list[int] = []
        self._memo: list[object] = []

    def run(self) -> object:
        """Return the value that the pickle describes.

        Raises
        ------
        PickleError
        """
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

    def _frame(self) -> None:
        self._take(8)

    def _mark(self) -> None:
        self._marks.append(len(self._stack))

    def _integer(self, width: int) -> None:
        length = self._number(width)
        if length > _MAX_INTEGER:
            raise PickleError("is damaged: its pickle has an endless number")
        self._stack.append(int.from_bytes(self._take(length), "little", signed=True))

    def _packed(self, form: str) -> None:
        self._stack += struct.unpack(form, self._take(struct.calcsize(form)))

    def _text(self, width: int) -> None:
        self._stack.append(self._budget.text(self._payload(width)))

    def _data(self, width: int) -> None:
        self._stack.append(self._payload(width))

    def _constant(self, value: object) -> None:
        self._stack.append(value)

    def _new(self, kind: Callable[[], object]) -> None:
        self._stack.append(kind())

    def _tuple_of(self, count: int) -> None:
        values = [self._pop() for _ in range(count)]
        self._stack.append(tuple(reversed(values)))

    def _tuple_since_mark(self) -> None:
        self._stack.append(tuple(self._since_mark()))

    def _append(self) -> None:
        self._extend([self._pop()])

    def _extend_all(self) -> None:
        self._extend(self._since_mark())

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
        self._set([key, value])

    def _set_items(self) -> None:
        self._set(self._since_mark())

    def _set(self, values: list[object]) -> None:
        target = self._top()
        if isinstance(target, Foreign):
            if target.pairs is None:
                target.pairs = Pairs()
            target = target.pairs
        if isinstance(target, Pairs) and len(values) % 2 == 0:
            target.entries.extend(zip(values[::2], values[1::2], strict=True))
        elif target is not INERT:
            raise PickleError("is damaged: its pickle sets items of what has none")

    def _put_at(self, width: int) -> None:
        self._put(self._number(width))

    def _memoize(self) -> None:
        self._put(len(self._memo))

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
        self._stack.append(value)

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
        self._stack.append(found)

    def _call(self) -> None:
        arguments, called = self._pop(), self._pop()
        if isinstance(called, ForeignName) and isinstance(arguments, tuple):
            self._stack.append(Foreign(called.name, arguments))
            return
        if not (isinstance(called, Call) and isinstance(arguments, tuple)):
            raise PickleError("is damaged: its pickle calls what cannot be called")
        self._stack.append(called_with(called, arguments))

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
        self._stack.append(self._persistent(reference))


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
    """Call a name with untrusted arguments.

    Raises
    ------
    PickleError
    """
    if len(arguments) > _MAX_ARGUMENTS:
        raise PickleError("is damaged: its pickle calls something with too many values")
    try:
        return called.function(*arguments)
    except TypeError:
        raise PickleError("is damaged: its pickle calls something with the wrong values") from None


def _with(method: Callable[..., None], *arguments: object) -> Callable[[Machine], None]:
    return lambda machine: method(machine, *arguments)


_INSTRUCTIONS: dict[bytes, Callable[[Machine], None]] = {
    b"\x80": Machine._protocol,
    b"\x95": Machine._frame,
    b"(": Machine._mark,
    b"N": _with(Machine._constant, None),
    b"\x88": _with(Machine._constant, True),
    b"\x89": _with(Machine._constant, False),
    b")": _with(Machine._constant, ()),
    b"K": _with(Machine._packed, "<B"),
    b"M": _with(Machine._packed, "<H"),
    b"J": _with(Machine._packed, "<i"),
    b"G": _with(Machine._packed, ">d"),
    b"\x8a": _with(Machine._integer, 1),
    b"\x8b": _with(Machine._integer, 4),
    b"\x8c": _with(Machine._text, 1),
    b"X": _with(Machine._text, 4),
    b"\x8d": _with(Machine._text, 8),
    b"U": _with(Machine._text, 1),  # Python 2 has one type for both
    b"T": _with(Machine._text, 4),
    b"C": _with(Machine._data, 1),
    b"B": _with(Machine._data, 4),
    b"\x8e": _with(Machine._data, 8),
    b"\x96": _with(Machine._data, 8),
    b"]": _with(Machine._new, list),
    b"}": _with(Machine._new, Pairs),
    b"\x8f": _with(Machine._new, list),  # a set is read as its values
    b"\x91": Machine._tuple_since_mark,
    b"\x90": Machine._extend_all,
    b"t": Machine._tuple_since_mark,
    b"\x85": _with(Machine._tuple_of, 1),
    b"\x86": _with(Machine._tuple_of, 2),
    b"\x87": _with(Machine._tuple_of, 3),
    b"a": Machine._append,
    b"e": Machine._extend_all,
    b"s": Machine._set_item,
    b"u": Machine._set_items,
    b"q": _with(Machine._put_at, 1),
    b"r": _with(Machine._put_at, 4),
    b"\x94": Machine._memoize,
    b"h": _with(Machine._get, 1),
    b"j": _with(Machine._get, 4),
    b"c": Machine._name,
    b"\x93": Machine._name_from_stack,
    b"R": Machine._call,
    b"\x81": Machine._call,
    b"\x92": Machine._call_with_names,
    b"b": Machine._build,
    b"Q": Machine._refer,
}
