"""Sample files, one for each registered reader, and the check that a refusal is a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine import io
from engine.io import FileFormat, FormatError

SAMPLE = np.array([[0.21535037, 1.2962357, -1.0161772], [3.5e-8, -0.0, 42.0]], dtype=np.float32)

Refusal = Callable[..., str]


@pytest.fixture(scope="session")
def original() -> np.ndarray:
    """Give what the sample files hold."""
    return SAMPLE.copy()


@pytest.fixture(scope="session")
def write_sample() -> Callable[[Path], None]:
    """Write the sample in the format of the ending; a new reader needs its line here."""

    def write(path: Path) -> None:
        if path.suffix == ".npz":
            io.save_npz(path, weight=SAMPLE)
        else:
            io.save(path, SAMPLE)

    return write


@pytest.fixture(params=io.READERS, ids=lambda known: known.endings[0])
def reader(request: pytest.FixtureRequest) -> FileFormat:
    return request.param


@pytest.fixture
def sample(reader: FileFormat, tmp_path: Path, write_sample: Callable[[Path], None]) -> Path:
    path = tmp_path / f"sample{reader.endings[0]}"
    write_sample(path)
    return path


@pytest.fixture(scope="session")
def refusal() -> Refusal:
    """Give the message with which a call is refused, having checked that it fits a dialog."""

    def check(call: Callable[..., object], *arguments: object, **named: object) -> str:
        with pytest.raises(FormatError) as caught:
            call(*arguments, **named)
        message = str(caught.value)
        assert message.endswith(".")
        assert message.isprintable(), "one line, no control characters"
        assert "Errno" not in message
        assert len(message) < 400
        return message

    return check
