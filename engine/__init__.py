"""Quantoscope's engine: what quantization does to numbers, in plain numpy, without a window.

>>> import engine
>>> result = engine.evaluate([0.21535037, 1.2962357, -1.0161772], "int8 symmetric")
>>> result.codes.tolist(), result.qparams.scale
([21, 127, -100], 0.01020658016204834)
"""

from engine.calibration import Calibration
from engine.channels import Channels, channels
from engine.compare import Cause, Comparison, compare
from engine.device import DeviceComparison, compare_codes, read_codes
from engine.errors import QuantizationError, SchemeError
from engine.evaluate import calibrate, dequantize, evaluate, metrics_of, quantize, revise
from engine.evaluation import Evaluation
from engine.formats import FORMATS, Format
from engine.granularity import Granularity
from engine.metrics import METRICS, Metric
from engine.quantizers import MAPPINGS, QUANTIZERS, QParams, Stage
from engine.runtimes import RUNTIMES, Runtime
from engine.scheme import Scheme
from engine.summary import Summary, summarize
from engine.trace import Trace, trace

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
