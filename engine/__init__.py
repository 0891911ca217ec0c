"""Quantoscope's engine: what quantization does to numbers, in plain numpy, without a window.

>>> from quantoscope import engine
>>> result = engine.evaluate([0.21535037, 1.2962357, -1.0161772], "int8 symmetric")
>>> result.codes.tolist(), result.qparams.scale
([21, 127, -100], 0.01020658016204834)
"""

from quantoscope.engine.analysis.channel_figures import Channels, channels
from quantoscope.engine.analysis.comparison import Cause, Comparison, compare
from quantoscope.engine.analysis.device_codes import DeviceComparison, compare_codes, read_codes
from quantoscope.engine.analysis.summary import Summary, summarize
from quantoscope.engine.analysis.value_trace import Trace, trace
from quantoscope.engine.calibration import Calibration
from quantoscope.engine.errors import QuantizationError, SchemeError
from quantoscope.engine.evaluation.evaluator import (
    calibrate,
    dequantize,
    evaluate,
    metrics_of,
    quantize,
    revise,
)
from quantoscope.engine.evaluation.metrics import METRICS, Metric
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.formats import FORMATS, Format
from quantoscope.engine.numerics.granularity import Granularity
from quantoscope.engine.quantizers import MAPPINGS, QUANTIZERS, QParams, Stage
from quantoscope.engine.schemes.runtimes import RUNTIMES, Runtime
from quantoscope.engine.schemes.scheme import Scheme

__version__ = "0.1.0"

__all__ = [
    "FORMATS",
    "MAPPINGS",
    "METRICS",
    "QUANTIZERS",
    "RUNTIMES",
    "Calibration",
    "Cause",
    "Channels",
    "Comparison",
    "DeviceComparison",
    "Evaluation",
    "Format",
    "Granularity",
    "Metric",
    "QParams",
    "QuantizationError",
    "Runtime",
    "Scheme",
    "SchemeError",
    "Stage",
    "Summary",
    "Trace",
    "calibrate",
    "channels",
    "compare",
    "compare_codes",
    "dequantize",
    "evaluate",
    "metrics_of",
    "quantize",
    "read_codes",
    "revise",
    "summarize",
    "trace",
]
