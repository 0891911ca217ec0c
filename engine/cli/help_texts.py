"""What the commands say of themselves when they are asked for help."""

EXAMPLES = """\
examples:
  quantoscope compare weights.npy
  quantoscope compare model.npz::conv1 --scheme "int8 symmetric" --scheme "uint8 asymmetric" --csv
  quantoscope quantize weights.csv --scheme "int8 symmetric manual(-1,1)" --out codes.npz
  quantoscope list model.safetensors
  quantoscope params model.npz::conv1 --scheme "int8 symmetric" --as onnx --out conv1.onnx

IN is a file of numbers such as .npy, .npz, .csv or .txt, or a model such as .safetensors, .onnx
or .pt; FILE::NAME picks one array of a file with several.
A scheme is a format and a mapping (scale-only, symmetric, asymmetric) and, if wanted, a
calibration, a granularity such as per-channel(0), a rounding, or a runtime such as @onnxruntime.
"""
QUANTIZE = """\
Write the arrays scale, zero_point, codes, reconstructed and error, and the scheme's text as
scheme, to an .npz file; scale and zero_point have one entry per channel or group where there are
many. A zero point that no 64-bit integer can hold is written as a float.
"""
COMPARE = """\
Print every metric of every scheme: as a table for people, or with full precision as CSV (one row
per scheme) or JSON (a list of one object per scheme). JSON knows neither infinity nor NaN: they
are the strings "inf", "-inf" and "nan" there.
"""
LIST = """\
Print name, type, shape and size of each array of a file, in the order of the file. What cannot be
loaded is listed too, with the reason. Where a model made a name up, the node that takes the array
is named beside it. In JSON names are in full.
"""
PARAMS = """\
Write scale, zero point and all that belongs to them in a form that other programs read. What a
form cannot say is refused; but of the code range those for TensorRT, AIMET and ONNX Runtime's
overrides say nothing: what a scheme clips at -127 may become -128 there. The forms, with the
endings of their files:

"""
