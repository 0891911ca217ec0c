"""Block formats, which define their mapping and block size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quantoscope.engine.formats.number_format import Format


def _of_element(name: str) -> Any:
    return property(lambda self: getattr(self.element, name), doc=f"The element's ``{name}``.")


@dataclass(frozen=True)
class BlockFormat(Format):
    """Format of codes in blocks, with its own mapping and block size.

    All that concerns single codes is that of the element format.

    Parameters
    ----------
    name : str
        Name such as ``q8_0``, also of its mapping.
    element : Format
        Format of the codes within a block.
    block : int
        Values per block along the last axis.
    source : str
        Source of the definition, and what it was verified against.
    """

    name: str
    element: Format
    block: int = 32
    source: str = ""
    nearest_only = True
    mapping = property(lambda self: self.name, doc="Its own mapping, of the same name.")
    bits = _of_element("bits")
    integer = _of_element("integer")
    code_count = _of_element("code_count")
    dtype = _of_element("dtype")
    qmin = _of_element("qmin")
    qmax = _of_element("qmax")
    round = _of_element("round")
    round_formula = _of_element("round_formula")
    round_functions = _of_element("round_functions")
    gap = _of_element("gap")
    pack = _of_element("pack")
    unpack = _of_element("unpack")
    numbers = _of_element("numbers")
    label = _of_element("label")
