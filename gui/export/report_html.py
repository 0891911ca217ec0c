"""Reports as one self-contained HTML file, without scripts, fonts or other files."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

from quantoscope.gui.common.plain_text import letters
from quantoscope.gui.common.theme import DARK, LIGHT, Theme
from quantoscope.gui.export.report import (
    Cell,
    Code,
    Figure,
    Listing,
    Paragraph,
    Report,
    ReportBlock,
    Table,
)

_STYLE = """
:root { color-scheme: light dark; --figure: %(paper)s; %(light)s }
@media (prefers-color-scheme: dark) { :root { %(dark)s } }
@media print { :root { color-scheme: light; %(light)s } }
* { box-sizing: border-box }
body { margin: 2rem auto; padding: 0 1.25rem; max-width: 62rem; background: var(--ground);
  color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line) }
p { margin: .5rem 0; overflow-wrap: anywhere }
.muted { color: var(--muted) }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0 }
th, td { padding: .15rem .75rem .15rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line) }
th { font-weight: 600 }
.n { text-align: right; white-space: nowrap }
.best { font-weight: 700 }
pre, code { font: 13px/1.45 ui-monospace, Consolas, "DejaVu Sans Mono", monospace }
pre { background: var(--shade); border-radius: 6px; padding: .75rem 1rem; white-space: pre-wrap;
  overflow-wrap: anywhere }
ul { padding-left: 1.25rem; margin: .5rem 0 }
figure { margin: 1rem 0; break-inside: avoid; background: var(--figure); border-radius: 6px;
  border: 1px solid var(--line); overflow: hidden }
figure svg { display: block; width: 100%%; height: auto }
tr { break-inside: avoid }
h2 { break-after: avoid }
@media print { body { margin: 0; max-width: none; font-size: 10pt } .wide { overflow: visible } }
"""


def html(report: Report) -> str:
    """Return the report as HTML."""
    title = _text(report.title)
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta name="generator" content="{_text(report.program)}">',
        f"<title>{title}</title>",
        f"<style>{_style()}</style>",
        "</head>",
        "<body>",
        f"<h1>{title}</h1>",
        f'<p class="muted">{_text(report.date_line)} · {_text(report.program)}</p>',
    ]
    for section in report.sections:
        parts.append(f"<section>\n<h2>{_text(section.title)}</h2>")
        parts += [_block(block) for block in section.blocks]
        parts.append("</section>")
    return "\n".join([*parts, "</body>", "</html>", ""])


def _text(text: str) -> str:
    """Return escaped text without direction marks."""
    return escape(letters(text))


def _style() -> str:
    def colours(theme: Theme) -> str:
        return (
            f"--ground: {theme.background}; --ink: {theme.foreground}; --muted: {theme.muted}; "
            f"--line: {theme.grid}; --shade: {theme.alternate};"
        )

    return _STYLE % {"paper": LIGHT.background, "light": colours(LIGHT), "dark": colours(DARK)}


def _block(block: ReportBlock) -> str:
    write: Callable[..., str] = _WRITERS[type(block)]
    return write(block)


def _paragraph(block: Paragraph) -> str:
    return f"<p>{_text(block.text)}</p>"


def _listing(block: Listing) -> str:
    items = "\n".join(f"<li>{_text(item)}</li>" for item in block.items)
    return f"<ul>\n{items}\n</ul>"


def _code(block: Code) -> str:
    return f"<pre>{_text(block.text)}</pre>"


def _table(block: Table) -> str:
    def row(cells: tuple[Cell, ...], tag: str) -> str:
        return "".join(_cell(cell, tag, place >= block.numbers) for place, cell in enumerate(cells))

    head = ""
    if any(cell.text for cell in block.heads):
        head = f"<thead><tr>{row(block.heads, 'th')}</tr></thead>\n"
    rows = "\n".join(f"<tr>{row(cells, 'td')}</tr>" for cells in block.rows)
    return f'<div class="wide">\n<table>\n{head}<tbody>\n{rows}\n</tbody>\n</table>\n</div>'


def _cell(cell: Cell, tag: str, number: bool) -> str:
    names = [name for name, on in (("n", number), ("best", cell.mark)) if on]
    kind = f' class="{" ".join(names)}"' if names else ""
    exact = f' title="{_text(cell.exact)}"' if cell.exact else ""
    text = _text(cell.text)
    if cell.code:
        text = f"<code>{text}</code>"
    return f"<{tag}{kind}{exact}>{cell.mark + ' ' if cell.mark else ''}{text}</{tag}>"


def _figure(block: Figure) -> str:
    return f"<figure>\n{inline(block.svg().decode(), block.key)}\n</figure>"


_WRITERS: dict[type, Callable[..., str]] = {
    Paragraph: _paragraph,
    Listing: _listing,
    Code: _code,
    Table: _table,
    Figure: _figure,
}


def inline(svg: str, name: str) -> str:
    """Return an SVG file as an element for a page with other figures.

    Ids inside it are prefixed with the figure's name, since ids are unique in a page.
    """
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"\s*<desc>.*?</desc>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    return svg.replace("<svg", '<svg role="img"', 1)
