"""Files made by hand to harm who believes them: bombs, lies, endless nesting, ways out."""

from __future__ import annotations

import io as stdio
import json
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tests.engine.io import builders, containers
from tests.engine.io.builders import field

X = np.arange(6, dtype=np.float32).reshape(2, 3)
DEEP = 100_000
HUGE = 2**64 - 1
WAYS_OUT = ("../../../../etc/passwd", "/etc/passwd", "..\\..\\x", "C:\\x", "a\0b", "", ".", "..")
PAYLOADS = np.array([0x7FC00001, 0xFFFFFFFF, 0x7F800001, 0xFF800000], np.uint32).view(np.float32)

Files = dict[str, bytes]


def dumped(array: np.ndarray) -> bytes:
    stream = stdio.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _npy_of(header: str) -> bytes:
    text = header.encode("latin-1", "replace")
    return b"\x93NUMPY\x02\0" + struct.pack("<I", len(text)) + text + bytes(64)


def npy() -> Files:
    shapes = [
        "(-1,)", "(0,) * 9", "(1e3,)", "(True,)", "(None,)", "()", "(" * 200 + ")" * 200,
        "(1099511627776, 1099511627776)", f"({'9' * 5000},)", f"({', '.join('1' * 65)})",
        f"({', '.join('0' * 3000)})", "(9223372036854775807,)", "[2]", "(2,)[0]", "__import__",
    ]  # fmt: skip
    kinds = ["O", "|O8", "<U99999999", "|V4", "<f99", "<M8[9s]", "a", "", "e" * 99, "<c8", "(2,)f4"]
    files = {f"shape {s[:20]}": _npy_of(_header(shape=s)) for s in shapes}
    files |= {f"type {k[:20]}": _npy_of(_header(descr=repr(k))) for k in kinds}
    files["nested lists"] = _npy_of("[" * 9000)
    files["many minus signs"] = _npy_of(_header(shape="(" + "-" * 9000 + "1,)"))
    files["header of 4 GB"] = b"\x93NUMPY\x02\0\xff\xff\xff\xff{"
    files["payloads"] = dumped(PAYLOADS)
    return files


def _header(descr: str = "'<f4'", shape: str = "(2,)", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


def _zipped(members: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = stdio.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", method) as archive:
        warnings.simplefilter("ignore")
        for name, data in members:
            member = zipfile.ZipInfo("x")
            member.filename, member.compress_type = name, method
            archive.writestr(member, data)
    return stream.getvalue()


def _zips(inner: Callable[[bytes], list[tuple[str, bytes]]], sound: bytes, name: str) -> Files:
    """What is wrong with zip files of any kind; ``inner`` gives the members for one's data."""
    bomb = _zipped([*inner(sound + bytes(30_000_000))])
    whole = bytearray(_zipped(inner(sound), zipfile.ZIP_STORED))
    directory = whole.index(b"PK\x01\x02")
    overlapping = bytes(whole[:directory])
    entry = bytes(whole[directory : whole.index(b"PK\x05\x06")])
    files = {
        "bomb": bomb,
        "bomb in a bomb": _zipped(inner(bomb)),
        "many members": _zipped([(f"{i}{name}", b"") for i in range(3000)]),
        "same member twice": _zipped([*inner(sound), *inner(sound)]),
        "overlapping members": overlapping
        + entry * 100
        + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 100, 100, 100 * len(entry), directory, 0),
        "65535 entries that are not there": overlapping
        + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 65535, 65535, len(entry), directory, 0),
        "a directory beyond the end": overlapping
        + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, 2**32 - 2, 2**32 - 2, 0),
        "a zip64 directory beyond the end": overlapping
        + struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, HUGE, HUGE)
        + struct.pack("<4sIQI", b"PK\x06\x07", 0, directory, 1)
        + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0),
    }
    for at, size in ((20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (42, 4)):
        for value in (b"\xff" * size, b"\0" * size, b"\xff" * (size - 1) + b"\x7f"):
            changed = whole.copy()
            changed[directory + at : directory + at + size] = value
            files[f"entry {at} {value[-1]} {value[0]}"] = bytes(changed)
    return files


def npz() -> Files:
    files = _zips(lambda data: [("weight.npy", data)], dumped(X), ".npy")
    for way in WAYS_OUT:
        files[f"name {way!r}"] = _zipped([(f"{way}.npy", dumped(X))])
    zeros = _npy_of(_header(shape="(7_000_000,)"))[:-64]
    files["zeros as far as they go"] = _zipped([("a.npy", zeros + bytes(28_000_000))])
    return files | {f"member {k}": _zipped([("a.npy", v)]) for k, v in npy().items()}


def session() -> Files:
    def manifest(*arrays: str, **fields: Any) -> bytes:
        tensors = [{"title": f"t{i}", "array": name} for i, name in enumerate(arrays)]
        known = {"format": "quantoscope session", "version": 1, "tensors": tensors}
        return json.dumps(known | fields).encode()

    def zipped(text: bytes, name: str = "arrays/0.npy", data: bytes = b"") -> bytes:
        members = [("session.json", text), (name, data or dumped(X))]
        return _zipped(members, zipfile.ZIP_STORED)

    one = manifest("arrays/0.npy")
    files = _zips(lambda data: [("session.json", one), ("a.npy", data)], dumped(X), ".npy")
    for way in WAYS_OUT:
        files[f"array {way!r}"] = zipped(manifest(way), way)
        source = {"path": way, "beside": way}
        files[f"source {way!r}"] = zipped(
            manifest("arrays/0.npy", sources=[source, source], current=0)
        )
    return files | {
        "one array a thousand times": zipped(manifest(*["arrays/0.npy"] * 1000)),
        "deep": zipped(b'{"format": ' + b"[" * 100_000),
        "wide": zipped(b'{"view": [' + b"[]," * 3_000_000 + b"[]]}"),
        "wide and packed": _zipped([("session.json", b'{"view": [' + b"[]," * 9_000_000)]),
        "long manifest": _zipped([("session.json", b" " * 80_000_000)]),
        "places": zipped(manifest("arrays/0.npy", current=-1, active=2**70)),
        "numbers": zipped(b'{"format": "quantoscope session", "version": ' + b"9" * 5000 + b"}"),
        "payloads": zipped(one, data=dumped(PAYLOADS)),
    }


def text() -> Files:
    texts = {
        "a long number": "9" * 200_000, "a large exponent": "1e999999999",
        "many columns": "1," * 99_999, "many rows": "1\n" * 99_999,
        "nothing but delimiters": "," * 99_999, "quotes": '"' * 99_999,
        "a declared shape": "# quantoscope dtype=float64 shape=9999999999,9999999999\n1\n",
        "a declared zero": "# quantoscope dtype=float64 shape=99999999999999999999,0\n",
        "many axes": "# quantoscope dtype=float64 shape=" + "1," * 400 + "\n1\n",
        "a declared type": "# quantoscope dtype=object shape=1\n1\n",
        "names of numbers": "nan,inf,-inf,infinity,0x10,1_000,１２,½\n", "minus": "-" * 99_999,
        "a long comment": "#" * 99_999 + "\n1", "a wide header": "a," * 9_999 + "\n" + "1," * 9_999,
        "one row is longer": "1,2\n" * 999 + "1,2,3\n", "dots": "." * 99_999, "e" : "1e" * 50_000,
        "a wide letter": "\N{GRINNING FACE},b\n" + "1,2\n" * 99_999,
        "blank lines": "1 2\n" + "\n" * 500_000 + "3 4", "comments": "#\n" * 20_000 + "1",
        "lists of one number": "[" + "[1]," * 99_999 + "[1]]",
        "a table": "|a|\n|-|\n" + "|1|\n" * 999,
        "missing values": "NA\n" * 9_999, "missing in brackets": "[" + "N/A," * 9_999 + "1]",
        **{
            f"nearly numbers, {part!r}": (part * (118 // len(part)) + ",") * 99 + "\n1"
            for part in ("1d", "nan(", "#A ", "1.#INF", "0x1.", "inf.", "1f", "-", "1,1")
        },
    }  # fmt: skip
    files = {name: content.encode() for name, content in texts.items()}
    files |= {"half a letter": b"1\xff\xfe", "utf-16": b"\xff\xfe" + "1 2".encode("utf-16-le")[:-1]}
    return files | {"a zero": b"1\0002", "utf-16 surrogate": b"\xff\xfe\x00\xd81\0"}


def safetensors() -> Files:
    def one(**changes: object) -> str:
        sound = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
        return json.dumps({"weight": sound | changes})

    headers = {
        "nested lists": '{"a":' + "[" * DEEP, "nested objects": '{"a":' * DEEP,
        "two of one name": '{"a":{},"a":{}}', "a number": "1", "NaN": '{"a":NaN}',
        "a huge number": '{"a":{"dtype":"F32","shape":[' + "9" * 5000 + '],"data_offsets":[0,8]}}',
        "an exponent": '{"a":{"dtype":"F32","shape":[2e0],"data_offsets":[0,8]}}',
        "half a surrogate": '{"\\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
        "negative": one(shape=[-2]), "backwards": one(data_offsets=[8, 0]),
        "below zero": one(data_offsets=[-8, 0]), "beyond": one(data_offsets=[0, 2**63]),
        "many axes": one(shape=[1] * 99), "many zeros": one(shape=[0] * 64, data_offsets=[0, 0]),
        "a huge shape": one(shape=[2**32, 2**32], data_offsets=[0, 8]),
        "no shape": one(shape=None), "true": one(shape=[True, True], data_offsets=[0, 4]),
        "a type that is a list": one(dtype=["F32"]), "an odd type": one(dtype="F4"),
    }  # fmt: skip
    files = {k: builders.safetensors_parts(v, bytes(64)) for k, v in headers.items()}
    files |= {f"name {way!r}": builders.safetensors({way: X}) for way in WAYS_OUT}
    files["payloads"] = builders.safetensors({"weight": PAYLOADS})
    files["a header of any length"] = struct.pack("<Q", 2**27 - 1) + b"{" + bytes(64)
    return files


def onnx() -> Files:
    tensor, model = builders.onnx_tensor, builders.onnx_model

    def external(location: str, **others: str) -> bytes:
        entries = {"location": location, **others}
        pairs = (field(1, k.encode()) + field(2, v.encode()) for k, v in entries.items())
        return model(tensor("weight", 1, (2,), *(field(13, p) for p in pairs), field(14, 1)))

    deep = b""
    for _ in range(2000):
        deep = field(7, field(1, field(5, field(6, deep))))
    groups = b"\x0b" * DEEP
    files = {
        "nested graphs": deep,
        "nested groups": groups,
        "a length beyond the end": b"\x3a" + b"\xff" * 9 + b"\x01",
        "a number without an end": b"\x3a" + b"\xff" * 99,
        "two of one name": model(*[tensor("weight", 1, (1,), field(9, bytes(4)))] * 2),
        "a negative length": model(tensor("weight", 1, (-1,), field(9, bytes(4)))),
        "a huge shape": model(tensor("weight", 1, (2**62, 2**62), field(9, bytes(4)))),
        "many axes": model(tensor("weight", 1, (1,) * 99, field(9, bytes(4)))),
        "no values": model(tensor("weight", 1, (2**40,))),
        "an odd type": model(tensor("weight", 99, (1,), field(9, bytes(4)))),
        "a negative type": model(tensor("weight", -1, (1,), field(9, bytes(4)))),
        "text": model(tensor("weight", 8, (1,), field(6, b"hello"))),
        "a name that is no text": model(field(8, b"\xff\xfe") + field(1, 1) + field(2, 1)),
        "packed numbers": model(tensor("weight", 7, (300_000,), field(7, b"\0" * 300_000))),
        "numbers too long": model(tensor("weight", 7, (1,), field(7, b"\xff" * 10))),
        "payloads": model(tensor("weight", 1, (4,), field(9, PAYLOADS.tobytes()))),
        "a segment": model(tensor("weight", 1, (1,), field(3, field(1, 5)), field(9, bytes(4)))),
    }
    files |= {f"external {way!r}": external(way) for way in WAYS_OUT}
    for key in ("offset", "length"):
        for value in ("-1", str(2**63), "9" * 5000, "x", "", "1e3", "٣"):
            files[f"external {key} {value[:20]}"] = external("beside.bin", **{key: value})
    return files


def torch() -> Files:
    value, name, call = builders.value, builders.name, builders.call

    def both(pickled: bytes) -> list[bytes]:
        storages = {"0": X.tobytes()}
        old = builders.torch_old(pickled, {"0": (6, X.tobytes())})
        return [builders.torch_zip(pickled, storages), old]

    def tensor(*arguments: object) -> bytes:
        made = builders.torch_tensor("0", "FloatStorage", *arguments)  # type: ignore[arg-type]
        return b"}" + value("weight") + made + b"s"

    one = builders.torch_tensor("0", "FloatStorage", 6, (2, 3))
    array = call("numpy._core.multiarray", "_reconstruct", 0)
    objects, real = (call("numpy", "dtype", code, False, True) for code in ("O8", "f4"))
    lists = b"]q\x01]h\x01ah\x01a" + b"q\x02" + b"".join(b"]h\x02ah\x02aq\x02" for _ in range(60))
    same = (value("a") + tensor(6, (6,))[1 + len(value("weight")) : -1] + b"s") * 2
    pickles = {
        "os.system": call("os", "system", "touch /tmp/pwned"),
        "eval": call("builtins", "eval", "1"),
        "a name of a name": call("builtins", "getattr", "x", "y"),
        "dotted": b"\x8c\x05torch\x8c\x0e_utils.os.exit\x93",
        "nested lists": b"]" * DEEP,
        "nested tuples": b")" + b"\x85" * DEEP,
        "nested marks": b"(" * DEEP,
        "nested dictionaries": b"}" * 3 + (b"}" + value("a")) * 2000,
        "doubling lists": lists,
        "a memo place": value("x") + b"r\xff\xff\xff\xff",
        "an unknown memo": b"j\xff\xff\xff\x7f",
        "a long number": b"\x8b\xff\xff\xff\x7f",
        "a negative length": b"T\xff\xff\xff\xff",
        "a string of 2^63 bytes": b"\x8d" + b"\xff" * 7 + b"\x7f",
        "digits": b"I" + b"9" * 5000 + b"\n",
        "a frame": b"\x95" + b"\xff" * 8 + b"N",
        "an extension": b"\x82\x01",
        "build": name("collections", "OrderedDict") + value({"a": 1}) + b"b",
        "nothing on the stack": b"0" * 10,
        "an unhashable key": b"}" + b"]N" + b"s",
        "itself": b"]q\0h\0a",
        "a dictionary of itself": b"}q\0" + value("a") + b"h\0s",
        "expanded": tensor(6, (2**20, 6), (0, 1)),
        "expanded beyond all": tensor(6, (2**40, 6), (0, 1)),
        "negative strides": tensor(6, (2, 3), (-3, 1)),
        "strides beyond": tensor(6, (2, 3), (2**62, 1)),
        "an offset beyond": tensor(6, (2, 3), (3, 1), 2**62),
        "a negative offset": tensor(6, (2, 3), (3, 1), -1),
        "a negative length of an axis": tensor(6, (-2, -3), (3, 1)),
        "more than the storage": tensor(2**40, (2**40,)),
        "many axes": tensor(6, (1,) * 99),
        "true": tensor(6, (True, True), (True, True)),
        "text": tensor(6, ("2", "3"), (3, 1)),
        "two of one name": b"}" + same,
        "an object of itself": name("my", "X") + b")\x81q\0" + value({"me": b"h\0"}) + b"b",
        "objects of each other": b"](" + (name("my", "X") + b")\x81") * 3 + b"e",
        "objects in objects": name("my", "X") + b")" + (b"\x81\x85" + name("my", "X")) * 9,
        "an object that is called": name("my", "X") + b")\x81)R",
        "an array of NumPy of itself": array + b"q\0(K\x01K\x01\x85" + objects + b"\x89]h\0atb",
        "an array of NumPy of any size": array + b"(K\x01" + value((2**62,)) + real + b"\x89NtB",
        "an array of NumPy without anything": array,
        "an array of NumPy built of nothing": array + b"Nb",
        "a type of NumPy built of anything": real + value((3, "x")) + b"b",
        "a nested tensor of floats": call("torch._utils", "_rebuild_nested_tensor", *[one] * 4),
        "a nested tensor of nothing": call("torch._utils", "_rebuild_nested_tensor", 1, 2, 3, 4),
        "a wrapper of itself": call("torch._utils", "_rebuild_wrapper_subclass", one, one, one),
        "sparse without end": call(
            "torch._utils", "_rebuild_sparse_tensor", 1, (one, one, (9,) * 99)
        ),
        "keys that are one name": value({"a": {"b": tensor(6, (6,))}, "a.b": tensor(6, (6,))}),
    }  # fmt: skip
    files = {f"{k} {i}": data for k, p in pickles.items() for i, data in enumerate(both(p))}
    for way in WAYS_OUT:
        made = builders.torch_tensor(way, "FloatStorage", 6, (6,))
        pickled = b"}" + value("weight") + made + b"s"
        files[f"storage {way!r}"] = builders.torch_zip(pickled, {"0": X.tobytes()})
    pickled = tensor(6, (6,))

    def members(data: bytes) -> list[tuple[str, bytes]]:
        return [("a/data.pkl", b"\x80\x02" + pickled + b"."), ("a/data/0", data)]

    return files | _zips(members, X.tobytes(), "/data/1")


def gguf() -> Files:
    def text_of(data: bytes) -> bytes:
        return struct.pack("<Q", len(data)) + data

    def tensor(name: bytes, shape: tuple[int, ...], kind: int, offset: int = 0) -> bytes:
        axes = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        return text_of(name) + axes + struct.pack("<IQ", kind, offset)

    def file(tensors: bytes, count: int, pairs: bytes = b"", pair_count: int = 0) -> bytes:
        start = b"GGUF" + struct.pack("<IQQ", 3, count, pair_count) + pairs + tensors
        return start + bytes(-len(start) % 32 + 256)

    lists = text_of(b"k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * DEEP
    empty = text_of(b"k") + struct.pack("<IIQ", 9, 9, 50_000) + struct.pack("<IQ", 0, 0) * 50_000
    words = text_of(b"k") + struct.pack("<IIQ", 9, 8, 200_000) + bytes(8 * 200_000)
    files = {
        "nested arrays": file(b"", 0, lists, 1),
        "many empty arrays": file(tensor(b"a", (2,), 0), 1, empty, 1),
        "many empty words": file(tensor(b"a", (2,), 0), 1, words, 1),
        "many tensors in one place": file(
            b"".join(tensor(b"%d" % i, (2,), 0) for i in range(1500)), 1500
        ),
        "as many tensors as are read": file(
            b"".join(tensor(b"%d" % i, (0,), 0) for i in range(1 << 14)), 1 << 14
        ),
        "many tensors without values": file(
            b"".join(tensor(b"%d" % i, (0, HUGE >> 20), 0, HUGE - 31) for i in range(1500)), 1500
        ),
        "no values, rows of blocks": file(tensor(b"a", (256, 0), 12, HUGE - 31), 1),
        "many axes": file(tensor(b"a", (1,) * 64, 0), 1),
    }
    for length in (0, 2**31, 2**32, 2**62, 2**63, HUGE):
        for kind in (0, 2, 14, 30, 99):
            files[f"length {length} of {kind}"] = file(tensor(b"a", (length, 2), kind), 1)
            files[f"lengths {length} of {kind}"] = file(tensor(b"a", (32, length), kind), 1)
            files[f"offset {length} of {kind}"] = file(tensor(b"a", (256,), kind, length), 1)
        for kind in (0, 8, 9, 12):
            pairs = text_of(b"k") + struct.pack("<IIQ", 9, kind, length)
            files[f"array {length} of {kind}"] = file(b"", 0, pairs, 1)
        pairs = text_of(b"k") + struct.pack("<IIQ", 9, 8, 3) + struct.pack("<Q", length) * 3
        files[f"words of {length}"] = file(b"", 0, pairs, 1)
    for i, way in enumerate(WAYS_OUT):
        files[f"name {i}"] = file(tensor(way.encode(), (2,), 0), 1)
    return files | {"payloads": containers.gguf({"weight": PAYLOADS})}


def hdf5() -> Files:
    import h5py  # noqa: TID253

    def made(fill: Callable[[h5py.File], object], **options: object) -> bytes:
        stream = stdio.BytesIO()
        with h5py.File(stream, "w", **options) as file:
            fill(file)
        return stream.getvalue()

    def linked(file: h5py.File) -> None:
        file["a/weight"] = X
        file["a/b"] = file["/"]
        file["a/c"] = file["a"]
        file["soft"] = h5py.SoftLink("/soft")
        file["far"] = h5py.ExternalLink("/etc/passwd", "/x")

    def many(file: h5py.File) -> None:
        for i in range(300):
            file[f"{i}"] = X

    outside = [("/etc/passwd", 0, 24)]
    layout = h5py.VirtualLayout((2, 3), "f4")
    layout[...] = h5py.VirtualSource("/etc/passwd", "x", (2, 3))
    huge = (2**31, 2**31)
    return {
        "nested groups": made(
            lambda f: f.create_group("/".join("g" * 99)).create_dataset("x", data=X)
        ),
        "groups nested too deep": made(lambda f: f.create_group("/".join("g" * 5000))),
        "links in circles": made(linked),
        "many datasets": made(many),
        "external": made(lambda f: f.create_dataset("weight", (2, 3), "f4", external=outside)),
        "virtual": made(lambda f: f.create_virtual_dataset("weight", layout)),
        "a huge shape": made(lambda f: f.create_dataset("weight", huge, "f4", chunks=(64, 64))),
        "a huge plain shape": made(lambda f: f.create_dataset("weight", (2**20, 2**20), "f4")),
        "zeros as far as they go": containers.hdf5(
            {"weight": np.zeros((1 << 12, 1 << 11), np.float32)}, compression="gzip"
        ),
        "payloads": containers.hdf5({"weight": PAYLOADS}),
    }


CRAFTED: dict[str, Callable[[], Files]] = {
    ".npy": npy,
    ".npz": npz,
    ".csv": text,
    ".tsv": text,
    ".txt": text,
    ".safetensors": safetensors,
    ".onnx": onnx,
    ".pt": torch,
    ".qscope": session,
    ".gguf": gguf,
    ".h5": hdf5,
}
