"""What damaged archives do to the static gate, the sandbox and the process beside it.

Small honest models are changed at random, by a seed. What the gate lets pass is loaded and called
in children of one long-lived sandbox. Every outcome must be a code, within its limits. Nothing may
be left behind.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import pickletools
import random
import re
import struct
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks import tables
from benchmarks.damage import Mutation, cut_file, flip_file, flipped
from scoring import formats
from scoring.errors import EngineError, ModelFailed, Rejected
from scoring.job import InputSpec, Limits, Plan
from scoring.sandbox import areas, parent, processes, sealing
from scoring.timing.runner import Synthetic

SPEC = InputSpec(height=16, width=16)
CLASSES = 3
LIMITS = Limits(
    load_seconds=5,
    first_call_seconds=2,
    call_seconds=2,
    total_seconds=20,
    memory_bytes=512 << 20,
)
GATE_SECONDS = 5.0
MOST_SECONDS = LIMITS.load_seconds * 2 + LIMITS.first_call_seconds + LIMITS.call_seconds + 5
"""Most seconds of a child. Loading and preparing each have the first limit; start and end take some
more."""
GROWTH_BYTES = 64 << 20
"""What this process may grow by, once it has settled."""
SETTLED = 100
CODES = (
    *("load_failed", "load_timeout", "wrong_input", "first_call_timeout", "call_timeout"),
    *("total_timeout", "wrong_output", "output_too_large", "out_of_memory", "crashed"),
)

Records = dict[str, bytes]


class Linear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3 * 16 * 16, CLASSES)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.layer(x.flatten(1))


class Convolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).mean([2, 3]))


class Branching(Convolution):
    def forward(self, x: Tensor) -> Tensor:
        scales: list[Tensor] = []
        for stride in range(1, 4):
            small = x[:, :, ::stride, ::stride]
            if bool(small.mean() > 0):
                small = small * 2 - 1
            scales.append(self.head(self.body(small).mean([2, 3])))
        return torch.stack(scales).mean(0)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 4, 4)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        return self.head(self.attention(tokens, tokens, tokens)[0].mean(1))


@dataclass
class Tally:
    """What became of all archives that were changed in one way."""

    count: int = 0
    refused: int = 0
    answered: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0


def main() -> None:
    options = parser().parse_args()
    if options.quick:
        options.count = min(options.count, 120)
    print(tables.machine_line())
    bases, mutations = subjects(options.format)
    tallies = {kind: Tally() for kind in mutations}
    gate: Counter[str] = Counter()
    with parent.started(Plan(pinned=False, preferred=False), LIMITS) as box:
        for base in bases:
            if (found := outcome(box, base, options.format)[0]) != "answered":
                sys.exit(f"An honest model ends as {found}.")
        violations = fuzzed(box, bases, mutations, tallies, gate, options)
    show(tallies)
    print(f"Refused at the gate by: {', '.join(f'{code} {n}' for code, n in gate.most_common())}.")
    for violation in violations:
        print(f"VIOLATION {violation}")
    if options.json:
        said = {"seed": options.seed, "gate": gate, "violations": violations}
        said["kinds"] = {kind: vars(tally) for kind, tally in tallies.items()}
        Path(options.json).write_text(json.dumps(said, indent=2))
    print(
        f"{options.count:,} archives of seed {options.seed}: "
        + (f"{len(violations)} violations." if violations else "every one ended as it must.")
    )
    sys.exit(bool(violations))


def subjects(format_name: str) -> tuple[list[bytes], dict[str, Mutation]]:
    """Honest models of a format, and the ways to damage them."""
    if format_name == "torchscript":
        return honest_files(), MUTATIONS
    from benchmarks import fuzz_onnx

    networks = [Linear(), Convolution(), Attention(), Convolution()]
    return fuzz_onnx.honest_files(networks, SPEC.height), fuzz_onnx.MUTATIONS


def fuzzed(
    box: parent.Sandbox,
    bases: list[bytes],
    mutations: dict[str, Mutation],
    tallies: dict[str, Tally],
    gate: Counter[str],
    options: argparse.Namespace,
) -> list[str]:
    """What went wrong, in words. The tallies are counted up."""
    violations: list[str] = []
    settled = leftovers()
    for number in range(options.count):
        chance = random.Random(f"{options.seed} {number}")  # noqa: S311  so that each can be made alone
        kind = chance.choice(list(mutations))
        data = mutations[kind](chance, chance.choice(bases), bases)
        tally = tallies[kind]
        tally.count += 1
        start = time.monotonic()
        refused = refusal(data)
        if (seconds := time.monotonic() - start) > GATE_SECONDS:
            violations.append(f"{number} ({kind}): the gate took {seconds:.1f} s")
        if refused:
            tally.refused += 1
            gate[refused] += 1
            if " " in refused:
                violations.append(f"{number} ({kind}): {refused}")
        if not refused or options.past_the_gate:
            try:
                found, seconds = outcome(box, data, options.format)
            except EngineError as error:
                return [*violations, f"{number} ({kind}): {error.code}: {error.message}"]
            tally.slowest_seconds = max(tally.slowest_seconds, seconds)
            tally.answered += found == "answered"
            tally.codes[found] += found != "answered"
            if found not in (*CODES, "answered"):
                violations.append(f"{number} ({kind}): ended as {found}")
            if seconds > MOST_SECONDS:
                violations.append(f"{number} ({kind}): took {seconds:.1f} s")
        if number == SETTLED:
            settled = leftovers()
        if (now := leftovers())[:2] != settled[:2] and number >= SETTLED:
            violations.append(f"{number} ({kind}): descriptors and processes {now[:2]}")
            settled = now
        print(f"\r{number + 1} of {options.count}   ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    grown = leftovers()[2] - settled[2]
    print(f"Memory of this process since the first {SETTLED}: {grown / (1 << 20):+.1f} MiB.")
    if grown > GROWTH_BYTES:
        violations.append(f"this process grew by {grown >> 20} MiB")
    return violations


def refusal(data: bytes) -> str:
    """The code by which the gate refuses an archive; empty if it passes. If the gate breaks, a
    sentence."""
    try:
        formats.inspect(io.BytesIO(data))
    except Rejected as rejected:
        return rejected.code
    except Exception as error:
        return f"the gate raised {error!r:.200}"
    return ""


def outcome(box: parent.Sandbox, data: bytes, format_name: str) -> tuple[str, float]:
    """How a child with this archive ends, and after how many seconds."""
    start = time.monotonic()
    model = sealing.sealed(data, format_name)
    try:
        allowance = processes.Allowance(LIMITS.total_seconds)
        example = Synthetic(SPEC, 0).call()
        with (
            closing(areas.Area(SPEC, CLASSES)) as area,
            box.child(model, area, allowance, example) as child,
        ):
            child.run(1, LIMITS.call_seconds)
            found = "answered"
    except ModelFailed as failure:
        found = failure.code
    finally:
        model.close()
        box.children.clear()
    return found, time.monotonic() - start


def leftovers() -> tuple[int, int, int]:
    """Open descriptors, processes below this one, resident bytes."""
    parents = {}
    for one in Path("/proc").iterdir():
        if one.name.isdigit():
            try:
                said = (one / "stat").read_text()
            except OSError:
                continue
            parents[int(one.name)] = int(said.rpartition(")")[2].split()[1])
    below: set[int] = set()
    while (
        more := {one for one, parent in parents.items() if parent in {os.getpid(), *below}} - below
    ):
        below |= more
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return len(os.listdir("/proc/self/fd")), len(below), pages * os.sysconf("SC_PAGESIZE")


def show(tallies: dict[str, Tally]) -> None:
    seen = [code for code in CODES if any(tally.codes[code] for tally in tallies.values())]
    head = ("mutation", "count", "refused", *seen, "answered", "slowest")
    rows: list[tuple[object, ...]] = [
        (
            kind,
            tally.count,
            tally.refused,
            *(tally.codes[code] for code in seen),
            tally.answered,
            f"{tally.slowest_seconds:.2f} s",
        )
        for kind, tally in tallies.items()
    ]
    sums = [sum(int(str(row[i])) for row in rows) for i in range(1, len(head) - 1)]
    slowest = max(tally.slowest_seconds for tally in tallies.values())
    tables.show(head, [*rows, ("all", *sums, f"{slowest:.2f} s")])


# Honest models


def honest_files() -> list[bytes]:
    torch.manual_seed(0)
    example = torch.zeros(1, 3, 16, 16)
    scripted = [torch.jit.script(make().eval()) for make in (Linear, Convolution, Branching)]
    traced = [
        torch.jit.trace(make().eval(), example, check_trace=False)
        for make in (Convolution, Attention)
    ]
    frozen = torch.jit.freeze(torch.jit.script(Branching().eval()))
    return [saved(model) for model in (*scripted, *traced, frozen)]


def saved(model: torch.jit.ScriptModule) -> bytes:
    file = io.BytesIO()
    torch.jit.save(model, file)  # type: ignore[no-untyped-call]
    return file.getvalue()


def unpacked(data: bytes) -> Records:
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def packed(records: Records) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for name, data in records.items():
            zipped.writestr(name, data)
    return file.getvalue()


# Mutations


def flip_directory(chance: random.Random, data: bytes, bases: list[bytes]) -> bytes:
    start = data.index(b"PK\x01\x02")
    return data[:start] + flipped(chance, data[start:])


def in_record(
    change: Callable[[random.Random, bytes], bytes], ending: str
) -> Callable[[random.Random, bytes, list[bytes]], bytes]:
    """Change one record whose name ends so; its check sum is right again."""

    def mutated(chance: random.Random, data: bytes, bases: list[bytes]) -> bytes:
        records = unpacked(data)
        name = chance.choice([name for name in records if re.search(ending, name)])
        return packed(records | {name: change(chance, records[name])})

    return mutated


def splice_records(chance: random.Random, data: bytes, bases: list[bytes]) -> bytes:
    """A record of another model under the name of one of these, or two of these swapped."""
    records = unpacked(data)
    other = unpacked(chance.choice(bases))
    one, two = chance.choice(list(records)), chance.choice(list(other))
    if two in records and chance.random() < 0.3:
        return packed(records | {one: records[two], two: records[one]})
    return packed(records | {one: other[two]})


def drop_record(chance: random.Random, data: bytes, bases: list[bytes]) -> bytes:
    records = unpacked(data)
    del records[chance.choice(list(records))]
    return packed(records)


def resized(chance: random.Random, data: bytes) -> bytes:
    size = chance.choice(
        (0, 1, len(data) // 2, max(0, len(data) - 1), len(data) + 1, 2 * len(data))
    )
    return (data + bytes(size))[:size]


def opcodes(data: bytes) -> list[bytes]:
    starts = [position for _, _, position in pickletools.genops(data)]
    return [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]


def edited_opcodes(chance: random.Random, data: bytes) -> bytes:
    """Opcodes left out, doubled, swapped, copied from elsewhere, or invented."""
    found = opcodes(data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at, other = chance.randrange(len(found)), chance.randrange(len(found))
        match chance.randrange(5):
            case 0 if len(found) > 1:
                del found[at]
            case 1:
                found.insert(at, found[at])
            case 2:
                found[at], found[other] = found[other], found[at]
            case 3:
                found[at] = found[other]
            case _:
                found.insert(at, chance.choice(ODD_OPCODES))
    return b"".join(found)


def edited_numbers(chance: random.Random, data: bytes) -> bytes:
    """Sizes, strides, offsets, memo and attribute numbers replaced by others."""
    found = opcodes(data)
    places = [i for i, code in enumerate(found) if code[:1] in (b"K", b"M", b"J", b"\x8a")]
    if not places:
        return flipped(chance, data)
    for at in chance.choices(places, k=chance.choice((1, 1, 2, 3))):
        found[at] = b"\x8a\x08" + struct.pack("<q", chance.choice(ODD_NUMBERS))
    return b"".join(found)


def edited_lines(chance: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    for _ in range(chance.choice((1, 1, 2, 4))):
        at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(4):
            case 0 if len(lines) > 1:
                del lines[at]
            case 1:
                lines.insert(at, lines[at])
            case 2:
                lines[at], lines[other] = lines[other], lines[at]
            case _:
                lines.insert(at, lines[other])
    return b"\n".join(lines)


def edited_words(chance: random.Random, data: bytes) -> bytes:
    """Names and operators of the source, replaced by others of the same source or of torch."""
    words = re.findall(rb"\w+|\W", data)
    names = [i for i, word in enumerate(words) if re.fullmatch(rb"[a-z_]\w*", word)]
    for at in chance.choices(names, k=chance.choice((1, 1, 2, 4))):
        words[at] = chance.choice((words[chance.choice(names)], chance.choice(OPERATORS)))
    return b"".join(words)


def edited_operators(chance: random.Random, data: bytes) -> bytes:
    """Operators replaced by others that may well take the same arguments."""
    parts = re.split(rb"(?<=torch\.)(\w+)(?=\()", data)
    places = range(1, len(parts), 2)
    if not places:
        return edited_lines(chance, data)
    for at in chance.choices(places, k=chance.choice((1, 1, 2, 4))):
        parts[at] = chance.choice((parts[chance.choice(places)], chance.choice(SIMPLE)))
    return b"".join(parts)


def edited_constants(chance: random.Random, data: bytes) -> bytes:
    """Numbers, True, False and None of the source, replaced by others."""
    parts = re.split(rb"(\b\d[\d.e+-]*\b|\bTrue\b|\bFalse\b|\bNone\b)", data)
    places = range(1, len(parts), 2)
    if not places:
        return edited_lines(chance, data)
    for at in chance.choices(places, k=chance.choice((1, 1, 2, 4))):
        parts[at] = chance.choice(ODD_CONSTANTS)
    return b"".join(parts)


def edited_weights(chance: random.Random, data: bytes) -> bytes:
    """Weights with unusual numbers: infinite, NaN, or very large."""
    return chance.choice((chance.randbytes(len(data)), b"\xff" * len(data), flipped(chance, data)))


ODD_OPCODES = (
    *(b"N", b"(", b"t", b")", b"]", b"}", b"0", b"1", b"2", b"R", b"b", b"u", b"s", b"e", b"Q"),
    *(b"\x81", b"\x85", b"\x86", b"\x87", b"h\x00", b"h\x05", b"j\xff\xff\x00\x00", b"q\x01", b"."),
    *(b"K\xff", b"J\xff\xff\xff\xff", b"X\x03\x00\x00\x00abc", b"X\xff\xff\xff\x7fa", b"\x8a\x00"),
    *(b"c__torch__\nM\n", b"ctorch\nFloatStorage\n", b"ctorch._utils\n_rebuild_tensor_v2\n"),
    *(b"ctorch.jit._pickle\nrestore_type_tag\n", b"ctorch.jit._pickle\nbuild_intlist\n"),
)
ODD_NUMBERS = (-(1 << 63), -(1 << 31), -1, 0, 1, 2, 7, 255, 65_536, 1 << 31, 1 << 40, (1 << 63) - 1)
ODD_CONSTANTS = (
    *(b"0", b"1", b"-1", b"2", b"3", b"7", b"256", b"65536", b"2147483648", b"1099511627776"),
    *(b"9223372036854775807", b"0.5", b"-1.5", b"1e300", b"inf", b"nan", b"True", b"False"),
    *(b"None", b"[]", b"[0, 0]", b"[-1]", b'"x"', b"CONSTANTS.c0", b"CONSTANTS.c9"),
)
OPERATORS = (
    *(b"add", b"mul", b"div", b"matmul", b"relu", b"softmax", b"flatten", b"reshape", b"cat"),
    *(b"stack", b"mean", b"sum", b"sort", b"topk", b"conv2d", b"linear", b"batch_norm", b"ones"),
    *(b"zeros", b"rand", b"empty", b"as_strided", b"resize_", b"set_", b"zero_", b"to_sparse"),
    *(b"expand", b"repeat", b"index_select", b"gather", b"cumsum", b"fft_fft", b"svd", b"clone"),
    *(
        b"print",
        b"fork",
        b"wait",
        b"uninitialized",
        b"annotate",
        b"unchecked_cast",
        b"while",
        b"if",
    ),
    *(b"self", b"training", b"x", b"input", b"Tensor", b"int", b"str", b"forward", b"return"),
)
SIMPLE = (
    *(b"relu", b"neg", b"abs", b"exp", b"log", b"sqrt", b"sigmoid", b"tanh", b"t", b"clone"),
    *(b"mean", b"sum", b"prod", b"max", b"min", b"argmax", b"sort", b"nonzero", b"unique_dim"),
    *(b"add", b"sub", b"mul", b"div", b"pow", b"fmod", b"matmul", b"mm", b"bmm", b"dot", b"outer"),
    *(b"flatten", b"reshape", b"view", b"expand", b"repeat", b"permute", b"transpose", b"squeeze"),
    *(b"zero_", b"relu_", b"t_", b"squeeze_", b"resize_", b"set_", b"to_sparse", b"to_mkldnn"),
    *(b"rand_like", b"empty_like", b"zeros_like", b"slice", b"select", b"narrow", b"cumsum"),
)
MUTATIONS: dict[str, Mutation] = {
    "bits of the file": flip_file,
    "bits of the list of records": flip_directory,
    "file cut off": cut_file,
    "records spliced": splice_records,
    "record left out": drop_record,
    "record's size": in_record(resized, r"."),
    "bits of a pickle": in_record(flipped, r"/(data|constants)\.pkl$"),
    "opcodes of a pickle": in_record(edited_opcodes, r"/(data|constants)\.pkl$"),
    "numbers in a pickle": in_record(edited_numbers, r"/data\.pkl$"),
    "bits of the code": in_record(flipped, r"\.py$"),
    "lines of the code": in_record(edited_lines, r"\.py$"),
    "words of the code": in_record(edited_words, r"\.py$"),
    "operators of the code": in_record(edited_operators, r"\.py$"),
    "constants of the code": in_record(edited_constants, r"\.py$"),
    "weights": in_record(edited_weights, r"/(data|constants)/\d+$"),
    "debug records": in_record(flipped, r"\.debug_pkl$"),
}


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser("python -m benchmarks.fuzz", description=__doc__)
    command.add_argument("--count", type=int, default=3000, help="archives to mutate")
    command.add_argument("--seed", type=int, default=0, help="another one gives other archives")
    command.add_argument("--format", choices=("torchscript", "onnx"), default="torchscript")
    command.add_argument(
        "--past-the-gate", action="store_true", help="run also what the gate refuses"
    )
    command.add_argument("--json", help="file for all figures")
    command.add_argument("--quick", action="store_true", help="shows that it works, proves little")
    return command


if __name__ == "__main__":
    main()
