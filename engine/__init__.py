"""Quantoscope's engine: what quantization does to numbers, in plain numpy, without a window.

>>> import engine
>>> result = engine.evaluate([0.21535037, 1.2962357, -1.0161772], "int8 symmetric")
>>> result.codes.tolist(), result.qparams.scale
([21, 127, -100], 0.01020658016204834)
"""

from engine.calibration import Calibration
from engine.errors import QuantizationError, SchemeError
from engine.evaluate import Evaluation, calibrate, dequantize, evaluate, quantize
from engine.formats import FORMATS, Format
from engine.metrics import METRICS, Metric
from engine.quantizers import QUANTIZERS, QParams, Stage
from engine.scheme import Scheme
from engine.summary import Summary, summarize
from engine.trace import Trace, trace

__version__ = "0.1.0"

__all__ = [
    "FORMATS",
    "METRICS",
    "QUANTIZERS",
    "Calibration",
    "Evaluation",
    "Format",
    "Metric",
    "QParams",
    "QuantizationError",
    "Scheme",
    "SchemeError",
    "Stage",
    "Summary",
    "Trace",
    "calibrate",
    "dequantize",
    "evaluate",
    "quantize",
    "summarize",
    "trace",
]
