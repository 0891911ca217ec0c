"""Render figures of plots as PNG, SVG and PDF at their target size."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QRectF, QSize, QSizeF
from PySide6.QtGui import QColor, QImage, QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator

from quantoscope.engine import __version__
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.plain_text import plain
from quantoscope.gui.export.files import ExportError, translated, write_bytes
from quantoscope.gui.export.page import Page, logical_dpi
from quantoscope.gui.export.pdf_images import PdfImages
from quantoscope.gui.export.spec import MM_PER_INCH, FigureSpec
from quantoscope.gui.plots.data import PlotData

CREATOR = f"Quantoscope {__version__}"
POINTS_PER_INCH = 72
MAX_PIXELS = 150_000_000


def figure_page(spec: FigureSpec, data: PlotData, raster: bool) -> Page:
    """Lay out a figure.

    Raises
    ------
    ExportError
        If the plots do not fit into that size; the message states a sufficient one. Or if an
        image would have too many pixels.
    """
    if not spec.plots:
        raise ExportError(translated("Choose at least one plot."))
    width, height = spec.pixels()
    if raster and width * height > MAX_PIXELS:
        raise ExportError(_too_large(width, height))
    if not spec.mark_chosen:
        data = replace(data, chosen=None)
    page = Page(spec, data, raster)
    missing = page.missing
    if missing.width() <= 0 and missing.height() <= 0:
        return page
    page.close()
    unit = spec.width / page.width
    needed = [
        side + max(0.0, short) * unit
        for side, short in ((spec.width, missing.width()), (page.spec.height, missing.height()))
    ]
    raise ExportError(
        filled(
            translated(
                "The plots do not fit with text of %4 pt: choose %1 × %2 %3 or more, or "
                "smaller text."
            ),
            *(_rounded_up(side, spec.unit) for side in needed),
            spec.unit,
            f"{spec.points:g}",
        )
    )


def _rounded_up(side: float, unit: str) -> str:
    places = 10 if unit == "in" else 1
    return f"{-(-side * places // 1) / places:g}"


def figure_image(spec: FigureSpec, data: PlotData) -> QImage:
    """Render a figure as an image, for a file or the clipboard.

    Raises
    ------
    ExportError
        If the plots do not fit into the figure, or the image not into memory.
    """
    with closing(figure_page(spec, data, raster=True)) as page:
        width, height = page.spec.pixels()
        image = QImage(width, height, QImage.Format.Format_RGB32)
        if image.isNull():
            raise ExportError(_too_large(width, height))
        image.fill(QColor(spec.theme.background))
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(width / page.width, height / page.height)
        page.paint(painter)
        painter.end()
    # Set last: text is measured in the resolution that the image has during painting.
    per_metre = round(spec.dpi / MM_PER_INCH * 1000)
    image.setDotsPerMeterX(per_metre)
    image.setDotsPerMeterY(per_metre)
    return image


def _too_large(width: int, height: int) -> str:
    return filled(
        translated("An image of %1 × %2 pixels is too large: choose a smaller size or fewer dpi."),
        width,
        height,
    )


def render_png(spec: FigureSpec, data: PlotData) -> bytes:
    """Return a figure as a PNG file."""
    buffer = _buffer()
    image = figure_image(spec, data)
    image.setText("Software", CREATOR)
    if not image.save(buffer, "PNG"):  # type: ignore[call-overload]
        raise ExportError(_too_large(image.width(), image.height()))
    return bytes(buffer.data().data())


def render_svg(spec: FigureSpec, data: PlotData) -> bytes:
    """Return a figure as an SVG 1.1 file, with clip paths, and text as text."""
    with closing(figure_page(spec, data, raster=False)) as page:
        buffer = _buffer()
        generator = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)
        generator.setOutputDevice(buffer)
        generator.setResolution(round(logical_dpi()))
        generator.setSize(QSize(round(page.width), round(page.height)))
        generator.setViewBox(QRectF(0, 0, page.width, page.height))
        generator.setTitle(plain(page.title))
        generator.setDescription(CREATOR)
        painter = QPainter(generator)
        page.paint(painter)
        painter.end()
    return _finished_svg(bytes(buffer.data().data()).decode(), page.spec).encode()


def _finished_svg(svg: str, spec: FigureSpec) -> str:
    """Set the exact size, which Qt rounds to pixels, and fallback fonts."""
    width, height = (
        f"{side:g}{spec.unit}" for side in (spec.width, spec.height)
    )  # fmt: skip
    svg = re.sub(r'<svg width="[^"]*" height="[^"]*"', f'<svg width="{width}" height="{height}"',
                 svg, count=1)  # fmt: skip
    return re.sub(r'font-family="([^"]*)"', r'font-family="\1, Helvetica, Arial, sans-serif"', svg)


def render_pdf(spec: FigureSpec, data: PlotData) -> bytes:
    """Return a figure as a PDF file of one page of its size, with embedded fonts."""
    with closing(figure_page(spec, data, raster=False)) as page:
        width, height = (side * POINTS_PER_INCH for side in page.spec.inches(raster=False))
        buffer = _buffer()
        writer = QPdfWriter(buffer)
        # Qt rounds to whole points.
        rounded = QSizeF(round(width), round(height))
        exact = QPageSize.SizeMatchPolicy.ExactMatch
        writer.setPageSize(QPageSize(rounded, QPageSize.Unit.Point, "", exact))
        writer.setPageMargins(QMarginsF(0, 0, 0, 0))
        writer.setResolution(round(logical_dpi()))
        writer.setTitle(plain(page.title))
        writer.setCreator(CREATOR)
        painter = QPainter(writer)
        # Otherwise images become JPEG, which smears columns of one pixel.
        painter.setRenderHint(QPainter.RenderHint.LosslessImageRendering)
        page.pdf_images = images = PdfImages()
        page.paint(painter)
        painter.end()
    pdf = _finished_pdf(bytes(buffer.data().data()), width, height, rounded)
    return images.put_into(pdf)


def _finished_pdf(pdf: bytes, width: float, height: float, rounded: QSizeF) -> bytes:
    """Set the exact page size; box lengths are kept, so that no offset changes."""

    def exact(match: re.Match[bytes]) -> bytes:
        # Content is positioned from the upper edge, which stays where Qt put it.
        low = rounded.height() - height
        box = f"[0 {low:.3f} {width:.3f} {rounded.height():.0f}".encode()
        room = len(match[2]) - 1
        return match[1] + box.ljust(room) + b"]" if len(box) <= room else match[0]

    return re.sub(rb"(/(?:Media|Trim)Box )(\[0 0 [\d.]+ [\d.]+\])", exact, pdf)


def _buffer() -> QBuffer:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    return buffer


RENDERERS: dict[str, Callable[[FigureSpec, PlotData], bytes]] = {
    ".png": render_png,
    ".svg": render_svg,
    ".pdf": render_pdf,
}
"""Figure formats by file ending."""


def figure_made(path: str | Path, spec: FigureSpec, data: PlotData) -> tuple[FigureSpec, list[str]]:
    """Return a figure as it is written in the format of the path, and what is less than asked."""
    with closing(figure_page(spec, data, Path(path).suffix.lower() == ".png")) as page:
        return page.spec, page.notes()


def write_figure(path: str | Path, spec: FigureSpec, data: PlotData) -> None:
    """Write a figure in the format of the path's ending.

    Raises
    ------
    ExportError
        If the ending is not known, the plots do not fit, or writing fails; an existing file is
        then as it was.
    """
    path = Path(path)
    render = RENDERERS.get(path.suffix.lower())
    if render is None:
        raise ExportError(
            filled(translated("%1 is not a figure format: end the name in .png, .svg or .pdf."),
                   path.suffix or path.name)
        )  # fmt: skip
    write_bytes(path, render(spec, data))
