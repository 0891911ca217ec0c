"""What a GGUF file stores is seen beside the stages; a device's codes stay with their tensor."""

import numpy as np
import pytest

from quantoscope.engine.io import load_codes
from quantoscope.gui.dialogs.codes_dump import DeviceCodes
from tests.gui.test_files import settle

gguf = pytest.importorskip("gguf")


@pytest.fixture
def model_file(tmp_path):
    path = tmp_path / "model.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    values = np.random.default_rng(3).normal(size=(4, 64)).astype(np.float32)
    for name, kind in (("blk.0.q", "Q8_0"), ("blk.0.k", "Q4_1"), ("norm", "F32")):
        kind = gguf.GGMLQuantizationType[kind]
        data = values if kind.name == "F32" else gguf.quants.quantize(values, kind)
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def show(window, qtbot, name):
    source = window.session.sources[-1]
    window.files.show_tensor(next(t for t in source.tensors if t.label == name))
    settle(window, qtbot)


def test_stored_codes_and_scales_stand_beside_the_stages(window, qtbot, person, model_file):
    window.open_paths([model_file])
    settle(window, qtbot)
    show(window, qtbot, "blk.0.q")
    table = window.values.table
    there = load_codes(model_file, "blk.0.q")
    assert person.heads(table)[-2:] == ["stored Q", "stored S"]
    for row in (0, 33, 255):
        assert int(person.cell(table, row, "stored Q")) == there.codes.reshape(-1)[row]
        told = person.cell(table, row, "stored S")
        assert float(told) == pytest.approx(float(there.scale_at(row)), rel=1e-5)
    assert "float32" in window.message.text
    assert "Q8_0" in window.message.text
    person.click_head(table, person.column(table, "stored Q"))
    codes = [int(code) for code in person.rows(table, person.column(table, "stored Q"))]
    assert codes == sorted(codes)


def test_a_minimum_has_a_column_too_and_plain_tensors_have_none(window, qtbot, person, model_file):
    window.open_paths([model_file])
    settle(window, qtbot)
    show(window, qtbot, "blk.0.k")
    assert person.heads(window.values.table)[-3:] == ["stored Q", "stored S", "stored min"]
    show(window, qtbot, "norm")
    assert "stored Q" not in person.heads(window.values.table)


def test_codes_of_a_device_stand_there_and_stay_with_their_tensor(
    window, qtbot, person, model_file
):
    window.open_paths([model_file])
    settle(window, qtbot)
    show(window, qtbot, "norm")
    codes = np.arange(256, dtype=np.int16).reshape(4, 64)
    window.session.take_device(DeviceCodes("dump.npy", codes))
    assert person.cell(window.values.table, 200, "device Q") == "200"
    show(window, qtbot, "blk.0.q")
    assert "device Q" not in person.heads(window.values.table)
    show(window, qtbot, "norm")
    assert person.cell(window.values.table, 7, "device Q") == "7"


def test_a_session_keeps_the_codes_of_a_device_and_finds_those_of_the_file(
    window, qtbot, person, model_file, tmp_path, new_window
):
    window.open_paths([model_file])
    settle(window, qtbot)
    show(window, qtbot, "blk.0.k")
    window.session.take_device(DeviceCodes("dump.npy", np.arange(256).reshape(4, 64)))
    window.whole.write(tmp_path / "both.qscope")
    other = new_window()
    other.open_paths([tmp_path / "both.qscope"])
    settle(other, qtbot)
    assert person.heads(other.values.table)[-4:] == [
        "stored Q", "stored S", "stored min", "device Q",
    ]  # fmt: skip
    assert person.cell(other.values.table, 99, "device Q") == "99"
