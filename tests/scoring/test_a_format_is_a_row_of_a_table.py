"""Another format is a folder and a row of the table: nothing else knows which formats there are."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from scoring import formats
from scoring.__main__ import main
from scoring.errors import ModelFailed, Rejected
from scoring.formats import declarations, torchscript
from scoring.formats.contract import Format
from scoring.job import Device, InputBounds, InputSpec, Job, Model
from scoring.sandbox import advice, sealing
from scoring.sentences import Sentence, say

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class ToyArchive:
    data: bytes

    def facts(self, *, max_unpacked_bytes: int, device: Device) -> Model:
        if len(self.data) > max_unpacked_bytes:
            raise Rejected("too_large_unpacked", say("Too large."))
        return Model("0" * 64, len(self.data), 1, format=Toy.name)

    def declaration(self) -> dict[str, Any] | None:
        return declarations.parsed(self.data[4:]) if self.data[4:] else None

    def macs(self, images: tuple[int, ...]) -> int | None:
        return None

    def content_hash(self) -> str:
        return self.data.hex()


class Toy:
    """A format whose files begin with TOY! and end with their declaration."""

    name = "toy"
    title = "Toy"
    endings: tuple[str, ...] = (".toy",)
    written_by: tuple[str, ...] = ("toys.save",)
    has_int8 = False
    is_counted_by_running = False
    libraries: tuple[str, ...] = ("toys",)
    load_failed = say("The toy is broken.")

    def holds(self, head: bytes) -> bool:
        return head.startswith(b"TOY!")

    def opened(self, stream: BinaryIO) -> ToyArchive:
        stream.seek(0)
        return ToyArchive(stream.read())

    def notes(self, model: Model, spec: InputSpec, device: Device) -> tuple[Sentence, ...]:
        return (say("A toy for %(device)s.", device=device),)

    def advice(
        self, code: str, raised: str, *, model: Model, job: Job, has_answered: bool
    ) -> tuple[Sentence, ...]:
        return (say("Play with another one."),)


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Format:
    toy: Any = Toy()
    monkeypatch.setattr(formats, "FORMATS", (torchscript.FORMAT, toy))
    return toy


def test_a_file_is_of_the_format_that_knows_its_content(both: Format, tmp_path: Path) -> None:
    found = formats.inspect(
        io.BytesIO(b'TOY!{"crop_pct": 0.9}'), bounds=InputBounds(), with_content_hash=True
    )
    assert found.format is both
    assert found.declared == {"crop_pct": 0.9}
    assert found.model.input == InputSpec(crop_pct=0.9)
    assert found.content_sha256
    (tmp_path / "model.pt").write_bytes(b"TOY!")
    sealed = sealing.handed_over(tmp_path / "model.pt")  # whatever its name says
    sealed.close()
    assert sealed.format == "toy"


def test_a_file_of_no_format_is_told_what_the_first_one_wants(both: Format) -> None:
    with pytest.raises(Rejected, match=r"torch\.jit\.script") as refused:
        formats.inspect(io.BytesIO(b"a text"))
    assert refused.value.code == "not_a_zip"


def test_the_table_answers_for_all_formats(both: Format) -> None:
    assert formats.endings() == (".pt", ".pth", ".ts", ".torchscript", ".zip", ".toy")
    assert formats.libraries() == ("torch", "toys")
    assert formats.titles() == "TorchScript, Toy"


def test_a_refusal_by_limits_comes_from_the_formats_own_gate(both: Format) -> None:
    with pytest.raises(Rejected, match="Too large") as refused:
        formats.inspect(io.BytesIO(b"TOY!"), max_unpacked_bytes=3)
    assert refused.value.code == "too_large_unpacked"


def test_the_command_and_the_advice_ask_the_format(
    both: Format, tmp_path: Path, capsys: pytest.CaptureFixture[str], job: Job
) -> None:
    (tmp_path / "model.toy").write_bytes(b"TOY!")
    assert main(["check", str(tmp_path / "model.toy"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["format"], said["notes"]) == ("toy", ["A toy for cpu."])
    failure = ModelFailed("crashed", say("It crashed."))
    model = formats.inspect(tmp_path / "model.toy").model
    found = advice.explained(failure, None, model=model, job=job)
    assert found.message == "It crashed. Play with another one."


MAY_NAME_ONE = ("scoring/formats", "leaderboard/kit/files", "leaderboard/demo")
"""The formats, the files that a team takes home, which write each of them, and the demo's teams."""


@pytest.mark.parametrize("package", ["scoring", "leaderboard"])
def test_no_room_outside_the_formats_names_one(package: str) -> None:
    """A sentence may name TorchScript. Code may neither compare nor import it."""
    named = re.compile(r"\btorchscript\b|torch\.jit\.(?:load|save|script|trace)\(")
    for path in sorted((ROOT / package).rglob("*.py")):
        if not any(ROOT / room in path.parents for room in MAY_NAME_ONE):
            assert not named.search(path.read_text()), path
