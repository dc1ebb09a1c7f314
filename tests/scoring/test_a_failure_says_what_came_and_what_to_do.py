"""A failed dry run quotes the model, names what it returned, and advises only what can be done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from scoring import answering, engine, formats
from scoring.errors import ModelFailed
from scoring.images import albums
from scoring.job import Job, Model
from scoring.sandbox import advice, parent
from scoring.sandbox.channel import Kind
from scoring.sentences import joined, say
from scoring.timing.runner import entrant

from .conftest import SIZE, Wild

Try = Callable[..., tuple[str, str]]


class ATuple(Wild):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.linear(x.flatten(1)), x


class AMap(Wild):
    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros([1, 7, 8, 8])


class OneRow(Wild):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1))[0]


class ADict(Wild):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"logits": self.linear(x.flatten(1))}


class ThreeHeads(Wild):
    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.linear(x.flatten(1)), x, x]


class Nothing(Wild):
    def forward(self, x: Tensor) -> None:
        return None


class ANumber(Wild):
    def forward(self, x: Tensor) -> float:
        return float(x.sum())


class Sparse(Wild):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1)).to_sparse()


class Labels(Wild):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1)).argmax(1)


class OnTheGpu(Wild):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.to("cuda:0").flatten(1))


class MadeOnTheGpu(Wild):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1)) + torch.zeros([10], device="cuda:0")


class OnAnApple(Wild):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.to("mps").flatten(1))


class AnotherSize(Wild):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x[:, :, 1:].flatten(1))


class MadeFor224(Wild):
    """Checks its input like `PatchEmbed` of timm."""

    def forward(self, x: Tensor) -> Tensor:
        height = x.shape[2]
        assert height == 224, f"Input height ({height}) doesn't match model (224)."
        return self.linear(x.flatten(1))


class TalksAtLength(Wild):
    def forward(self, x: Tensor) -> Tensor:
        for i in range(3000):
            print("a lot of words", i)
        if x.shape[0] == 1:
            raise ValueError("I want\na batch of four \x1b[2J in /home/ada/secret/model.py")
        return self.linear(x.flatten(1))


@torch.jit.script
def flat(x: Tensor) -> Tensor:
    return x.flatten(1)


class Forks(Wild):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(torch.jit.wait(torch.jit.fork(flat, x)))


class TwoInputs(Wild):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.linear(x.flatten(1)) + y


class CastsItself(Wild):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1).double())


class RaisesLate(Wild):
    """On the images of the sample, after those that nobody took."""

    if TYPE_CHECKING:  # torch.jit reads annotations that stand at run time
        calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        if int(self.calls) > 1:
            raise ValueError("the second call")
        return self.linear(x.flatten(1))


@pytest.fixture(scope="module")
def tried(
    job: Job, splits: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Try]:
    """Tries a network as the dry run of an evaluation does; its code and message."""
    place = tmp_path_factory.mktemp("tried")

    def run(network: nn.Module, **declared: object) -> tuple[str, str]:
        path = place / "model.pt"
        extra = {"featherweight.json": json.dumps(declared)} if declared else {}
        torch.jit.script(network.eval()).save(str(path), _extra_files=extra)
        one = replace(job, submission=path)
        model = engine.inspected(one, path)
        spec = engine.spec_of(model)
        nobody = albums.Album(())
        with entrant(path, spec, nobody, len(job.classes), job.limits) as model_entrant:
            tried = answering.dry_run(model_entrant, box, one, splits["sample"], place)
        assert tried.failure, type(network)
        found = advice.explained(tried.failure, tried.last_words, model=model, job=one)
        return found.code, found.message

    with parent.started(job.plan, job.limits) as box:
        yield run


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (ATuple, "a tuple of 2. Return only its logits"),
        (AMap, "4 dimensions (1, 7, 8, 8). Pool or flatten"),
        (OneRow, "1 dimension (10,). Keep both dimensions of (batch, classes)."),
        (ADict, "a dict of 1. Return only its logits"),
        (ThreeHeads, "a list of 3. Return only its logits"),
        (Nothing, "The model returned None."),
        (ANumber, "a plain number."),
        (Sparse, "sparse, nested or packed"),
        (Labels, "a tensor of int64, shape (1,). Return the logits themselves"),
    ],
)
def test_a_wrong_output_says_what_came(tried: Try, network: type[nn.Module], words: str) -> None:
    code, message = tried(network())
    assert code == "wrong_output"
    assert words in message


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (OnTheGpu(), "The model names the device cuda:0, but here it runs on the CPU."),
        (MadeOnTheGpu(), "The model names the device cuda:0, but here it runs on the CPU."),
        (OnAnApple(), "The model names the device mps, but here it runs on the CPU."),
        (
            AnotherSize(),
            "cannot be multiplied (1x720 and 768x10)”. If the model was made for images of",
        ),
        (
            MadeFor224(),
            "Input height (16) doesn't match model (224).”. If the model was made for images",
        ),
        (Forks(), "A model must not open files or start threads"),
        (TwoInputs(), "A model takes one tensor"),
        (nn.Sequential(nn.Conv2d(1, 3, 3)), "Images have 3 channels, RGB. Make 1 of them"),
        (Wild().double(), "got Float and Double”. float64 cannot be declared. Cast inside the"),
        (nn.Conv2d(3, 3, 3).double(), "float64 cannot be declared."),
        (Wild().bfloat16(), "bfloat16 cannot be declared."),
        (Wild().half(), "declare dtype float16 in the archive's featherweight.json, or cast"),
        (nn.Embedding(9, 3), "Two types of numbers are mixed inside the model"),
        (CastsItself(), "Two types of numbers are mixed inside the model"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_wrong_input_quotes_the_model_and_advises_what_can_be_done(
    tried: Try, network: nn.Module, words: str
) -> None:
    code, message = tried(network)
    assert code == "wrong_input"
    assert "float32 of shape (1, 3, 16, 16). The model's message: “" in message
    assert words in message
    assert "declare dtype float64" not in message


def test_a_declared_dtype_that_the_model_does_not_take_is_told(tried: Try) -> None:
    _, message = tried(Wild(), dtype="uint8")
    assert "uint8 of shape (1, 3, 16, 16)" in message
    assert "declare dtype float32" in message


def test_an_error_is_quoted_however_much_the_model_said_in_one_clean_line(tried: Try) -> None:
    _, message = tried(TalksAtLength())
    assert (
        "The model's message: “ValueError: I want a batch of four "
        "\N{REPLACEMENT CHARACTER}[2J in …/model.py”." in message
    )
    assert message.isprintable()


def test_an_error_on_later_images_of_the_sample_is_quoted_too(tried: Try) -> None:
    code, message = tried(RaisesLate())
    assert code == "crashed"
    assert "ValueError: the second call" in message


@pytest.mark.parametrize("junk", ["", "\n\n", "\x00\x1b", "x" * 9999, "Error: " + "y " * 9999])
def test_a_quote_is_one_printable_line_of_bounded_length(junk: str) -> None:
    quote = advice.quoted(junk)
    assert quote.isprintable()
    assert len(quote) <= advice.QUOTED


def test_without_a_dry_run_no_word_of_the_model_is_told(job: Job) -> None:
    failure = ModelFailed("wrong_input", say("It raised an error."))
    model = Model("", 1, 1, format="torchscript", devices=("cuda:0",))
    said = advice.explained(failure, None, model=replace(model, devices=()), job=job)
    assert said.message == failure.message
    said = advice.explained(failure, None, model=model, job=job)
    assert "names the device cuda:0" in said.message


def test_a_device_is_no_cause_once_the_model_has_answered(job: Job) -> None:
    model = Model("", 1, 1, format="torchscript", devices=("cuda:0",))
    for code, last_words, has_run, is_told in (
        ("load_failed", "", False, True),
        ("wrong_input", "", False, True),
        ("crashed", "", False, True),  # in the dry run
        ("load_failed", None, False, True),  # there was no dry run
        ("crashed", None, False, False),
        ("load_failed", None, True, False),
        ("wrong_input", None, True, False),
        ("crashed", None, True, False),
        ("crashed", "", True, False),  # on the sample, tried at home
        ("crashed", "RuntimeError: Found no NVIDIA driver on your system.", True, True),
    ):
        failure = ModelFailed(code, say("It failed."))
        said = advice.explained(failure, last_words, model=model, job=job, has_run=has_run).message
        assert ("names the device cuda:0" in said) == is_told, (code, last_words, has_run)


def test_what_a_child_says_of_its_answer_can_only_pick_words_of_ours() -> None:
    for kind in (-1, *Kind, 99, 1 << 62):
        said = joined(advice.returned([kind, 1 << 62, -(1 << 62), *[-5] * 6]))
        assert said.startswith("The model returned ")
        assert len(said) < 200


class Trained(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
        self.last = nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(nn.functional.relu(self.layers(x)).mean((2, 3)))


class TakesTheBatchs(nn.Module):
    """Uses the statistics of the batch by design, in both modes."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3, track_running_stats=False)
        self.last = nn.Linear(3, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.norm(x).mean((2, 3)))


class DropsOut(Wild):
    """Drops out without `training=self.training`, as many models do."""

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(nn.functional.dropout(x.flatten(1)))


def exported(network: nn.Module, way: str, place: Path) -> Model:
    network.train(way.endswith("in training"))
    example = torch.zeros(1, 3, SIZE, SIZE)
    if way.startswith("traced"):
        made = torch.jit.trace(network, example, check_trace=False)
    else:
        made = torch.jit.script(network)
    if way == "frozen":
        made = torch.jit.freeze(made)
    made.save(str(place / "model.pt"))
    return formats.inspect(place / "model.pt").model


@pytest.mark.parametrize(
    ("network", "way", "kinds"),
    [
        (Trained(), "traced in training", ("batch norm", "dropout")),
        (Trained(), "traced", ()),
        (Trained(), "scripted in training", ()),  # put in evaluation mode when it is loaded
        (Trained(), "frozen", ()),
        (TakesTheBatchs(), "traced", ()),
        (TakesTheBatchs(), "frozen", ()),
        (DropsOut(), "scripted", ("dropout",)),
        (DropsOut(), "traced", ("dropout",)),
        (DropsOut(), "frozen", ("dropout",)),
    ],
)
def test_layers_in_training_mode_are_known_from_the_file(
    network: nn.Module, way: str, kinds: tuple[str, ...], tmp_path: Path, job: Job
) -> None:
    model = exported(network, way, tmp_path)
    assert model.in_training == kinds
    failure = ModelFailed("answers_change", say("Answers change."))
    said = advice.explained(failure, None, model=model, job=job).message
    assert said.endswith(f"in this file: {', '.join(kinds)}." if kinds else "Answers change.")
