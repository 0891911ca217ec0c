"""Arithmetic of runtimes, one row of options each.

A runtime is *verified* if tests compare scales, zero points and codes with its installed
package bit for bit; the others follow their documentation or source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from quantoscope.engine.formats import Format
from quantoscope.engine.numerics.arithmetic import (
    Arithmetic,
    Divisor,
    EntropySearch,
    NanCode,
    Precision,
    Tiny,
    ZeroPoint,
)
from quantoscope.engine.numerics.granularity import CHANNEL, GROUP, TENSOR, Granularity


class Evidence(StrEnum):
    """How a runtime's arithmetic is known."""

    VERIFIED = "verified"
    IN_PART = "in part"
    DOCUMENTED = "documented"


@dataclass(frozen=True)
class Runtime:
    """A runtime whose arithmetic schemes can follow.

    Attributes
    ----------
    name : str
        Name in scheme text, after ``@``.
    title : str
        Name for the user.
    arithmetic : Arithmetic
        Its options.
    formats : tuple of str
        Supported formats.
    mappings : tuple of str
        Supported mappings.
    granularities : tuple of str
        Supported kinds of granularity.
    source : str
        Source of the row.
    verified : str
        Package and version that tests compare with; empty for none.
    compared : str
        Compared quantities.
    verified_part : str
        Part that the comparison covers; empty for everything.
    variants : mapping of str to Arithmetic
        Different rows for some kinds of granularity.
    data : tuple of str
        Dtypes of the compared data.
    """

    name: str
    title: str
    arithmetic: Arithmetic
    formats: tuple[str, ...]
    mappings: tuple[str, ...]
    granularities: tuple[str, ...]
    source: str
    verified: str = ""
    compared: str = ""
    verified_part: str = ""
    variants: Mapping[str, Arithmetic] = field(default_factory=dict)
    data: tuple[str, ...] = ("float32",)

    @property
    def status(self) -> str:
        """Status: verified against a version, or from documentation."""
        against = f"verified against {self.verified} on {' and '.join(self.data)} data"
        if self.verified_part:
            return f"{self.verified_part} {against}, the rest from documentation: {self.source}"
        if self.verified:
            return against
        return f"from documentation: {self.source}"

    @property
    def evidence(self) -> Evidence:
        """How its arithmetic is known."""
        if not self.verified:
            return Evidence.DOCUMENTED
        return Evidence.IN_PART if self.verified_part else Evidence.VERIFIED

    def row(self, granularity: Granularity) -> Arithmetic:
        """Return the arithmetic for a granularity."""
        return self.variants.get(granularity.kind, self.arithmetic)

    def refuses(self, fmt: Format, mapping: str, granularity: Granularity) -> str:
        """Return why it does not support a scheme; empty if it does."""
        for word, kind, kinds in (
            (fmt.name, fmt.name, self.formats),
            (mapping, mapping, self.mappings),
            (str(granularity), granularity.kind, self.granularities),
        ):
            if kind not in kinds:
                return f"@{self.name} has {', '.join(kinds)}, not {word}"
        return ""


_FLOAT32 = Arithmetic(works_in="float32", stored="float32", refuses_overflow=False)
"""What all runtimes have in common."""
_ONNXRUNTIME = replace(
    _FLOAT32,
    includes_zero=True,
    narrow_from=8,
    divisor=Divisor.WIDTH,
    middle_zero=True,
    difference=Precision.FLOAT64,
    tiny=Tiny.ONE,
    zero_point=ZeroPoint.SUM,
    zero_point_first=False,
    nan_code=NanCode.LOWEST,
    entropy=EntropySearch.ONNXRUNTIME,
)
_ONNXRUNTIME_BLOCKS = replace(
    _ONNXRUNTIME,
    difference=Precision.WORKING,
    tiny=Tiny.ONE_MIDDLE,
    exact_scale=False,
    clamps_zero_point=True,
)
_PYTORCH = replace(
    _FLOAT32,
    includes_zero=True,
    narrow_from=99,
    divisor=Divisor.HALF,
    middle_zero=True,
    division=Precision.WORKING,
    floor=2.0**-23,
    tiny=Tiny.AS_IS,
    zero_point=ZeroPoint.FROM_MIN,
    exact_scale=False,
    clamps_zero_point=True,
    reciprocal=True,
    fused=True,
    nan_code=NanCode.HIGHEST,
)
_PYTORCH_CHANNELS = replace(_PYTORCH, fused=False, nan_code=NanCode.ZERO)
_PYTORCH_FAKE = replace(_PYTORCH, fused=False, zero_point_first=False, nan_code=NanCode.LOWEST)
_TENSORRT = replace(_FLOAT32, narrow_from=99, division=Precision.WORKING)
_TFLITE = replace(
    _FLOAT32,
    rounding="ties-away",
    includes_zero=True,
    narrow_from=8,
    difference=Precision.FLOAT64,
    tiny=Tiny.AS_IS,
    zero_point=ZeroPoint.NEARER_END,
    clamps_zero_point=True,
    zero_point_first=False,
)
_LITERT = replace(_TFLITE, rounding="ties-even", reciprocal=True)
_AIEDGE = replace(
    _FLOAT32,
    includes_zero=True,
    narrow_from=8,
    division=Precision.WORKING,
    range_floor=1e-9,
    tiny=Tiny.AS_IS,
    zero_point=ZeroPoint.SUM,
)
_AIEDGE_BLOCKS = replace(_AIEDGE, stored="bfloat16")
_CHANNELS = (TENSOR, CHANNEL)
_BOTH = ("symmetric", "asymmetric")

RUNTIMES: dict[str, Runtime] = {
    runtime.name: runtime
    for runtime in (
        Runtime(
            "onnxruntime",
            "ONNX Runtime",
            _ONNXRUNTIME,
            ("int8", "uint8", "int16", "uint16", "int4", "uint4"),
            _BOTH,
            (TENSOR, CHANNEL, GROUP),
            "onnxruntime.quantization.quant_utils and the QuantizeLinear kernel",
            verified="onnxruntime 1.32.0",
            compared="S and Z of compute_data_quant_params and compute_scale_zp_blocked; codes of "
            "QuantizeLinear, reconstructed values of DequantizeLinear (CPU)",
            variants={GROUP: _ONNXRUNTIME_BLOCKS},
        ),
        Runtime(
            "pytorch",
            "PyTorch",
            _PYTORCH,
            ("int8", "uint8"),
            _BOTH,
            _CHANNELS,
            "torch.ao.quantization observers and the x86 kernels of quantize_per_tensor",
            verified="torch 2.13.0",
            compared="S and Z of MinMaxObserver and PerChannelMinMaxObserver; codes and "
            "reconstructed values of quantize_per_tensor and quantize_per_channel (x86)",
            variants={CHANNEL: _PYTORCH_CHANNELS},
        ),
        Runtime(
            "pytorch-fake",
            "PyTorch fake quantization",
            _PYTORCH_FAKE,
            ("int8", "uint8"),
            _BOTH,
            _CHANNELS,
            "torch.fake_quantize_per_tensor_affine, as quantization-aware training has it",
            verified="torch 2.13.0",
            compared="reconstructed values of fake_quantize_per_tensor_affine and "
            "fake_quantize_per_channel_affine, with the observers' S and Z",
        ),
        Runtime(
            "tensorrt",
            "TensorRT",
            _TENSORRT,
            ("int8", "e4m3fn"),
            ("symmetric",),
            _CHANNELS,
            "TensorRT developer guide, Working with Quantized Types",
        ),
        Runtime(
            "tflite",
            "TFLite",
            _TFLITE,
            ("int8", "uint8"),
            _BOTH,
            _CHANNELS,
            "TFLite quantization specification and ChooseQuantizationParams",
            verified="ai-edge-litert 2.3.0",
            compared="codes of QUANTIZE and reconstructed values of DEQUANTIZE in the reference "
            "kernels (BUILTIN_REF); S and Z through the hybrid kernels, which take Rmax − Rmin in "
            "float32",
            verified_part="codes of the reference kernels",
        ),
        Runtime(
            "litert",
            "LiteRT default kernels",
            _LITERT,
            ("int8", "uint8"),
            _BOTH,
            _CHANNELS,
            "ChooseQuantizationParams; XNNPACK, which per-channel nodes are not handed to",
            verified="ai-edge-litert 2.3.0",
            compared="codes of QUANTIZE and reconstructed values of DEQUANTIZE as the interpreter "
            "runs them by default (scales from 1e-36 up)",
            verified_part="codes of the default kernels",
            variants={CHANNEL: _TFLITE},
        ),
        Runtime(
            "aiedge",
            "AI Edge Quantizer",
            _AIEDGE,
            ("int8", "int4", "int2", "int16"),
            _BOTH,
            (TENSOR, CHANNEL, GROUP),
            "ai_edge_quantizer, uniform_quantize_tensor",
            verified="ai-edge-quantizer 0.10.0",
            compared="S and Z of tensor_zp_scale_from_min_max; codes of uniform_quantize",
            variants={GROUP: _AIEDGE_BLOCKS},
        ),
    )
}
"""Every runtime by name, in the order of menus; a new one is a row here."""


def runtimes_in_words() -> str:
    """Return the names of all runtimes, for a sentence."""
    return ", ".join(f"@{name}" for name in RUNTIMES)
