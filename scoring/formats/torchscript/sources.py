"""TorchScript source read as text: how deep it nests, and which operators it calls.

The sandbox holds without this reading, and source can be written that it misunderstands. It gives
honest teams an early answer. So a doubtful case passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import accumulate

from scoring.errors import Rejected
from scoring.formats.torchscript import operators as runnable
from scoring.job import Device
from scoring.sentences import say

MAX_BYTES = 8 << 20
"""Most bytes of all code of an archive. timm's tf_efficientnetv2_xl has 0.9 MB when traced."""
MAX_OPERATORS = 2_000
"""Most different operators that an archive calls."""
MAX_NESTING = 64
"""Deepest nesting of brackets. torch writes one step on each line, so honest models have 2 to 4."""
MAX_INDENTATION = 256
"""Most characters of indentation. Honest models have up to 32."""

SAID = re.compile(  # each piece reaches to its end or the file's, so none is read twice
    r'"""[^"\\]*+(?:(?:\\[\s\S]|"(?!""))[^"\\]*+)*+(?:""")?'
    r"|'''[^'\\]*+(?:(?:\\[\s\S]|'(?!''))[^'\\]*+)*+(?:''')?"
    r'|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?'
    r"|'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'?"
    r"|#[^\n]*+"
)
"""Strings and comments."""
CALL = re.compile(
    r"(?<![\w.])(?:torch\.(\w{1,100})\(|ops\.(\w{1,100})\b(?:\.(\w{1,100})\b)?)", re.A
)
CLASS = re.compile(rf"{re.escape(runnable.CLASSES)}(\w{{1,100}}\.\w{{1,100}})", re.A)
BRACKETS = re.compile(r"[^()\[\]{}]+")
STEPS = {bracket: step for step, kind in ((1, "([{"), (-1, ")]}")) for bracket in kind}
TOO_FAR_IN = re.compile(rf"^[ \t]{{{MAX_INDENTATION + 1}}}[ \t]*+\S", re.MULTILINE)

NAMESPACES = {
    *("aten", "prim", "prims", "rngprims", "inductor_prims", "_native", "_test"),
    *("quantized", "_quantized", "quantization", "sparse"),
    *("onednn", "mkldnn", "mkldnn_prepacked", "mkl", "cuda"),
    *("profiler", "static_runtime", "debug_mode_ops", "export", "onnx"),
}
"""Namespaces of torch's operators that compute."""
FILES = say("The model calls %(operator)s, which accesses files. Take it out.")
OTHERS = say("The model calls %(operator)s, which accesses other processes. Take it out.")
OUTSIDE = say(
    "The model calls %(operator)s, which accesses memory outside its tensors. Take it out."
)
MEMORY = say("The model calls %(operator)s, which accesses raw memory. Take it out.")
PYTHON = say("The model calls %(operator)s, which needs Python. Take it out.")
UNSAVED = say(
    "The model calls %(operator)s, which needs weights that torch does not save. Save the "
    "model as it was before torch.jit.optimize_for_inference. This site applies that "
    "function to every model."
)
FORBIDDEN_NAMESPACES = {
    **dict.fromkeys(("c10d", "c10d_functional", "_c10d_functional"), OTHERS),
    **dict.fromkeys(("_c10d_functional_autograd", "symm_mem", "_dtensor"), OTHERS),
    "inductor": OUTSIDE,
    **dict.fromkeys(("debugprims", "image", "load_library", "load_libraries"), FILES),
}
FORBIDDEN = {
    **dict.fromkeys(("aten::from_file", "aten::save"), FILES),
    **dict.fromkeys(("prim::rpc_async", "prim::rpc_remote", "prim::rpc_sync"), OTHERS),
    **dict.fromkeys(("prim::PythonOp", "prim::IgnoredPythonOp"), PYTHON),
    "mkldnn::data_ptr": MEMORY,
    "prim::ConstantMKLDNNTensor": UNSAVED,
}
"""Operators that no working classifier needs, with the reason and what to do."""


def operators(sources: Iterable[str], device: Device) -> tuple[str, ...]:
    """Operators that the sources call, as `namespace::name`, sorted.

    Raises `Rejected`, also for operators that torch cannot run on `device`.
    """
    found: set[str] = set()
    for source in sources:
        code = SAID.sub("", source)
        refuse_depth(code)
        for call in CALL.finditer(code):
            of_torch, namespace, name = call.groups()
            operator = f"aten::{of_torch}" if of_torch else f"{namespace}::{name or ''}"
            if operator not in found:
                refuse_operator(operator, device)
                found.add(operator)
            if len(found) > MAX_OPERATORS:
                raise Rejected(
                    "record_too_large",
                    say(
                        "The archive's code calls more than %(limit)s operators.",
                        limit=format(MAX_OPERATORS, ","),
                    ),
                )
        for name in set(CLASS.findall(code)):
            runnable.refuse_unless_known(name)
    return tuple(sorted(found))


def refuse_depth(code: str) -> None:
    """Raises `Rejected` (too_deep): torch's parser runs out of stack on deeply nested source."""
    steps = (STEPS[bracket] for bracket in BRACKETS.sub("", code))
    if any(depth > MAX_NESTING for depth in accumulate(steps)):
        raise Rejected(
            "too_deep",
            say(
                "The archive's code nests brackets more than %(limit)s deep.",
                limit=MAX_NESTING,
            ),
        )
    if TOO_FAR_IN.search(code):
        raise Rejected(
            "too_deep",
            say(
                "The archive's code is indented by more than %(limit)s characters.",
                limit=MAX_INDENTATION,
            ),
        )


def refuse_operator(operator: str, device: Device) -> None:
    """Raises `Rejected` for an operator that is forbidden, unknown, or not for `device`."""
    namespace, _, name = operator.partition("::")
    reason = FORBIDDEN.get(operator) or FORBIDDEN_NAMESPACES.get(namespace)
    operator = operator.removesuffix("::")
    if reason:
        raise Rejected("forbidden_operator", reason.about(operator=operator))
    if namespace not in NAMESPACES:
        raise Rejected(
            "unknown_operator",
            say(
                "The model calls %(operator)s, but torch has no operators of that kind here.",
                operator=operator,
            ),
            runnable.advice(namespace),
        )
    if name:
        runnable.refuse_unless_runnable(operator, device)
