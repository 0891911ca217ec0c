"""The registry of quantizer families: a new family is one file and one line here."""

from __future__ import annotations

from engine.quantizers.asymmetric import Asymmetric
from engine.quantizers.base import QParams, Quantizer, Stage
from engine.quantizers.scale_only import ScaleOnly
from engine.quantizers.symmetric import Symmetric

QUANTIZERS: dict[str, Quantizer] = {q.name: q for q in (ScaleOnly(), Symmetric(), Asymmetric())}
"""Every family by the word that names it in a scheme's text, in the order that menus show."""

__all__ = ["QUANTIZERS", "QParams", "Quantizer", "Stage"]
