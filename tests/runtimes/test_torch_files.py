"""Files that PyTorch itself writes: each tensor is read with the very bytes that it has there."""

from __future__ import annotations

import argparse
import os
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantoscope.engine import io
from quantoscope.engine.io import FormatError
from quantoscope.engine.io.torch_names import _REAL
from quantoscope.engine.numerics.arrays import as_working
from quantoscope.engine.text.paste import read

torch = pytest.importorskip("torch")

every_layout = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "old"])


@pytest.fixture(autouse=True)
def known_warnings() -> Iterator[None]:
    """PyTorch warns of what it will drop one day; it still writes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@pytest.fixture(params=[0, 1 << 62], ids=["mapped", "read"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", request.param)


def saved(folder: Path, value: object, zipped: bool = True, protocol: int = 2) -> Path:
    path = folder / "model.pt"
    torch.save(value, path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    return path


def truth(tensor: Any) -> bytes:
    """The tensor's bytes in C order, by PyTorch alone."""
    flat = tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1)
    return bytes(flat.view(torch.uint8).numpy())


def check(path: Path, tensors: dict[str, Any]) -> None:
    """Every tensor is listed and loads bit for bit, and no other is listed as one that can be."""
    assert io.probe(path) is io.TORCH
    listed = {info.name: info for info in io.list_tensors(path) if info.readable}
    assert list(listed) == list(tensors)
    for name, tensor in tensors.items():
        array = io.load(path, name)
        info = listed[name]
        assert array.shape == info.shape == tuple(tensor.shape)
        assert array.dtype.name == info.dtype == str(tensor.dtype).removeprefix("torch.")
        assert array.nbytes == info.nbytes
        assert array.tobytes() == truth(tensor), name
        assert array.flags.c_contiguous
        assert array.flags.writeable


@pytest.mark.usefixtures("way")
@every_layout
@pytest.mark.parametrize("name", sorted(_REAL))
def test_every_type_loads_bit_for_bit(name: str, zipped: bool, tmp_path: Path) -> None:
    dtype = getattr(torch, name)
    raw = np.random.default_rng(0).integers(0, 256, 1024 * dtype.itemsize, np.uint8)
    tensor = torch.from_numpy(raw).view(dtype).reshape(32, 32)
    path = saved(tmp_path, {"x": tensor, "turned": tensor.T}, zipped)
    check(path, {"x": tensor, "turned": tensor.T})
    assert as_working(io.load(path, "x")).shape == (32, 32)


@pytest.mark.usefixtures("way")
@every_layout
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_state_dict_loads(zipped: bool, protocol: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3),
        torch.nn.BatchNorm2d(8),
        torch.nn.LSTM(8, 4),
        torch.nn.Linear(4, 2),
    )
    state = model.state_dict()
    assert "1.num_batches_tracked" in state
    check(saved(tmp_path, state, zipped, protocol), dict(state))


@pytest.mark.usefixtures("way")
@every_layout
def test_views_of_shared_storages_load(zipped: bool, tmp_path: Path) -> None:
    base = torch.arange(24.0).reshape(2, 3, 4)
    tensors = {
        "base": base,
        "same": base,
        "part": base[1, 1:],
        "turned": base.permute(2, 0, 1),
        "steps": base[:, ::2, 1::2],
        "expanded": base[0, 0, :1].expand(5, 7),
        "diagonal": base[0].diagonal(),
        "unfolded": base.reshape(-1).unfold(0, 4, 1),
        "channels_last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "scalar": torch.tensor(3.5),
        "nothing": torch.zeros(3, 0, 2),
    }
    check(saved(tmp_path, tensors, zipped), tensors)


@every_layout
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_training_checkpoint_loads(zipped: bool, protocol: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(3)).sum().backward()
    optimizer.step()
    marked = torch.nn.Parameter(torch.ones(2))
    marked.note = "an attribute of its own"  # type: ignore[attr-defined]
    checkpoint = {
        "epoch": 7,
        "state_dict": OrderedDict(model.state_dict()),
        "optimizer": optimizer.state_dict(),
        "list": [model.weight, (model.bias, 1.5, None, True)],
        "best": np.float64(0.5),
        "history": np.arange(3.0),
        "marked": marked,
        **{"device": torch.device("cpu"), "type": torch.float32, "size": torch.Size([3])},
    }
    expected = {
        "state_dict.weight": model.weight,
        "state_dict.bias": model.bias,
        "list.0": model.weight,
        "list.1.0": model.bias,
        "marked": marked,
    }
    for i, state in optimizer.state_dict()["state"].items():
        expected |= {f"optimizer.state.{i}.{key}": tensor for key, tensor in state.items()}
    path = saved(tmp_path, checkpoint, zipped, protocol)
    order = [info.name for info in io.list_tensors(path)]
    assert set(order) == {*expected, "history"}
    assert (io.load(path, "history") == np.arange(3.0)).all()
    expected["history"] = torch.arange(3, dtype=torch.float64)
    check(path, {name: expected[name] for name in order})


@every_layout
def test_a_tensor_alone_goes_by_the_stem_of_the_file(zipped: bool, tmp_path: Path) -> None:
    tensor = torch.randn(4)
    check(saved(tmp_path, tensor, zipped), {"model": tensor})


def test_a_file_without_checksums_loads(tmp_path: Path) -> None:
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        tensors = {"x": torch.randn(100)}
        check(saved(tmp_path, tensors), tensors)
    finally:
        torch.serialization.set_crc32_options(before)


@every_layout
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: torch.quantize_per_tensor(torch.randn(4), 0.1, 3, torch.qint8), "quantized"),
        (
            lambda: torch.quantize_per_channel(
                torch.randn(3, 2), torch.ones(3), torch.zeros(3), 0, torch.qint8
            ),
            "quantized",
        ),
        (lambda: torch.eye(3).to_sparse(), "sparse"),
        (lambda: torch.eye(3).to_sparse_csr(), "sparse"),
        (lambda: torch.ones(3, dtype=torch.bool), "bool"),
        (lambda: torch.ones(3, dtype=torch.complex64), "complex64"),
        (lambda: torch.ones(3, dtype=torch.complex64).conj().imag, "not written out"),
        (lambda: torch.ones(3, device="meta"), "no numbers"),
    ],
)
def test_other_tensors_are_listed_with_their_reason_and_refused_by_name(
    make: Callable[[], Any], words: str, zipped: bool, tmp_path: Path
) -> None:
    odd = make()
    path = saved(tmp_path, {"odd": odd, "x": torch.ones(2)}, zipped)
    infos = {info.name: info for info in io.list_tensors(path)}
    assert infos["x"].readable
    assert words in infos["odd"].reason
    assert infos["odd"].shape == tuple(odd.shape)
    assert infos["odd"].dtype == str(odd.dtype).removeprefix("torch.")
    with pytest.raises(FormatError, match=words):
        io.load(path, "odd")


class Bomb:
    """Makes a folder when something unpickles it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.folder),)


@every_layout
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_bomb_in_a_checkpoint_does_not_go_off(
    zipped: bool, protocol: int, tmp_path: Path
) -> None:
    bomb = tmp_path / "bomb"
    path = saved(tmp_path, {"weight": torch.ones(2), "z": Bomb(bomb)}, zipped, protocol)
    for call in (io.list_tensors, io.load, lambda path: io.load(path, "weight")):
        with pytest.raises(FormatError, match=r"names (posix|nt)\.mkdir, .* it was not run"):
            call(path)
    assert not bomb.exists()
    torch.load(path, weights_only=False)
    assert bomb.exists(), "this bomb would not have gone off"


@every_layout
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: torch.nn.ReLU(), r"names torch\.nn.*state_dict\(\)"),
        (lambda: {"arguments": argparse.Namespace(rate=1)}, r"names argparse\.Namespace"),
    ],
)
def test_objects_are_refused_by_name(
    make: Callable[[], Any], words: str, zipped: bool, tmp_path: Path
) -> None:
    path = saved(tmp_path, make(), zipped)
    with pytest.raises(FormatError, match=words):
        io.list_tensors(path)


@every_layout
def test_a_whole_model_loads_under_the_names_of_its_state_dict(
    zipped: bool, tmp_path: Path
) -> None:
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.ReLU(), torch.nn.Linear(3, 2)
    )
    check(saved(tmp_path, model, zipped), dict(model.state_dict()))


@every_layout
def test_tensors_beside_objects_load(zipped: bool, tmp_path: Path) -> None:
    arguments = argparse.Namespace(rate=1, folder=Path("x"))
    weight = torch.randn(3)
    path = saved(tmp_path, {"weight": weight, "arguments": arguments}, zipped)
    assert [info.name for info in io.list_tensors(path)] == ["weight", "arguments"]
    check(path, {"weight": weight})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["trace", "script", "freeze"])
def test_torchscript_is_refused_with_what_to_do_and_that_ends_in_a_file_that_opens(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU()).eval()
    program = torch.jit.trace(model, torch.ones(3)) if kind == "trace" else torch.jit.script(model)
    program = torch.jit.freeze(program) if kind == "freeze" else program
    torch.jit.save(program, str(tmp_path / "it's a model.pt"))
    with pytest.raises(FormatError, match=r"TorchScript.*state_dict\(\)") as caught:
        io.load(tmp_path / "it's a model.pt")
    message = str(caught.value)
    assert len(message) < 400
    monkeypatch.chdir(tmp_path)
    exec(message.partition("PyTorch: ")[2].removesuffix("."))
    found = {io.load("weights.pt", info.name).tobytes() for info in io.list_tensors("weights.pt")}
    assert {truth(tensor) for tensor in model.state_dict().values()} <= found


def test_scales_of_powers_of_two_and_numbers_of_four_bits_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    data = torch.tensor([[127, 130, 255], [0, 1, 2]], dtype=torch.uint8)
    both = {"s": data.view(torch.float8_e8m0fnu), "w": data.view(torch.float4_e2m1fn_x2)}
    torch.save({**both, "t": both["w"].T}, path)
    s, w, t = io.list_tensors(path)
    assert (s.dtype, s.shape, s.nbytes) == ("float8_e8m0fnu", (2, 3), 6)
    assert (w.dtype, w.stored, w.shape) == ("float4_e2m1fn", "float4_e2m1fn_x2", (2, 6))
    assert (t.shape, w.nbytes) == ((3, 4), 6)
    assert io.load(path, "s").astype(np.float64)[0, :2].tolist() == [1, 8]
    bits = io.load(path, "w").view(np.uint8)
    assert bits.tolist() == [[15, 7, 2, 8, 15, 15], [0, 0, 1, 0, 2, 0]]
    assert io.load(path, "t").view(np.uint8)[0].tolist() == [15, 7, 0, 0]


@every_layout
def test_the_tensors_that_a_nested_one_is_made_of_are_read(zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    parts = [torch.arange(6.0).reshape(2, 3), torch.arange(4.0).reshape(1, 4)]
    nested = torch.nested.nested_tensor(parts)
    torch.save({"n": nested, "x": parts[0]}, path, _use_new_zipfile_serialization=zipped)
    assert [(info.name, info.shape) for info in io.list_tensors(path)] == [
        ("n.0", (2, 3)),
        ("n.1", (1, 4)),
        ("x", (2, 3)),
    ]
    for i, part in enumerate(parts):
        assert io.load(path, f"n.{i}").tolist() == part.tolist()


def test_a_sparse_tensor_has_its_parts_listed(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    dense = torch.tensor([[0.0, 2.0], [3.0, 0.0]])
    torch.save({"coo": dense.to_sparse(), "csr": dense.to_sparse_csr()}, path)
    found = {info.name: (info.shape, info.readable) for info in io.list_tensors(path)}
    assert found == {
        "coo": ((2, 2), False),
        "coo.indices": ((2, 2), True),
        "coo.values": ((2,), True),
        "csr": ((2, 2), False),
        "csr.starts": ((3,), True),
        "csr.indices": ((2,), True),
        "csr.values": ((2,), True),
    }


@pytest.mark.usefixtures("way")
def test_safetensors_of_pytorch_load_bit_for_bit(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.torch")
    tensors = {}
    for name in sorted(set(_REAL) - {"float8_e4m3fnuz", "float8_e5m2fnuz"}):
        dtype = getattr(torch, name)
        raw = np.random.default_rng(0).integers(0, 256, 256 * dtype.itemsize, np.uint8)
        tensors[name] = torch.from_numpy(raw).view(dtype).reshape(16, 16)
    path = tmp_path / "model.safetensors"
    library.save_file(tensors, path, metadata={"format": "pt"})
    assert io.probe(path) is io.SAFETENSORS
    assert {info.name: info.dtype for info in io.list_tensors(path)} == {n: n for n in tensors}
    for name, tensor in tensors.items():
        assert io.load(path, name).tobytes() == truth(tensor)


def test_what_torch_prints_is_read() -> None:
    tensor = torch.linspace(-1, 1, 24, dtype=torch.float16).reshape(2, 3, 4)
    for shown in (tensor, tensor.requires_grad_(), torch.nn.Parameter(tensor.detach())):
        got = read(repr(shown))
        assert got.dtype == "float16"
        np.testing.assert_allclose(got.values, tensor.detach().numpy(), atol=1e-4)
