"""Detect unsupported file formats and name a program that converts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NEEDED = 512
"""Number of leading bytes that suffice to detect all of them."""


@dataclass(frozen=True)
class Kind:
    """An unsupported file format."""

    name: str  # with its article
    advice: str  # how to convert it to a supported file; ends a sentence
    signs: tuple[bytes, ...] = ()  # signatures, any of which identifies it
    endings: tuple[str, ...] = ()  # file name extensions in lower case, with their dots
    at: int = 0  # offset of the signatures
    members: tuple[str, ...] = ()  # of a zip file: prefixes of member names that identify it
    also_text: bool = False  # whether the signature outweighs that the file may be text
    yields: bool = False  # whether the ending of a supported format takes precedence


_SAVE = "and numpy.save writes an array that opens here"
_UNPACK = "unpack it, and open what is in it"
_PICTURE = f"numpy.asarray(PIL.Image.open(…)) reads it, {_SAVE}"
_TABLE = f"pandas reads it, {_SAVE}"
_PROGRAM = "there are no arrays in it that could be read"

KINDS: tuple[Kind, ...] = (
    Kind(
        "a TensorFlow Lite model",
        f"get_tensor of tf.lite.Interpreter, or of ai-edge-litert's, reads its tensors, {_SAVE}",
        (b"TFL3",),
        (".tflite", ".lite"),
        at=4,
    ),
    Kind(
        "a Keras model",
        "it is a ZIP archive: unpack it, and open the model.weights.h5 in it",
        endings=(".keras",),
        members=("model.weights.h5",),
    ),
    Kind(
        "a TensorFlow graph",
        f"tf.saved_model.load reads the folder that it lies in, {_SAVE}",
        endings=(".pb", ".pbtxt"),
    ),
    Kind(
        "MATLAB data of version 7.3",
        f"h5py reads it, {_SAVE}",
        (b"MATLAB 7.3 MAT-file",),
        also_text=True,
    ),
    Kind(
        "MATLAB data",
        f"scipy.io.loadmat reads it, {_SAVE}",
        (b"MATLAB 5.0 MAT-file",),
        (".mat",),
        also_text=True,
    ),
    Kind(
        "a Python pickle",
        f"loading it can run code, so that is left to a program that trusts it: joblib.load or "
        f"pickle.load reads it, {_SAVE}",
        tuple(bytes((0x80, protocol)) for protocol in range(2, 6)),
        (".pkl", ".pickle", ".joblib"),
        yields=True,
    ),
    Kind(
        "a PaddlePaddle checkpoint",
        f"paddle.load reads it, {_SAVE}",
        endings=(".pdparams", ".pdiparams"),
    ),
    Kind("a Core ML model", f"coremltools reads it, {_SAVE}", endings=(".mlmodel", ".mlpackage")),
    Kind(
        "a TensorRT engine",
        "open the ONNX model that it was built from",
        endings=(".engine", ".plan", ".trt"),
    ),
    Kind("Flax parameters", f"flax.serialization reads them, {_SAVE}", endings=(".msgpack",)),
    Kind("a Parquet table", _TABLE, (b"PAR1",), (".parquet",)),
    Kind("an Arrow table", _TABLE, (b"ARROW1\0\0", b"FEA1"), (".arrow", ".feather", ".ipc")),
    Kind("an ORC table", _TABLE, (b"ORC",), (".orc",)),
    Kind(
        "an Excel workbook",
        "save the sheet as CSV",
        endings=(".xlsx", ".xlsm"),
        members=("xl/workbook.xml",),
    ),
    Kind(
        "an OpenDocument file",
        "save the sheet as CSV",
        endings=(".ods",),
        members=("mimetype", "META-INF/manifest.xml"),
    ),
    Kind(
        "a file of Microsoft Office",
        "save the sheet as CSV",
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
        (".xls",),
    ),
    Kind("data of R", f"pyreadr reads it, {_SAVE}", (b"RDX",), (".rds", ".rdata", ".rda")),
    Kind(
        "netCDF data of version 3",
        f"scipy.io.netcdf_file reads it, {_SAVE}",
        (b"CDF\x01", b"CDF\x02", b"CDF\x05"),
        (".nc",),
    ),
    Kind(
        "a FITS file",
        f"astropy.io.fits reads it, {_SAVE}",
        (b"SIMPLE  =",),
        (".fits", ".fit"),
        also_text=True,
    ),
    Kind("a DICOM picture", f"pydicom reads it, {_SAVE}", (b"DICM",), (".dcm",), at=128),
    Kind("a NIfTI picture", f"nibabel reads it, {_SAVE}", (b"n+1\0", b"ni1\0"), (".nii",), at=344),
    Kind("an SQLite database", _TABLE, (b"SQLite format 3\0",), (".db", ".sqlite")),
    Kind("a PNG picture", _PICTURE, (b"\x89PNG\r\n\x1a\n",), (".png",)),
    Kind("a JPEG picture", _PICTURE, (b"\xff\xd8\xff",), (".jpg", ".jpeg")),
    Kind("a GIF picture", _PICTURE, (b"GIF87a", b"GIF89a"), (".gif",)),
    Kind("a TIFF picture", _PICTURE, (b"II*\0", b"MM\0*"), (".tif", ".tiff")),
    Kind("a BMP picture", _PICTURE, (b"BM",), (".bmp",)),
    Kind("a WebP picture", _PICTURE, (b"WEBP",), (".webp",), at=8),
    Kind("a recording", f"scipy.io.wavfile.read reads it, {_SAVE}", (b"WAVE",), (".wav",), at=8),
    Kind(
        "a PDF document",
        "copy its table, and paste it into Values",
        (b"%PDF-",),
        (".pdf",),
        also_text=True,
    ),
    Kind(
        "a web page",
        "a download that has failed, or that asks to log in, is one too; else copy its table, and "
        "paste it into Values",
        (b"<!DOCTYPE html", b"<!doctype html", b"<html", b"<HTML"),
        (".html", ".htm"),
        also_text=True,
    ),
    Kind("an XML document", _PROGRAM, (b"<?xml",), (".xml", ".svg"), also_text=True),
    Kind(
        "a file that gzip has compressed",
        "decompress it first (gunzip)",
        (b"\x1f\x8b\x08",),
        (".gz", ".tgz"),
    ),
    Kind("a file that bzip2 has compressed", "decompress it first", (b"BZh",), (".bz2",)),
    Kind("a file that xz has compressed", "decompress it first", (b"\xfd7zXZ\0",), (".xz",)),
    Kind(
        "a file that Zstandard has compressed",
        "decompress it first",
        (b"\x28\xb5\x2f\xfd",),
        (".zst",),
    ),
    Kind(
        "a file that LZ4 has compressed", "decompress it first", (b"\x04\x22\x4d\x18",), (".lz4",)
    ),
    Kind("a 7-Zip archive", _UNPACK, (b"7z\xbc\xaf\x27\x1c",), (".7z",)),
    Kind("a RAR archive", _UNPACK, (b"Rar!\x1a\x07",), (".rar",)),
    Kind("a tar archive", _UNPACK, (b"ustar",), (".tar",), at=257, yields=True),
    Kind("a program", _PROGRAM, (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe")),
    Kind("compiled Python code", _PROGRAM, endings=(".pyc",)),
)


def by_content(start: bytes, text: bool, known_ending: bool) -> Kind | None:
    """Return the unsupported format that the first bytes identify.

    Parameters
    ----------
    start : bytes
        The first ``NEEDED`` bytes.
    text : bool
        Whether they may be text, in which short signatures of letters mean nothing.
    known_ending : bool
        Whether the ending is that of a supported format.
    """
    for kind in KINDS:
        told = start.startswith(kind.signs, kind.at)
        if told and (kind.also_text or not text) and not (kind.yields and known_ending):
            return kind
    return None


def by_members(names: Sequence[str]) -> Kind | None:
    """Return the unsupported zip format that the member names identify."""
    zips = (kind for kind in KINDS if kind.members)
    return next((k for k in zips if all(_has(names, member) for member in k.members)), None)


def _has(names: Sequence[str], beginning: str) -> bool:
    return any(name.startswith(beginning) for name in names)


def by_ending(path: Path) -> Kind | None:
    """Return the unsupported format that the file's ending identifies."""
    ending = path.suffix.lower()
    return next((kind for kind in KINDS if ending and ending in kind.endings), None)


_TEXTS = {
    ".json": "a JSON file",
    ".jsonl": "a JSON file",
    ".yaml": "a YAML file",
    ".yml": "a YAML file",
    ".toml": "a TOML file",
    ".md": "a Markdown file",
    ".py": "a Python program",
    ".ipynb": "a notebook",
    ".log": "a log",
}


def text_kind(path: Path) -> str:
    """Return the kind of text file that the ending implies, with an article."""
    return _TEXTS.get(path.suffix.lower(), "a text file")
