"""A track has its own board from one upload: by facts of the file, or by what a team declares."""

from __future__ import annotations

import html
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leaderboard.errors import NotAllowed, Refused
from leaderboard.models import (
    AuditEntry,
    Competition,
    Declaration,
    Entry,
    Evaluation,
    NextEntry,
    ReferenceModel,
    Rescore,
    Submission,
    Team,
    User,
)
from leaderboard.services import (
    certificates,
    competitions,
    conditions,
    declarations,
    moves,
    placing,
    preparing,
    rankings,
    rescoring,
    snapshot_boards,
    submissions,
    track_removals,
)
from leaderboard.services.contest_files import planning, reading, writing
from tests.leaderboard.admin.test_an_organizer_runs_a_competition import filled
from tests.leaderboard.api.conftest import API
from tests.leaderboard.conftest import finish, report

pytestmark = pytest.mark.django_db
SMALL = {"slug": "small", "name": "Small", "sentence": "At most 100 parameters."}
PARTS = ("", ".small", ".student")
STUDENT = {"slug": "student", "name": "Students", "declared": True}


@pytest.fixture
def tracked(competition: Competition) -> Competition:
    competition.tracks = [SMALL | {"max_parameters": 100}, STUDENT]
    competition.save(update_fields=["tracks"])
    return competition


def board(track: str = "", name: str = "public") -> list[tuple[int | None, str, float]]:
    asked = {"track": track} if track else {}
    answer = Client().get(f"{API}/competitions/waste/boards/{name}", asked).json()
    return [(row["rank"], row["team"], row["time_ratio"]) for row in answer["results"]]


def test_a_team_stands_in_a_track_with_its_best_upload_there(
    tracked: Competition,
    team: Team,
    rivals: Team,
    scored: Callable[..., Submission],
    organizer: User,
) -> None:
    fast = scored(team, seed=1, time_ratio=0.3)
    slow = scored(team, seed=2, time_ratio=0.8)
    other = scored(rivals, seed=3, time_ratio=0.6)
    Submission.objects.filter(pk=fast.pk).update(parameters=1000)
    Submission.objects.filter(pk__in=[slow.pk, other.pk]).update(parameters=50)
    placing.place(team, rivals)
    assert board() == [(1, "Sorters", 0.3), (2, "Rivals", 0.6)]
    assert board("small") == [(1, "Rivals", 0.6), (2, "Sorters", 0.8)]
    page = Client().get("/competitions/waste/boards/public/?track=small").content.decode()
    assert "At most 100 parameters." in page
    assert 'href="/competitions/waste/boards/public/?track=student"' in page
    overview = Client().get("/competitions/waste/").content.decode()
    assert 'href="/competitions/waste/boards/public/?track=small"' in overview
    answer: Any = Client().get(f"{API}/competitions/waste/boards/public.csv?track=small")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [["1", "Rivals"], ["2", "Sorters"]]
    # A frame, a badge and the race know tracks.
    frame = Client().get("/competitions/waste/boards/public/embed/?track=small").content.decode()
    assert frame.index("Rivals") < frame.index("Sorters")
    assert "/boards/public/?track=small" in frame
    assert "embed/?track=small&quot; title=&quot;Waste sorting · Public board · Small&quot;" in page
    assert 'href="/competitions/waste/race/?track=small"' in page
    badge = f"/competitions/waste/teams/{team.pk}/badge.svg"
    assert "#1 · " in Client().get(badge).content.decode()
    picture = Client().get(f"{badge}?track=small")
    assert "Waste sorting: Small" in picture.content.decode()
    assert "#2 · " in picture.content.decode()
    assert picture["ETag"] != Client().get(badge)["ETag"]
    assert ">–</text>" in Client().get(f"{badge}?track=student").content.decode()
    for wrong in (f"{badge}?track=none", "/competitions/waste/boards/public/embed/?track=none"):
        assert Client().get(wrong).status_code == 404
    race = Client().get("/competitions/waste/race/?track=small").content.decode()
    table = race.partition("<tbody>")[2]
    assert table.index(">Rivals<") < table.index(">Sorters<")
    assert 'href="?track=small&amp;by=score"' in race
    assert Client().get("/competitions/waste/race/?track=none").status_code == 404
    searched = Client().get("/competitions/waste/boards/public/?track=small&q=Sort")
    assert "rank-2" in searched.content.decode()
    unknown = Client().get(f"{API}/competitions/waste/boards/public?track=none").json()
    assert unknown["code"] == "unknown_track"
    # Another gate holds there, too.
    tracked.refresh_from_db()
    tracked.min_quality = 0.795
    competitions.edit(competition=tracked, by=organizer)
    assert [row[0] for row in board("small")] == [None, None]


def wide() -> bytes:
    """A classifier with one more layer than the reference has."""
    import torch

    network = torch.nn.Sequential(
        *(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()),
        *(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)),
    )
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(network.eval()), file)
    return file.getvalue()


def test_a_track_takes_the_references_network_alone(
    competition: Competition,
    team: Team,
    owner: User,
    organizer: User,
    rivals: Team,
    scored: Callable[..., Submission],
) -> None:
    competition.tracks = [{"slug": "same", "name": "Same network", "reference_network": True}]
    competition.save(update_fields=["tracks"])
    copy = scored(team, seed=1, time_ratio=0.8)
    narrow = scored(rivals, seed=2, time_ratio=0.6)
    other = submissions.submit(
        competition=team.competition,
        team=team,
        upload=ContentFile(wide(), name="wide.pt"),
        by=owner,
        door="web",
    ).submission
    finish(other.latest_evaluation, report(time_ratio=0.3))
    assert board() == [(1, "Sorters", 0.3), (2, "Rivals", 0.6)]
    assert board("same") == [(1, "Rivals", 0.6), (2, "Sorters", 0.8)]
    mine = Client()
    mine.force_login(owner)

    def told(one: Submission) -> str:
        page = mine.get(one.get_absolute_url()).content.decode()
        (track,) = mine.get(f"{API}/submissions/{one.pk}").json()["tracks"]
        assert track["track"] == "same"
        assert track["reason"] in html.unescape(page)
        assert ("this upload belongs here" in page) == (track["code"] == "")
        return str(track["code"])

    assert (told(copy), told(other)) == ("", "track_network")
    # Other strides, other sizes of the input or layers that never run show in multiplications.
    for macs, code in ((1000, ""), (981, ""), (979, "track_work"), (1021, "track_work")):
        Evaluation.objects.filter(pk=competition.calibration_id).update(macs=1000)
        copy.evaluations.update(macs=macs)
        placing.place(team, rivals)
        assert told(copy) == code
        assert [row[1] for row in board("same")] == ["Rivals", "Sorters"][: 1 if code else 2]
    # What shows no shapes is told, too.
    Submission.objects.filter(pk=copy.pk).update(structure="")
    assert told(copy) == "track_network_unknown"
    ReferenceModel.objects.update(static={})
    placing.place(team, rivals)
    assert (board("same"), told(other)) == ([], "track_network_unknown")
    assert narrow.structure
    competition.refresh_from_db()
    with pytest.raises(Refused) as refusal:
        competitions.edit(competition=competition, by=organizer)
    assert refusal.value.code == "reference_network_unknown"


def test_each_condition_says_why_an_upload_does_not_count(
    competition: Competition, team: Team, scored: Callable[..., Submission]
) -> None:
    """The question to the database and the words for a team agree."""
    one = scored(team, seed=1)
    size, number = one.size_bytes, one.parameters
    expected: list[tuple[dict[str, Any], str]] = [
        ({"formats": ["onnx"]}, "track_format"),
        ({"formats": ["onnx", "torchscript"]}, ""),
        ({"number_types": ["int8"]}, "track_number_type"),
        ({"number_types": [one.number_type]}, ""),
        ({"max_parameters": number - 1}, "track_parameters"),
        ({"max_parameters": number}, ""),
        ({"max_bytes": size - 1}, "track_bytes"),
        ({"max_bytes": size, "reference_network": True}, ""),
    ]
    counts = Evaluation.objects.counting().filter(team=team)
    for values, code in expected:
        competition.tracks = [{"slug": "a", "name": "A", **values}]
        one.competition = competition
        (found,) = conditions.of(one)
        assert (found.code, bool(found.reason)) == (code, bool(code)), values
        is_in = counts.filter(conditions.uploads(found.track, competition)).exists()
        assert is_in == (code == ""), values
    competition.tracks = [STUDENT]
    assert [found.code for found in conditions.of(one)] == ["track_not_declared"]
    Declaration.objects.create(team=team, track="student")
    assert [found.code for found in conditions.of(one)] == [""]


def test_a_team_declares_and_organizers_may_revoke(
    tracked: Competition,
    team: Team,
    rivals: Team,
    owner: User,
    organizer: User,
    scored: Callable[..., Submission],
) -> None:
    scored(team, seed=1, time_ratio=0.5)
    scored(rivals, seed=2, time_ratio=0.4)
    assert board("student") == []
    mine = Client()
    mine.force_login(owner)
    url = "/competitions/waste/team/track/"
    assert "My team belongs to this track" in mine.get("/competitions/waste/team/").content.decode()
    mine.post(url, {"track": "student"})
    assert board("student") == [(1, "Sorters", 0.5)]
    mine.post(url, {"track": "student", "act": "leave"})
    assert board("student") == []
    declaration = declarations.declare(team=team, track="student", by=owner)
    with pytest.raises(Refused, match="Their uploads decide"):
        declarations.declare(team=team, track="small", by=owner)
    declarations.revoke(declaration=declaration, reason="No student", by=organizer)
    assert board("student") == []
    with pytest.raises(Refused, match="No student"):
        declarations.declare(team=team, track="student", by=owner)
    assert "No student" in mine.get("/competitions/waste/team/").content.decode()
    declarations.restore(declaration=Declaration.objects.get(), by=organizer)
    acts = list(AuditEntry.objects.order_by("pk").values_list("act", flat=True))
    assert acts[-5:] == [
        *("track_declared", "track_left", "track_declared"),
        *("declaration_revoked", "declaration_restored"),
    ]
    competitions.close(competition=tracked, by=organizer)
    competitions.publish(competition=tracked, by=organizer)
    assert board("student", "private") == [(1, "Sorters", 0.5)]
    assert [row[1] for row in board("", "private")] == ["Rivals", "Sorters"]
    told = snapshot_boards.of(Competition.objects.get(), is_final=True, is_whole=True)
    assert sorted(told) == [f"{one}{part}" for one in ("private", "public") for part in PARTS]
    rows = told["private"]
    assert [row.tracks for row in rows] == [("small",), ("small", "student")]
    assert certificates.of(team=Team.objects.get(pk=team.pk), by=owner).startswith(b"%PDF")
    standing = rankings.Standing(Competition.objects.get(), "private", track="student")
    assert standing[:1][0].likely is None


def test_tracks_stand_in_the_contest_file_and_conditions_are_fixed_at_the_opening(
    tracked: Competition, organizer: User, tmp_path: Any
) -> None:
    path = tmp_path / "contest.yaml"
    path.write_text(writing.text_of(tracked))
    assert [one.slug for one in reading.read(path).contest.tracks] == ["small", "student"]
    wrong = path.read_text().replace("slug: student", "slug: Not a slug")
    path.write_text(wrong)
    with pytest.raises(Refused, match=r"tracks\.1\.slug"):
        reading.read(path)
    for tracks in ([{"slug": "a"}], [SMALL, SMALL], [SMALL | {"colour": "red"}], [SMALL] * 9, "a"):
        tracked.tracks = tracks
        with pytest.raises(ValidationError):
            tracked.full_clean()
    refused: list[tuple[Any, str]] = [
        ([STUDENT], "track_needs_reason"),
        ([SMALL | {"max_parameters": 99}, STUDENT], "track_fixed"),
    ]
    for changed_tracks, code in refused:
        changed = path.read_text().replace("Not a slug", "student")
        tracked.tracks = changed_tracks
        with pytest.raises(Refused) as refusal:
            competitions.edit(competition=tracked, by=organizer)
        assert refusal.value.code == code
    path.write_text(changed.replace("max_parameters: 100", "max_parameters: 99"))
    plan = planning.planned(reading.read(path))
    assert [one.code for one in plan.refusals] == ["track_fixed"]
    assert [one.path for one in plan.changes] == ["tracks"]


def test_boards_of_tracks_are_prepared_beside_and_switched_with_the_others(
    tracked: Competition,
    team: Team,
    rivals: Team,
    scored: Callable[..., Submission],
    organizer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preparing, "BATCH", 1)
    monkeypatch.setattr(preparing, "AT_ONCE", -1)
    scored(team, seed=1, quality_public=0.8, time_ratio=0.8)
    scored(rivals, seed=2, quality_public=0.79, time_ratio=0.4)
    before = timezone.now() - timedelta(hours=2)
    Submission.objects.update(parameters=50, uploaded_at=before)
    placing.place(team, rivals)
    now = [(1, "Rivals", 0.4), (2, "Sorters", 0.8)]
    assert board("small") == now
    # Another gate: after the last batch, every board is switched at once.
    tracked.refresh_from_db()
    tracked.min_quality = 0.795
    competitions.edit(competition=tracked, by=organizer)
    while preparing.step(tracked):
        assert board("small") == now
    assert {one.board for one in NextEntry.objects.all()} == {"public", "public.small"}
    with monkeypatch.context() as patch:  # no team is placed under the lock of the switch
        patch.setattr(placing, "put_tracks", None)
        assert preparing.switch(tracked)
    gated = [(1, "Sorters", 0.8), (None, "Rivals", 0.4)]
    assert board() == board("small") == gated
    # A freeze ends with the publication, the tracks with it.
    Competition.objects.update(freezes_at=timezone.now() - timedelta(hours=1))
    late = scored(rivals, seed=3, quality_public=0.9, time_ratio=0.3)
    Submission.objects.filter(pk=late.pk).update(parameters=50)
    placing.place(rivals)
    assert board("small") == gated
    competitions.close(competition=tracked, by=organizer)
    competitions.publish(competition=tracked, by=organizer)
    while preparing.step(tracked):
        assert board("small") == gated
    with monkeypatch.context() as patch:
        patch.setattr(placing, "put_tracks", None)
        preparing.go_on(tracked, seconds=10)
    assert board() == board("small") == [(1, "Rivals", 0.3), (2, "Sorters", 0.8)]
    assert board("small", "private")[0][1] == "Rivals"


def test_a_rescore_previews_each_track(
    tracked: Competition,
    team: Team,
    rivals: Team,
    scored: Callable[..., Submission],
    organizer: User,
) -> None:
    scored(team, seed=1, quality_public=0.8, time_ratio=0.8)
    scored(rivals, seed=2, quality_public=0.79, time_ratio=0.4)
    Submission.objects.update(parameters=50)
    placing.place(team, rivals)
    small = board("small")
    tracked.refresh_from_db()
    rescore = Rescore(competition=tracked, time_weight=0.0, k=20.0, min_quality=0.0, why="Time.")
    rescoring.propose(rescore=rescore, by=organizer)
    panel = Client()
    panel.force_login(organizer)
    asked = panel.get(
        reverse("admin:leaderboard_rescore_apply", args=[rescore.pk])
    ).content.decode()
    assert "Teams: 2. Gain ranks: 1. Lose ranks: 1." in asked
    with CaptureQueriesContext(connection) as few:
        moves.of_tracks(rescore, ["small"])
    with CaptureQueriesContext(connection) as many:
        moves.of_tracks(rescore, ["", "small", "student"])
    assert len(many) == len(few)
    for _ in range(2):  # as a preview, and as it is kept
        told = [
            (one.pair.team, one.rank_before, one.rank_after) for one in moves.of(rescore, "small")
        ]
        assert told == [("Sorters", 2, 1), ("Rivals", 1, 2)]
        assert moves.of(rescore, "student") == []
        page = panel.get(f"/admin/leaderboard/rescore/{rescore.pk}/change/?track=small")
        assert "How the board of Small changes" in page.content.decode()
        assert 'href="?track=small&amp;sort=moves"' in page.content.decode()
        assert board("small") == small
        if rescore.state == Rescore.State.PREVIEW:
            rescoring.apply(rescore=rescore, by=organizer)
            small = [(1, "Sorters", 0.8), (2, "Rivals", 0.4)]


def test_tracks_are_added_renamed_and_removed_while_a_competition_runs(
    tracked: Competition,
    team: Team,
    rivals: Team,
    scored: Callable[..., Submission],
    organizer: User,
    owner: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preparing, "BATCH", 1)
    monkeypatch.setattr(preparing, "AT_ONCE", -1)
    scored(team, seed=1, time_ratio=0.5)
    scored(rivals, seed=2, time_ratio=0.4)
    declarations.declare(team=team, track="student", by=owner)
    panel, reader = Client(), Client()
    panel.force_login(organizer)
    url = reverse("admin:leaderboard_competition_change", args=[tracked.pk])
    tracked.refresh_from_db()
    rows: list[dict[str, Any]] = [
        {"slug": "small", "name": "Tiny", "name_ko": "작은 모델", "kind": "declared"},
        {"slug": "student", "name": "Students"},
        {"kind": "max_bytes", "max_bytes": 10**9, "name": "Files"},
    ]
    many = {"tracks-TOTAL_FORMS": 8, "tracks-INITIAL_FORMS": 2}
    sent = {f"tracks-{n}-{key}": value for n, one in enumerate(rows) for key, value in one.items()}
    answer = panel.post(url, filled(panel, url, **many | sent), follow=True)
    told = " ".join(str(one) for one in answer.context["messages"])
    assert "2 of 2 teams have an upload for a new track" in told
    assert "Tiny%2C+Students%2C+Files" in told, "what is announced are the tracks to come"
    assert "The new tracks apply as soon as" in told
    assert "tracks: 1 of 2 teams are prepared" in answer.content.decode()
    # Until then the pages say so.
    place = "/competitions/waste/boards/public/"
    assert "The boards of new tracks are being prepared." in reader.get(place).content.decode()
    unknown = reader.get(f"{API}/competitions/waste/boards/public?track=files").json()
    assert unknown["code"] == "track_in_preparation"
    assert reader.get(f"{place}?track=files").status_code == 404
    scored(rivals, seed=3, time_ratio=0.3)
    preparing.go_on_all(seconds=10)
    assert board("files") == [(1, "Rivals", 0.3), (2, "Sorters", 0.5)]
    tracked.refresh_from_db()
    small = {"slug": "small", "name": "Tiny", "names": {"ko": "작은 모델"}, "max_parameters": 100}
    assert tracked.tracks[0] == small, "conditions are fixed"
    page = reader.get(place, headers={"accept-language": "ko"}).content.decode()
    assert "작은 모델" in page
    assert "being prepared" not in reader.get(place).content.decode()
    # A track is removed with a reason, which everybody reads.
    remove = reverse("admin:leaderboard_competition_remove_track", args=[tracked.pk])
    assert "This field is required" in panel.post(remove, {"track": "student"}).content.decode()
    panel.post(remove, {"track": "student", "reason": "Nobody studies."}, follow=True)
    assert reader.get(f"{place}?track=student").status_code == 404
    assert not Entry.objects.filter(board__endswith=".student").exists()
    assert not Declaration.objects.exists()
    news = reader.get("/competitions/waste/announcements/").content.decode()
    assert "The track Students is removed" in news
    assert "Nobody studies." in news
    removal = AuditEntry.objects.get(act="track_removed")
    assert (removal.why, removal.before["slug"]) == ("Nobody studies.", "student")
    with pytest.raises(Refused, match="no track called student"):
        track_removals.remove(competition=tracked, track="student", reason="x", by=organizer)
    with pytest.raises(NotAllowed):
        track_removals.remove(competition=tracked, track="small", reason="x", by=owner)
