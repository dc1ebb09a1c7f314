"""The operators that an ONNX model may use, and what is told about the others.

The table holds what exporters write for classifiers, in opsets 11 to 24. It leaves out operators
that no classifier needs and whose kernels in onnxruntime read or wrote out of bounds in the past.
Such are MaxUnpool, RoiAlign, NonMaxSuppression, Col2Im, ScatterND, GridSample and their like.
"""

from __future__ import annotations

from collections.abc import Iterable

from scoring.errors import Rejected
from scoring.formats.onnx.wire import Message
from scoring.sentences import Sentence, say

OPSETS = range(11, 25)
"""Versions of the default domain's operators."""
IR_VERSIONS = range(4, 14)
"""Versions of the file's layout that onnxruntime 1.28 loads."""

LAYERS = (
    "AveragePool BatchNormalization Conv ConvTranspose Dropout Flatten Gemm GlobalAveragePool "
    "GlobalLpPool GlobalMaxPool GroupNormalization InstanceNormalization LRN LayerNormalization "
    "LpNormalization LpPool MatMul MaxPool MeanVarianceNormalization RMSNormalization"
)
ACTIVATIONS = (
    "Celu Clip Elu Erf Gelu HardSigmoid HardSwish LeakyRelu LogSoftmax Mish PRelu Relu Selu "
    "Sigmoid Softmax Softplus Softsign Swish Tanh ThresholdedRelu"
)
ARITHMETIC = (
    "Abs Add And ArgMax ArgMin Ceil Cos CumSum Div Einsum Equal Exp Floor Greater GreaterOrEqual "
    "IsInf IsNaN Less LessOrEqual Log Max Mean Min Mod Mul Neg Not Or Pow Reciprocal ReduceL1 "
    "ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum "
    "ReduceSumSquare Round Sign Sin Sqrt Sub Sum TopK Where Xor"
)
SHAPES = (
    "Cast CastLike Concat Constant ConstantOfShape DepthToSpace Expand EyeLike Gather "
    "GatherElements GatherND Identity Pad Range Reshape Resize Shape Size Slice SpaceToDepth Split "
    "Squeeze Tile Transpose Trilu Unsqueeze"
)
QUANTIZATION = (
    "ConvInteger DequantizeLinear DynamicQuantizeLinear MatMulInteger QLinearConv QLinearMatMul "
    "QuantizeLinear"
)
ALLOWED = frozenset(" ".join((LAYERS, ACTIVATIONS, ARITHMETIC, SHAPES, QUANTIZATION)).split())

IN_FLOATS = frozenset(("Conv", "ConvTranspose", "Gemm", "MatMul"))
"""Layers that are worth quantizing. They compute in int8 between DequantizeLinear and
QuantizeLinear."""
IN_INTEGERS = frozenset(("ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul"))
"""Layers that compute in int8 by themselves."""

CONTROL_FLOW = frozenset(("If", "Loop", "Scan", "SequenceMap"))
RANDOM = frozenset(
    ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform")
) | {"RandomUniformLike"}
DEFAULT_DOMAINS = ("", "ai.onnx")


def layers(nodes: Iterable[Message]) -> list[Message]:
    """The nodes that are convolutions or matrix products."""
    return [node for node in nodes if node["op_type"] in IN_FLOATS | IN_INTEGERS]


def quantized(nodes: list[Message]) -> list[Message]:
    """The layers that compute in int8: input and weights are both quantized."""
    dequantized = {
        name
        for node in nodes
        if node["op_type"] == "DequantizeLinear"
        for name in node.get("output", ())
    }
    return [
        node
        for node in layers(nodes)
        if node["op_type"] in IN_INTEGERS or dequantized.issuperset(node.get("input", [""])[:2])
    ]


def refuse_unless_allowed(operator: str, domain: str) -> None:
    """Raises `Rejected` for an operator that models may not use."""
    if domain not in DEFAULT_DOMAINS:
        raise Rejected(
            "forbidden_operator",
            say(
                "The model uses the operator %(operator)s. Only operators of ONNX itself are "
                "accepted. Quantize with quant_format=QuantFormat.QDQ, and upload the model "
                "as it was before onnxruntime optimized it.",
                operator=ascii(f"{domain}.{operator}")[:120],
            ),
        )
    if operator in ALLOWED:
        return
    raise Rejected(
        "forbidden_operator",
        say(
            "The model uses the operator %(operator)s, which is not accepted.",
            operator=ascii(operator)[:80],
        ),
        advice(operator),
    )


def advice(operator: str) -> Sentence:
    """What to do about an operator that is not taken."""
    if operator in CONTROL_FLOW:
        return say("Write forward without branches and loops that depend on the images.")
    if operator in RANDOM:
        return say("Take random numbers out of forward, and call model.eval() first.")
    return say(
        "Replace it with other layers. docs/export.md lists the operators that are accepted."
    )


def default_opset(imports: Iterable[tuple[str, int]]) -> int:
    """The version of the default domain. Raises `Rejected`.

    Exporters list other domains, too, whose operators the model does not use.
    """
    versions = [version for domain, version in imports if domain in DEFAULT_DOMAINS]
    if len(versions) != 1:
        raise Rejected(
            "unsupported_opset",
            say(
                "The ONNX file must name one version of ONNX's own operators (opset). Export "
                "the model again with torch.onnx.export."
            ),
        )
    if versions[0] not in OPSETS:
        raise Rejected(
            "unsupported_opset",
            say(
                "The model uses opset %(opset)s. Opsets %(first)s to %(last)s are accepted. "
                "Export with torch.onnx.export(..., opset_version=18).",
                opset=versions[0],
                first=OPSETS[0],
                last=OPSETS[-1],
            ),
        )
    return versions[0]


def refuse_layout(ir_version: int) -> None:
    """Raises `Rejected` for a version of the file's layout that the runtime cannot load."""
    if ir_version not in IR_VERSIONS:
        raise Rejected(
            "unsupported_opset",
            say(
                "The file has ONNX's IR version %(version)s. Versions %(first)s to %(last)s "
                "are accepted. Set model.ir_version = 10 and save it again.",
                version=ir_version,
                first=IR_VERSIONS[0],
                last=IR_VERSIONS[-1],
            ),
        )
