"""Formats of models that are known by their content and not taken: each is named, with what to do.

Standard library only. No such file is opened by its own library.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from typing import BinaryIO

from scoring.errors import Rejected
from scoring.sentences import Sentence, say

HEAD_BYTES = 1_024
ASKED = ("not_a_zip", "not_torchscript", "state_dict", "unsafe_names")
"""Codes of refusals that another format could explain. Behind them a zip's list is short enough."""
MODELS = (".pt", ".pth", ".onnx")
"""Endings of model files that people pack into a zip before they send it."""

EXPORTED = say(
    "This is a program of torch.export (.pt2), which this site never loads. Save the model "
    "itself with torch.jit.trace, or export it with torch.onnx.export(..., "
    "external_data=False)."
)
COMPILED = say(
    "This is a package of AOTInductor, which holds machine code. This site never loads it. "
    "Save the model itself with torch.jit.trace, or export it with torch.onnx.export(..., "
    "external_data=False)."
)
EXECUTORCH = say(
    "This is a program of ExecuTorch (.pte), which is made for phones. Save the model itself "
    "with torch.jit.trace, or export it with torch.onnx.export(..., external_data=False)."
)
TFLITE = say(
    "This is a model of TensorFlow Lite (.tflite). Convert it with python -m tf2onnx.convert "
    "--tflite model.tflite --output model.onnx --inputs-as-nchw INPUT."
)
SAVED_MODEL = say(
    "This is a SavedModel of TensorFlow. Convert it with python -m tf2onnx.convert "
    "--saved-model FOLDER --output model.onnx --inputs-as-nchw INPUT."
)
KERAS = say(
    "This is a model of Keras. Export it with model.export('model.onnx', format='onnx'), "
    "with images as (batch, 3, height, width)."
)
HDF5 = say(
    "This is an HDF5 file, as Keras writes it. Load it in Keras, and export it with "
    "model.export('model.onnx', format='onnx'), with images as (batch, 3, height, width)."
)
SAFETENSORS = say(
    "This is a safetensors file: weights without the model's code. Load them into the model, "
    "and save the model with torch.jit.trace, or export it with torch.onnx.export(..., "
    "external_data=False)."
)
GGUF = say(
    "This is a GGUF file: weights without the model's code. Load them into the model, and "
    "save the model with torch.jit.trace, or export it with torch.onnx.export(..., "
    "external_data=False)."
)
OPENVINO = say(
    "This is a model of OpenVINO. Upload the model that it was converted from, as TorchScript or "
    "ONNX."
)
ORT = say(
    "This is a model in onnxruntime's own format (.ort). Upload the ONNX file that it was "
    "converted from."
)
PACKED = say("This zip only packs the file %(name)s. Unpack the zip, and upload that file itself.")
CORE_ML = say(
    "This is a package of Core ML. Upload the model that it was converted from, as TorchScript or "
    "ONNX."
)


def recognised(stream: BinaryIO, refusal: Rejected) -> Rejected | None:
    """A refusal that names the format of the stream. None if `refusal` has another cause, or if the
    format is unknown."""
    if refusal.code not in ASKED:
        return None
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    found = of_zip(stream) if head.startswith(b"PK") else of_head(head)
    return Rejected("other_format", found) if found else None


def of_head(head: bytes) -> Sentence | None:
    """What a file is that begins with `head`, or None."""
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return HDF5
    if head.startswith(b"GGUF"):
        return GGUF
    by_identifier = {b"TFL3": TFLITE, b"ORTM": ORT}  # of a FlatBuffer, behind its first offset
    if found := by_identifier.get(head[4:8]):
        return found
    if head[4:6] == b"ET" and head[6:8].isdigit():
        return EXECUTORCH
    if head[:3] == b"\x08\x01\x12":
        return SAVED_MODEL
    if head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") < 1 << 30:
        return SAFETENSORS
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith((b"<?xml", b"<net")) and b"<net" in text and b"<layer" in text:
        return OPENVINO
    return None


def of_zip(stream: BinaryIO) -> Sentence | None:
    """What a zip is, by the names of its records, or None."""
    try:
        names = zipfile.ZipFile(stream).namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return None
    return of_names(names)


def of_names(names: Iterable[str]) -> Sentence | None:
    """What a zip with such records is, or None."""
    paths = [f"/{name}" for name in names]

    def has(*endings: str) -> bool:
        return any(path.endswith(endings) for path in paths)

    if any("/data/aotinductor/" in path for path in paths):
        return COMPILED
    if has("/archive_format", "/models/model.json", "/serialized_exported_program.json"):
        return EXPORTED
    if has("/model.weights.h5") and has("/config.json"):
        return KERAS
    if has("/saved_model.pb"):
        return SAVED_MODEL
    if any("/com.apple.CoreML/" in path for path in paths):
        return CORE_ML
    if has(".xml") and has(".bin"):
        return OPENVINO
    inside = (path.rpartition("/")[2] for path in paths if not has("/data.pkl"))
    packed = (name for name in inside if name.lower().endswith(MODELS) and name[:2] != "._")
    return next((PACKED.about(name=repr(name)[:80]) for name in packed), None)
