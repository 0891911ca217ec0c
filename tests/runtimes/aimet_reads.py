"""Loads encodings into AIMET and writes down what it makes of a weight; a process of its own.

AIMET sets up logging and warns while it is imported, which tests would take for failures.
"""

import json
import sys
from pathlib import Path

import numpy as np
from aimet_onnx.quantsim import QuantizationSimModel, load_encodings_to_sim
from onnx import TensorProto, helper, numpy_helper  # noqa: TID253 - run by itself

NAME = "layer.weight"


def model(weight):
    """One product with the weight: of the identity it gives the weight as AIMET simulates it."""
    rows, columns = weight.shape
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", NAME], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", rows])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", columns])],
        [numpy_helper.from_array(weight, NAME)],
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def main():
    """Read pairs of encodings and weights, and write one object for each to the first file."""
    read = []
    for encodings, array in zip(sys.argv[2::2], sys.argv[3::2], strict=True):
        weight = np.load(array)
        sim = QuantizationSimModel(model(weight))
        load_encodings_to_sim(sim, encodings, strict=False)
        found = sim.qc_quantize_op_dict[NAME].get_encodings()
        (reconstructed,) = sim.session.run(None, {"x": np.eye(len(weight), dtype=np.float32)})
        read.append(
            {
                "scale": [one.delta for one in found],
                "offset": [one.offset for one in found],
                "bits": [one.bw for one in found],
                "reconstructed": reconstructed.tolist(),
            }
        )
    Path(sys.argv[1]).write_text(json.dumps(read))


main()
