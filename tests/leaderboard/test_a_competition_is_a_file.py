"""`contest.yaml`: exported, imported elsewhere, compared, and refused with line and advice."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.forms.models import model_to_dict
from django.test import Client
from django.urls import reverse

from leaderboard.demo import recipes
from leaderboard.demo.entrants import SLUG
from leaderboard.demo.organizer import CONTEST, PRACTICE, drafted
from leaderboard.models import (
    Competition,
    Dataset,
    FaqEntry,
    HardwareProfile,
    ReferenceModel,
    Split,
    User,
)
from leaderboard.services import baseline_files, datasets, faq, references
from leaderboard.services.contest_files import reading, schema
from scoring.images import sets
from tests.leaderboard.conftest import images

SCHEMA = Path(__file__).parent.parent.parent / "docs" / "contest.schema.json"
PAGES = {
    "overview": "# Sort\n\n- *quickly*\n- well: 100 %\n",
    "rules": "One team each. \n\tNo tricks\r\n",
    "data_description": "쓰레기 사진, “as they come”",
}


def run(command: str, *arguments: Any) -> dict[str, Any]:
    """What a command prints as JSON."""
    out = StringIO()
    with contextlib.suppress(SystemExit):  # diff_competition ends with 1 for a difference
        call_command(command, *map(str, arguments), "--json", stdout=out)
    return json.loads(out.getvalue())


def settings_of(competition: Competition) -> dict[str, Any]:
    """All that an organizer may edit, with what stands behind its keys."""
    competition = Competition.objects.get(pk=competition.pk)
    found = model_to_dict(competition)
    found["dataset"] = (competition.dataset.sha256, competition.dataset.classes)
    found["splits"] = sorted(competition.dataset.splits.values_list("name", "sha256", "images"))
    found["profile"] = model_to_dict(competition.profile) | {"id": 0}
    found["reference"] = competition.reference and competition.reference.sha256
    found["baselines"] = list(competition.baselines.values_list("name", "sha256", "is_released"))
    return found | {"id": 0}


def empty_site() -> None:
    Competition.objects.update(reference=None, calibration=None)
    for model in (ReferenceModel, Competition, Split, Dataset, HardwareProfile):
        model._default_manager.all().delete()


@pytest.fixture
def changed(draft: Competition, organizer: User, make_model: Callable[..., bytes]) -> Competition:
    """A draft none of whose settings has its first value, with a reference and a baseline."""
    for name in schema.in_order(Competition):
        field: Any = Competition._meta.get_field(name)
        value = getattr(draft, name)
        if field.choices:
            setattr(draft, name, field.flatchoices[-1][0])
        elif isinstance(value, bool):
            setattr(draft, name, not value)
        elif isinstance(value, int | float) and name not in ("min_input_size", "k"):
            setattr(draft, name, value + 1 if value >= 1 else 0.25)
    for name, text in PAGES.items():
        setattr(draft, name, text)
    draft.only_real_gains = False  # it does not go with the last submission that counts
    draft.k, draft.quality_ref, draft.std = 12.5, 0.625, [0.5, 0.25, 0.125]
    draft.questions, draft.mail_domains = "Who?\nWhy?", "uni.example\nexample.org"
    draft.ends_at = "2027-01-31T18:00:00+09:00"
    splits = sorted(draft.dataset.splits.all(), key=lambda one: sets.SPLITS.index(one.name))
    draft.dataset.sha256 = datasets.sha256_of(draft.dataset.classes, splits)
    draft.dataset.save()
    draft.full_clean()
    draft.save()
    upload = ContentFile(make_model(seed=4), name="reference.pt")
    references.set_reference(competition=draft, upload=upload, name="Net", by=organizer)
    baseline_files.add(
        competition=draft,
        upload=ContentFile(make_model(seed=5), name="mobile.pt"),
        name="MobileNetV3",
        is_released=True,
        by=organizer,
    )
    return draft


def test_an_export_is_imported_elsewhere_as_the_same_competition(
    changed: Competition, organizer: User, tmp_path: Path
) -> None:
    FaqEntry.objects.create(competition=changed, question="Prizes?", answer="None.\n\nNever.")
    FaqEntry.objects.create(competition=changed, question="When?", answer="Soon.", position=2)
    before = settings_of(changed)
    folder = tmp_path / "out"
    call_command("export_competition", "waste", "--folder", str(folder), stdout=StringIO())
    text = (folder / "contest.yaml").read_text()
    assert "ends_at: 2027-01-31 18:00:00+09:00" in text.replace("'", "")
    jsonschema.validate(reading.parsed(folder / "contest.yaml")[0], schema.json_schema())
    assert (folder / "contest.schema.json").read_text() == SCHEMA.read_text()

    empty_site()
    told = run("import_competition", folder / "contest.yaml")
    assert told["is_new"]
    assert settings_of(Competition.objects.get()) == before
    asked = faq.words(Competition.objects.get())
    assert asked == [faq.Words("Prizes?", "None.\n\nNever."), faq.Words("When?", "Soon.")]
    assert Competition.objects.get().dataset.split("public").fingerprints

    for command in (("diff_competition", "waste"), ("import_competition",)):
        assert run(*command, folder / "contest.yaml")["changes"] == []
    assert Dataset.objects.count() == ReferenceModel.objects.count() == 1
    call_command("diff_competition", "waste", str(folder / "contest.yaml"), stdout=StringIO())


SMALL = """\
slug: pets
title: Pets
profile: {slug: lab, name: Lab, max_half_width: 0}
dataset: {source: pets.zip, name: Pets, shares: {sample: .5, public: .25, private: .25}}
input: {input_height: 24, input_width: 24}
pages:
  overview: {file: overview.md}
dates: {ends_at: 2027-01-31 18:00, time_zone: Asia/Seoul}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "pets.zip").write_bytes(images(per_class=12))
    (tmp_path / "overview.md").write_text("Cats.")
    (tmp_path / "contest.yaml").write_text(SMALL)
    return tmp_path / "contest.yaml"


def test_the_same_file_twice_changes_nothing_and_another_only_what_it_names(
    organizer: User, small: Path
) -> None:
    first = run("import_competition", small)
    assert {"path": "pages.overview", "before": None, "after": "Cats."} in first["changes"]
    competition = Competition.objects.get()
    assert (competition.state, competition.overview, competition.k) == ("draft", "Cats.", 20)
    assert competition.ends_at.isoformat() == "2027-01-31T09:00:00+00:00"
    assert competition.dataset.split("sample").images == 18
    before = settings_of(competition)
    assert run("diff_competition", "pets", small)["changes"] == []
    assert run("import_competition", small)["changes"] == []
    assert settings_of(competition) == before

    small.write_text("slug: pets\ntitle: Pets 2\nprofile: {slug: lab}\nformula: {k: 10}\n")
    expected = [
        {"path": "title", "before": "Pets", "after": "Pets 2"},
        {"path": "formula.k", "before": 20.0, "after": 10.0},
    ]
    assert run("diff_competition", "pets", small)["changes"] == expected
    assert settings_of(competition) == before
    assert run("import_competition", small)["changes"] == expected
    assert settings_of(competition) == before | {"title": "Pets 2", "k": 10}


def test_what_is_fixed_after_opening_is_refused_as_in_the_panel(
    competition: Competition, organizer: User, tmp_path: Path
) -> None:
    call_command("export_competition", "waste", "--folder", str(tmp_path / "out"))
    file = tmp_path / "out" / "contest.yaml"
    whole, before = file.read_text(), settings_of(competition)
    assert run("diff_competition", "waste", file)["changes"] == []
    for old, new, code in (
        ("k: 20.0", "k: 5.0", "competition_running"),
        ("formats: [torchscript, onnx]", "formats: [onnx]", "format_fixed"),
        ("published: corrected", "published: plain", "profile_measured"),
        ("name: ResNet18-D", "name: Other", "competition_running"),
    ):
        assert old in whole
        file.write_text(whole.replace(old, new))
        with pytest.raises(CommandError, match=code) as refused:
            call_command("import_competition", str(file))
        assert refused.value.returncode == 1
        with pytest.raises(CommandError, match=code) as refused:
            call_command("diff_competition", "waste", str(file), stdout=StringIO())
        assert refused.value.returncode == 2
        assert settings_of(competition) == before
    file.write_text(whole.replace("title: Waste sorting", "title: Sorting"))
    assert [one["path"] for one in run("import_competition", file)["changes"]] == ["title"]


def test_each_slip_has_its_line_and_says_what_to_write(organizer: User, small: Path) -> None:
    for text, line, path, said in (
        ("formla: {k: 1}", 9, "formla", "Did you mean formula?"),
        ("k: 1", 9, "k", "Write it as formula.k."),
        ("formula:\n  kk: 1", 10, "formula.kk", "Did you mean k?"),
        ("formula:\n  k: steep", 10, "formula.k", "Write a number, for example 0.5."),
        ("formula:\n  k: -1", 10, "formula.k", "at least 0"),
        ("formula:\n  metric: f2", 10, "formula.metric", "'macro_f1', 'accuracy'"),
        ("formula: fast", 9, "formula", "below it"),
        ("teams: {submissions_per_day: 1.5}", 9, "teams.submissions_per_day", "whole number"),
        ("teams: {max_team_size: 999999}", 9, "teams.max_team_size", "less than or equal"),
        ("limits: {formats: [pickle]}", 9, "limits.formats.0", "torchscript"),
        ("limits: {formats: []}", 9, "limits.formats", "cannot be blank"),
        ("limits: {output_bytes: 70}\nx: 1", 10, "x", "no such setting"),
        ("tagline: 5", 9, "tagline", "Put it in quotes"),
        ("title: Two", 9, "title", "This setting is also on line 2."),
        ("faq:\n- {question: Why}", 10, "faq.0.answer", "This setting is missing"),
        ("faq:\n- {question: Why, answer: So., order: 1}", 10, "faq.0.order", "are possible here"),
        ("a: [", 10, "", "This is not YAML"),
    ):
        small.write_text(f"{SMALL}{text}\n")
        with pytest.raises(CommandError) as error:
            call_command("import_competition", str(small))
        assert error.value.returncode == 2
        assert said in str(error.value), text
        [slip] = run_refused(small)
        assert (slip["line"], slip["path"]) == (line, path), text
    (small.parent.parent / "secret.md").write_text("Of this machine.")
    for old, new, line, said in (
        ("slug: pets", "slug: pe ts", 1, "match"),
        ("title: Pets\n", "", 1, "This setting is missing"),
        ("overview.md", "nothing.md", 7, "cannot be read"),
        ("overview.md", "../secret.md", 7, "Name a file that is next to the contest file"),
        (
            "overview.md",
            f"{small.parent.parent}/secret.md",
            7,
            "Name a file that is next to the contest file",
        ),
        ("2027-01-31 18:00", "next year", 8, "2027-01-31 18:00"),
        ("Asia/Seoul", "Mars", 8, "is not a time zone"),
        ("input_height: 24", "input_height: 600", 1, "must be between"),
    ):
        small.write_text(SMALL.replace(old, new))
        [slip] = run_refused(small)
        assert slip["line"] == line, new
        assert said in slip["detail"], new
    assert not Competition.objects.exists()
    assert not Dataset.objects.exists()


def run_refused(file: Path) -> list[dict[str, Any]]:
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("import_competition", str(file), "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["code"] == "bad_contest_file"
    return told["slips"]


def test_missing_files_and_people_are_refused_with_a_code(
    small: Path, db: None, django_user_model: Any
) -> None:
    with pytest.raises(CommandError, match="createsuperuser"):
        call_command("import_competition", str(small))
    for name in ("one", "two"):
        User.objects.create_superuser(name)
    with pytest.raises(CommandError, match="--by USER"):
        call_command("import_competition", str(small))
    outsider = User.objects.create_user("outsider")
    for by, old, new, code in (
        ("one", "pets.zip", "none.zip", "no_such_file"),
        ("one", "source: pets.zip", f"sha256: {'a' * 64}", "unknown_dataset"),
        ("one", "pages:", "reference: {file: none.pt}\npages:", "no_such_file"),
        ("one", "pages:", "baselines: [{name: Net, file: none.pt}]\npages:", "no_such_file"),
        (outsider.username, "", "", "not_allowed"),
    ):
        small.write_text(SMALL.replace(old, new) if old else SMALL)
        with pytest.raises(CommandError, match=code):
            call_command("import_competition", str(small), by=by)
    assert not Competition.objects.exists()


def test_every_setting_is_in_the_file_and_its_schema(db: None) -> None:
    for model, paths in (
        (Competition, {name: schema.section_of(name) for name in schema.in_order(Competition)}),
        (HardwareProfile, dict.fromkeys(schema.in_order(HardwareProfile), "profile")),
    ):
        editable = {one.name for one in model._meta.get_fields() if getattr(one, "editable", 0)}
        assert set(paths) == editable - {"id", "dataset", "profile", *reverse_names(model)}
        whole = schema.json_schema()
        for name, section in paths.items():
            part = whole
            if section:
                reference = whole["properties"][section]["$ref"]
                part = whole["$defs"][reference.rpartition("/")[2]]
            assert name in part["properties"], name
    assert {"dataset", "profile", "reference"} <= set(schema.json_schema()["properties"])
    out = StringIO()
    call_command("export_competition", "--schema", stdout=out)
    assert out.getvalue() == SCHEMA.read_text(), "export_competition --schema writes it anew"


def test_the_demo_is_such_a_file(organizer: User, tmp_path: Path) -> None:
    source = tmp_path / "digits.zip"
    source.write_bytes(images(per_class=12))
    reference = recipes.DIGITS[0]
    for slug in (SLUG, PRACTICE):
        drafted(tmp_path, source, reference, organizer, slug=slug)
    demo, practice = Competition.objects.order_by("pk")
    assert demo.dataset == practice.dataset
    assert (demo.profile.name, demo.min_quality, demo.input_width) == (
        "This machine",
        reference.gate,
        32,
    )
    assert (demo.remeasured_ranks, practice.remeasured_ranks) == (0, 3)
    assert reading.read(CONTEST).contest.reference.file == "models/reference.pt"


def reverse_names(model: Any) -> set[str]:
    return {one.name for one in model._meta.get_fields() if one.auto_created}


def test_the_panel_gives_the_file_to_organizers_only(
    competition: Competition, organizer: User, owner: User, client: Client
) -> None:
    address = reverse("admin:leaderboard_competition_file", args=[competition.pk])
    assert client.get(address).status_code == 302
    client.force_login(owner)
    assert client.get(address).status_code in (302, 403)
    client.force_login(organizer)
    answer = client.get(address)
    assert answer["Content-Disposition"] == 'attachment; filename="waste.yaml"'
    assert yaml.safe_load(answer.content)["title"] == "Waste sorting"
    page = client.get(reverse("admin:leaderboard_competition_change", args=[competition.pk]))
    assert address in page.content.decode()
