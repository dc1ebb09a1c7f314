"""The starter kit: made of the competition's own facts and of its sample, and of nothing hidden."""

from __future__ import annotations

import ast
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.cache import caches
from django.utils import timezone
from django.utils.html import strip_tags
from PIL import Image

from leaderboard.kit import wheel
from leaderboard.models import Competition, Split, Worker
from leaderboard.services import kit, recipes
from scoring import formats
from tests.leaderboard.conftest import CLASSES
from tests.leaderboard.web.conftest import text

PAGE = "/competitions/waste/kit/"
ZIP = f"{PAGE}kit.zip"
FEATURES = ["AVX2", "AVX-512", "VNNI"]


@pytest.fixture
def worker(competition: Competition) -> Worker:
    return Worker.objects.create(
        name="secret-host:7",
        profile=competition.profile,
        fingerprint={"cpu": "EPYC", "cpu_features": FEATURES, "python": "3.11.9", "kernel": "6.1"},
        versions={"torch": "2.13.0+cpu", "onnxruntime": "1.32.0", "numpy": "2.3.1", "timm": "1.0"},
        started_at=timezone.now(),
        seen_at=timezone.now(),
    )


def unpacked(answer: Any) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_zip_holds_facts_scripts_and_jobs(
    see: Any, competition: Competition, worker: Worker
) -> None:
    answer = see(None, ZIP)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="waste-kit.zip"'
    files = unpacked(answer)
    facts = json.loads(files["waste-kit/competition.json"])
    sample = Split.objects.get(name="sample")
    assert facts["classes"] == CLASSES
    assert facts["formats"] == ["torchscript", "onnx"]
    assert facts["input"]["height"] == 24
    assert facts["machine"]["features"] == FEATURES
    assert facts["sample"]["sha256"] == sample.sha256
    assert facts["sample"]["url"] == f"{settings.SITE_URL}/competitions/waste/data/sample.zip"
    assert facts["limits"]["call_seconds"] == competition.call_seconds
    wanted = files["waste-kit/requirements.txt"].decode()
    assert "torch==2.13.0\nonnxruntime==1.32.0\nnumpy==2.3.1\npillow\n" in wanted
    wheel = next(name for name in files if name.endswith(".whl"))
    assert f"./{Path(wheel).name}[worker]" in wanted
    readme = files["waste-kit/README.md"].decode()
    assert "EPYC (AVX2, AVX-512, VNNI)" in readme
    assert "featherweight check models/onnx-int8.onnx --competition waste" in readme
    for script in ("train.py", "recipes.py"):
        ast.parse(files[f"waste-kit/{script}"])
    cells = json.loads(files["waste-kit/notebook.ipynb"])["cells"]
    assert competition.title in "".join(cells[0]["source"])
    code = "\n".join("".join(one["source"]) for one in cells if one["cell_type"] == "code")
    for script in ("train", "recipes"):
        tree = ast.parse(files[f"waste-kit/{script}.py"])
        there = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
        called = calls(code, script)
        assert called
        for name, given in called:
            known = there[name].args
            assert len(known.args) - len(known.defaults) <= given <= len(known.args), name


def calls(code: str, module: str) -> list[tuple[str, int]]:
    """The functions of a module that code calls, each with its number of arguments."""
    return [
        (one.func.attr, len(one.args) + len(one.keywords))
        for one in ast.walk(ast.parse(code))
        if isinstance(one, ast.Call)
        and isinstance(one.func, ast.Attribute)
        and ast.unparse(one.func.value) == module
    ]


def test_only_files_of_the_repository_are_given(
    competition: Competition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {one.relative_to(kit.CI).as_posix() for one in kit.CI.rglob("*") if one.is_file()}
    assert set(kit.JOBS) == here
    assert set(kit.SCRIPTS) == {one.name for one in kit.FILES.glob("*.py")}
    (tmp_path / "ci").mkdir()
    for name in kit.JOBS:
        (tmp_path / "ci" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "ci" / name).write_bytes((kit.CI / name).read_bytes())
    (tmp_path / "ci" / ".env").write_text("TOKEN=secret")
    monkeypatch.setattr(kit, "CI", tmp_path / "ci")
    assert kit.ci_jobs(competition).keys() == set(kit.JOBS)


def test_the_wheel_holds_code_and_the_data_that_is_listed(tmp_path: Path) -> None:
    root = Path(settings.BASE_DIR)
    for name in ("pyproject.toml", "LICENSE"):
        (tmp_path / name).write_bytes((root / name).read_bytes())
    for name in ("formats/torchscript/operators.txt", "notes.txt", "engine.py", "engine.py.orig"):
        (tmp_path / "scoring" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "scoring" / name).write_text("")
    with zipfile.ZipFile(io.BytesIO(wheel.built(tmp_path).data)) as archive:
        held = {name for name in archive.namelist() if name.startswith("scoring/")}
    assert held == {"scoring/engine.py", "scoring/formats/torchscript/operators.txt"}


@pytest.mark.parametrize("taken", [["torchscript"], ["onnx"], ["torchscript", "onnx"]])
def test_the_file_of_the_instructions_is_one_that_the_script_writes(taken: list[str]) -> None:
    files = recipes.table()
    assert list(files) == [one.name for one in formats.FORMATS]
    assert recipes.first_file(Competition(formats=taken)) in files[taken[-1]]


def test_jobs_name_this_site_and_this_competition(see: Any, competition: Competition) -> None:
    competition.slug = "birds"
    competition.save()
    files = unpacked(see(None, "/competitions/birds/kit/kit.zip"))
    for name, job in files.items():
        if "/ci/" in name:
            assert settings.SITE_URL in job.decode(), name
            assert "featherweight.example.org:" not in job.decode(), name
            assert "waste" not in job.decode(), name
            assert "birds" in job.decode(), name
    assert yaml.safe_load(files["birds-kit/ci/gitlab-ci.yml"])
    packed = see(None, "/competitions/birds/kit/kit.zip").getvalue()
    with zipfile.ZipFile(io.BytesIO(packed)) as one:
        assert one.getinfo("birds-kit/ci/submit.sh").external_attr >> 16 & 0o111


def test_pictures_are_of_the_sample_alone(see: Any, competition: Competition) -> None:
    for split in competition.dataset.splits.exclude(name="sample"):
        split.archive.name = "there/is/no/such.zip"
        split.save()
    files = unpacked(see(None, ZIP))
    pictures = {name: data for name, data in files.items() if "/classes/" in name}
    assert [Path(name).stem for name in pictures] == [
        f"{number:03d}-{label}" for number, label in enumerate(CLASSES)
    ]
    for data in pictures.values():
        assert Image.open(io.BytesIO(data)).size == (24, 18)
    page = text(see(None, PAGE))
    assert page.count("data:image/webp;base64,") == len(CLASSES)
    assert Split.objects.get(name="sample").sha256 in page
    for split in competition.dataset.splits.exclude(name="sample"):
        assert split.sha256 not in page
        assert not any(split.sha256.encode() in data for data in files.values())


def test_the_page_shows_machine_recipes_and_steps(
    see: Any, competition: Competition, worker: Worker
) -> None:
    page = text(see(None, PAGE))
    assert "EPYC" in page
    assert "int8 is fast on this processor." in page
    assert 'onnxruntime <span class="num">1.32.0</span>' in page
    assert "secret-host" not in page
    assert "6.1" not in page
    for words in ("def torchscript_int8", "def onnx_int8", "def narrowed", "def taught"):
        assert words in page
    assert "python -m scoring try models/onnx-int8.onnx --data waste-sample.zip" in strip_tags(page)
    assert "/competitions/waste/kit/" in text(see(None, "/competitions/waste/"))


def test_only_recipes_of_formats_that_are_taken_are_shown(
    see: Any, competition: Competition
) -> None:
    Competition.objects.update(formats=["torchscript"])
    page = text(see(None, PAGE))
    assert "def torchscript" in page
    assert "def onnx" not in page
    assert "models/torchscript.pt" in page


def test_the_same_kit_is_not_sent_again(browser: Any, competition: Competition) -> None:
    first = browser(None).get(ZIP)
    again = browser(None).get(ZIP, headers={"if-none-match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    Competition.objects.update(call_seconds=3)
    assert browser(None).get(ZIP).headers["ETag"] != first.headers["ETag"]


def test_without_a_sample_the_page_asks_for_own_images(see: Any, competition: Competition) -> None:
    Split.objects.filter(name="sample").delete()
    page = text(see(None, PAGE))
    assert "python train.py --seconds 120 --data FOLDER" in strip_tags(page)
    assert "The third one" not in page
    files = unpacked(see(None, ZIP))
    assert json.loads(files["waste-kit/competition.json"])["sample"] is None
    readme = files["waste-kit/README.md"].decode()
    assert "train.py --seconds 120 --data FOLDER" in readme
    assert "scoring try" not in readme
    assert "the sample" not in readme


def test_the_zip_is_made_once_for_the_same_facts(
    browser: Any, competition: Competition, monkeypatch: pytest.MonkeyPatch
) -> None:
    caches["process"].clear()
    kit.own_wheel()
    made: list[dict[str, bytes]] = []
    zipped = wheel.zipped

    def counted(files: dict[str, bytes]) -> bytes:
        made.append(files)
        return zipped(files)

    monkeypatch.setattr(wheel, "zipped", counted)
    etag = browser(None).get(ZIP).headers["ETag"]
    for address in (PAGE, ZIP, PAGE):
        browser(None).get(address)
    assert len(made) == 1
    caches["process"].clear()
    answer = browser(None).get(ZIP, headers={"if-none-match": etag})
    assert answer.status_code == 304
    assert len(made) == 1


def test_a_class_whose_images_cannot_be_read_has_no_picture() -> None:
    assert kit.thumbnail(b"no picture at all") == b""


def test_the_kit_is_small(competition: Competition) -> None:
    assert len(kit.of(competition).data) < 1_000_000
