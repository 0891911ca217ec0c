"""AIMET's encodings of version 0.6.1."""

from __future__ import annotations

from quantoscope.engine.export.aimet import render_0_6_1 as render

__all__ = ["render"]
