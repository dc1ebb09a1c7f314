"""ONNX on the CPU by onnxruntime. Only the sandbox's child loads this module."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

# The library sends usage data to its maker from a thread of its own, unless told so before import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

from scoring.formats.onnx import attacks

if TYPE_CHECKING:
    from scoring.formats.contract import Network

PROVIDERS = ("CPUExecutionProvider",)
PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ")
FATAL = 4
"""Level of the log: errors are raised, and warnings are no team's concern."""
SETTINGS = {
    "session.load_model_format": "ONNX",  # never its own format, which the gate does not read
    "session.intra_op.allow_spinning": "0",
    "session.inter_op.allow_spinning": "0",
    "session.set_denormal_as_zero": "0",  # as torch computes unless it is told otherwise
}


class Cpu:
    """`formats.contract.Runtime` in host memory."""

    threads = 1
    """That `start_threads` started in this process."""

    def start_threads(self, count: int) -> None:
        """Start the threads that all sessions of this process share, because later none can."""
        Cpu.threads = count
        onnxruntime.set_global_thread_pool_sizes(count, 1)
        Session(attacks.honest(), options(shared_threads=True))

    def load(self, data: bytes) -> Network:
        """The session of a model. Raises whatever onnxruntime raises."""
        return Session(data, options(shared_threads=self.threads > 1))

    def prepare(self, network: Network, example: torch.Tensor) -> tuple[Network, bool]:
        """The network itself: a session optimizes its graph while it loads."""
        for _ in range(2):  # the first call plans memory
            self.answer(network, example.clone())
        return network, True

    def answer(self, network: Network, batch: torch.Tensor) -> torch.Tensor:
        return network(batch)

    def count(self, network: Network, batch: torch.Tensor) -> int | None:
        """None: the archive counts."""
        return None

    def finish(self) -> None:
        """Nothing: a CPU answers before it returns."""

    def rehearse(self) -> None:
        """Load, prepare and call a small network."""
        with torch.inference_mode():
            network, _ = self.prepare(self.load(attacks.honest()), torch.zeros(1, 3, 8, 8))
            network(torch.zeros(1, 3, 8, 8))


class Session:
    """A loaded model as a function of a batch. Only the first output is computed."""

    def __init__(self, data: bytes, settings: onnxruntime.SessionOptions) -> None:
        with plain_errors():
            self.session = onnxruntime.InferenceSession(data, settings, providers=list(PROVIDERS))
        self.input = self.session.get_inputs()[0].name
        self.output = self.session.get_outputs()[0].name

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        with plain_errors():
            answer: Any = self.session.run([self.output], {self.input: batch.numpy()})[0]
        try:
            return torch.from_numpy(answer)
        except TypeError:  # no tensor of numbers, which the caller refuses
            return answer  # type: ignore[no-any-return]


@contextmanager
def plain_errors() -> Iterator[None]:
    """Raise errors of onnxruntime, whose classes have no common name, as `RuntimeError`.

    The text is one line without the prefix of onnxruntime.
    """
    try:
        yield
    except Exception as error:
        raise RuntimeError(PREFIX.sub("", " ".join(str(error).split()))) from error


def options(*, shared_threads: bool) -> onnxruntime.SessionOptions:
    """Settings that are the same for every model.

    `shared_threads`: use the threads that `Cpu.start_threads` started; else the calling thread.
    """
    found = onnxruntime.SessionOptions()
    found.intra_op_num_threads = found.inter_op_num_threads = 1
    found.use_per_session_threads = not shared_threads
    found.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    found.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    found.log_severity_level = FATAL
    for key, setting in SETTINGS.items():
        found.add_session_config_entry(key, setting)
    return found
