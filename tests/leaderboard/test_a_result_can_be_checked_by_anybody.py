"""A published result is one signed file.

Its figures can be computed again without the site, and each changed digit is detected.
"""

from __future__ import annotations

import copy
import functools
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from typer.testing import CliRunner

from leaderboard import tasks
from leaderboard.cli import app
from leaderboard.cli.server import Trouble
from leaderboard.errors import Conflict
from leaderboard.models import (
    AuditEntry,
    Competition,
    Rescore,
    SigningKey,
    Snapshot,
    Submission,
    Team,
    User,
)
from leaderboard.services import (
    declarations,
    landing,
    placing,
    posting,
    races,
    ranges,
    rankings,
    recording,
    remeasuring,
    rescoring,
    running,
    signing,
    snapshot_steps,
    snapshots,
    submissions,
    verifications,
    versions,
)
from scoring.job import Report
from scoring.snapshots import canonical, checking, steps
from scoring.snapshots import signing as ed25519
from scoring.snapshots.contents import Contents
from tests.leaderboard import results
from tests.leaderboard.api.test_the_command_checks_a_file import BASE_ONLY
from tests.leaderboard.conftest import failure, report

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "PAUSE", 0)


@pytest.fixture
def finished(
    draft: Competition,
    make_model: Callable[..., bytes],
    submit: Callable[..., Submission],
    organizer: User,
) -> Competition:
    """Published, with the answers in its file."""
    competition = results.opened(draft, make_model, organizer)
    Competition.objects.update(release_answers=True, min_quality=0.2)
    competition.refresh_from_db()
    results.played(competition, submit)
    results.published(competition, organizer)
    return competition


@pytest.fixture
def path(finished: Competition, tmp_path: Path) -> Path:
    """The file as everybody downloads it."""
    answer: Any = Client().get("/competitions/waste/snapshot.json")
    assert answer.headers["Content-Type"] == "application/json"
    target = tmp_path / "snapshot.json"
    target.write_bytes(b"".join(answer.streaming_content))
    return target


def browser(user: User | None) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client


def verified(path: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The command's exit code and its JSON."""
    found = CliRunner().invoke(app, ["verify", str(path), "--json", *arguments])
    if isinstance(found.exception, Trouble):
        return found.exception.exit_code, {"code": found.exception.code}
    return found.exit_code, json.loads(found.stdout)


def resigned(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The file with a change, signed by somebody with another key."""
    contents = json.loads(path.read_text())["contents"]
    change(contents)
    target = path.with_name("changed.json")
    with target.open("wb") as file:
        canonical.write(contents, ed25519.private_key(ed25519.new_key()), file)
    return target


def test_all_figures_of_a_published_file_are_right(finished: Competition, path: Path) -> None:
    key = signing.keys().get().public
    code, verdict = verified(path, "--key", key)
    assert (code, verdict["holds"], verdict["is_final"]) == (0, True, True), verdict
    checks = {one["name"]: one for one in verdict["checks"]}
    assert not [one for one in checks.values() if one["wrong"] or one["unchecked"]]
    # 4 teams and the calibration, each a ratio and a half-width; 8 rows of two boards.
    assert (checks["time"]["checked"], checks["scores"]["checked"]) == (10, 8)
    assert (checks["quality"]["checked"], checks["ranges"]["checked"]) == (8, 3)
    contents = json.loads(path.read_text())["contents"]
    for board in ("public", "private"):
        told = [(row["rank"], row["team"], row["score"]) for row in contents["boards"][board]]
        figures = rankings.figures(finished, board)
        shown = [(one.rank, one.team, float(one.score)) for one in figures]
        assert told == shown
    landed = landing.of(rankings.Standing(finished, "private"))
    assert contents["landed"] == {"inside": landed.inside, "teams": landed.teams}


@pytest.fixture
def tracked(
    draft: Competition,
    make_model: Callable[..., bytes],
    submit: Callable[..., Submission],
    organizer: User,
) -> Competition:
    """Open, with two tracks. In one of them Ash stands with its second upload, a slower one."""
    draft.tracks = [{"slug": "small", "name": "Small", "max_parameters": 100}]
    draft.tracks[0]["reference_network"] = True
    draft.tracks.append({"slug": "student", "name": "Students", "declared": True})
    draft.save()
    competition = results.opened(draft, make_model, organizer)
    Competition.objects.update(release_answers=True, min_quality=0.2)
    competition.refresh_from_db()
    fast = results.played(competition, submit)
    ash = fast["Ash"].team
    given = results.answered(24, wrong=2, seed=7), results.answered(36, wrong=5, seed=7)
    results.sent(ash, submit, given, ratio=0.7, seed=7)
    Submission.objects.update(parameters=50)
    Submission.objects.filter(pk=fast["Ash"].submission_id).update(parameters=1000)
    placing.place(ash)
    declarations.declare(team=ash, track="student", by=ash.members.get())
    return competition


def earlier_boards_hold(path: Path, competition: Competition) -> None:
    """The board just after each upload is that of the race; false steps are found."""
    race = races.of(rankings.Standing(competition, "public"))
    assert race
    moments = competition.submissions.order_by("uploaded_at").values_list("uploaded_at", flat=True)
    first, *_, last_one = moments
    contents = json.loads(path.read_text())["contents"]
    told = Contents.from_json(contents)
    for at in [first - timedelta(seconds=1), *moments]:
        standing = race.standing(at)
        names = race.names([one.team_id for one in standing])
        shown = [(one.rank, names[one.team_id], one.step.score) for one in standing]
        assert [(one.rank, one.team, one.score) for one in steps.board(told, at)] == shown
    verdict = verified(path, "--as-of", last_one.isoformat())[1]
    assert [one["team"] for one in verdict["as_of"]] == [one[1] for one in shown]
    assert not [one for one in verdict["checks"] if one["name"] == "steps" and one["wrong"]]
    assert len(shown) > 2
    [*_, last] = contents["steps"]
    assert all(one["quality"] == round(one["quality"], 4) for one in last["steps"])
    wrong: list[Callable[[list[Any]], None]] = [
        lambda stretches: stretches[-1].update(version=9),
        lambda stretches: stretches[-1]["formula"].update(k=19.0),
        lambda stretches: stretches[-1]["steps"].pop(),
        lambda stretches: stretches[-1]["steps"].append(stretches[-1]["steps"][-1]),
        *(
            functools.partial(falsified, number=number, name=name, by=by)
            for name, by in (("score", 0.002), ("time_ratio", -0.01), ("quality", -0.01))
            for number in range(len(contents["steps"]))
        ),
    ]
    for change in wrong:
        changed = copy.deepcopy(contents)
        change(changed["steps"])
        assert not steps.steps(Contents.from_json(changed)).holds


def falsified(stretches: list[Any], *, number: int, name: str, by: float) -> None:
    """Change a step that counted by the last measuring of its version: other scores are kept."""
    step = max(stretches[number]["steps"], key=lambda one: one["since"])
    step[name] += by


def test_boards_of_tracks_are_computed_again(
    tracked: Competition, organizer: User, tmp_path: Path
) -> None:
    path = tmp_path / "provisional.json"
    snapshots.sign_public(competition=tracked, by=organizer)
    snapshots.go_on(seconds=60)
    call_command("export_snapshot", "waste", "--provisional", "--output", str(path))
    assert verified(path)[1]["holds"]
    boards = json.loads(path.read_text())["contents"]["boards"]
    assert sorted(boards) == ["private", "public", "public.small", "public.student"]
    earlier_boards_hold(path, tracked)
    results.published(tracked, organizer)
    call_command("export_snapshot", "waste", "--output", str(path))
    code, verdict = verified(path)
    checks = {one["name"]: one for one in verdict["checks"]}
    assert (code, checks["tracks"]["unchecked"]) == (
        0,
        ["Sizes of models and declarations of teams are not in the file."],
    )
    assert (checks["scores"]["checked"], checks["quality"]["checked"]) == (18, 18)
    assert checks["time"]["checked"] == 12  # Ash's second upload, too
    boards = json.loads(path.read_text())["contents"]["boards"]
    for board in ("public", "private"):
        for track in ("small", "student"):
            standing = rankings.Standing(tracked, board, track=track)
            rows = boards[f"{board}.{track}"]
            shown = [
                (one.rank, one.entry.team.name, float(one.entry.score)) for one in standing[:9]
            ]
            assert [(row["rank"], row["team"], row["score"]) for row in rows] == shown
    ash = {
        name: row["submission"]
        for name, rows in boards.items()
        for row in rows[:4]
        if row["team"] == "Ash"
    }
    assert ash["public.small"] != ash["public"] == ash["public.student"]
    wrong: list[tuple[str, Callable[[Any], None]]] = [
        ("tracks", lambda told: told["boards"].pop("private.small")),
        ("tracks", lambda told: told["boards"]["public.student"].clear()),
        ("tracks", lambda told: told["reference"].update(structure="0" * 64)),
        ("ranks", lambda told: told["boards"]["private.small"].reverse()),
        ("ranks", lambda told: told["boards"]["private.student"][0].update(rank=2)),
        ("scores", lambda told: told["boards"]["public.small"][1].update(score=0.1)),
        ("quality", lambda told: told["boards"]["private.small"][1].update(quality=0.9)),
        ("links", lambda told: told["boards"]["public.small"][0].update(time_ratio=0.1)),
        ("ranges", lambda told: told["boards"]["public.small"][0].update(likely_last=9)),
    ]
    for name, change in wrong:
        checks = {one["name"]: one for one in verified(resigned(path, change))[1]["checks"]}
        assert checks[name]["wrong"], name


def test_the_public_board_of_a_moment_is_signed_as_provisional(
    draft: Competition,
    make_model: Callable[..., bytes],
    submit: Callable[..., Submission],
    organizer: User,
    outsider: User,
    tmp_path: Path,
) -> None:
    """The file holds only what the public board tells: no private row, no quad and no answer."""
    competition = results.opened(draft, make_model, organizer)
    Competition.objects.update(release_answers=True, min_quality=0.2, ends_at=None)
    results.played(competition, submit)
    desk, path = browser(organizer), tmp_path / "provisional.json"
    result = f"/admin/leaderboard/competition/{competition.pk}/result/"
    assert "Sign the public board" in desk.get(result).content.decode()
    for _ in range(2):  # pressed twice, made once
        desk.post(result, {"kind": "provisional"})
    assert Client().get("/competitions/waste/provisional.json").status_code == 404
    snapshots.go_on(seconds=60)
    made = Snapshot.objects.get()
    call_command("export_snapshot", "waste", "--provisional", "--output", str(path))
    answer: Any = Client().get("/competitions/waste/provisional.json")
    assert b"".join(answer.streaming_content) == path.read_bytes()
    assert made.sha256 in Client().get("/competitions/waste/snapshot/").content.decode()
    code, verdict = verified(path, "--key", signing.keys().get().public)
    assert (code, verdict["is_final"], verdict["is_provisional"]) == (0, False, True), verdict
    checks = {one["name"]: one for one in verdict["checks"]}
    assert (checks["scores"]["checked"], checks["quality"]["checked"]) == (4, 0)
    said = CliRunner().invoke(app, ["verify", str(path)]).stdout
    assert "provisional" in " ".join(said.split())
    contents = json.loads(path.read_text())["contents"]
    figures = rankings.figures(Competition.objects.get(), "public")
    told = [(row["rank"], row["team"], row["score"]) for row in contents["boards"]["public"]]
    assert told == [(one.rank, one.team, float(one.score)) for one in figures]
    assert (contents["boards"]["private"], contents["answers"]) == ([], None)
    assert not [one for one in contents["evaluations"] if one["quads"] or one["answers"]]
    assert all(row["quality"] == round(row["quality"], 4) for row in contents["boards"]["public"])

    def better(told: dict[str, Any]) -> None:
        told["boards"]["public"][0]["score"] -= 0.001

    assert not verified(resigned(path, better))[1]["holds"]
    assert browser(outsider).post(result, {"kind": "provisional"}).status_code in (302, 403)
    Competition.objects.update(is_blind=True)
    with pytest.raises(Conflict) as blind:
        snapshots.sign_public(competition=competition, by=organizer)
    assert blind.value.code == "scores_hidden"
    assert Snapshot.objects.count() == 1


def test_a_refused_winner_is_in_the_file_without_a_rank(
    finished: Competition, path: Path, organizer: User, tmp_path: Path
) -> None:
    [asked] = verifications.ask(
        competition=finished,
        count=1,
        due_at=timezone.now() + timedelta(days=1),
        wish="Code",
        by=organizer,
    )
    verifications.refuse(verification=asked, reason="No code", by=organizer)
    snapshots.go_on(seconds=60)
    answer: Any = Client().get("/competitions/waste/snapshot.json")
    path.write_bytes(b"".join(answer.streaming_content))
    assert verified(path)[1]["holds"]
    rows = json.loads(path.read_text())["contents"]["boards"]["private"]
    told = [(row["rank"], row["verification"]) for row in rows]
    assert told == [(1, ""), (2, ""), (3, ""), (None, "refused")]

    def forget(contents: dict[str, Any]) -> None:
        for row in contents["boards"]["private"]:
            row["verification"] = ""

    assert not verified(resigned(path, forget))[1]["holds"]


def test_without_a_key_or_libraries_it_says_what_was_not_checked(path: Path) -> None:
    command = [sys.executable, "-c", BASE_ONLY, "verify", str(path)]
    found = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    verdict = json.loads(found.stdout)
    left = {one["name"]: one["unchecked"] for one in verdict["checks"] if one["unchecked"]}
    assert set(left) == {"signature", "pace", "time", "ranges"}
    assert "featherweight[verify]" in left["time"][0]
    told = CliRunner().invoke(app, ["verify", str(path)]).stdout
    assert "right in part" in told
    assert "\N{REPLACEMENT CHARACTER}" not in told
    assert "What such a file cannot show" in told


def test_several_remarks_stand_in_one_cell_as_sentences(path: Path) -> None:
    contents = json.loads(path.read_text())
    contents["contents"]["competition"]["title"] = "Changed"
    changed = path.with_name("changed.json")
    changed.write_text(json.dumps(contents))
    told = CliRunner().invoke(app, ["verify", str(changed)]).stdout
    assert "WRONG" in told
    assert "The key was" in " ".join(re.sub("[│┃]", " ", told).split())  # a cell breaks its lines
    assert "\N{REPLACEMENT CHARACTER}" not in told


def test_a_changed_digit_is_found_wherever_it_stands(path: Path) -> None:
    data = path.read_bytes()
    key = json.loads(data)["seal"]["key"]
    digits = [found.start() for found in re.finditer(rb"[0-9]", data)]
    chosen = np.random.default_rng(0).choice(digits, 150, replace=False).tolist()
    chosen += [one for one in digits if one > data.rindex(b'"seal"')]
    for place in chosen:
        other = b"7" if data[place : place + 1] != b"7" else b"3"
        try:
            opened = canonical.read(data[:place] + other + data[place + 1 :])
        except canonical.NoSnapshot:
            continue
        assert not checking.signature(opened, key).holds, data[place - 40 : place + 10]


CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "scores": lambda told: told["boards"]["private"][1].update(
        score=round(told["boards"]["private"][1]["score"] + 1e-6, 6)
    ),
    "quality": lambda told: told["boards"]["public"][0].update(
        quality=told["boards"]["public"][0]["quality"] + 1e-6
    ),
    "ranks": lambda told: told["boards"]["private"].reverse(),
    "links": lambda told: told["boards"]["public"][2].update(
        time_ratio=told["boards"]["public"][2]["time_ratio"] + 1e-4
    ),
    "time": lambda told: told["evaluations"][1].update(
        time_ratio=round(told["evaluations"][1]["time_ratio"] - 1e-4, 4)
    ),
    "pace": lambda told: told["pace"].update(reference_seconds=1.0001e-3),
    "ranges": lambda told: told["boards"]["public"][1].update(likely_last=9),
    "landed": lambda told: told["landed"].update(inside=told["landed"]["inside"] + 1),
}


def test_a_false_figure_is_found_even_if_it_is_signed(path: Path) -> None:
    for name, change in CHANGES.items():
        code, verdict = verified(resigned(path, change))
        wrong = [one["name"] for one in verdict["checks"] if one["wrong"]]
        assert (code, name in wrong) == (1, True), (name, wrong)
        assert all(one["says"] for one in verdict["checks"] if one["wrong"])
    own = json.loads(path.read_text())["seal"]["key"]
    verdict = verified(resigned(path, lambda told: None), "--key", own)[1]
    assert [one["name"] for one in verdict["checks"] if one["wrong"]] == ["signature"]


def test_what_is_no_snapshot_is_refused(tmp_path: Path, path: Path) -> None:
    target = tmp_path / "other.json"
    newer = json.loads(path.read_text())
    newer["contents"]["format"] = 99
    for text in ("", "[]", "{}", '{"contents":[]}', "\x00", json.dumps(newer)):
        target.write_text(text)
        code, told = verified(target)
        assert (code, told["code"]) == (2, "not_a_snapshot"), text
    assert verified(path, "--key", "12")[1]["code"] == "bad_key"
    assert verified(path, "--as-of", "noon")[1]["code"] == "bad_moment"

    def older(told: dict[str, Any]) -> None:
        del told["steps"], told["competition"]["tracks"], told["competition"]["last_counts"]

    assert not [one for one in verified(resigned(path, older))[1]["checks"] if one["wrong"]]
    code, told = verified(resigned(path, older), "--as-of", "2026-03-01")
    assert (code, told["code"]) == (2, "no_earlier_boards")
    assert "public board of 2026-03-01 00:00" in " ".join(
        CliRunner().invoke(app, ["verify", str(path), "--as-of", "2026-03-01"]).stdout.split()
    )
    # A program that writes it anew breaks the signature, and that is said.
    target.write_text(json.dumps(json.loads(path.read_text()), indent=1))
    code, verdict = verified(target)
    assert code == 1
    assert "Another program" in verdict["checks"][0]["says"][0]


def test_participants_get_nothing_before_the_publication(
    draft: Competition,
    make_model: Callable[..., bytes],
    submit: Callable[..., Submission],
    organizer: User,
    tmp_path: Path,
) -> None:
    competition = results.opened(draft, make_model, organizer)
    evaluations = results.played(competition, submit)
    member = evaluations["Ash"].team.members.get()
    asked = snapshots.ask(competition=competition, by=organizer)
    read = snapshot_steps.of

    def renamed(*given: Any) -> Any:
        Team.objects.filter(name="Ash").update(name="Alder")
        versions.change(competition.pk)
        return read(*given)

    with pytest.MonkeyPatch.context() as patch:  # a team gets another name while boards are read
        patch.setattr(snapshot_steps, "of", renamed)
        snapshots.go_on(seconds=60)
    asked.refresh_from_db()
    assert (asked.made_at, asked.broke) == (None, False)
    snapshots.go_on(seconds=60)
    asked.refresh_from_db()
    assert asked.made_at
    assert (asked.is_final, asked.size_bytes > 1000) == (False, True)
    for who in (None, member, organizer):  # the panel has the draft
        client = browser(who)
        assert client.get("/competitions/waste/snapshot.json").status_code == 404
        page = client.get("/competitions/waste/snapshot/").content.decode()
        assert "not published yet" in page
        assert asked.sha256 not in page
    url = f"/admin/leaderboard/competition/{competition.pk}/result/"
    assert f"{url}{asked.pk}.json" in browser(organizer).get(url).content.decode()
    panel: Any = browser(organizer).get(f"{url}{asked.pk}.json")
    target = tmp_path / "draft.json"
    target.write_bytes(b"".join(panel.streaming_content))
    assert browser(member).get(f"{url}{asked.pk}.json").status_code == 302
    code, verdict = verified(target)
    assert (code, verdict["is_final"]) == (0, False), verdict
    # The organizers did not release the answers.
    assert json.loads(target.read_text())["contents"]["answers"] is None


def test_a_board_that_changes_gets_a_new_file(
    finished: Competition, path: Path, organizer: User
) -> None:
    snapshots.go_on(seconds=60)
    assert Snapshot.objects.count() == 1  # nothing has changed
    last = rankings.rows(finished, "private")[0].entry.submission
    submissions.disqualify(submission=last, reason="Copied.", by=organizer)
    snapshots.go_on(seconds=60)
    first, second = Snapshot.objects.order_by("pk")
    assert first.sha256 != second.sha256
    page = Client().get("/competitions/waste/snapshot/").content.decode()
    assert first.sha256 in page
    assert second.sha256 in page
    # The command that the page names is in the kit that it links to.
    wheel = re.search(r"/(waste-kit/featherweight-.+?\.whl)\[verify\]", page)
    kit = Client().get("/competitions/waste/kit/kit.zip")
    assert wheel
    assert wheel[1] in zipfile.ZipFile(io.BytesIO(b"".join(kit))).namelist()


@pytest.mark.django_db
def test_the_post_makes_the_key_when_it_starts(settings: Any, tmp_path: Path) -> None:
    assert "There is no key yet." in Client().get("/signing-key/").content.decode()
    (tmp_path / "file").touch()
    settings.KEYS_DIR = tmp_path / "file" / "keys"  # where nothing can be written
    posting.sweep()
    assert not SigningKey.objects.exists()
    settings.KEYS_DIR = tmp_path / "keys"
    posting.sweep()
    posting.sweep()
    public = SigningKey.objects.get().public
    assert public in Client().get("/signing-key/").content.decode()
    assert AuditEntry.objects.get(act="signing_key_made").subject == public


def test_the_key_is_a_file_of_its_own_and_may_be_replaced(
    finished: Competition, path: Path, settings: Any
) -> None:
    file = Path(settings.KEYS_DIR) / "signing.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    first = signing.keys().get().public
    out = io.StringIO()
    call_command("signing_key", "--rotate", stdout=out)
    second = out.getvalue().strip()
    assert SigningKey.objects.get(retired_at=None).public == second != first
    page = Client().get("/signing-key/").content.decode()
    assert first in page
    assert second in page
    pem = Client().get("/signing-key.pem").content.decode()
    assert ed25519.public_of(pem) == second
    assert verified(path, "--key", first)[0] == 0  # signed before, and good for ever


def test_the_result_stays_on_one_page_and_members_get_certificates(
    finished: Competition, path: Path, outsider: User
) -> None:
    Competition.objects.update(rules="Be **fair**.", citation="@misc{waste}", prizes="A cup.")
    page = Client().get("/competitions/waste/result/").content.decode()
    assert [name in page for name in (*results.TEAMS, "@misc{waste}", "<strong>fair</strong>")]
    assert json.loads(path.read_text())["seal"]["sha256"] in page
    team = rankings.rows(finished, "private")[0].entry.team
    member = team.members.get()
    member.first_name, member.last_name = "김민수", "Čapek 🪶"
    member.save()
    url = "/competitions/waste/team/certificate.pdf"
    client = browser(member)
    for language in ("en", "ko"):
        answer = client.get(url, headers={"Accept-Language": language})
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF-")
        assert 5_000 < len(answer.content) < 200_000  # only the letters that are used
    assert browser(outsider).get(url).status_code == 403
    assert "certificate.pdf" in client.get("/competitions/waste/team/").content.decode()


def test_the_history_of_rescores_is_in_the_file_and_fits(
    draft: Competition,
    make_model: Callable[..., bytes],
    submit: Callable[..., Submission],
    organizer: User,
    tmp_path: Path,
) -> None:
    """All is measured again, then the formula changes; one submission failed in the measuring."""
    competition = results.opened(draft, make_model, organizer)
    results.played(competition, submit)
    again = Rescore(competition=competition, why="A new protocol.")
    rescoring.measure_again(rescore=again, by=organizer)
    finish_hidden(competition, report(quality_public=0.7))
    tasks.sweep()
    finish_hidden(competition, failure())
    while remeasuring.hidden(again).filter(state="queued").exists():
        finish_hidden(competition, report(quality_public=0.72, time_ratio=0.9))
    tasks.sweep()
    rescoring.apply(rescore=again, by=organizer)
    competition.refresh_from_db()
    steeper = Rescore(
        competition=competition, why="Steeper.", k=25.0, time_weight=0.5, min_quality=0.1
    )
    rescoring.propose(rescore=steeper, by=organizer)
    rescoring.apply(rescore=steeper, by=organizer)
    competition.refresh_from_db()
    results.published(competition, organizer)
    path = tmp_path / "snapshot.json"
    answer: Any = Client().get("/competitions/waste/snapshot.json")
    path.write_bytes(b"".join(answer.streaming_content))
    earlier_boards_hold(path, competition)
    told = json.loads(path.read_text())["contents"]["history"]
    assert [(one["version"], one["kind"], one["why"]) for one in told] == [
        (2, "measured", "A new protocol."),
        (3, "formula", "Steeper."),
    ]
    assert len(told[0]["boards"]["before"]) == told[0]["teams"] == competition.entries.count() // 2
    _, verdict = verified(path)
    checks = {one["name"]: one for one in verdict["checks"]}
    assert not any(checks[name]["wrong"] for name in ("history", "scores", "steps"))
    assert "before the last time that all were measured again" in str(checks["scores"]["unchecked"])

    changes: list[Callable[[list[Any]], None]] = [
        lambda history: history.pop(0),
        lambda history: history[1]["before"].update(k=21.0),
        lambda history: history[1]["after"].update(k=26.0),
        lambda history: history[0]["terms_after"].update(data="0" * 64),
        lambda history: history[0]["boards"]["after"].reverse(),
    ]
    for change in changes:

        def changed(contents: dict[str, Any], change: Any = change) -> None:
            change(contents["history"])

        _, verdict = verified(resigned(path, changed))
        checks = {one["name"]: one for one in verdict["checks"]}
        assert checks["history"]["wrong"]


def finish_hidden(competition: Competition, found: Report) -> None:
    claimed = running.claim(competition.profile)
    assert claimed
    assert claimed.is_hidden
    recording.record(claimed, found)
