"""Titles, pages, dates and quotas of a Codabench bundle and an EvalAI configuration become a
contest file. What has no place here is listed with its line and the reason."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from leaderboard.models import Competition, HardwareProfile, User
from leaderboard.services.contest_files import reading
from leaderboard.services.contest_files.foreign import recognising
from leaderboard.services.contest_files.foreign.recognising import Foreign
from leaderboard.services.contest_files.reading import BadContestFile

CODABENCH = """\
version: 2
title: Tiny leaves
description: Which tree is it?
image: logo.png
terms: terms.md
registration_auto_approve: false
pages:
  - title: Overview
    file: pages/overview.html
  - title: Data
    file: data.md
  - title: Evaluation
    file: evaluation.md
  - title: FAQ
    file: missing.md
phases:
  - index: 0
    name: Development
    start: 2027-1-9
    end: 2027-02-01 12:00
    max_submissions_per_day: 4
    max_submissions: 60
    tasks: [0]
  - index: 1
    name: Final
    start: 2027-02-01 12:00
    end: 2027-03-01 18:30:00
    tasks: [0]
tasks:
  - index: 0
    scoring_program: scoring.zip
leaderboards: []
"""
PAGES = {
    "pages/overview.html": "<html><head><style>b{}</style><script>alert(1)</script></head><body>"
    "<h1>Leaves</h1><p>Name the <b>tree</b>.</p><img src='a.png' onerror='x()'>"
    "<a href='javascript:alert(1)'>click</a></body></html>",
    "data.md": "12 kinds of *leaves*.",
    "evaluation.md": "Macro-F1.",
    "terms.md": "One team for each person.",
}
EVALAI = """\
title: Random numbers
short_description: Guess them
description: templates/description.html
evaluation_details: templates/evaluation_details.html
terms_and_conditions: templates/terms.html
submission_guidelines: templates/guide.html
image: logo.jpg
evaluation_script: evaluation_script.zip
published: True
start_date: 2027-01-01 00:00:00
end_date: 2027-05-31 23:59:59
leaderboard:
  - id: 1
challenge_phases:
  - id: 1
    name: Dev
    start_date: 2027-01-19 00:00:00
    end_date: 2027-04-25 23:59:59
    test_annotation_file: annotations/dev.json
    max_submissions_per_day: 5
    max_submissions_per_month: 50
    max_submissions: 100000
dataset_splits: []
challenge_phase_splits: []
"""
TEMPLATES = {
    "templates/description.html": "<h2>Numbers</h2><ul><li>One</li><li>Two</li></ul>",
    "templates/evaluation_details.html": "<p>By <em>distance</em>.</p>",
    "templates/terms.html": "<p>Be fair.</p>",
    "templates/guide.html": "<table><tr><th>a</th></tr><tr><td>1</td></tr></table>",
}


def zipped(path: Path, files: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def folder(path: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(content)
    return path


@pytest.fixture
def codabench(tmp_path: Path) -> Path:
    return zipped(tmp_path / "bundle.zip", {"competition.yaml": CODABENCH, **PAGES})


def known(path: Path) -> Foreign:
    found = recognising.read(path)
    assert found
    return found


def left(found: Foreign) -> dict[str, str]:
    return {one.path: one.said for one in found.left}


def test_a_codabench_bundle_becomes_a_contest_file(codabench: Path, tmp_path: Path) -> None:
    found = known(codabench)
    assert (found.service, found.content["slug"]) == ("Codabench", "tiny-leaves")
    assert found.content["dates"] == {
        "opens_at": "2027-01-09 00:00",
        "ends_at": "2027-03-01 18:30",
        "time_zone": "UTC",
    }
    assert found.content["teams"] == {"submissions_per_day": 4, "submissions_in_total": 60}
    pages = found.content["pages"]
    assert pages["overview"].startswith("# Leaves\n\nName the **tree**.")
    assert pages["overview"].endswith("## Evaluation\n\nMacro-F1.")
    for word in ("script", "alert", "onerror", "<", "a.png"):
        assert word not in pages["overview"]
    assert (pages["rules"], pages["data_description"]) == (PAGES["terms.md"], PAGES["data.md"])
    lines = {one.path: one.line for one in found.left}
    assert (lines["image"], lines["pages.3"], lines["registration_auto_approve"]) == (4, 14, 6)
    assert {"tasks", "leaderboards", "phases.1", "phases.0.tasks", "pages.0"} <= set(lines)
    target = tmp_path / "contest.yaml"
    target.write_text(found.text(profile="lab"))
    contest = reading.read(target).contest
    assert (contest.title, contest.tagline) == ("Tiny leaves", "Which tree is it?")
    assert "# Not imported:" in target.read_text()


def test_an_evalai_configuration_is_known_by_what_it_holds(tmp_path: Path) -> None:
    inside = folder(tmp_path / "evalai", {"any-name.yaml": EVALAI, **TEMPLATES})
    found = known(inside / "any-name.yaml")
    assert found.service == "EvalAI"
    pages = found.content["pages"]
    assert pages["overview"].startswith(
        "## Numbers\n\n- One\n- Two\n\n## Evaluation\n\nBy *distance*."
    )
    assert "| a |" in pages["overview"]
    assert pages["rules"] == "Be fair."
    assert found.content["dates"]["ends_at"] == "2027-05-31 23:59:59"
    assert found.content["teams"] == {"submissions_per_day": 5, "submissions_per_month": 50}
    told = left(found)
    assert "run here" in told["evaluation_script"]
    assert "dataset.source" in told["challenge_phases.0.test_annotation_file"]
    (inside / "any-name.yaml").rename(inside / "challenge_config.yaml")
    assert known(inside).content == found.content


def test_an_older_bundle_of_codalab_is_read_too(tmp_path: Path) -> None:
    older = {
        "title": "Hello",
        "description": "x" * 300,
        "html": {"overview": "overview.html", "terms": "terms.html"},
        "phases": {1: {"label": "First", "start_date": "2027-06-30", "max_submissions": 100}},
        "end_date": "30.12.2027",
        "leaderboard": {},
    }
    path = folder(
        tmp_path / "old",
        {
            "competition.yaml": json.dumps(older),
            "overview.html": "<p>Hello</p>",
            "terms.html": "<p>Terms</p>",
        },
    )
    found = known(path)
    assert found.content["pages"]["overview"].endswith("Hello")
    assert found.content["pages"]["rules"] == "Terms"
    assert "date cannot be read" in left(found)["phases.1.end"]


@pytest.mark.django_db
def test_the_command_writes_a_file_or_makes_a_draft(
    codabench: Path, tmp_path: Path, organizer: User, profile: HardwareProfile
) -> None:
    def run(*arguments: object, **options: Any) -> str:
        out = io.StringIO()
        call_command("import_competition", *map(str, arguments), stdout=out, **options)
        return out.getvalue()

    target = tmp_path / "contest.yaml"
    said = run(codabench, "--write", target)
    assert "Codabench" in said
    assert "Line 4, image: A competition has no logo here." in said
    with pytest.raises(CommandError, match="already exists"):
        run(codabench, "--write", target)
    with pytest.raises(CommandError, match="already a contest file"):
        run(target, "--write", tmp_path / "other.yaml")
    told = json.loads(run(codabench, "--json"))
    assert told["is_new"]
    assert {"line": 4, "path": "image"}.items() <= told["left"][1].items() or told["left"]
    draft = Competition.objects.get()
    assert (draft.state, draft.title, draft.profile) == ("draft", "Tiny leaves", profile)
    assert draft.submissions_per_day == 4
    assert "Nothing changed" in run(target)
    HardwareProfile.objects.create(slug="other", name="Other")
    with pytest.raises(CommandError, match="--profile"):
        run(codabench)


def test_no_archive_leads_out_of_itself(tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("secret")

    def bundle(page: str) -> dict[str, str]:
        told = {"title": "T", "terms": page, "pages": [], "phases": [{"tasks": [0]}]}
        return {"competition.yaml": json.dumps(told)}

    for page in ("../secret.md", str(secret), "link.md", "", "."):
        inside = folder(tmp_path / "some", bundle(page))
        (inside / "link.md").unlink(missing_ok=True)
        (inside / "link.md").symlink_to(secret)
        archive = zipped(tmp_path / "some.zip", {**bundle(page), "../secret.md": "x"})
        for path in (inside, archive):
            found = known(path)
            assert "secret" not in json.dumps(found.content), (page, path)
    huge = bundle("bomb.md") | {"bomb.md": "0" * 3_000_000}
    assert "at most 2 MB" in left(known(zipped(tmp_path / "bomb.zip", huge)))["terms"]
    # 9 aliases of 9 aliases, nine times: as a tree it would have 400 million leaves.
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
    laughs = f"title: T\nterms: t.md\nphases: []\na0: &a0 [x]\n{levels}"
    assert known(zipped(tmp_path / "laughs.zip", {"competition.yaml": laughs})).service


def test_what_is_no_bundle_is_told_in_a_sentence(tmp_path: Path) -> None:
    def refusal(path: Path) -> str:
        with pytest.raises(BadContestFile) as error:
            recognising.read(path)
        return error.value.detail

    empty = tmp_path / "empty"
    empty.mkdir()
    assert "holds none of these files" in refusal(empty)
    assert "names no phases" in refusal(
        zipped(tmp_path / "a.zip", {"x/competition.yaml": "title: T"})
    )
    broken = {"competition.yaml": "title: [T\nphases: 3"}
    assert "Line 2: This is not YAML" in refusal(zipped(tmp_path / "b.zip", broken))
    assert "UTF-8" in refusal(zipped(tmp_path / "c.zip", {"competition.yaml": b"\xff\xfe"}))
    contest = tmp_path / "contest.yaml"
    contest.write_text("slug: a\ntitle: A\nprofile: {slug: lab}\n")
    assert recognising.read(contest) is None
    assert recognising.read(tmp_path / "nothing.yaml") is None
