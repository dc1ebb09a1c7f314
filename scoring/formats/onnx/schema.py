"""The messages of an ONNX file, by the numbers of their fields.

Source: onnx/onnx.proto of ONNX 1.23 (IR version 14). What no classifier needs is refused here, with
its code and sentence. Without subgraphs, sequences and functions no message can hold itself.
"""

from __future__ import annotations

from collections.abc import Callable

from scoring.errors import Rejected
from scoring.formats.onnx.wire import FIXED32, FIXED64, VARINT, Field
from scoring.sentences import Sentence, say

Refusal = Callable[[], Rejected]


def external() -> Rejected:
    """The refusal of weights in another file, by whichever field they are named."""
    return Rejected(
        "external_data",
        say(
            "The model's weights are in a second file (external data), but only one file is "
            "uploaded. Export with torch.onnx.export(..., external_data=False), or load it "
            "with onnx.load and save it with onnx.save_model(model, path, "
            "save_as_external_data=False)."
        ),
    )


def subgraph() -> Rejected:
    """The refusal of control flow."""
    return Rejected(
        "forbidden_operator",
        say(
            "The model has a graph inside an operator (If, Loop, Scan), which is not "
            "accepted. Write forward without branches and loops that depend on the images, "
            "and export it again."
        ),
    )


def unsupported(said: Sentence) -> Refusal:
    """The refusal of a part of ONNX that is not taken here."""
    return lambda: Rejected("unsupported_feature", said)


SPARSE = unsupported(
    say("The ONNX file has sparse weights, which are not accepted. Make them dense.")
)
NO_TENSOR = unsupported(
    say("The ONNX file has values that are not dense tensors of numbers. Use tensors only.")
)
FUNCTIONS = unsupported(
    say(
        "The ONNX file has functions, which are not accepted. Inline them with "
        "onnx.inliner.inline_local_functions(model), and save the model again."
    )
)
TRAINING = unsupported(
    say(
        "The ONNX file was made for training. Call model.eval() before torch.onnx.export, and "
        "export it for inference."
    )
)
DEVICES = unsupported(
    say(
        "The ONNX file has a plan for several devices, which is not accepted. Export the "
        "model without it."
    )
)
SEGMENT = unsupported(
    say("The ONNX file has a tensor in segments. Save the model again with onnx.save_model.")
)
QUANTIZATION = unsupported(
    say(
        "The ONNX file has annotations of quantization, which are not accepted. Quantize "
        "with quant_format=QuantFormat.QDQ."
    )
)

PROPS = Field("metadata_props", "message", "Entry", is_repeated=True)

SCHEMA: dict[str, dict[int, Field]] = {
    "Model": {
        1: Field("ir_version", "int"),
        2: Field("producer_name", "text"),
        3: Field("producer_version", "text"),
        4: Field("domain", "text"),
        5: Field("model_version", "int"),
        6: Field("doc_string", "text"),
        7: Field("graph", "message", "Graph"),
        8: Field("opset_import", "message", "Opset", is_repeated=True),
        14: PROPS,
        20: Field("training_info", "message", refusal=TRAINING),
        25: Field("functions", "message", refusal=FUNCTIONS),
        26: Field("configuration", "message", refusal=DEVICES),
    },
    "Graph": {
        1: Field("node", "message", "Node", is_repeated=True),
        2: Field("name", "text"),
        5: Field("initializer", "message", "Tensor", is_repeated=True),
        10: Field("doc_string", "text"),
        11: Field("input", "message", "Value", is_repeated=True),
        12: Field("output", "message", "Value", is_repeated=True),
        13: Field("value_info", "message", "Value", is_repeated=True),
        14: Field("quantization_annotation", "message", refusal=QUANTIZATION),
        15: Field("sparse_initializer", "message", refusal=SPARSE),
        16: PROPS,
    },
    "Node": {
        1: Field("input", "text", is_repeated=True),
        2: Field("output", "text", is_repeated=True),
        3: Field("name", "text"),
        4: Field("op_type", "text"),
        5: Field("attribute", "message", "Attribute", is_repeated=True),
        6: Field("doc_string", "text"),
        7: Field("domain", "text"),
        8: Field("overload", "text"),
        9: PROPS,
        10: Field("device_configurations", "message", refusal=DEVICES),
    },
    "Attribute": {
        1: Field("name", "text"),
        2: Field("f", "float"),
        3: Field("i", "int"),
        4: Field("s", "bytes"),
        5: Field("t", "message", "Tensor"),
        6: Field("g", "message", refusal=subgraph),
        7: Field("floats", "floats"),
        8: Field("ints", "ints"),
        9: Field("strings", "bytes", is_repeated=True),
        10: Field("tensors", "message", refusal=NO_TENSOR),
        11: Field("graphs", "message", refusal=subgraph),
        13: Field("doc_string", "text"),
        14: Field("tp", "message", refusal=NO_TENSOR),
        15: Field("type_protos", "message", refusal=NO_TENSOR),
        20: Field("type", "int"),
        21: Field("ref_attr_name", "text", refusal=FUNCTIONS),
        22: Field("sparse_tensor", "message", refusal=SPARSE),
        23: Field("sparse_tensors", "message", refusal=SPARSE),
    },
    "Tensor": {
        1: Field("dims", "ints"),
        2: Field("data_type", "int"),
        3: Field("segment", "message", refusal=SEGMENT),
        4: Field("float_data", "data", wire=FIXED32),
        5: Field("int32_data", "data", wire=VARINT),
        6: Field("string_data", "bytes", refusal=NO_TENSOR),
        7: Field("int64_data", "data", wire=VARINT),
        8: Field("name", "text"),
        9: Field("raw_data", "data", wire=2),
        10: Field("double_data", "data", wire=FIXED64),
        11: Field("uint64_data", "data", wire=VARINT),
        12: Field("doc_string", "text"),
        13: Field("external_data", "message", refusal=external),
        14: Field("data_location", "int"),
        16: PROPS,
    },
    "Value": {
        1: Field("name", "text"),
        2: Field("type", "message", "Type"),
        3: Field("doc_string", "text"),
        4: PROPS,
    },
    "Type": {
        1: Field("tensor_type", "message", "TensorType"),
        4: Field("sequence_type", "message", refusal=NO_TENSOR),
        5: Field("map_type", "message", refusal=NO_TENSOR),
        6: Field("denotation", "text"),
        7: Field("opaque_type", "message", refusal=NO_TENSOR),
        8: Field("sparse_tensor_type", "message", refusal=NO_TENSOR),
        9: Field("optional_type", "message", refusal=NO_TENSOR),
    },
    "TensorType": {1: Field("elem_type", "int"), 2: Field("shape", "message", "Shape")},
    "Shape": {1: Field("dim", "message", "Dimension", is_repeated=True)},
    "Dimension": {
        1: Field("dim_value", "int"),
        2: Field("dim_param", "text"),
        3: Field("denotation", "text"),
    },
    "Opset": {1: Field("domain", "text"), 2: Field("version", "int")},
    "Entry": {1: Field("key", "text"), 2: Field("value", "text")},
}

LIMITS = {"Node": 20_000, "Tensor": 20_000, "Value": 60_000, "Opset": 64}
"""Most messages of each kind in one file."""
