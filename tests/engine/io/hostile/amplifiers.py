"""Files whose names, metadata and texts become far larger in memory than they are on the disk.

A new reader needs its line in ``AMPLIFIERS``: files of some megabytes that are all head.
"""

from __future__ import annotations

import io as stdio
import json
import struct
import zipfile
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests.engine.io import builders
from tests.engine.io.builders import field, value

SIZE = 3_000_000
"""Bytes that each of them has, more or less."""
ROCKET = "\N{ROCKET}"
LONG = ROCKET + "a" * SIZE
ESCAPED = "\\ud83d\\ude00" * (SIZE // 12)
# In the order of the alphabet: no prefix and no suffix in common that could be shared.
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

Files = Iterator[tuple[str, bytes]]


def short_names(count: int) -> Iterator[str]:
    """Yield names of four letters, no two of them the same."""
    for number in range(count):
        name = ""
        for _ in range(4):
            number, place = divmod(number, len(_LETTERS))
            name += _LETTERS[place]
        yield name


def dumped(array: np.ndarray) -> bytes:
    stream = stdio.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=False)
    return stream.getvalue()


def safetensors() -> Files:
    parts = builders.safetensors_parts
    one = '{"dtype":"U8","shape":[],"data_offsets":[0,1]}'
    nothing = '{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
    count = 2 * SIZE // 9
    pairs = ",".join(f'"{name}":""' for name in short_names(count))
    yield "much metadata", parts(f'{{"__metadata__":{{{pairs}}},"x":{one}}}', b"1")
    text = json.dumps(LONG, ensure_ascii=False)
    yield "one sign in the metadata", parts(f'{{"__metadata__":{{"a":{text}}},"x":{one}}}', b"1")
    yield (
        "escapes in the metadata",
        parts(f'{{"__metadata__":{{"a":"{ESCAPED}"}},"x":{one}}}', b"1"),
    )
    yield "one sign in a name", parts(f"{{{text}:{one}}}", b"1")
    yield "a name of escapes", parts(f'{{"{ESCAPED}":{one}}}', b"1")
    names = short_names(SIZE // 56)
    yield "many tensors", parts("{" + ",".join(f'"{name}":{nothing}' for name in names) + "}")
    names = (f"{ROCKET}{'x' * 400}{name}" for name in short_names(SIZE // 500))
    yield "long names", parts("{" + ",".join(f'"{name}":{nothing}' for name in names) + "}")
    shape = ",".join("1" * 60)
    entry = f'{{"dtype":"U8","shape":[{shape},0],"data_offsets":[0,0]}}'
    names = short_names(SIZE // 180)
    yield "many axes", parts("{" + ",".join(f'"{name}":{entry}' for name in names) + "}")


def _zipped(members: Iterator[tuple[str, bytes]], comment: bytes = b"") -> bytes:
    stream = stdio.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members:
            member = zipfile.ZipInfo(name)
            member.comment = comment
            archive.writestr(member, data)
    return stream.getvalue()


def npz() -> Files:
    small, nothing = dumped(np.zeros(1, np.uint8)), dumped(np.zeros(0, np.uint8))
    names = short_names(SIZE // 1000)
    yield "many arrays", _zipped((f"{name}.npy", nothing) for name in names)
    names = (f"{ROCKET}{'x' * 60_000}{name}.npy" for name in short_names(SIZE // 120_000))
    yield "long names", _zipped((name, small) for name in names)
    yield (
        "many members",
        _zipped(iter([("a.npy", small), *((name, b"") for name in short_names(SIZE // 90))])),
    )
    yield (
        "long comments",
        _zipped(((f"{name}.npy", small) for name in short_names(SIZE // 65_000)), bytes(60_000)),
    )


def torch() -> Files:
    whole = builders.torch_tensor("0", "ByteStorage", 1, (1,))
    stored = {"0": b"1"}

    def both(name: str, pickled: bytes) -> Files:
        yield name, builders.torch_zip(pickled, stored)
        yield f"{name}, older layout", builders.torch_old(pickled, {"0": (1, b"1")})

    yield from both("one sign in a name", value({LONG: whole}))
    prefix = ROCKET + "p" * (SIZE // 100)
    many = b"(" + whole + b"q\0" + b"h\0" * 100 + b"t"
    yield from both("a long name before many", value({prefix: many}))
    text = value(LONG)
    yield from both("one sign in a text", value({"a": whole, "b": text}))
    # Each text that is kept is pushed with three bytes more than it has.
    texts = b"".join(b"\x8c\x02" + f"{i:x}"[-2:].rjust(2, "0").encode() for i in range(SIZE // 4))
    yield "many texts", builders.torch_zip(value({"a": whole}) + b"](" + texts + b"e\x86", stored)
    names = b"".join(f"ca.{name}\nX\n".encode() for name in short_names(SIZE // 10))
    yield "many names", builders.torch_zip(b"](" + whole + names + b"e", stored)
    objects = b"ca.b\nX\nq\0(" + b"h\0)\x81" * (SIZE // 4) + b"t"
    yield "many objects", builders.torch_zip(b"](" + whole + objects + b"e", stored)
    same = (value(name) + b"h\0" for name in short_names(SIZE // 11))
    yield (
        "one tensor by many names",
        builders.torch_zip(b"}(" + value("w") + whole + b"q\0" + b"".join(same) + b"u", stored),
    )
    members = {name: b"" for name in short_names(SIZE // 110)}
    yield "many members", builders.torch_zip(value({"w": whole}), stored, "a", **members)
    data = bytes(range(128, 256)) * (SIZE // 256)
    kind = builders.call("numpy", "dtype", "u1", False, True)
    encoded = builders.call("_codecs", "encode", data.decode("latin-1"), "latin1")
    array = builders.call("numpy._core.multiarray", "_reconstruct", 0)
    array += b"(K\x01" + value((len(data),)) + kind + b"\x89" + encoded + b"tb"
    yield "an array of NumPy", builders.torch_zip(value({"w": whole, "n": array}), stored)


def gguf() -> Files:
    def text(data: bytes) -> bytes:
        return struct.pack("<Q", len(data)) + data

    def tensor(name: bytes, axes: int = 1) -> bytes:
        return text(name) + struct.pack(f"<I{axes}QIQ", axes, *[0] * axes, 24, 0)

    def file(tensors: list[bytes], pairs: list[bytes] = []) -> bytes:  # noqa: B006
        head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs))
        head += b"".join(pairs) + b"".join(tensors)
        return head + bytes(-len(head) % 32 + 32)

    yield "one sign in a name", file([tensor(LONG.encode())])
    yield "many tensors", file([tensor(name.encode()) for name in short_names(65_000)])
    yield "many axes", file([tensor(name.encode(), 64) for name in short_names(SIZE // 540)])
    names = [f"{ROCKET}{'x' * 400}{name}".encode() for name in short_names(SIZE // 440)]
    yield "long names", file([tensor(name) for name in names])
    word = text(ROCKET.encode() * 4)
    words = text(b"w") + struct.pack("<IIQ", 9, 8, SIZE // 24) + word * (SIZE // 24)
    yield "many words", file([tensor(b"x")], [words])
    pairs = [text(name.encode()) + struct.pack("<IB", 0, 0) for name in short_names(60_000)]
    yield "much metadata", file([tensor(b"x")], pairs)
    yield (
        "one sign in the metadata",
        file([tensor(b"x")], [text(b"k") + struct.pack("<I", 8) + text(LONG.encode())]),
    )


def onnx() -> Files:
    def tensor(name: str) -> bytes:
        return builders.onnx_tensor(name, 2, (0,))

    yield "one sign in a name", builders.onnx_model(tensor(LONG))
    yield "many tensors", builders.onnx_model(*map(tensor, short_names(SIZE // 60)))
    names = (f"{ROCKET}{'x' * 400}{name}" for name in short_names(SIZE // 450))
    yield "long names", builders.onnx_model(*map(tensor, names))
    graph = b"".join(field(5, tensor(name)) for name in short_names(100))
    for _ in range(14):
        attribute = field(1, b"body") + field(6, graph)
        graph = field(1, field(2, b"o" * (SIZE // 100)) + field(5, attribute))
    yield "names of outer graphs", field(7, graph)
    entry = field(13, field(1, b"k") + field(2, b"v"))
    elsewhere = builders.onnx_tensor("x", 2, (0,), entry * (SIZE // 9), field(14, 1))
    yield "many entries", builders.onnx_model(elsewhere)
    entries = (field(13, field(1, n.encode()) + field(2, b"")) for n in short_names(SIZE // 12))
    elsewhere = builders.onnx_tensor("x", 2, (0,), b"".join(entries), field(14, 1))
    yield "many entries of several names", builders.onnx_model(elsewhere, tensor("y"))
    notes = field(14, field(1, b"k") + field(2, LONG.encode())) + field(6, LONG.encode())
    yield "metadata", builders.onnx_model(tensor("x")) + notes
    node = field(1, b"onnx::x") + field(3, b"n" * 400) + field(4, b"Conv")
    yield "many nodes", builders.onnx_model(tensor("onnx::x"), nodes=[node] * (SIZE // 440))
    made_up = [f"onnx::{name}" for name in short_names(SIZE // 600)]
    nodes = [field(1, n.encode()) + field(3, (ROCKET + "n" * 400).encode()) for n in made_up]
    yield "long names of nodes", builders.onnx_model(*map(tensor, made_up), nodes=nodes)
    number = field(4, b"Constant") + field(5, field(1, b"value_int") + field(3, 1))
    constants = [field(2, name.encode()) + number for name in short_names(SIZE // 100)]
    yield "many constants", builders.onnx_model(tensor("x"), nodes=constants)
    yield (
        "many functions",
        builders.onnx_model(tensor("x"))
        + b"".join(field(25, field(1, name.encode())) for name in short_names(SIZE // 10)),
    )


def hdf5() -> Files:
    package = pytest.importorskip("h5py")

    def file(fill: Callable[[object], None]) -> bytes:
        stream = stdio.BytesIO()
        with package.File(stream, "w", libver="latest") as opened:
            fill(opened)
        return stream.getvalue()

    def many(opened: object, prefix: str, count: int) -> None:
        one = opened.create_dataset("first", (), "u1")  # type: ignore[attr-defined]
        group = opened.create_group(prefix)  # type: ignore[attr-defined]
        for name in short_names(count):
            group[name] = one

    def one(opened: object, name: str) -> None:
        opened.create_dataset(name, (), "u1")  # type: ignore[attr-defined]

    yield "many datasets", file(lambda opened: many(opened, "g", 8000))
    yield "a long name before many", file(lambda opened: many(opened, ROCKET + "g" * 60_000, 2000))
    yield "a long name", file(lambda opened: one(opened, ROCKET + "g" * 60_000))


def session() -> Files:
    array = ("arrays/0.npy", dumped(np.zeros(1, np.float32)))

    def file(text: str, packed: bool = False) -> bytes:
        stream = stdio.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo("session.json"), text.encode(), kind)
            archive.writestr(zipfile.ZipInfo(array[0]), array[1])
        return stream.getvalue()

    def manifest(**fields: object) -> str:
        known = {"format": "quantoscope session", "version": 2, "view": {}}
        tensors = [{"title": "x", "array": array[0]}]
        return json.dumps({**known, "tensors": tensors, **fields}, ensure_ascii=False)

    title = [{"title": LONG, "array": array[0]}]
    yield "one sign in a title", file(manifest(tensors=title))
    yield "one sign in the view", file(manifest(view={"a": LONG}))
    view = dict.fromkeys(short_names(SIZE // 12), 1)
    yield "a large view", file(manifest(view=view))
    yield "a large view, packed", file(manifest(view=view), True)
    yield "many lists", file(manifest(view={"a": [[]] * (SIZE // 4)}))
    yield "many sources", file(manifest(sources=[{"path": "a"}] * (SIZE // 16)))


def npy() -> Files:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }"
    for name, text in (
        ("a long header", header + " " * SIZE),
        ("one sign in the header", header + f"# {LONG}"),
    ):
        data = text.encode()
        yield name, b"\x93NUMPY\x03\0" + struct.pack("<I", len(data)) + data


def _texts(delimiter: str) -> Files:
    rows = f"1{delimiter}2\n".encode() * (SIZE // 40)
    yield "one sign in the head", f"{ROCKET}{delimiter}b\n".encode() + rows
    yield "one sign in a comment", f"# {LONG}\n1{delimiter}2\n".encode()
    yield "a long row", delimiter.join("1" * (SIZE // 20)).encode()
    columns = delimiter.join(short_names(SIZE // 70))
    yield "many columns", f"{columns}\n{delimiter.join('1' * (SIZE // 70))}\n".encode()
    yield "quoted cells", f'"1"{delimiter}"2"\n'.encode() * (SIZE // 80)
    yield "nested lists", b"[" + b"[1]," * (SIZE // 80) + b"[1]]"


AMPLIFIERS: dict[str, Callable[[], Files]] = {
    ".npy": npy,
    ".npz": npz,
    ".csv": lambda: _texts(","),
    ".tsv": lambda: _texts("\t"),
    ".txt": lambda: _texts(" "),
    ".safetensors": safetensors,
    ".onnx": onnx,
    ".pt": torch,
    ".gguf": gguf,
    ".h5": hdf5,
    ".qscope": session,
}
