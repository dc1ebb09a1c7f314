"""ONNX models: made by torch's exporters, checked by the gate, run in the sandbox."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before any test imports onnxruntime by itself
