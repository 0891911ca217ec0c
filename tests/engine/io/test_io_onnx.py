"""ONNX models: what the onnx package writes, and messages that lie."""

from __future__ import annotations

import errno
import mmap
import os
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope.engine import io
from quantoscope.engine.io import onnx as reader
from quantoscope.engine.io import onnx_types, protobuf
from quantoscope.engine.numerics.arrays import as_working
from tests.engine.io import builders
from tests.engine.io.builders import field, onnx_model, onnx_tensor, varint

Refusal = Callable[..., str]

A = np.arange(6, dtype=np.float32).reshape(2, 3)
B = np.array([1, -2, 3], dtype=np.int8)
NAMES = ["a/b", "a::b", "..", "../../etc/passwd", "größe\N{ROCKET}", "", "a\nb"]
FLOAT, UINT8, INT8, STRING, BOOL, FLOAT16, COMPLEX, INT4 = 1, 2, 3, 8, 9, 10, 14, 22
RAW, FLOATS, INT32S, INT64S = 9, 4, 5, 7


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.onnx"


def raw(array: np.ndarray) -> bytes:
    return field(RAW, array.tobytes())


def packed(number: int, values: Sequence[int]) -> bytes:
    return field(number, b"".join(map(varint, values)))


def elsewhere(**said: object) -> bytes:
    """Return what a tensor says of another file."""
    pairs = [field(1, key.encode()) + field(2, str(value).encode()) for key, value in said.items()]
    return b"".join(field(13, pair) for pair in pairs) + field(14, 1)


def test_initializers_are_listed_and_loaded_by_name(path: Path) -> None:
    path.write_bytes(builders.onnx({"weight": A, "bias": B}))
    assert io.list_tensors(path) == [
        io.TensorInfo("weight", (2, 3), "float32", 24),
        io.TensorInfo("bias", (3,), "int8", 3),
    ]
    assert (io.load(path, "weight") == A).all()
    assert io.load(path, "bias").tolist() == [1, -2, 3]


def test_names_are_refused_as_in_every_file(path: Path, refusal: Refusal) -> None:
    path.write_bytes(builders.onnx({"weight": A, "bias": B}))
    assert "2 arrays (weight, bias)" in refusal(io.load, path)
    assert "it holds weight, bias" in refusal(io.load, path, "scale")
    path.write_bytes(onnx_model(*[onnx_tensor("x", FLOAT, (2, 3), raw(A))] * 2))
    assert "two arrays named 'x'" in refusal(io.list_tensors, path)
    assert "two arrays named 'x'" in refusal(io.load, path, "x")


@pytest.mark.parametrize("name", NAMES)
def test_names_are_only_names(name: str, path: Path) -> None:
    path.write_bytes(builders.onnx({name: A}))
    assert [info.name for info in io.list_tensors(path)] == [name]
    assert (io.load(path, name) == A).all()


@pytest.mark.parametrize("way", [0, 1 << 62], ids=["mapped", "read"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1, 1, 1), (2,) * 10])
def test_every_shape_loads(
    shape: tuple[int, ...], way: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", way)
    array = np.ones(shape, np.float32)
    path.write_bytes(builders.onnx({"x": array}))
    loaded = io.load(path)
    assert loaded.shape == shape
    assert (loaded == array).all()
    loaded[...] = 2
    assert (io.load(path) == array).all()


@pytest.mark.parametrize(
    ("data_type", "fields", "expected"),
    [
        (FLOAT, field(FLOATS, np.float32([1, 2]).tobytes()), [1, 2]),
        (FLOAT, b"".join(b"\x25" + np.float32(v).tobytes() for v in (1, 2)), [1, 2]),
        (INT8, packed(INT32S, [-1, 127]), [-1, 127]),
        (INT8, field(INT32S, -1) + field(INT32S, 127), [-1, 127]),
        (INT8, field(INT32S, -1) + packed(INT32S, [127]), [-1, 127]),
        (UINT8, packed(INT32S, [0, 255]), [0, 255]),
        (FLOAT16, packed(INT32S, [0x3C00, 0xC000]), [1, -2]),
        (7, packed(INT64S, [-(2**63), 2**63 - 1]), [-(2**63), 2**63 - 1]),
        (13, packed(11, [0, 2**64 - 1]), [0, 2**64 - 1]),
        (12, packed(11, [0, 2**32 - 1]), [0, 2**32 - 1]),
    ],
)
def test_numbers_of_a_typed_field_load_packed_or_not(
    data_type: int, fields: bytes, expected: list[int], path: Path
) -> None:
    path.write_bytes(onnx_model(onnx_tensor("x", data_type, (2,), fields)))
    loaded = io.load(path)
    assert loaded.tolist() == expected
    loaded[0] = 0


def test_packed_lengths_are_read_too(path: Path) -> None:
    path.write_bytes(onnx_model(onnx_tensor("x", FLOAT, (), packed(1, [2, 3]), raw(A))))
    assert (io.load(path) == A).all()


def test_many_packed_numbers_load_across_parts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protobuf, "_PART", 7)
    values = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, 100)
    values[::3] %= 1000
    path.write_bytes(onnx_model(onnx_tensor("x", 7, (100,), packed(INT64S, values.tolist()))))
    assert (io.load(path) == values).all()


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("typed", [True, False])
def test_numbers_of_four_bits_are_unpacked(count: int, typed: bool, path: Path) -> None:
    data = bytes([0x8F, 0x70, 0x01])[: (count + 1) // 2]
    fields = packed(INT32S, data) if typed else field(RAW, data)
    path.write_bytes(onnx_model(onnx_tensor("x", INT4, (count,), fields)))
    (info,) = io.list_tensors(path)
    assert (info.dtype, info.stored, info.nbytes) == ("int8", "INT4", len(data))
    assert io.load(path).tolist() == [-1, -8, 0, 7, 1][:count]


@pytest.mark.parametrize(
    ("data_type", "per_byte", "lowest"), [(21, 2, 0), (INT4, 2, -8), (25, 4, 0), (26, 4, -2)]
)
def test_numbers_of_few_bits_are_unpacked_across_parts(
    data_type: int, per_byte: int, lowest: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantoscope.engine.io.packed._PART", 3)
    bits = 8 // per_byte
    numbers = np.random.default_rng(0).integers(0, 1 << bits, 11 * per_byte) + lowest
    low_first = (numbers.reshape(-1, per_byte) & (1 << bits) - 1) << np.arange(0, 8, bits)
    data = low_first.sum(axis=1).astype(np.uint8).tobytes()
    path.write_bytes(onnx_model(onnx_tensor("x", data_type, (numbers.size - 1,), field(RAW, data))))
    assert io.load(path).tolist() == numbers[:-1].tolist()


@pytest.mark.parametrize(
    ("data_type", "named", "words"),
    [
        (0, "type 0", "ONNX's type 0, which is not known here"),
        (STRING, "STRING", "holds text"),
        (BOOL, "BOOL", "true/false"),
        (COMPLEX, "COMPLEX64", "complex numbers"),
        (1000, "type 1000", "ONNX's type 1000"),
    ],
)
def test_what_is_no_real_numbers_is_listed_with_its_reason_and_refused_by_name(
    data_type: int, named: str, words: str, path: Path, refusal: Refusal
) -> None:
    odd = onnx_tensor("odd", data_type, (3,), field(6, b"text"), field(RAW, b"123"))
    path.write_bytes(onnx_model(odd, onnx_tensor("x", FLOAT, (2, 3), raw(A))))
    first, second = io.list_tensors(path)
    assert (first.name, first.shape, first.dtype) == ("odd", (3,), named)
    assert words in first.reason
    assert (second.name, second.reason) == ("x", "")
    assert words in refusal(io.load, path, "odd")
    path.write_bytes(onnx_model(odd))
    assert "no array of real numbers" in refusal(io.list_tensors, path)


def test_constants_and_the_tensors_of_inner_graphs_are_found(path: Path) -> None:
    def constant(output: bytes, array: np.ndarray) -> bytes:
        attribute = field(1, b"value") + field(
            5, onnx_tensor("own", FLOAT, array.shape, raw(array))
        )
        return field(2, output) + field(4, b"Constant") + field(5, attribute)

    inner = field(5, onnx_tensor("w", FLOAT, (2, 3), raw(A * 2))) + field(1, constant(b"c", A * 3))
    branch = field(1, b"then_branch") + field(6, inner)
    choice = field(2, b"out") + field(3, b"If_0") + field(4, b"If") + field(5, branch)
    model = onnx_model(
        onnx_tensor("w", FLOAT, (2, 3), raw(A)), nodes=[constant(b"c", A * 4), choice]
    )
    path.write_bytes(model)
    names = ["w", "c", "out.then_branch.w", "out.then_branch.c"]
    assert [info.name for info in io.list_tensors(path)] == names
    assert [io.load(path, name)[0, 1] for name in names] == [1, 4, 2, 3]


def test_a_tensor_of_an_inner_graph_goes_by_the_first_output_of_its_node(path: Path) -> None:
    inner = field(5, onnx_tensor("w", FLOAT, (2, 3), raw(A)))
    branch = field(1, b"then_branch") + field(6, inner)
    outputs = field(2, b"first") + field(2, b"second") + field(2, b"last")
    path.write_bytes(onnx_model(nodes=[outputs + field(4, b"If") + field(5, branch)]))
    assert [info.name for info in io.list_tensors(path)] == ["first.then_branch.w"]


def test_constants_of_every_kind_that_the_package_writes_are_found(
    path: Path, refusal: Refusal
) -> None:
    onnx = pytest.importorskip("onnx")
    make = onnx.helper.make_node
    values = {
        "value_float": (2.5, np.float32),
        "value_floats": ([1.5, -2.0, 3.0], np.float32),
        "value_int": (-7, np.int64),
        "value_ints": ([1, -(2**62), 300], np.int64),
    }
    nodes = [make("Constant", [], [key], **{key: of}) for key, (of, _) in values.items()]
    nodes.append(make("Constant", [], ["text"], value_string="hello"))
    nodes.append(make("Constant", [], ["texts"], value_strings=["a", "b"]))
    dense = onnx.helper.make_tensor("s", FLOAT, [2], [1.0, 2.0])
    places = onnx.helper.make_tensor("i", 7, [2], [0, 5])
    sparse = onnx.helper.make_sparse_tensor(dense, places, [2, 3])
    nodes.append(make("Constant", [], ["thin"], sparse_value=sparse))
    graph = onnx.helper.make_graph(nodes, "g", [], [], [], sparse_initializer=[sparse])
    function = onnx.helper.make_function(
        "my", "Act", ["x"], ["c"], [make("Constant", [], ["c"], value_float=0.5)], []
    )
    onnx.save(onnx.helper.make_model(graph, functions=[function]), path)
    listed = {info.name: info for info in io.list_tensors(path)}
    assert list(listed) == ["s", *values, "text", "texts", "thin", "Act.c"]
    for key, (of, dtype) in values.items():
        loaded = io.load(path, key)
        assert loaded.dtype == dtype
        assert loaded.tolist() == of
        assert (listed[key].shape, listed[key].nbytes) == (loaded.shape, loaded.nbytes)
    assert io.load(path, "Act.c") == 0.5
    for name, words in {
        "s": "is sparse",
        "thin": "is sparse",
        "text": "text",
        "texts": "text",
    }.items():
        assert words in listed[name].reason
        assert words in refusal(io.load, path, name)
    assert (listed["s"].shape, listed["s"].dtype) == ((2, 3), "float32")


def test_a_name_that_was_made_up_has_the_node_that_takes_it_beside(path: Path) -> None:
    def node(op_type: bytes, name: bytes, inputs: list[bytes], output: bytes = b"y") -> bytes:
        taken = b"".join(field(1, one) for one in inputs)
        return taken + field(2, output) + field(3, name) + field(4, op_type)

    def weight(name: str) -> bytes:
        return onnx_tensor(name, FLOAT, (2, 3), raw(A))

    tensors = map(weight, ("onnx::MatMul_470", "onnx::MatMul_471", "123", "val_7", "fc.weight"))
    nodes = [
        node(b"MatMul", b"/encoder/q_proj/MatMul", [b"x", b"onnx::MatMul_470"]),
        node(b"Transpose", b"/t/Transpose", [b"onnx::MatMul_471"], b"turned"),
        node(b"DequantizeLinear", b"/t/DQ", [b"turned", b"s"], b"real"),
        node(b"MatMul", b"/encoder/k_proj/MatMul", [b"real", b"x"]),
        node(b"Conv", b"", [b"x", b"123"]),
        node(b"Gemm", b"/head/Gemm", [b"x", b"fc.weight"]),
    ]
    path.write_bytes(onnx_model(*tensors, nodes=nodes))
    assert {info.name: info.used_by for info in io.list_tensors(path)} == {
        "onnx::MatMul_470": "/encoder/q_proj/MatMul",
        "onnx::MatMul_471": "/encoder/k_proj/MatMul",
        "123": "",
        "val_7": "",
        "fc.weight": "",
    }


BAD = [
    (b"\x80" * 40, "ends within"),
    (b"words " * 9, "no ONNX model, or damaged"),
    (b"<!DOCTYPE html>", "is a web page"),
    (field(1, 10), "has no graph"),
    (field(7, b"\x2a\xff\xff\xff\xff\x0f"), "ends within"),
    (field(7, b"\x02\x00"), "ends within"),
    (field(7, b"\x2b"), "no known kind"),
    (onnx_model(), "no array of real numbers"),
    (onnx_model(onnx_tensor("x", FLOAT, (2, 2), raw(A))), "takes 16 bytes, and it has 24"),
    (onnx_model(onnx_tensor("x", FLOAT, (2, 4), raw(A))), "takes 32 bytes, and it has 24"),
    (onnx_model(onnx_tensor("x", FLOAT, (2, 3))), "takes 24 bytes, and it has 0"),
    (onnx_model(onnx_tensor("x", INT8, (2**40,), packed(INT32S, [1]))), "and it has 1"),
    (onnx_model(onnx_tensor("x", INT4, (4,), field(RAW, b"1"))), "takes 2 bytes, and it has 1"),
    (onnx_model(onnx_tensor("x", FLOAT, (-2, -3), raw(A))), "no array can have"),
    (onnx_model(onnx_tensor("x", FLOAT, (2**62, 2**62), raw(A))), "no array can have"),
    (onnx_model(onnx_tensor("x", FLOAT, (1,) * 100, raw(A))), "no array can have"),
    (onnx_model(onnx_tensor("x", FLOAT, (), packed(1, [1] * 5000), raw(A))), "no array can have"),
    (onnx_model(onnx_tensor("x", FLOAT, (2, 3), raw(A), field(3, b""))), "segments"),
]
BAD_NUMBERS = [
    (onnx_tensor("x", INT8, (2,), packed(INT32S, [1, 128])), "not int8"),
    (onnx_tensor("x", UINT8, (2,), packed(INT32S, [1, -1])), "not uint8"),
    (onnx_tensor("x", 12, (2,), packed(11, [1, 2**32])), "not uint32"),
    (onnx_tensor("x", INT8, (2,), packed(INT32S, [1, 2, 3])), "more or fewer"),
    (onnx_tensor("x", INT8, (2,), field(INT32S, b"\x85\x00")), "more or fewer"),
    (onnx_tensor("x", INT8, (2,), field(INT32S, b"\x01\x80")), "ends within"),
    (onnx_tensor("x", INT8, (2,), field(INT32S, b"\x80" * 11 + b"\1")), "too long"),
    (onnx_tensor("x", FLOAT, (4,), field(FLOATS, 1) + field(FLOATS, b"1" * 15)), "more or fewer"),
]


@pytest.mark.parametrize(("data", "words"), BAD, ids=range(len(BAD)))
def test_a_model_that_is_not_sound_is_refused(
    data: bytes, words: str, path: Path, refusal: Refusal
) -> None:
    path.write_bytes(data)
    assert words in refusal(io.list_tensors, path)
    assert words in refusal(io.load, path)


@pytest.mark.parametrize(("tensor", "words"), BAD_NUMBERS, ids=range(len(BAD_NUMBERS)))
def test_numbers_that_are_not_sound_are_refused(
    tensor: bytes, words: str, path: Path, refusal: Refusal
) -> None:
    path.write_bytes(onnx_model(tensor))
    assert words in refusal(io.load, path, "x")


def test_graphs_in_graphs_without_end_are_refused(path: Path, refusal: Refusal) -> None:
    graph = field(2, b"innermost")
    for _ in range(1000):
        graph = field(1, field(5, field(6, graph)))
    path.write_bytes(field(7, graph))
    assert "graphs in graphs" in refusal(io.list_tensors, path)


def test_parts_without_end_are_refused(
    path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protobuf, "MAX_FIELDS", 1000)
    path.write_bytes(field(7, b"\x0a\x00" * 1000))
    assert "more than 1,000 parts" in refusal(io.list_tensors, path)


@pytest.mark.parametrize(
    "graph",
    [
        field(1, b"") * 1000,
        field(1, field(5, b"") * 1000),
        b"".join(field(5, field(8, b"%d" % i)) for i in range(1000)),
    ],
    ids=["nodes", "attributes", "tensors"],
)
def test_parts_without_end_take_little_memory(
    graph: bytes, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protobuf, "MAX_FIELDS", 10_000)
    monkeypatch.setattr(reader, "MAX_TENSORS", 500)
    path.write_bytes(field(7, graph))
    with suppress(io.FormatError):  # so that what is made once is
        io.list_tensors(path)
    tracemalloc.start()
    try:
        with suppress(io.FormatError):
            io.list_tensors(path)
        assert tracemalloc.get_traced_memory()[1] < 250_000
    finally:
        tracemalloc.stop()


def test_a_model_cut_short_within_its_graph_is_refused(path: Path, refusal: Refusal) -> None:
    whole = builders.onnx({"weight": A})
    graph = whole.index(b"graph") + 5 + 2 + 24
    for length in range(1, graph):
        path.write_bytes(whole[:length])
        for call in (io.load, io.list_tensors):
            refusal(call, path)


def test_a_large_model_is_listed_without_its_numbers(path: Path) -> None:
    count = 1 << 29
    head = field(8, b"x") + field(1, count) + field(2, FLOAT) + b"\x4a" + varint(4 * count)
    tensor = b"\x2a" + varint(len(head) + 4 * count) + head
    small = field(5, onnx_tensor("y", INT8, (3,), raw(B)))
    length = len(tensor) + 4 * count + len(small)
    with path.open("wb") as stream:
        stream.write(field(1, 10) + b"\x3a" + varint(length) + tensor)
        stream.seek(4 * count, 1)  # a hole, which takes no room on the disk
        stream.write(small)
    tracemalloc.start()
    try:
        assert [info.nbytes for info in io.list_tensors(path)] == [4 * count, 3]
        assert (io.load(path, "y") == B).all()
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_model_on_a_disk_without_mappings_is_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.ENODEV, "No such device")

    path.write_bytes(builders.onnx({"weight": A, "bias": B}))
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", 0)
    monkeypatch.setattr(mmap, "mmap", refused)
    assert (io.load(path, "weight") == A).all()


# Numbers in another file.


def external_model(path: Path, **said: object) -> None:
    path.write_bytes(onnx_model(onnx_tensor("x", FLOAT, (2, 3), elsewhere(**said))))


@pytest.mark.parametrize("way", [0, 1 << 62], ids=["mapped", "read"])
@pytest.mark.parametrize("location", ["x.data", "./x.data", "sub/x.data"])
@pytest.mark.parametrize("said", [{"offset": 8, "length": 24}, {"offset": 8}])
def test_another_file_is_read_only_when_agreed(
    location: str,
    said: dict[str, int],
    way: int,
    path: Path,
    refusal: Refusal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", way)
    external_model(path, location=location, **said)
    (path.parent / "sub").mkdir()
    (path.parent / location).write_bytes(b"12345678" + A.tobytes() + b"more")
    (info,) = io.list_tensors(path)
    assert (info.external, info.shape, info.nbytes) == (location, (2, 3), 24)
    message = refusal(io.load, path)
    assert location in message
    assert "agree" in message
    with pytest.raises(io.ExternalDataError) as caught:
        io.load(path, "x")
    assert caught.value.file == location
    loaded = io.load(path, external=True)
    assert (loaded == A).all()
    loaded[...] = 0
    assert (io.load(path, "x", external=True) == A).all()


def test_the_agreement_asks_for_no_other_file_where_there_is_none(path: Path) -> None:
    path.write_bytes(builders.onnx({"x": A}))
    assert (io.load(path, external=True) == A).all()


@pytest.mark.parametrize(
    "location",
    [
        "/etc/passwd",
        "../x.data",
        "sub/../../x.data",
        "..",
        ".",
        "",
        "C:x.data",
        "sub\\x.data",
        "a\0b",
    ],
)
@pytest.mark.parametrize("agreed", [True, False])
def test_a_name_that_leads_out_of_the_folder_is_refused(
    location: str, agreed: bool, path: Path, refusal: Refusal
) -> None:
    folder = path.parent / "model"
    folder.mkdir()
    (path.parent / "x.data").write_bytes(A.tobytes())
    model = folder / "x.onnx"
    external_model(model, location=location)
    assert "not a file beside the model" in refusal(io.load, model, external=agreed)


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
@pytest.mark.parametrize("folder_linked", [True, False])
def test_a_link_that_leads_out_of_the_folder_is_refused(
    folder_linked: bool, path: Path, refusal: Refusal
) -> None:
    (path.parent / "model").mkdir()
    (path.parent / "secret").mkdir()
    (path.parent / "secret" / "x.data").write_bytes(A.tobytes())
    model = path.parent / "model" / "x.onnx"
    if folder_linked:
        external_model(model, location="sub/x.data")
        (model.parent / "sub").symlink_to(path.parent / "secret")
    else:
        external_model(model, location="x.data")
        (model.parent / "x.data").symlink_to(path.parent / "secret" / "x.data")
    assert "leads out of" in refusal(io.load, model, external=True)


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_a_link_within_the_folder_is_followed(path: Path) -> None:
    external_model(path, location="x.data")
    (path.parent / "real.data").write_bytes(A.tobytes())
    (path.parent / "x.data").symlink_to("real.data")
    assert (io.load(path, external=True) == A).all()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"offset": 4}, "cut short"),
        ({"offset": 2**62}, "cut short"),
        ({"offset": -4}, "no number of bytes"),
        ({"offset": "1_0"}, "no number of bytes"),
        ({"offset": "9" * 30}, "no number of bytes"),
        ({"length": ""}, "no number of bytes"),
        ({"length": 20}, "takes 24 bytes, and it has 20"),
    ],
)
def test_where_the_numbers_are_is_not_believed(
    said: dict[str, Any], words: str, path: Path, refusal: Refusal
) -> None:
    external_model(path, location="x.data", **said)
    (path.parent / "x.data").write_bytes(A.tobytes())
    assert words in refusal(io.load, path, external=True)


def test_another_file_that_is_none_is_told(path: Path, refusal: Refusal) -> None:
    external_model(path, location="x.data")
    assert "x.data cannot be read: there is no such" in refusal(io.load, path, external=True)
    other = path.parent / "x.data"
    other.mkdir()
    assert "is a folder" in refusal(io.load, path, external=True)
    other.rmdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(other)
        assert "not a regular file" in refusal(io.load, path, external=True)


@given(st.binary(max_size=200), st.integers(0, 150))
def test_any_bytes_give_an_array_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, at: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.onnx"
    whole = builders.onnx({"weight": A, "bias": B})
    path.write_bytes(whole[:at] + data + whole[at + len(data) :])
    for call in (io.list_tensors, io.load):
        try:
            call(path)
        except io.FormatError as error:
            assert str(error).endswith(".")


# The onnx package is the independent truth.


def test_field_numbers_are_those_of_the_package() -> None:
    onnx = pytest.importorskip("onnx")

    def number(message: str, field: str) -> int:
        return int(getattr(onnx, message).DESCRIPTOR.fields_by_name[field].number)

    tensor = ["dims", "data_type", "segment", "name", "raw_data", "external_data", "data_location"]
    typed = ["float_data", "int32_data", "int64_data", "double_data", "uint64_data"]
    attribute = ["name", "t", "g", "graphs", "f", "i", "s", "floats", "ints", "strings"]
    assert [number("TensorProto", name) for name in tensor] == [
        *(reader._DIMS, reader._DATA_TYPE, reader._SEGMENT, reader._NAME),
        *(reader._RAW, reader._EXTERNAL, reader._LOCATION),
    ]
    assert tuple(number("TensorProto", name) for name in typed) == onnx_types.TYPED
    assert [number("AttributeProto", name) for name in attribute] == [
        *(reader._ATTRIBUTE_NAME, reader._ATTRIBUTE_TENSOR),
        *(reader._ATTRIBUTE_GRAPH, reader._ATTRIBUTE_GRAPHS, reader._ATTRIBUTE_FLOAT),
        *(reader._ATTRIBUTE_INT, reader._ATTRIBUTE_STRING, reader._ATTRIBUTE_FLOATS),
        *(reader._ATTRIBUTE_INTS, reader._ATTRIBUTE_STRINGS),
    ]
    assert number("AttributeProto", "sparse_tensor") == reader._ATTRIBUTE_SPARSE
    assert number("GraphProto", "sparse_initializer") == reader._SPARSE
    assert number("SparseTensorProto", "values") == reader._SPARSE_VALUES
    assert number("SparseTensorProto", "dims") == reader._SPARSE_DIMS
    assert number("ModelProto", "functions") == reader._FUNCTION
    assert number("FunctionProto", "name") == reader._FUNCTION_NAME
    assert number("FunctionProto", "node") == reader._FUNCTION_NODE
    assert [number("NodeProto", n) for n in ("output", "op_type", "attribute", "input")] == [
        *(reader._OUTPUT, reader._OP_TYPE, reader._ATTRIBUTE, reader._INPUT)
    ]
    assert number("NodeProto", "name") == reader._NODE_NAME
    assert number("GraphProto", "node") == reader._NODE
    assert number("GraphProto", "initializer") == reader._INITIALIZER
    assert number("ModelProto", "graph") == reader._GRAPH
    assert onnx.TensorProto.EXTERNAL == 1


@pytest.mark.parametrize("as_raw", [True, False])
@pytest.mark.parametrize("data_type", sorted(onnx_types.KINDS))
def test_every_type_that_the_package_writes_loads_bit_for_bit(
    data_type: int, as_raw: bool, path: Path
) -> None:
    onnx = pytest.importorskip("onnx")
    dtype = onnx.helper.tensor_dtype_to_np_dtype(data_type)
    kind = onnx_types.KINDS[data_type]
    generator = np.random.default_rng(0)
    if kind.packed:
        levels = 2 ** (8 // kind.per_byte)
        low = -levels // 2 if kind.dtype.kind == "i" else 0
        array = generator.integers(low, low + levels, 15)
        array = array.astype(dtype)
    else:
        array = generator.integers(0, 256, 510 * dtype.itemsize, np.uint8).view(dtype)
        # A float that is written as a Python number loses what a NaN carries.
        array = array if as_raw or kind.bits else np.nan_to_num(array, nan=1.5)
    array = array.reshape(3, -1)
    if as_raw:
        tensor = onnx.numpy_helper.from_array(array, "x")
    elif kind.bits:
        unsigned = array.view(f"u{dtype.itemsize}").ravel().astype(int).tolist()
        tensor = onnx.TensorProto(name="x", data_type=data_type, dims=array.shape)
        tensor.int32_data.extend(unsigned)
    else:
        tensor = onnx.helper.make_tensor("x", data_type, array.shape, array.ravel().tolist())
    assert tensor.HasField("raw_data") is as_raw
    graph = onnx.helper.make_graph([], "g", [], [], [tensor])
    onnx.save(onnx.helper.make_model(graph), path)
    truth = onnx.numpy_helper.to_array(onnx.load(path).graph.initializer[0])
    loaded = io.load(path, "x")
    (info,) = io.list_tensors(path)
    assert (info.shape, info.dtype) == (loaded.shape, loaded.dtype.name)
    assert info.nbytes == -(-loaded.nbytes // kind.per_byte)
    assert loaded.dtype == kind.dtype
    assert loaded.tobytes() == truth.astype(kind.dtype, copy=False).tobytes()
    assert as_working(loaded).shape == (3, array.shape[1])


@pytest.mark.parametrize("one_file", [True, False])
def test_external_data_that_the_package_writes_is_read(one_file: bool, path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    arrays = {"a": A, "b": np.arange(5000, dtype=np.float64), "c": B, "none": A[:0]}
    tensors = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = onnx.helper.make_graph([], "g", [], [], tensors)
    onnx.save(
        onnx.helper.make_model(graph),
        path,
        save_as_external_data=True,
        all_tensors_to_one_file=one_file,
        location="x.data" if one_file else None,
        size_threshold=0,
    )
    files = {"x.data"} if one_file else set(arrays)
    assert {info.external for info in io.list_tensors(path)} == files
    for name, array in arrays.items():
        assert io.load(path, name, external=True).tobytes() == array.tobytes()
