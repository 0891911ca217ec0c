"""One name, several meanings: what peers call the ratio of signal and quantization noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from quantoscope.engine.evaluation.metrics import METRICS, Metric


@dataclass(frozen=True)
class Definition:
    """One of the meanings that peers give to the ratio of signal and quantization noise.

    Attributes
    ----------
    key : str
    metric : Metric
        With its own name, formula, unit and better way; ``compute`` is that of dB.
    whose : str
        Who means this.
    of_db : callable
        From 10·log10(ΣR² / Σ(R′−R)²).
    """

    key: str
    metric: Metric
    whose: str
    of_db: Callable[[float], float]


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
"""What peers call signal-to-noise ratio; the first one is ours."""
