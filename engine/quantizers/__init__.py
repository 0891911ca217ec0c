"""The registry of quantizer families: a new family is one file and one line here."""

from __future__ import annotations

from quantoscope.engine.quantizers.asymmetric import Asymmetric
from quantoscope.engine.quantizers.base import Quantizer, unclipped_key, unrounded_key
from quantoscope.engine.quantizers.blocks import BLOCK_QUANTIZERS
from quantoscope.engine.quantizers.mxfp4 import MXFP4_QUANTIZERS
from quantoscope.engine.quantizers.params import Ends, Origin, QParams, Stage, ends_of
from quantoscope.engine.quantizers.scale_only import ScaleOnly
from quantoscope.engine.quantizers.symmetric import Symmetric

MAPPINGS: dict[str, Quantizer] = {q.name: q for q in (ScaleOnly(), Symmetric(), Asymmetric())}
"""The families that a scheme's text names beside a format, in the order that menus show."""

QUANTIZERS: dict[str, Quantizer] = MAPPINGS | {
    quantizer.name: quantizer for quantizer in (*BLOCK_QUANTIZERS, *MXFP4_QUANTIZERS)
}
"""Every family by its name: the mappings, and those that a format brings along."""

__all__ = [
    "MAPPINGS",
    "QUANTIZERS",
    "Ends",
    "Origin",
    "QParams",
    "Quantizer",
    "Stage",
    "ends_of",
    "unclipped_key",
    "unrounded_key",
]
