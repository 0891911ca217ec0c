"""Images with palettes in PDF files: Qt writes every pixel as three bytes."""

from __future__ import annotations

import re
import zlib

import numpy as np
from PySide6.QtGui import QColor, QImage

_PLACEHOLDER = (1, 2)
"""Width and height of the image that Qt writes in place of one with a palette."""
_OBJECT = re.compile(rb"(\d+) 0 obj\n<<\n/Type /XObject\n/Subtype /Image\n/Width 1\n/Height 2\n")
_END = b"endobj\n"
_ENTRY = re.compile(rb"(\d{10})( \d{5} n)")


class PdfImages:
    """Keeps the images with palettes of a PDF, and puts them in place of what Qt has written."""

    def __init__(self) -> None:
        self._images: list[QImage] = []

    def placeholder(self, image: QImage) -> QImage | None:
        """Return what to draw instead; None for an image without a palette or half-transparent."""
        if image.format() != QImage.Format.Format_Indexed8:
            return None
        opacities = {QColor.fromRgba(colour).alpha() for colour in image.colorTable()}
        if not opacities <= {0, 255}:
            return None
        self._images.append(image)
        tiny = QImage(*_PLACEHOLDER, QImage.Format.Format_RGB32)
        tiny.fill(0)
        return tiny

    def put_into(self, pdf: bytes) -> bytes:
        """Return the file with the images.

        Every table of offsets is adjusted (PDF 32000-1:2008, 7.5.4, and 8.6.6.3 for palettes).
        """
        if not self._images:
            return pdf
        parts: list[bytes] = []
        moves: list[tuple[int, int]] = []
        done = moved = 0
        for match, image in zip(_OBJECT.finditer(pdf), self._images, strict=True):
            end = pdf.index(_END, match.end())
            new = _object(int(match[1]), image)
            parts += [pdf[done : match.start()], new]
            moved += len(new) - (end - match.start())
            moves.append((match.start(), moved))
            done = end
        table = pdf.rindex(b"xref\n0 ")
        start = pdf.rindex(b"startxref\n")

        def shifted(offset: int) -> int:
            return offset + next((by for at, by in reversed(moves) if offset > at), 0)

        entries = _ENTRY.sub(
            lambda entry: f"{shifted(int(entry[1])):010d}".encode() + entry[2], pdf[table:start]
        )
        tail = b"startxref\n%d \n%%%%EOF\n" % shifted(table)
        return b"".join([*parts, pdf[done:table], entries, tail])


def _object(number: int, image: QImage) -> bytes:
    """Return the PDF object of an image with a palette."""
    colours = [QColor.fromRgba(colour) for colour in image.colorTable()]
    palette = "".join(f"{c.red():02x}{c.green():02x}{c.blue():02x}" for c in colours)
    clear = next((place for place, c in enumerate(colours) if c.alpha() == 0), None)
    mask = "" if clear is None else f"/Mask [{clear} {clear}]\n"
    lines = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    data = zlib.compress(np.ascontiguousarray(lines[:, : image.width()]).data, 6)
    head = (
        f"{number} 0 obj\n<<\n/Type /XObject\n/Subtype /Image\n/Width {image.width()}\n"
        f"/Height {image.height()}\n/BitsPerComponent 8\n"
        f"/ColorSpace [/Indexed /DeviceRGB {len(colours) - 1} <{palette}>]\n{mask}"
        f"/Length {len(data)}\n/Filter /FlateDecode\n>>\nstream\n"
    )
    return head.encode() + data + b"\nendstream\n"
