"""AIMET's encodings of version 1.0.0."""

from __future__ import annotations

from quantoscope.engine.export.aimet import render_1_0_0 as render

__all__ = ["render"]
