"""No honest model is refused: architectures of every family, in the forms that people upload.

Each has random weights and goes through a whole evaluation: check, sandbox and a short measuring.
The table shows whether it ends `scored`. Its speed does not matter.
"""

from __future__ import annotations

import argparse
import copy
import io
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.ao.quantization import quantize_fx
from torch.fx.experimental import optimization
from torch.nn.utils import prune

import scoring
from benchmarks import nets, tables, unusual
from scoring.formats.declarations import DECLARATION
from scoring.formats.torchscript import exporting
from scoring.job import Formula, InputSpec, Job, Limits, Plan, Report, Split
from scoring.training import networks

IMAGES = 24
SIDE = unusual.SIDE
PLAN = Plan(
    block_seconds=0.01, min_quads=2, min_segments=1, target_half_width=100, max_half_width=0
)
"""Ends after one pass and a second look, because times do not matter here."""

Export = Callable[[nn.Module, Tensor], torch.jit.ScriptModule]


def main() -> None:
    options = parser().parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    if not options.json:
        print(tables.machine_line())
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        job = prepared(Path(folder))
        for one in chosen(options.only, options.quick):
            outcomes.append(tried(one, job, Path(folder)))
            print(outcomes[-1].line(), file=sys.stderr, flush=True)
    refused = [outcome for outcome in outcomes if outcome.code != "scored"]
    if options.json:
        print(json.dumps([vars(one) for one in outcomes], indent=1))
    else:
        head = ("name", "form", "parameters", "MB", "outcome", "seconds")
        tables.show(head, [one.row() for one in outcomes])
        for outcome in refused:
            print(f"{outcome.name}, {outcome.form}: {outcome.code}: {outcome.message}")
        print(f"{len(outcomes) - len(refused)} scored, {len(refused)} refused")
    sys.exit(bool(refused))


@dataclass(frozen=True)
class Form:
    """A way to make a file of a network, and what is said in the file about its input."""

    export: Export
    declared: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    batch_size: int = 1


@dataclass(frozen=True)
class Candidate:
    """An honest upload. `make` gives a network for images of `side` pixels."""

    name: str
    form: str
    make: Callable[[], nn.Module]
    side: int = SIDE

    def save(self, path: Path) -> None:
        form = FORMS[self.form]
        torch.manual_seed(0)
        dtype = getattr(torch, form.declared.get("dtype", "float32"))
        example = torch.rand(form.batch_size, 3, self.side, self.side).mul(255).to(dtype)
        forget_replaced_builtins()
        with torch.no_grad():
            module = form.export(self.make().eval(), example)
        declared = {"input_size": [3, self.side, self.side], **form.declared}
        module.save(str(path), _extra_files={DECLARATION: json.dumps(declared), **form.files})


@dataclass(frozen=True)
class Outcome:
    name: str
    form: str
    parameters: int
    bytes: int
    code: str
    message: str
    seconds: float
    """Seconds of the evaluation, without those of making the file."""

    def row(self) -> tuple[str, ...]:
        size = f"{self.bytes / 1e6:.1f}"
        return (
            *(self.name, self.form, f"{self.parameters:,}", size),
            *(self.code, f"{self.seconds:.1f}"),
        )

    def line(self) -> str:
        return f"{self.name}, {self.form}: {self.code} {self.message}".strip()


def prepared(workplace: Path) -> Job:
    """A job without a submission."""
    return Job(
        reference=nets.saved(nets.minute, workplace / "reference.pt"),
        splits=(Split("public", nets.pictures(workplace / "images.zip", IMAGES)),),
        classes=nets.CLASSES,
        input=InputSpec(height=SIDE, width=SIDE),
        formula=Formula(quality_ref=0.5),
        plan=PLAN,
        limits=Limits(load_seconds=300, first_call_seconds=120, call_seconds=60),
        cache=workplace / "cache",
    )


def tried(candidate: Candidate, job: Job, workplace: Path) -> Outcome:
    """The outcome of one upload."""
    path = workplace / "submission.pt"
    candidate.save(path)
    start = time.monotonic()
    spec = replace(job.input, batch_size=FORMS[candidate.form].batch_size)
    report: Report = scoring.evaluate(replace(job, submission=path, input=spec))
    return Outcome(
        name=candidate.name,
        form=candidate.form,
        parameters=report.model.parameters if report.model else 0,
        bytes=path.stat().st_size,
        code=report.failure.code if report.failure else report.status,
        message=report.failure.message if report.failure else "",
        seconds=time.monotonic() - start,
    )


def chosen(words: list[str], quick: bool) -> Iterator[Candidate]:
    for one in candidates():
        title = f"{one.name}, {one.form}"
        if (not words or any(word in title for word in words)) and (not quick or title in QUICK):
            yield one


def candidates() -> Iterator[Candidate]:
    """Every honest upload: one network in all forms, and architectures in one form or more."""
    for form in FORMS:
        if form != "optimized":  # torch cannot load an optimized convolution again
            yield Candidate("residual", form, nets.residual)
    for line in TABLE.splitlines():
        name, side, forms = line.split(maxsplit=2)
        for form in forms.split("; "):
            yield Candidate(name, form, architecture(name, int(side)), int(side))


def architecture(name: str, side: int) -> Callable[[], nn.Module]:
    """A plain network of that name, else one of timm, or of torchvision if the name says so."""

    def make() -> nn.Module:
        timm = networks.import_timm()
        library, _, own = name.rpartition("/")
        options: dict[str, Any] = {"num_classes": len(nets.CLASSES)}
        if library == "torchvision":
            import torchvision

            if own in ("googlenet", "inception_v3"):
                options |= {"aux_logits": False, "init_weights": False}
            return torchvision.models.get_model(own, **options)  # type: ignore[no-any-return]
        options["scriptable"] = True
        try:
            return timm.create_model(name, img_size=side, **options)  # type: ignore[no-any-return]
        except TypeError:  # a network that takes images of any size
            return timm.create_model(name, **options)  # type: ignore[no-any-return]

    return PLAIN.get(name, make)


def forget_replaced_builtins() -> None:
    """Keep torch from taking a list of a network for one of its own functions.

    Scripting knows functions by their address. Four of those that importing `quantize_fx` makes
    known are replaced in the same import, and what a network keeps may come to lie where they
    lay ("builtin cannot be used as a value"). No network here uses them.
    """
    table = torch.jit._builtins._get_builtin_table()  # type: ignore[no-untyped-call]
    for address, operator in list(table.items()):
        if operator.startswith("quantized_decomposed::"):
            del table[address]


def scripted(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    return torch.jit.script(model)  # type: ignore[no-untyped-call, no-any-return]


def traced(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    return torch.jit.trace(model, example, check_trace=False)  # type: ignore[no-untyped-call, no-any-return]


def frozen(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    return torch.jit.freeze(scripted(model, example))


def frozen_trace(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    return torch.jit.freeze(traced(model, example))


def optimized(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    """Optimized as the runtime does it for every model, but before it is saved."""
    return torch.jit.optimize_for_inference(torch.jit.script(model))  # type: ignore[no-untyped-call]


def half(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    return scripted(model.half(), example)


def half_frozen(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    return torch.jit.freeze(half(model, example))


def dynamic(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    """Linear layers in int8."""
    kinds = {nn.Linear, nn.LSTM, nn.GRU}
    return scripted(torch.ao.quantization.quantize_dynamic(model, kinds), example)


def dynamic_trace(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    return traced(torch.ao.quantization.quantize_dynamic(model, {nn.Linear}), example)


def dynamic_half(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    """Linear layers with weights in float16."""
    kind = {nn.Linear}
    return scripted(
        torch.ao.quantization.quantize_dynamic(model, kind, dtype=torch.float16), example
    )


def static(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    """Everything in int8, by post-training quantization."""
    mapping = torch.ao.quantization.get_default_qconfig_mapping("x86")
    observed = quantize_fx.prepare_fx(model, mapping, (example,))
    observed(example / 255)
    return scripted(quantize_fx.convert_fx(observed), example)


def static_frozen(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    return torch.jit.freeze(static(model, example))


def bfloat16_inside(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    return scripted(unusual.Converting(model.bfloat16(), torch.bfloat16), example)


def half_inside(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    return scripted(unusual.Converting(model.half(), torch.float16), example)


def autocast(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    return traced(unusual.Autocast(model), example)


def bytes_in(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    return traced(exporting.normalizing(model, InputSpec()).eval(), example)


def normalizing_in_place(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    return scripted(unusual.NormalizingInPlace(model), example)


def channels_last(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    return scripted(model.to(memory_format=torch.channels_last), example)  # type: ignore[call-overload]


def pruned(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    """The smaller half of the weights of each convolution is 0, by the tool of torch."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            prune.l1_unstructured(module, "weight", amount=0.5)  # type: ignore[no-untyped-call]
            prune.remove(module, "weight")  # type: ignore[no-untyped-call]
    return scripted(model, example)


def fused(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    """Batch norms folded into convolutions by torch.fx, then scripted."""
    return scripted(optimization.fuse(model), example)


def saved_twice(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    """Written, read and written again, as tools do."""
    stream = io.BytesIO()
    torch.jit.save(scripted(model, example), stream)  # type: ignore[no-untyped-call]
    stream.seek(0)
    return torch.jit.load(stream)  # type: ignore[no-untyped-call, no-any-return]


def ensemble(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    return scripted(unusual.Ensemble(model, copy.deepcopy(model)), example)


FILES = {"README.md": "Trained by us.\n" * 400, "classes.txt": "\n".join(nets.CLASSES)}
FORMS = {
    "scripted": Form(scripted),
    "traced": Form(traced),
    "frozen": Form(frozen),
    "frozen trace": Form(frozen_trace),
    "optimized": Form(optimized),
    "half": Form(half, {"dtype": "float16"}),
    "half, frozen": Form(half_frozen, {"dtype": "float16"}),
    "half inside": Form(half_inside),
    "bfloat16 inside": Form(bfloat16_inside),
    "autocast": Form(autocast),
    "dynamic int8": Form(dynamic),
    "dynamic int8, traced": Form(dynamic_trace),
    "dynamic float16": Form(dynamic_half),
    "static int8": Form(static),
    "static int8, frozen": Form(static_frozen),
    "bytes in": Form(bytes_in, {"dtype": "uint8"}),
    "normalizing in place": Form(normalizing_in_place, {"mean": [0, 0, 0], "std": [1, 1, 1]}),
    "channels last": Form(channels_last),
    "pruned": Form(pruned),
    "fused": Form(fused),
    "saved twice": Form(saved_twice),
    "ensemble": Form(ensemble),
    "with files": Form(scripted, {"crop_pct": 0.9, "crop_mode": "squash"}, FILES),
    "batches of 4": Form(scripted, batch_size=4),
    "batches of 4, traced": Form(traced, batch_size=4),
}


PLAIN: dict[str, Callable[[], nn.Module]] = {
    "minute": nets.minute,
    "shallow": nets.shallow,
    "wide": nets.wide,
    "Grown": unusual.Grown,
    "Exporting": unusual.Exporting,
    "Attributed": unusual.Attributed,
    "Recurrent": unusual.Recurrent,
    "Attending": unusual.Attending,
    "Spectral": unusual.Spectral,
    "Lazy": unusual.Lazy,
    "Weighted": unusual.Weighted,
    "ScriptedAutocast": unusual.ScriptedAutocast,
}

TABLE = """\
minute 64 scripted; traced; optimized
shallow 64 scripted; traced
wide 64 scripted; traced
Grown 64 scripted; traced
Exporting 64 scripted
Attributed 64 scripted; frozen
Recurrent 64 scripted; traced; dynamic int8; optimized
Attending 64 scripted; traced; half
Spectral 64 scripted; traced; optimized
Lazy 64 scripted; traced; frozen
Weighted 64 traced
ScriptedAutocast 64 scripted; traced
resnet18 64 scripted; static int8
resnet26d 64 frozen
resnetv2_50 64 half
mobilenetv3_small_050 64 scripted; dynamic int8
mobilenetv3_large_100 64 traced
mobilenetv4_conv_small 64 frozen
efficientnet_b0 64 scripted; half
efficientnet_lite0 64 frozen trace
tf_efficientnetv2_b0 64 scripted
tinynet_e 64 with files
ghostnetv2_100 64 scripted
fbnetc_100 64 scripted
mnasnet_small 64 frozen
lcnet_050 64 batches of 4
hardcorenas_a 64 scripted
regnetx_002 64 scripted
regnety_002 64 channels last
rexnet_100 64 scripted
convnext_atto 64 scripted; bfloat16 inside
convnextv2_atto 64 traced
vit_tiny_patch16_224 224 scripted; dynamic int8
deit_tiny_patch16_224 96 frozen; half
swin_tiny_patch4_window7_224 224 scripted
swinv2_tiny_window8_256 256 traced
mixer_s32_224 224 scripted
resmlp_12_224 224 dynamic int8
gmlp_ti16_224 224 scripted
convmixer_768_32 64 scripted
poolformer_s12 64 scripted
levit_128s 224 scripted
efficientformer_l1 224 scripted
efficientformerv2_s0 224 traced
mobilevit_xxs 64 scripted
mobilevitv2_050 64 frozen
mobileone_s0 64 scripted
repvgg_a0 64 scripted
fastvit_t8 64 scripted
edgenext_xx_small 64 scripted
inception_next_atto 64 traced
starnet_s1 64 scripted
repvit_m0_9 64 scripted
tiny_vit_5m_224 224 scripted
xcit_nano_12_p16_224 224 scripted
cait_xxs24_224 224 scripted
coat_tiny 64 traced
crossvit_tiny_240 240 traced
pit_ti_224 224 scripted
pvt_v2_b0 64 scripted
nest_tiny 224 scripted
twins_svt_small 224 traced
visformer_tiny 224 scripted
maxvit_rmlp_pico_rw_256 256 scripted
coatnet_pico_rw_224 224 scripted
davit_tiny 64 traced
focalnet_tiny_srf 224 scripted
gcvit_xxtiny 224 scripted
hrnet_w18_small 64 traced
dla34 64 scripted
dpn48b 64 scripted
densenet121 64 scripted
selecsls42 64 traced
ese_vovnet19b_dw 64 scripted
cspresnet50 64 scripted
darknet53 64 frozen
tresnet_m 64 scripted
res2net50_14w_8s 64 scripted
resnest14d 64 scripted
skresnet18 64 scripted
gernet_s 64 scripted
botnet26t_256 256 scripted
halonet26t 256 traced
lambda_resnet26t 256 scripted
dm_nfnet_f0 64 scripted
nf_regnet_b0 64 frozen
xception41 64 scripted
inception_v4 96 scripted
hgnetv2_b0 64 scripted
mambaout_femto 64 scripted
efficientvit_b0 64 scripted
efficientvit_m0 224 scripted
eva02_tiny_patch14_224 224 traced
hiera_tiny_224 224 traced
mvitv2_tiny 224 scripted
rdnet_tiny 64 scripted
sequencer2d_s 224 scripted
swiftformer_xs 64 scripted
tnt_s_patch16_224 224 scripted
convit_tiny 224 scripted
nextvit_small 64 scripted
samvit_base_patch16_224 224 traced
torchvision/alexnet 64 scripted
torchvision/vgg11_bn 64 scripted
torchvision/resnet50 64 scripted
torchvision/squeezenet1_1 64 frozen
torchvision/shufflenet_v2_x0_5 64 scripted
torchvision/mobilenet_v2 64 static int8; static int8, frozen
torchvision/googlenet 64 traced
torchvision/inception_v3 96 traced
torchvision/densenet121 64 traced
torchvision/mnasnet0_5 64 scripted
torchvision/efficientnet_b0 64 scripted
torchvision/regnet_y_400mf 64 scripted
torchvision/convnext_tiny 64 half
torchvision/swin_t 64 scripted
torchvision/maxvit_t 224 scripted
torchvision/vit_b_16 224 dynamic int8"""

"""Name, side of the images in pixels, forms."""

QUICK = {
    "residual, half, frozen",
    "residual, static int8",
    "residual, normalizing in place",
    "residual, batches of 4",
    "minute, optimized",
    "Attributed, scripted",
    "Attending, traced",
    "mobilenetv3_small_050, dynamic int8",
}


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser("python -m benchmarks.honest", description=__doc__)
    command.add_argument(
        "--only", nargs="+", default=[], help="words of the names and forms to try"
    )
    command.add_argument("--quick", action="store_true", help="eight small ones")
    command.add_argument("--json", action="store_true", help="the outcomes as JSON")
    return command


if __name__ == "__main__":
    main()
