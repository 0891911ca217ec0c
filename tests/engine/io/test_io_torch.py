"""PyTorch checkpoints: what their pickles may do, and storages that lie. Without PyTorch."""

from __future__ import annotations

import io as stdio
import os
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope.engine import io
from quantoscope.engine.io import pickles, torch_names
from tests.engine.io import builders
from tests.engine.io.builders import call, torch_old, torch_tensor, torch_zip, value
from tests.engine.io.builders import name as named

Refusal = Callable[..., str]

A = np.arange(6, dtype=np.float32).reshape(2, 3)
B = np.array([1, -2, 3], dtype=np.int8)
STORED = {"0": A.tobytes()}
WHOLE = torch_tensor("0", "FloatStorage", 6, (2, 3))

every_layout = pytest.mark.parametrize("old", [False, True], ids=["zip", "old"])
both_ways = pytest.mark.parametrize("way", [0, 1 << 62], ids=["mapped", "read"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.pt"


def written(path: Path, pickled: bytes, old: bool = False) -> Path:
    """Write a checkpoint of any pickle beside the one storage."""
    layouts = torch_old(pickled, {"0": (6, A.tobytes())}), torch_zip(pickled, STORED)
    path.write_bytes(layouts[0] if old else layouts[1])
    return path


def names(path: Path) -> list[str]:
    return [info.name for info in io.list_tensors(path)]


@every_layout
@both_ways
def test_tensors_are_listed_and_loaded_by_name(
    old: bool, way: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", way)
    path.write_bytes(builders.torch({"weight": A, "bias": B}, old))
    assert io.probe(path) is io.TORCH
    assert io.list_tensors(path) == [
        io.TensorInfo("weight", (2, 3), "float32", 24),
        io.TensorInfo("bias", (3,), "int8", 3),
    ]
    weight = io.load(path, "weight")
    assert (weight == A).all()
    weight[...] = 0
    assert (io.load(path, "weight") == A).all()
    assert io.load(path, "bias").tolist() == [1, -2, 3]


@every_layout
def test_names_are_refused_as_in_every_file(old: bool, path: Path, refusal: Refusal) -> None:
    path.write_bytes(builders.torch({"weight": A, "bias": B}, old))
    assert "2 arrays (weight, bias)" in refusal(io.load, path)
    assert "it holds weight, bias" in refusal(io.load, path, "scale")
    written(path, value({"a": {"b": WHOLE}, "a.b": WHOLE}), old)
    assert "two arrays named 'a.b'" in refusal(io.list_tensors, path)


@every_layout
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_the_layouts_are_known_whatever_the_ending(old: bool, protocol: int, path: Path) -> None:
    data = builders.torch({"x": A}, old)
    if old:
        start = pickle.dumps(0x1950A86A20F9469CFC6C, protocol)
        data = start + data.removeprefix(builders.MAGIC)
    path = path.with_suffix(".npz")
    path.write_bytes(data)
    assert io.probe(path) is io.TORCH
    assert (io.load(path) == A).all()


def test_lists_and_dictionaries_within_each_other_give_names(path: Path) -> None:
    tree = {
        "state_dict": {"layer.weight": WHOLE, 3: WHOLE, None: WHOLE},
        "optimizer": [{"step": 7}, {"moment": WHOLE}, (WHOLE,)],
        (1, 2): WHOLE,
        "a::b": WHOLE,
        "../größe\N{ROCKET}": WHOLE,
        "": WHOLE,
    }
    items = b"".join(value(k) + value(v) for k, v in tree.items())
    written(path, b"}(" + items + b"u")
    assert names(path) == [
        *("state_dict.layer.weight", "state_dict.3", "state_dict.None"),
        *("optimizer.1.moment", "optimizer.2.0", "2", "a::b", "../größe\N{ROCKET}", ""),
    ]
    for name in names(path):
        assert (io.load(path, name) == A).all()


@every_layout
def test_a_tensor_alone_goes_by_the_stem_of_the_file(old: bool, path: Path) -> None:
    written(path, WHOLE, old)
    assert names(path) == ["x"]
    assert (io.load(path) == A).all()


@every_layout
@both_ways
@pytest.mark.parametrize(
    ("shape", "strides", "offset", "expected"),
    [
        ((3, 2), (1, 3), 0, A.T),
        ((2, 2), (3, 1), 1, A[:, 1:]),
        ((3,), (2,), 1, A.ravel()[1::2]),
        ((4, 2), (0, 1), 4, np.tile(A.ravel()[4:], (4, 1))),
        ((), (), 5, A[1, 2]),
        ((1, 2, 1), (77, 1, 10**18), 0, A[:1, :2, None]),
        ((0, 4), (1, 1), 6, A[:0]),
        ((2, 2, 2), (1, 1, 1), 2, [[[2, 3], [3, 4]], [[3, 4], [4, 5]]]),
    ],
)
def test_views_show_what_they_should(
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    offset: int,
    expected: np.ndarray,
    old: bool,
    way: int,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", way)
    written(path, value({"x": torch_tensor("0", "FloatStorage", 6, shape, strides, offset)}), old)
    array = io.load(path)
    assert array.shape == shape
    assert array.tobytes() == np.array(expected, np.float32).tobytes()
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert array.flags.aligned
    (info,) = io.list_tensors(path)
    assert (info.shape, info.nbytes) == (shape, array.nbytes)


def test_a_storage_that_is_a_part_of_another_is_read(path: Path) -> None:
    """As the first versions wrote views."""
    part = torch_tensor("0", "FloatStorage", 6, (2,), None, 1, ("1", 2, 4))
    written(path, value({"x": part, "y": WHOLE}), old=True)
    assert io.load(path, "x").tolist() == [3, 4]
    assert (io.load(path, "y") == A).all()


@pytest.mark.parametrize("code", ["f4", "f8", "f2", "i1", "u1", "i8"])
@pytest.mark.parametrize("order", ["little", "big"])
def test_the_byte_order_of_the_archive_is_honoured(code: str, order: str, path: Path) -> None:
    dtype = np.dtype(code)
    array = np.array([[1, 2, -3], [100, 0, 7]]).astype(dtype)
    kind = builders.TORCH_STORAGES[dtype.name]
    stored = array.astype(dtype.newbyteorder("<" if order == "little" else ">"))
    pickled = value({"x": torch_tensor("0", kind, 6, (3, 2), (1, 3))})
    path.write_bytes(torch_zip(pickled, {"0": stored.tobytes()}, byteorder=order.encode()))
    assert (io.load(path) == array.T).all()


def test_small_floats_of_a_big_archive_are_turned_too(path: Path) -> None:
    pickled = value({"x": torch_tensor("0", "BFloat16Storage", 2, (2,))})
    path.write_bytes(torch_zip(pickled, {"0": b"\x3f\x80\xc0\x00"}, byteorder=b"big"))
    assert io.load(path).astype(np.float32).tolist() == [1, -2]


@every_layout
def test_what_is_no_real_numbers_is_left_out_and_refused_by_name(
    old: bool, path: Path, refusal: Refusal
) -> None:
    tree = {
        "flags": torch_tensor("0", "BoolStorage", 6, (6,)),
        "quantized": call("torch._utils", "_rebuild_qtensor", 1, 2, 3),
        "sparse": call("torch._utils", "_rebuild_sparse_tensor", 1),
        "weight": torch_tensor("0", "CharStorage", 6, (6,)),
    }
    data = {"0": bytes([1, 0, 1, 0, 1, 0])}
    sized = {"0": (6, data["0"])}
    path.write_bytes(torch_old(value(tree), sized) if old else torch_zip(value(tree), data))
    assert {info.name: info.reason.partition(",")[0] for info in io.list_tensors(path)} == {
        "flags": "holds true/false values (bool); quantization needs real numbers",
        "quantized": "is quantized already",
        "sparse": "is sparse",
        "weight": "",
    }
    assert "bool" in refusal(io.load, path, "flags")
    assert "is quantized already" in refusal(io.load, path, "quantized")
    assert "is sparse" in refusal(io.load, path, "sparse")
    epoch = value({"epoch": 3})
    path.write_bytes(torch_old(epoch, {}) if old else torch_zip(epoch, {}))
    assert "no array of real numbers" in refusal(io.load, path)


def test_the_parts_of_a_sparse_tensor_go_by_what_they_are(path: Path) -> None:
    stored = {
        "starts": np.array([0, 2, 3], np.int64),
        "indices": np.array([0, 2, 1], np.int64),
        "values": np.array([1.5, -2, 3], np.float32),
        "places": np.array([[0, 0, 1], [0, 2, 1]], np.int64),
    }
    part = {
        key: torch_tensor(
            key, "FloatStorage" if key == "values" else "LongStorage", of.size, of.shape
        )
        for key, of in stored.items()
    }
    rows = (part["starts"], part["indices"], part["values"], (2, 3), False)
    tree = {
        "csr": call("torch._utils", "_rebuild_sparse_tensor", 0, rows),
        "coo": call(
            "torch._utils", "_rebuild_sparse_tensor", 0, (part["places"], part["values"], (2, 3))
        ),
    }
    path.write_bytes(torch_zip(value(tree), {key: of.tobytes() for key, of in stored.items()}))
    infos = {info.name: info for info in io.list_tensors(path)}
    for name in ("csr", "coo"):
        assert (infos[name].shape, infos[name].dtype) == ((2, 3), "float32")
        assert "is sparse" in infos[name].reason
    for name, key in (("csr.starts", "starts"), ("csr.indices", "indices"),
                      ("csr.values", "values"), ("coo.indices", "places"),
                      ("coo.values", "values")):  # fmt: skip
        assert io.load(path, name).tolist() == stored[key].tolist()


@every_layout
@pytest.mark.parametrize("mark", ["neg", "conj"])
def test_signs_that_are_not_written_out_are_not_guessed(
    mark: str, old: bool, path: Path, refusal: Refusal
) -> None:
    whole = value(("storage", named("torch", "FloatStorage"), "0", "cpu", 6)) + b"Q"
    hooks = call("collections", "OrderedDict")
    marked = call("torch._utils", "_rebuild_tensor_v2", whole, 0, (6,), (1,), False, hooks,
                  {mark: True})  # fmt: skip
    written(path, value({"x": marked, "y": WHOLE}), old)
    assert listed(path)["y"] == ""
    assert "has signs that are not written out" in refusal(io.load, path, "x")


def listed(path: Path) -> dict[str, str]:
    return {info.name: info.reason for info in io.list_tensors(path)}


@every_layout
def test_objects_beside_tensors_are_not_made_and_said(
    old: bool, path: Path, refusal: Refusal
) -> None:
    arguments = named("argparse", "Namespace") + b")\x81" + value({"lr": 1}) + b"b"
    config = named("my.training", "Config") + value(({"depth": 3},)) + b"R"
    when = named("datetime", "datetime") + value(("x",)) + b"R"
    tree = {"weight": WHOLE, "args": arguments, "config": config, "when": when}
    written(path, value(tree), old)
    assert listed(path) == {
        "weight": "",
        "args": "is an object of argparse.Namespace, which was not run, and no tensor",
        "config": "is an object of my.training.Config, which was not run, and no tensor",
        "when": "is an object of datetime.datetime, which was not run, and no tensor",
    }
    assert (io.load(path) == A).all()
    assert "argparse.Namespace" in refusal(io.load, path, "args")


def test_tensors_in_objects_are_found_under_the_names_of_a_state_dict(path: Path) -> None:
    linear = named("torch.nn.modules.linear", "Linear") + b")\x81"
    linear += value({"_parameters": {"weight": WHOLE}, "_buffers": {}, "_modules": {}}) + b"b"
    model = named("my.models", "Net") + b")\x81q\x00"
    model += value({"training": False, "_modules": {"fc": linear}, "me": b"h\x00"}) + b"b"
    deque = named("collections", "deque") + b")R" + WHOLE + b"a"
    mapping = named("my.models", "Cache") + b")\x81" + value("k") + WHOLE + b"s"
    tree = {"model": model, "last": deque, "cache": mapping}
    path.write_bytes(torch_zip(value(tree), STORED))
    assert listed(path) == {"model.fc.weight": "", "last.0": "", "cache.k": ""}
    assert (io.load(path, "model.fc.weight") == A).all()


def test_a_dictionary_keeps_the_keys_that_a_module_has_its_parts_in(path: Path) -> None:
    tree = {key: {"x": WHOLE} for key in ("_buffers", "_modules", "_parameters")}
    path.write_bytes(torch_zip(value(tree), STORED))
    assert names(path) == ["_buffers.x", "_modules.x", "_parameters.x"]


def test_all_that_is_appended_or_set_in_an_object_of_a_list_or_dictionary_is_found(
    path: Path,
) -> None:
    many = named("my.data", "Batches") + b")\x81" + WHOLE + b"a(" + WHOLE + WHOLE + b"e"
    many += WHOLE + b"a"
    mapping = named("my.data", "Cache") + b")\x81" + value("a") + WHOLE + b"s("
    mapping += value("b") + WHOLE + b"u" + value("c") + WHOLE + b"s"
    path.write_bytes(torch_zip(value({"many": many, "cache": mapping}), STORED))
    assert names(path) == [*(f"many.{i}" for i in range(4)), "cache.a", "cache.b", "cache.c"]


def test_a_checkpoint_of_objects_without_tensors_is_refused(path: Path, refusal: Refusal) -> None:
    path.write_bytes(torch_zip(value({"a": named("argparse", "Namespace") + b")\x81"}), {}))
    assert refusal(io.load, path) == (
        "x.pt names argparse.Namespace, which a checkpoint of tensors does not need; "
        "it was not run; save the state_dict() of the model alone."
    )


def test_a_tensor_that_its_class_puts_together_has_its_parts_listed(path: Path) -> None:
    of = named("torchao.quantization", "Int8Tensor")
    inner = call("torch._utils", "_rebuild_wrapper_subclass", 0)
    made = named("torch._tensor", "_rebuild_from_type_v2") + b"("
    made += named("torch._utils", "_rebuild_wrapper_subclass") + of
    made += b"(" + of + named("torch", "float32") + value((2, 3)) + b"t"
    made += value({"qdata": WHOLE, "block_size": [1, 3]}) + b"tR"
    path.write_bytes(torch_zip(value({"w": made, "v": inner}), STORED))
    w, qdata, v = io.list_tensors(path)
    assert (w.name, w.dtype, w.shape) == ("w", "float32", (2, 3))
    assert "torchao.quantization.Int8Tensor" in w.reason
    assert (qdata.name, qdata.readable, v.readable) == ("w.qdata", True, False)
    assert (io.load(path) == A).all()


CASES = [
    np.arange(6, dtype="<f4").reshape(2, 3),
    np.arange(6, dtype=">i2").reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.array(2.5),
    np.zeros((0, 3), np.uint8),
    np.arange(256, dtype=np.uint8),
    np.arange(3).astype(ml_dtypes.bfloat16),
    np.arange(3).astype(ml_dtypes.float8_e4m3fn),
]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("array", CASES, ids=range(len(CASES)))
def test_arrays_of_numpy_in_a_checkpoint_are_read(
    array: np.ndarray, protocol: int, path: Path
) -> None:
    path.write_bytes(torch_zip(pickle.dumps({"x": array, "y": array}, protocol)[:-1], {}))
    for info in io.list_tensors(path):
        assert (info.dtype, info.shape, info.nbytes) == (
            array.dtype.name,
            array.shape,
            array.nbytes,
        )
        loaded = io.load(path, info.name)
        assert loaded.dtype == array.dtype.newbyteorder("=")
        assert loaded.tobytes() == array.astype(loaded.dtype).tobytes()
        assert loaded.flags.writeable
        assert loaded.flags.c_contiguous
        assert loaded.dtype.isnative


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([{}], object), "Python objects"),
        (np.array([True]), "true/false"),
        (np.array([1j]), "complex"),
        (np.array(["a"]), "text"),
        (np.array(["2020-01-01"], "M8[D]"), "dates"),
        (np.zeros(2, [("a", "f4")]), "NumPy's type"),
    ],
)
def test_arrays_of_numpy_that_hold_no_numbers_are_said(
    array: np.ndarray, words: str, path: Path, refusal: Refusal
) -> None:
    path.write_bytes(torch_zip(pickle.dumps({"x": array, "y": np.ones(2)}, 2)[:-1], {}))
    x, y = io.list_tensors(path)
    assert (x.name, x.shape, y.readable) == ("x", array.shape, True)
    assert words in x.reason
    assert words in refusal(io.load, path, "x")


BAD_ARRAYS = [
    (b"\x00" * 7, (2,)),
    (b"\x00" * 9, (2,)),
    ([0, 0], (2,)),
    (b"\x00" * 8, (-2, -1)),
    (b"\x00" * 8, (2**40, 2**40)),
    (b"\x00" * 8, (1,) * 99),
    (b"\x00" * 8, "2"),
]


@pytest.mark.parametrize(("data", "shape"), BAD_ARRAYS, ids=range(len(BAD_ARRAYS)))
def test_an_array_of_numpy_that_is_not_sound_is_refused(
    data: object, shape: object, path: Path, refusal: Refusal
) -> None:
    made = call("numpy._core.multiarray", "_reconstruct", 0)
    kind = call("numpy", "dtype", "f4", False, True)
    held = b"B" + len(data).to_bytes(4, "little") + data if isinstance(data, bytes) else value(data)
    state = b"(K\x01" + value(shape) + kind + b"\x89" + held + b"t"
    path.write_bytes(torch_zip(value({"x": made + state + b"b"}), {}))
    assert "array of NumPy that cannot be read" in refusal(io.list_tensors, path)


def test_a_nested_tensor_that_is_larger_than_its_numbers_is_refused(
    path: Path, refusal: Refusal
) -> None:
    numbers = {"0": A.tobytes(), "1": np.array([[9]]).tobytes(), "2": np.array([[1]]).tobytes()}
    numbers["3"] = np.array([0]).tobytes()
    made = named("torch._utils", "_rebuild_nested_tensor") + b"("
    made += torch_tensor("0", "FloatStorage", 6, (6,))
    made += b"".join(torch_tensor(key, "LongStorage", 1, (1, 1)) for key in "12")
    made += torch_tensor("3", "LongStorage", 1, (1,)) + b"tR"
    path.write_bytes(torch_zip(value({"n": made}), numbers))
    assert "larger than its storage" in refusal(io.list_tensors, path)


# What a pickle may name and do.

TROUBLE = [
    ("os", "system"),
    ("posix", "system"),
    ("nt", "system"),
    ("subprocess", "Popen"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("builtins", "getattr"),
    ("builtins", "__import__"),
    ("__builtin__", "eval"),
    ("torch", "load"),
    ("torch.storage", "_load_from_bytes"),
    ("torch.serialization", "load"),
    ("torch.hub", "load"),
    ("numpy", "load"),
    ("numpy.testing._private.utils", "runstring"),
    ("collections", "OrderedDict.fromkeys"),
    ("importlib", "import_module"),
]


@every_layout
@pytest.mark.parametrize(("module", "of"), TROUBLE)
@pytest.mark.parametrize("from_stack", [False, True])
def test_any_other_name_is_refused_and_named(
    module: str, of: str, from_stack: bool, old: bool, path: Path, refusal: Refusal
) -> None:
    reference = value(module) + value(of) + b"\x93" if from_stack else named(module, of)
    pickled = value({"weight": WHOLE, "extra": reference + value(("true",)) + b"R"})
    written(path, pickled, old)
    for call_ in (io.list_tensors, io.load):
        message = refusal(call_, path)
        assert message.startswith(f"x.pt names {module}.{of}, which a checkpoint of tensors does")
        assert "it was not run" in message


def test_a_whole_model_is_refused_with_what_to_save_instead(path: Path, refusal: Refusal) -> None:
    written(path, named("torch.nn.modules.linear", "Linear") + b")\x81" + value({}) + b"b")
    assert refusal(io.load, path) == (
        "x.pt names torch.nn.modules.linear.Linear, which a checkpoint of tensors does not need; "
        "it was not run; save the state_dict() of the model alone."
    )


class Bomb:
    """Makes a folder when something unpickles it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.folder),)


@every_layout
@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_bomb_does_not_go_off(
    protocol: int, old: bool, path: Path, tmp_path: Path, refusal: Refusal
) -> None:
    bomb = tmp_path / "bomb"
    pickled = pickle.dumps({"weight": Bomb(bomb)}, protocol)
    written(path, pickled[:-1], old)
    refusal(io.load, path)
    refusal(io.list_tensors, path)
    for member in ("version", "byteorder", "data/0"):
        path.write_bytes(torch_zip(value({"x": WHOLE}), STORED, **{member: pickled}))
        for call_ in (io.load, io.list_tensors):
            try:
                call_(path)
            except io.FormatError:
                refusal(call_, path)
    assert not bomb.exists()
    pickle.loads(pickled)
    assert bomb.exists(), "this bomb would not have gone off"


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_are_read_as_pickle_writes_them(protocol: int) -> None:
    twice = [1, [2, [3]]]
    values = [
        *(None, True, False, 0, 255, 65535, -1, 2**31 - 1, 2**40, -(2**100), 1.5, 1e300),
        *("", "text", "größe\N{ROCKET}" * 100, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), []),
        *(twice, twice),
    ]
    if protocol > 2:
        values += [b"", b"bytes" * 100]
    data = pickle.dumps(values, protocol)
    machine = pickles.Machine(stdio.BytesIO(data), len(data), {})
    read = machine.run()
    assert isinstance(read, list)
    assert read == values
    assert read[21] is read[22]
    assert machine.used == len(data)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_dictionaries_and_sets_are_read_as_pickle_writes_them(protocol: int) -> None:
    data = pickle.dumps({"a": {1: {2, 3}, "b": frozenset([4])}, 2.5: "c"}, protocol)
    machine = pickles.Machine(stdio.BytesIO(data), len(data), torch_names.NAMES)
    outer = machine.run()
    assert isinstance(outer, pickles.Pairs)
    (a, inner), last = outer.entries  # type: ignore[misc]
    assert (a, last) == ("a", (2.5, "c"))
    assert isinstance(inner, pickles.Pairs)
    assert [key for key, _ in inner.entries] == [1, "b"]  # type: ignore[misc]


BAD = [
    (b"", "ends within its pickle"),
    (b"R", "values that it does not have"),
    (b"(R", "values that it does not have"),
    (b"0", "instruction POP"),
    (b"I1\n", "instruction INT"),
    (b"(ios\nsystem\n", "instruction INST"),
    (b"\x82\x01", "instruction EXT1"),
    (b"Pid\n", "instruction PERSID"),
    (b"\xff", "cannot be read"),
    (b"\x80\x06", "version that is not known"),
    (b"h\x00", "values that it does not have"),
    (b"Nq\x00j\xff\xff\xff\xff", "values that it does not have"),
    (b"Nr\xff\xff\xff\xff", "references out of order"),
    (b"u", "values that it does not have"),
    (b"](Nu", "sets items of what has none"),
    (b"}(Nu", "sets items of what has none"),
    (b"}Na", "appends to what is no list"),
    (b"NN\x93", "a name that is no text"),
    (b"NNR", "calls what cannot be called"),
    (b"NQ", "a storage that cannot be read"),
    (b"X\xff\xff\xff\xff", "ends within its pickle"),
    (b"\x8d" + b"\xff" * 8, "ends within its pickle"),
    (b"\x8b\xff\xff\xff\xff", "endless number"),
    (b"c" + b"x" * 5000, "cannot be read"),
    (named("torch._utils", "_rebuild_tensor_v2") + b")R", "wrong values"),
    (call("torch", "device", *[None] * 100), "too many values"),
    (call("torch._utils", "_rebuild_tensor_v2", 1, 2, 3, 4), "without a storage"),
    (
        call("torch._tensor", "_rebuild_from_type_v2", 1, 2, (), 4),
        "makes a tensor from something else",
    ),
    (call("collections", "OrderedDict", [1, 2]), "dictionary without keys"),
    (call("_codecs", "encode", "\u00e9", "utf-8"), "an encoding that is not known"),
    (call("_codecs", "encode", 1, "latin1"), "an encoding that is not known"),
]


@every_layout
@pytest.mark.parametrize(("pickled", "words"), BAD, ids=range(len(BAD)))
def test_a_pickle_that_is_not_sound_is_refused(
    pickled: bytes, words: str, old: bool, path: Path, refusal: Refusal
) -> None:
    data = torch_zip(pickled, STORED)
    if old:
        data = builders.MAGIC + b"".join(b"\x80\x02" + value(v) + b"." for v in (1001, None))
        data += b"\x80\x02" + pickled + (b"." if pickled and "ends" not in words else b"")
    path.write_bytes(data)
    expected = words if pickled or old else "values that it does not have"
    assert expected in refusal(io.list_tensors, path)
    assert expected in refusal(io.load, path)


STORAGES = [
    (torch_tensor("0", "FloatStorage", 7, (7,)), "storage ends before"),
    (torch_tensor("0", "DoubleStorage", 6, (6,)), "ends "),
    (torch_tensor("0", "FloatStorage", 2**62, (6,)), "storage ends before"),
    (torch_tensor("0", "FloatStorage", 6, (7,)), "larger than its storage"),
    (torch_tensor("0", "FloatStorage", 6, (6,), None, 1), "larger than its storage"),
    (torch_tensor("0", "FloatStorage", 6, (2, 3), (4, 1)), "larger than its storage"),
    (torch_tensor("0", "FloatStorage", 6, (2,), (10**18,)), "larger than its storage"),
    (torch_tensor("0", "FloatStorage", 6, (2,), (-1,)), "no possible shape"),
    (torch_tensor("0", "FloatStorage", 6, (-2,), (1,)), "no possible shape"),
    (torch_tensor("0", "FloatStorage", 6, (2,), (1, 1)), "no possible shape"),
    (torch_tensor("0", "FloatStorage", 6, (1,) * 100), "no possible shape"),
    (torch_tensor("0", "FloatStorage", 6, (2,), (1,), -1), "no possible shape"),
    (torch_tensor("0", "FloatStorage", -6, (2,)), "a storage that cannot be read"),
    (torch_tensor("0", "FloatStorage", 6, (2,), None, 0, ("1", 5, 5)), "cannot be read"),
    (torch_tensor("0", "FloatStorage", 6, (10**6, 10**6), (0, 0)), "4,000,000,000,000 bytes"),
    (torch_tensor("0", "FloatStorage", 6, (2**62, 2**62), (0, 0)), "no array can have"),
]


@every_layout
@pytest.mark.parametrize(("tensor", "words"), STORAGES, ids=range(len(STORAGES)))
def test_a_tensor_that_does_not_fit_its_storage_is_refused(
    tensor: bytes, words: str, old: bool, path: Path, refusal: Refusal
) -> None:
    written(path, value({"x": tensor}), old)
    assert words in refusal(io.list_tensors, path)
    assert words in refusal(io.load, path)


def test_a_storage_that_is_not_there_is_told(path: Path, refusal: Refusal) -> None:
    path.write_bytes(torch_zip(value({"x": torch_tensor("../0", "FloatStorage", 6, (6,))}), STORED))
    assert "storage ends before" in refusal(io.load, path)
    path.write_bytes(torch_old(value({"x": WHOLE}), {}))
    assert "storage ends before" in refusal(io.load, path)
    path.write_bytes(torch_old(value({"x": WHOLE}), {"0": (6, A.tobytes()), "1": (1, b"1234")}))
    assert "no tensor is in" in refusal(io.load, path)
    path.write_bytes(torch_old(value({"x": WHOLE}), {"0": (2**60, A.tobytes())}))
    assert "ends within its storages" in refusal(io.load, path)
    path.write_bytes(torch_old(value({"x": WHOLE}), {"0": (6, A.tobytes())})[:-1])
    assert "ends within its storages" in refusal(io.load, path)


@every_layout
def test_lists_in_lists_without_end_are_refused(old: bool, path: Path, refusal: Refusal) -> None:
    deep = b"]" * 100_000 + b"a" * 99_999
    itself = b"]q\x00h\x00a"
    laughs = b"]q\x00" + b"".join(b"](" + b"h%c" % i * 10 + b"eq%c" % (i + 1) for i in range(40))
    for pickled in (deep, itself, laughs):
        written(path, pickled, old)
        assert "lists in it have no end" in refusal(io.list_tensors, path)


def test_names_without_end_are_refused(path: Path, refusal: Refusal) -> None:
    key = value("k" * 100_000) + b"q\x00"
    tensors = b"](" + (WHOLE + b"q\x01") + b"h\x01" * 1000 + b"e"
    written(path, b"}" + key + tensors + b"s")
    assert "names in it have no end" in refusal(io.list_tensors, path)


def test_instructions_without_end_are_refused(
    path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pickles, "MAX_INSTRUCTIONS", 1000)
    written(path, b"](" + b"N" * 1000 + b"e")
    assert "more than 1,000 instructions" in refusal(io.list_tensors, path)


# The zip file around it.


def test_compression_and_two_members_of_one_name_are_refused(path: Path, refusal: Refusal) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
    assert "compressed" in refusal(io.load, path)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        archive.writestr("a/data.pkl", b"\x80\x02}.")
    assert "two members" in refusal(io.load, path)


@pytest.mark.parametrize("member", ["constants.pkl", "code/__torch__.py"])
def test_torchscript_is_refused_with_what_to_save_instead(
    member: str, path: Path, refusal: Refusal
) -> None:
    path.write_bytes(torch_zip(value({}), {}, **{member: b""}))
    message = refusal(io.load, path)
    assert "TorchScript" in message
    assert "state_dict()" in message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"BC\xc0\xde, something else", "no PyTorch checkpoint"),
        (pickle.dumps(7), "pickle of something else"),
        (builders.MAGIC + b"K\x07.", "version that is not known"),
        (b"PK\x03\x04" + bytes(100), "read as a zip file"),
    ],
)
def test_what_only_has_the_ending_is_refused(
    data: bytes, words: str, path: Path, refusal: Refusal
) -> None:
    path.write_bytes(data)
    assert words in refusal(io.load, path)


def test_an_unknown_byte_order_is_refused(path: Path, refusal: Refusal) -> None:
    path.write_bytes(torch_zip(value({"x": WHOLE}), STORED, byteorder=b"middle"))
    assert "byte order" in refusal(io.load, path)


def test_a_local_header_that_lies_is_refused(path: Path, refusal: Refusal) -> None:
    data = bytearray(torch_zip(value({"x": WHOLE}), STORED))
    header = data.index(b"archive/data/0") - 30
    data[header + 28 : header + 30] = b"\xff\xff"
    path.write_bytes(data)
    assert "zip file" in refusal(io.load, path)
    data[header : header + 4] = b"PK\x07\x08"
    path.write_bytes(data)
    assert "zip file" in refusal(io.load, path)


@pytest.mark.parametrize("offset", [2**64 - 1, 2**63, 10**6])
def test_a_member_beyond_the_file_is_refused(offset: int, path: Path, refusal: Refusal) -> None:
    member = zipfile.ZipInfo("a/data.pkl")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, b"\x80\x02}.")
        member.header_offset = offset
    assert "zip file" in refusal(io.load, path)


def test_a_directory_that_puts_members_before_the_file_is_refused(
    path: Path, refusal: Refusal
) -> None:
    data = bytearray(torch_zip(value({"x": WHOLE}), STORED))
    data[-6:-2] = (int.from_bytes(data[-6:-2], "little") + 1000).to_bytes(4, "little")
    path.write_bytes(data)
    assert "zip file" in refusal(io.load, path)


def test_a_large_checkpoint_is_listed_without_its_numbers(path: Path) -> None:
    count = 1 << 28
    size = 4 * count
    pickled = value(
        {
            "x": torch_tensor("0", "FloatStorage", count, (count,)),
            "y": torch_tensor("1", "CharStorage", 3, (3,)),
        }
    )
    head = torch_old(pickled, {"0": (count, b""), "1": (3, B.tobytes())})
    with path.open("wb") as stream:
        stream.write(head[:-11])
        stream.seek(size, 1)  # a hole, which takes no room on the disk
        stream.write(head[-11:])
    tracemalloc.start()
    try:
        assert [info.nbytes for info in io.list_tensors(path)] == [size, 3]
        assert (io.load(path, "y") == B).all()
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_the_older_layout_cut_short_anywhere_is_refused(path: Path, refusal: Refusal) -> None:
    whole = builders.torch({"weight": A}, old=True)
    for length in range(1, len(whole)):
        path.write_bytes(whole[:length])
        for call_ in (io.load, io.list_tensors):
            refusal(call_, path)


@every_layout
@given(st.binary(max_size=100), st.integers(0, 700))
def test_any_bytes_give_an_array_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, old: bool, data: bytes, at: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.pt"
    whole = builders.torch({"weight": A, "bias": B}, old)
    path.write_bytes(whole[:at] + data + whole[at + len(data) :])
    for call_ in (io.list_tensors, io.load):
        try:
            call_(path)
        except io.FormatError as error:
            assert str(error).endswith(".")
