"""Quantoscope's engine: quantization of arrays in plain numpy, without a window.

>>> from quantoscope import engine
>>> engine.evaluate([0.21535037, 1.2962357, -1.0161772], "int8 symmetric").codes.tolist()
[21, 127, -100]

``engine.io`` reads and writes files, ``engine.export`` writes parameters for other programs, and
``engine.examples`` has example arrays.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from quantoscope.engine.calibration import Calibration
from quantoscope.engine.errors import QuantizationError, SchemeError
from quantoscope.engine.evaluation.evaluator import (
    calibrate,
    dequantize,
    evaluate,
    metrics_of,
    quantize,
)
from quantoscope.engine.evaluation.metrics import METRICS, Metric
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.formats import FORMATS, Format
from quantoscope.engine.numerics.granularity import Granularity
from quantoscope.engine.numerics.roles import Role
from quantoscope.engine.quantizers import MAPPINGS, QUANTIZERS, QParams, Stage
from quantoscope.engine.schemes.runtimes import RUNTIMES, Runtime
from quantoscope.engine.schemes.scheme import Scheme

if TYPE_CHECKING:
    from quantoscope.engine import examples as examples
    from quantoscope.engine import export as export
    from quantoscope.engine import io as io
    from quantoscope.engine.analysis.channel_figures import Channels, channels
    from quantoscope.engine.analysis.comparison import Cause, Comparison, compare
    from quantoscope.engine.analysis.device_codes import DeviceComparison, compare_codes, read_codes
    from quantoscope.engine.analysis.summary import Summary, summarize
    from quantoscope.engine.analysis.value_trace import Trace, trace
else:
    # Imported on first access (PEP 562), to keep the start fast.
    _MODULES = ("examples", "export", "io")
    _LATER = {
        "analysis.channel_figures": ("Channels", "channels"),
        "analysis.comparison": ("Cause", "Comparison", "compare"),
        "analysis.device_codes": ("DeviceComparison", "compare_codes", "read_codes"),
        "analysis.summary": ("Summary", "summarize"),
        "analysis.value_trace": ("Trace", "trace"),
    }
    _MODULE_OF = {name: module for module, names in _LATER.items() for name in names}

    def __getattr__(name):
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        thing = globals()[name] = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        return thing

    def __dir__():
        return sorted({*globals(), *_MODULES, *_MODULE_OF})


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
    "Role",
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
    "summarize",
    "trace",
]
