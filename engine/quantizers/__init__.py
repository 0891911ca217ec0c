"""Registry of quantizer families; a new one is one file and one line here."""

from __future__ import annotations

from quantoscope.engine.formats import FORMATS
from quantoscope.engine.quantizers.asymmetric import Asymmetric
from quantoscope.engine.quantizers.base import Quantizer, unclipped_key, unrounded_key
from quantoscope.engine.quantizers.blocks import BLOCK_QUANTIZERS
from quantoscope.engine.quantizers.mxfp4 import MXFP4_QUANTIZERS
from quantoscope.engine.quantizers.params import Ends, Origin, QParams, Stage, ends_of
from quantoscope.engine.quantizers.scale_only import ScaleOnly
from quantoscope.engine.quantizers.symmetric import Symmetric

QUANTIZERS: dict[str, Quantizer] = {}
"""Every family by name, in the order of menus."""

MAPPINGS: dict[str, Quantizer] = {}
"""Those that a scheme's text names beside a format; the others bring their format along."""


def register(quantizer: Quantizer) -> None:
    """Register a family, and the format that it defines."""
    QUANTIZERS[quantizer.name] = quantizer
    if quantizer.own_format is None:
        MAPPINGS[quantizer.name] = quantizer
    else:
        FORMATS[quantizer.own_format.name] = quantizer.own_format


for _quantizer in (ScaleOnly(), Symmetric(), Asymmetric(), *BLOCK_QUANTIZERS, *MXFP4_QUANTIZERS):
    register(_quantizer)

__all__ = [
    "MAPPINGS",
    "QUANTIZERS",
    "Ends",
    "Origin",
    "QParams",
    "Quantizer",
    "Stage",
    "ends_of",
    "register",
    "unclipped_key",
    "unrounded_key",
]
