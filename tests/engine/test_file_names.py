"""Names of files as text, whatever bytes they are."""

import os
from pathlib import Path

import pytest

from quantoscope.engine.text.file_names import as_text, is_text, kept, path_of


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"weights.npy", "weights.npy"),
        ("Größe 3.npy".encode(), "Größe 3.npy"),
        (b"caf\xe9.npy", "caf\N{REPLACEMENT CHARACTER}.npy"),
        (b"\xff\xfe", "\N{REPLACEMENT CHARACTER}" * 2),
    ],
)
def test_bytes_that_are_no_text_are_shown_by_a_mark_each(name, text):
    assert as_text(os.fsdecode(name)) == text
    assert is_text(os.fsdecode(name)) == ("\N{REPLACEMENT CHARACTER}" not in text)


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 there")
@pytest.mark.parametrize(
    "path", [b"/a/weights.npy", b"/a b/caf\xe9 %41.npy", "/Größe/\xe9".encode() + b"\xe9#?.npy"]
)
def test_a_path_that_is_kept_as_text_is_the_same_path_again(path):
    path = Path(os.fsdecode(path))
    text = kept(path)
    text.encode("utf-8")
    assert path_of(text) == path


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 there")
def test_a_path_from_here_is_kept_as_well(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path(os.fsdecode(b"sub/caf\xe9.npy"))
    assert path_of(kept(path)) == tmp_path / path
    assert kept(Path("sub/weights.npy")) == os.path.join("sub", "weights.npy")
