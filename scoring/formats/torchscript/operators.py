"""The operators and classes that torch has, and which of them run on a CPU.

They are read from a list, so that the gate needs no torch. After each change of torch's version
`python -m scoring.formats.torchscript.operators` writes the list anew, from torch's dispatcher.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from scoring.errors import Rejected
from scoring.job import Device
from scoring.sentences import Sentence, say

LIST = Path(__file__).with_suffix(".txt")
OFF_CPU = " (no CPU kernel)"
"""The mark behind a name of the list that does not run on a CPU."""
CLASSES = "__torch__.torch.classes."
KERNELS = (
    *("CPU", "QuantizedCPU", "SparseCPU", "SparseCsrCPU", "MkldnnCPU", "NestedTensorCPU"),
    *("CompositeImplicitAutograd", "CompositeImplicitAutogradNestedTensor"),
    *("CompositeExplicitAutograd", "CompositeExplicitAutogradNonFunctional"),
)
"""The dispatcher's keys of kernels for tensors in host memory."""
INLINED = {
    *(f"aten::_{count}" for count in ("single", "pair", "triple", "quadruple")),
    *(f"aten::{name}" for name in ("_assert", "_assert_int_or_pair", "list_with_default", "type")),
    *(f"prim::{name}" for name in ("ndim", "shape", "T", "H", "mT", "mH")),
}
"""Functions that torch's compiler knows and no registry lists.

Models that torch 1.3 to 1.5 saved call them.
"""

MOBILE = "torch.utils.mobile_optimizer.optimize_for_mobile"
INTEL, NVIDIA = "intel_extension_for_pytorch.optimize", "torch_tensorrt.compile"
WRITERS = {
    **dict.fromkeys(("prepacked", "xnnpack", "metal", "metal_prepack"), MOBILE),
    **dict.fromkeys(("vulkan", "vulkan_prepack", "vulkan_quantized"), MOBILE),
    **dict.fromkeys(("ipex", "ipex_prepack", "torch_ipex"), INTEL),
    "tensorrt": NVIDIA,
    "__backends__": "torch._C._jit_to_backend",
    "_nnapi": "torch.backends._nnapi.prepare.convert_model_to_nnapi",
}
"""By namespace: the program that puts such operators and classes into a model."""


def refuse_unless_runnable(operator: str, device: Device) -> None:
    """Raises `Rejected` for an operator, `namespace::name`, that torch lacks or cannot run."""
    namespace = operator.partition("::")[0]
    is_known = operator in known() or namespace == "cuda"  # only torch for CUDA has these
    if not is_known:
        raise Rejected(
            "unknown_operator",
            say(
                "The model calls %(operator)s, which torch %(version)s does not have.",
                operator=operator,
                version=version(),
            ),
            advice(namespace),
        )
    if device == "cpu" and not known().get(operator, False):
        raise Rejected(
            "unknown_operator",
            say(
                "The model calls %(operator)s, which torch cannot run on a CPU. Save the "
                "model as it was before it was optimized for another device.",
                operator=operator,
            ),
        )


def refuse_unless_known(name: str) -> None:
    """Raises `Rejected` for a class of torch's own, `namespace.Name`, that torch lacks."""
    if CLASSES + name not in known():
        raise Rejected(
            "unknown_operator",
            say(
                "The model holds an object of the class %(name)s, which torch %(version)s "
                "does not have.",
                name=ascii(name)[:100],
                version=version(),
            ),
            advice(name.partition(".")[0]),
        )


def advice(namespace: str) -> Sentence:
    """What to do about an operator or class that torch lacks."""
    if writer := WRITERS.get(namespace):
        return say("%(writer)s added it. Save the model as it was before that.", writer=writer)
    return say("Use operators of torch itself, of a version that is not newer.")


@cache
def known() -> dict[str, bool]:
    """Every operator and class on the list, and whether it runs on a CPU."""
    lines = LIST.read_text().splitlines()[1:]
    found = {line.removesuffix(OFF_CPU): not line.endswith(OFF_CPU) for line in lines}
    return found | dict.fromkeys(INLINED, True)


@cache
def version() -> str:
    """The version of torch that the list was made of."""
    return LIST.read_text().splitlines()[0].rpartition(" ")[2]


def asked() -> str:
    """The list of the installed torch, with one name on each line."""
    import torch

    of_dispatcher = set(torch._C._dispatch_get_all_op_names())

    def runs_on_cpu(schema: Any) -> bool:
        name = f"{schema.name}.{schema.overload_name}".removesuffix(".")
        if name not in of_dispatcher:  # TorchScript's interpreter runs it
            return True
        return any(torch._C._dispatch_has_kernel_for_dispatch_key(name, key) for key in KERNELS)

    runs: dict[str, bool] = {}
    for schema in torch._C._jit_get_all_schemas():
        if not any(argument.is_out for argument in schema.arguments):  # these call the others
            runs[schema.name] = runs.get(schema.name, False) or runs_on_cpu(schema)
    methods = torch._C._jit_get_custom_class_schemas()  # type: ignore[attr-defined]
    classes = {str(method.arguments[0].type) for method in methods if method.arguments}
    lines = [name if on_cpu else name + OFF_CPU for name, on_cpu in sorted(runs.items())]
    release = torch.__version__.partition("+")[0]
    return "\n".join((f"# torch {release}", *lines, *sorted(classes), ""))


if __name__ == "__main__":
    LIST.write_text(asked())
