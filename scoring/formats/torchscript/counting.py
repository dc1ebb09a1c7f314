"""How many numbers a network multiplies in one call. Only the sandbox's child loads this module.

The formulas are torch's own. `FlopCounterMode` itself is not used: its first call imports a library
for symbols for a second, and behind the locks nothing can be imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

if TYPE_CHECKING:
    from scoring.formats.contract import Network

MULTIPLIES = re.compile(
    r"conv|mm$|mv$|dot$|linear$|attention|transformer|lstm|gru|rnn|quantized|mkldnn|prepacked|cdist"
)
"""Names of operators that multiply. One that has no formula makes the sum unknown."""
COMPOSED = torch._C.DispatchKey.CompositeImplicitAutograd


class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the operators that run in its body."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0
        self.is_known = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # the wrapper that would skip it is what imports the library

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        operator = func._overloadpacket
        formula: Callable[..., int] | None = flop_registry.get(operator)
        if formula is None and func.has_kernel_for_dispatch_key(COMPOSED):
            with self:  # so that its parts are counted
                return func.decompose(*args, **given)
        answer = func(*args, **given)
        if formula:
            self.flops += formula(*args, **given, out_val=answer)
        elif MULTIPLIES.search(str(operator)):
            self.is_known = False
        return answer


def macs(network: Network, batch: torch.Tensor) -> int | None:
    """Multiplications with additions of one call; None if an operator has no formula."""
    with Counter() as counter:
        network(batch)
    return counter.flops // 2 if counter.is_known else None
