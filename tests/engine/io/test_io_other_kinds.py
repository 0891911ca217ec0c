"""Files of kinds that are not read: each is said to be what it is, with what reads it."""

import bz2
import gzip
import lzma
import pickle
import tarfile
import zipfile
from io import BytesIO

import numpy as np
import pytest

from quantoscope.engine import cli, io
from quantoscope.engine.io import other_kinds


def tar():
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("weights.npy"))
    return stream.getvalue()


def zipped(*names):
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return stream.getvalue()


MAT = b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x01IM"
FILES = {
    "model.tflite": (
        b"\x1c\0\0\0TFL3\x14\0 \0",
        "a TensorFlow Lite model",
        "get_tensor",
    ),
    "model.keras": (
        zipped("metadata.json", "config.json", "model.weights.h5"),
        "a Keras model",
        "model.weights.h5",
    ),
    "data.mat": (MAT, "MATLAB data", "scipy.io.loadmat"),
    "new.mat": (
        b"MATLAB 7.3 MAT-file, Platform".ljust(512) + b"\x89HDF\r\n\x1a\n",
        "MATLAB data of version 7.3",
        "h5py",
    ),
    "a.csv.gz": (gzip.compress(b"1,2\n"), "gzip has compressed", "gunzip"),
    "a.npy.bz2": (bz2.compress(b"1,2\n"), "bzip2 has compressed", "decompress"),
    "a.xz": (lzma.compress(b"1,2\n"), "xz has compressed", "decompress"),
    "a.zst": (b"\x28\xb5\x2f\xfd\x04\x00", "Zstandard has compressed", "decompress"),
    "a.tar": (tar(), "a tar archive", "unpack"),
    "a.zip": (zipped("readme.txt"), "a ZIP archive without arrays", "unpack"),
    "a.parquet": (b"PAR1\x15\x04\x15\x10", "a Parquet table", "pandas"),
    "a.arrow": (b"ARROW1\0\0\xff\xff\xff\xff", "an Arrow table", "pandas"),
    "a.pkl": (pickle.dumps({"w": np.ones(3)}), "a Python pickle", "can run code"),
    "a.png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG picture", "PIL"),
    "a.jpg": (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG picture", "PIL"),
    "a.pdf": (b"%PDF-1.7\n1 0 obj\n", "a PDF document", "paste"),
    "a.xlsx": (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook", "CSV"),
    "a.ods": (
        zipped("mimetype", "content.xml", "META-INF/manifest.xml"),
        "an OpenDocument file",
        "CSV",
    ),
    "a.epub": (
        zipped("mimetype", "META-INF/container.xml"),
        "a ZIP archive without arrays",
        "unpack",
    ),
    "a.war": (zipped("META-INF/manifest.xml"), "a ZIP archive without arrays", "unpack"),
    "a.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(9), "Microsoft Office", "CSV"),
    "a.html": (b"<!DOCTYPE html><html>1</html>", "a web page", "download"),
    "a.db": (b"SQLite format 3\0\x10\0", "an SQLite database", "pandas"),
    "a.nii": (bytes(344) + b"n+1\0", "a NIfTI picture", "nibabel"),
    "a.so": (b"\x7fELF\x02\x01\x01\0", "a program", "no arrays"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("renamed", [False, True])
def test_what_the_content_tells_is_said_whatever_the_file_is_called(
    tmp_path, capsys, name, renamed
):
    content, what, advice = FILES[name]
    path = tmp_path / ("renamed.dat" if renamed else name)
    path.write_bytes(content)
    for act in (io.load, io.list_tensors):
        with pytest.raises(io.FormatError) as caught:
            act(path)
        said = str(caught.value)
        assert said.startswith(f"{path.name} is ")
        assert what in said
        assert advice in said
        assert said.endswith(".")
        assert "not a number" not in said
    assert cli.main(["list", str(path)]) == 2
    assert what in capsys.readouterr().err


@pytest.mark.parametrize("ending", [".csv", ".txt", ".onnx"])
@pytest.mark.parametrize("name", ["a.png", "a.csv.gz", "a.pdf", "a.html", "data.mat"])
def test_an_ending_of_a_kind_that_is_read_does_not_hide_what_it_is(tmp_path, name, ending):
    path = tmp_path / f"download{ending}"
    path.write_bytes(FILES[name][0])
    with pytest.raises(io.FormatError, match=FILES[name][1]):
        io.load(path)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("model.tflite", "named as a TensorFlow Lite model is"),
        ("model.keras", "named as a Keras model is"),
        ("data.mat", "named as MATLAB data is"),
        ("frozen.pb", "named as a TensorFlow graph is"),
        ("a.engine", "named as a TensorRT engine is"),
        ("w.pkl", "named as a Python pickle is"),
    ],
)
@pytest.mark.parametrize("content", [b"x", b"1 2 3\n", b"\x08\x01\x02\x03"])
def test_a_name_that_claims_a_kind_is_believed_where_the_content_tells_none(
    tmp_path, name, what, content
):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(io.FormatError, match=what):
        io.load(path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("notes.md", b"# Title\n\nwords", "notes.md is a Markdown file, and no table of numbers: "),
        ("a.json", b'{"w": [1, 2]}', "a.json is a JSON file, and no table of numbers: "),
        ("x.unknown", b"x", "x.unknown is a text file, and no table of numbers: "),
        ("README", b"hello world", "README is a text file, and no table of numbers: "),
    ],
)
def test_text_of_an_unknown_ending_is_said_to_be_text(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    for act in (io.load, io.list_tensors):
        with pytest.raises(io.FormatError) as caught:
            act(path)
        assert str(caught.value).startswith(says)


@pytest.mark.parametrize("name", ["a.json", "a.dat", "values", "a.tsv2"])
def test_numbers_are_read_whatever_the_ending(tmp_path, name):
    path = tmp_path / name
    path.write_text("[1, 2]" if name == "a.json" else "1 2\n3 4\n")
    assert io.load(path).reshape(-1)[:2].tolist() == [1, 2]


@pytest.mark.parametrize("head", ["BM", "MZ", "ORC", "PAR1", "RDX", "FEA1", "BZh", "CDF"])
def test_a_head_of_letters_that_begins_like_a_sign_is_a_head(tmp_path, head):
    path = tmp_path / "a.csv"
    path.write_text(f"{head},b\n1,2\n3,4\n")
    assert io.load(path).tolist() == [[1, 2], [3, 4]]


def test_an_empty_npz_is_still_one(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(zipped("readme.txt"))
    with pytest.raises(io.FormatError, match="without NumPy arrays"):
        io.list_tensors(path)


def test_no_sign_is_that_of_a_kind_that_is_read_and_each_is_seen_in_time():
    for kind in other_kinds.KINDS:
        assert kind.advice and not kind.advice.endswith(".")
        for sign in kind.signs:
            assert kind.at + len(sign) <= other_kinds.NEEDED
            start = bytes(kind.at) + sign
            assert not any(start.startswith(k.magic, k.magic_offset) for k in io.READERS if k.magic)
    known = [ending for kind in io.READERS for ending in kind.endings]
    assert not [e for kind in other_kinds.KINDS for e in kind.endings if e in known]
