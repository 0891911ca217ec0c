"""Definitions of signal-to-quantization-noise ratio in different tools."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from quantoscope.engine.evaluation.metrics import METRICS, Metric


@dataclass(frozen=True)
class Definition:
    """A definition of the ratio of signal to quantization noise."""

    key: str
    metric: Metric
    """Metric with its name, formula, unit and direction; ``compute`` returns dB."""
    whose: str
    """Tools that use it."""
    of_db: Callable[[float], float]
    """Converts from 10·log10(ΣR² / Σ(R′−R)²)."""


def _ratio(db: float) -> float:
    try:
        return math.pow(10, db / 10)
    except OverflowError:
        return math.inf


SQNR_DEFINITIONS: tuple[Definition, ...] = (
    Definition("dB", METRICS[0], "ONNX Runtime: 20·log10(‖R‖ / ‖R′−R‖), the same", lambda db: db),
    Definition(
        "ratio",
        Metric("sqnr", "SNR", "ΣR² / Σ(R′−R)²", "", "higher", METRICS[0].compute),
        'AI Edge Quantizer\'s "snr"',
        _ratio,
    ),
    Definition(
        "noise",
        Metric("sqnr", "Noise/signal", "Σ(R′−R)² / ΣR²", "", "lower", METRICS[0].compute),
        'PPQ\'s "snr"',
        lambda db: _ratio(-db),
    ),
)
"""Definitions of signal-to-noise ratio; the first one is ours."""
