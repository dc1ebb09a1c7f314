"""What each code of a refused model file means. `codes` has the others."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OF_MODELS: dict[str, str | Promise] = {
    "empty_file": _("The file is empty."),
    "not_a_zip": _("The file is not a zip archive. `torch.jit.save` writes one."),
    "truncated_zip": _("The zip is damaged, cut off, or has more than one end."),
    "python_pickle": _("The file is a Python pickle. The service never loads pickles."),
    "state_dict": _(
        "The file holds weights without the model's code: it was written by `torch.save`."
    ),
    "not_torchscript": _("The zip holds no TorchScript model, or one of a torch that is too old."),
    "unsafe_names": _(
        "The name of a record could lead out of a folder, or a record is there twice."
    ),
    "too_many_records": _("The archive has more than 20,000 records."),
    "bad_pickle": _("A record of references cannot be read, or names an unknown kind of weights."),
    "storage_mismatch": _("Weights do not fit the record or the bytes that should hold them."),
    "too_large_unpacked": _("The archive unpacks to too many bytes."),
    "record_too_large": _("One record, or all of the code, is too large."),
    "extra_file_too_large": _("One of the author's extra files has more than 64 KB."),
    "too_deep": _("The code nests brackets or blocks too deeply."),
    "forbidden_global": _(
        "The archive refers to a Python object that `torch.jit.save` never writes."
    ),
    "forbidden_operator": _(
        "The model calls an operator that no classifier needs, for example one that reads "
        "files, or in ONNX a loop, a branch or another domain's operator."
    ),
    "unknown_operator": _(
        "The model calls an operator, or holds an object, that torch on the worker lacks or "
        "cannot run."
    ),
    "other_format": _(
        "The file has a format that is not accepted. The sentence names the format and how "
        "to convert it."
    ),
    "external_data": _(
        "ONNX: the weights are in a second file. Export with `external_data=False`."
    ),
    "bad_onnx": _("ONNX: the file is damaged, or two programs could read it differently."),
    "unknown_field": _("ONNX: the file holds a field that ONNX does not define."),
    "unsupported_feature": _(
        "ONNX: functions, sparse weights, texts, training information and similar content "
        "are not accepted."
    ),
    "unsupported_opset": _("ONNX: opsets 11 to 24 are accepted."),
    "bad_shape": _("ONNX: a shape is not valid, or needs more memory than a model may use."),
    "bad_signature": _(
        "ONNX: the model does not take one batch of images, or its first output cannot be logits."
    ),
    "too_complex": _("ONNX: too many operators, weights, fields or texts."),
    "bad_declaration": _(
        "The extra file `featherweight.json` is wrong or outside the competition's bounds."
    ),
    "bad_model": _("The file cannot be a model for another reason. The sentence names the reason."),
}
"""Of a file that cannot be a model. Status 400."""
