"""Models of the organizers: measured like uploads, at their place on the boards, without a rank."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from leaderboard.errors import BadModel, Conflict, NameTaken, NotFound, Refused
from leaderboard.models import (
    AuditEntry,
    Baseline,
    Competition,
    Entry,
    Evaluation,
    Happening,
    Rescore,
    Submission,
    Team,
    User,
)
from leaderboard.services import (
    baseline_files,
    baselines,
    drafts,
    jobs,
    rankings,
    recording,
    references,
    rescoring,
    running,
    sweeping,
    turns,
)
from tests.leaderboard.admin.conftest import panel, press
from tests.leaderboard.conftest import failure, finish, report

__all__ = ["panel", "press"]
pytestmark = pytest.mark.django_db
API = "/api/v2/competitions/waste"
BOARD = f"{API}/boards/public"
Made = Callable[..., Baseline]


@pytest.fixture
def board(team: Team, rivals: Team, scored: Callable[..., Submission]) -> Competition:
    """Two ranked teams, with room between them: scores of about 0.52 and 1.22."""
    scored(team, seed=1, quality_public=0.75, time_ratio=0.5)
    scored(rivals, seed=2, quality_public=0.7, time_ratio=1.2)
    return team.competition


def add(competition: Competition, by: User, file: bytes, name: str = "MobileNetV3") -> Baseline:
    upload = ContentFile(file, name="model.pt")
    return baseline_files.add(
        competition=competition, upload=upload, name=name, is_released=False, by=by
    )


def names(competition: Competition) -> list[str]:
    return [one.name for one in baselines.scored(competition, "public")]


def read(path: str) -> str:
    answer = Client().get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_an_organizer_adds_one_and_a_worker_measures_it(
    board: Competition, press: Any, make_model: Callable[..., bytes], django_assert_num_queries: Any
) -> None:
    told = Happening.objects.count()
    file = SimpleUploadedFile("mobile.pt", make_model(seed=70))
    press(board, "add_baseline", upload=file, name="MobileNetV3, ImageNet weights")
    waiting = board.baselines.get().evaluations.get()
    assert (waiting.kind, waiting.team, turns.position(waiting)) == ("baseline", None, 1)
    job = jobs.for_evaluation(waiting)
    assert job.submission
    assert job.submission != job.reference
    assert job.pace, "it is read at the pace of the calibration"
    assert names(board) == []
    finish(waiting, report(quality_public=0.72, time_ratio=0.6))
    assert names(board) == ["MobileNetV3, ImageNet weights"]
    assert Happening.objects.count() == told, "nobody is told"
    assert not Entry.objects.exclude(team__name__in=["Sorters", "Rivals"]).exists()
    assert len(rankings.Standing(board, "public")) == 2
    with django_assert_num_queries(1):
        board.refresh_from_db()
    baselines.reference_of(board, "public")
    with django_assert_num_queries(1):
        assert len(baselines.lines_of(board, "public").every) == 2


def test_each_door_shows_it_at_its_place(board: Competition, baseline: Made) -> None:
    made = baseline("MobileNetV3", quality_public=0.72, quality_private=0.61234, time_ratio=0.6)
    body = Client().get(BOARD).json()
    (told,) = body["baselines"]
    assert (body["count"], [row["rank"] for row in body["results"]]) == (2, [1, 2])
    assert {one: told[one] for one in ("id", "name", "quality", "time_ratio", "is_ranked")} == {
        "id": made.pk,
        "name": "MobileNetV3",
        "quality": 0.72,
        "time_ratio": 0.6,
        "is_ranked": True,
    }
    table = list(csv.DictReader(io.StringIO(stream(f"{BOARD}.csv").decode("utf-8-sig"))))
    assert [(row["rank"], row["team"], row["kind"]) for row in table] == [
        ("1", "Sorters", "team"),
        ("", "MobileNetV3", "baseline"),
        ("2", "Rivals", "team"),
    ]
    assert table[1]["format"] == "torchscript"
    searched = stream(f"{BOARD}.csv?q=sort").decode("utf-8-sig")
    assert "MobileNetV3" not in searched, "a search is for teams"
    page = read("/competitions/waste/boards/public/")
    table_of = page[page.index("<tbody") :]
    order = [table_of.index(one) for one in ("Sorters", "MobileNetV3", "ResNet18-D", "Rivals")]
    assert order == sorted(order)
    assert page.count('class="plot-baseline"') == 1
    assert f"/competitions/waste/baselines/{made.pk}/" in page
    frame = read("/competitions/waste/boards/public/embed/")
    assert frame.index("Sorters") < frame.index("MobileNetV3") < frame.index("Rivals")
    own = read(f"/competitions/waste/baselines/{made.pk}/")
    detail = Client().get(f"{API}/baselines/{made.pk}").json()
    assert detail["f1_by_class"] == {"Metal": 0.72, "Paper": 0.72, "Plastic": 0.72}
    assert "0.7200" in own
    for shown in (own, page, frame, str(detail), str(body)):
        assert "0.6123" not in shown, "the private split stays hidden"


def stream(path: str) -> bytes:
    return b"".join(Client().get(path))


def test_on_many_pages_it_stands_on_one(
    board: Competition, baseline: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leaderboard.web.boards.PAGE", 1)
    baseline("First", seed=71, quality_public=0.9, time_ratio=0.1)
    baseline("Middle", seed=72, quality_public=0.72, time_ratio=0.6)
    baseline("Last", seed=73, quality_public=0.5, time_ratio=2.0)
    shown = [read(f"/competitions/waste/boards/public/?page={page}") for page in (1, 2)]
    rows = [page[page.index("<tbody") : page.index("</tbody")] for page in shown]
    assert ["First" in row for row in rows] == [True, False]
    assert ["Middle" in row for row in rows] == [False, True]
    assert ["Last" in row for row in rows] == [False, True]


def test_below_the_gate_it_stands_after_all_ranks(board: Competition, baseline: Made) -> None:
    Competition.objects.filter(pk=board.pk).update(min_quality=0.4)
    baseline("Guess", quality_public=0.3, time_ratio=0.01)
    board.refresh_from_db()
    (line,) = baselines.scored(board, "public")
    assert not line.is_ranked
    table = list(csv.DictReader(io.StringIO(stream(f"{BOARD}.csv").decode("utf-8-sig"))))
    assert [row["team"] for row in table] == ["Sorters", "Rivals", "Guess"]
    assert "below the gate" in read("/competitions/waste/boards/public/")


def test_it_is_renamed_handed_out_replaced_measured_again_and_removed(
    board: Competition,
    baseline: Made,
    panel: Client,
    press: Any,
    make_model: Callable[..., bytes],
    settings: Any,
) -> None:
    made = baseline("MobileNet", quality_public=0.72, time_ratio=0.6)
    file = f"{API}/baselines/{made.pk}/file"
    assert Client().get(file).json()["code"] == "baseline_not_released"
    change = reverse("admin:leaderboard_baseline_change", args=[made.pk])
    assert "Scored" in panel.get(reverse("admin:leaderboard_baseline_changelist")).content.decode()
    assert "0.7200 / 0.6800" in panel.get(change).content.decode()
    panel.post(change, {"name": "MobileNet, small", "is_released": "on"})
    assert "MobileNet, small" in read("/competitions/waste/boards/public/")
    assert stream(file) == make_model(seed=70)
    press(made, "replace", upload=SimpleUploadedFile("other.pt", make_model(seed=71)))
    assert "MobileNet, small" not in read("/competitions/waste/boards/public/")
    finish(made.evaluations.get(), failure())
    press(made, "measure")
    again = made.evaluations.get(state="queued")
    finish(again, report(quality_public=0.71))
    measured = panel.get(f"/evaluations/{again.pk}/measurement/").content.decode()
    assert "of the baseline MobileNet, small" in " ".join(measured.split())
    assert Client().get(BOARD).json()["baselines"][0]["quality"] == 0.71
    made.refresh_from_db()
    stored = settings.FILES_DIR / str(made.file)
    assert stored.is_file()
    press(made, "remove")
    assert not Baseline.objects.exists()
    assert not Evaluation.objects.filter(kind="baseline").exists()
    assert Client().get(BOARD).json()["baselines"] == []
    acts = AuditEntry.objects.filter(act__startswith="baseline").order_by("pk")
    assert list(acts.values_list("act", flat=True)) == [
        "baseline_added",
        "baseline_edited",
        "baseline_replaced",
        "baseline_measured",
        "baseline_removed",
    ]


def test_a_file_that_comes_late_undoes_no_other_change(
    board: Competition, organizer: User, baseline: Made, make_model: Callable[..., bytes]
) -> None:
    made = baseline("MobileNet")
    Baseline.objects.update(is_released=True)
    made.refresh_from_db()
    Baseline.objects.update(is_released=False, name="Renamed")  # by somebody else
    upload = ContentFile(make_model(seed=71), name="other.pt")
    baseline_files.replace(baseline=made, upload=upload, by=organizer)
    row = board.baselines.get()
    assert (row.name, row.is_released, row.sha256) == ("Renamed", False, made.sha256)
    row.delete()
    with pytest.raises(NotFound):
        baseline_files.replace(
            baseline=made, upload=ContentFile(make_model(seed=72), name="m.pt"), by=organizer
        )
    assert not board.baselines.exists()


def test_what_is_refused(
    board: Competition, organizer: User, outsider: User, make_model: Callable[..., bytes]
) -> None:
    add(board, organizer, make_model(seed=1), "Net 0")
    with pytest.raises(NameTaken):
        add(board, organizer, make_model(seed=2), "Net  0")
    with pytest.raises(Refused):
        add(board, outsider, make_model(seed=2), "Mine")
    with pytest.raises(BadModel):
        add(board, organizer, b"no model", "No model")
    row = board.baselines.get()
    with pytest.raises(Conflict):
        baseline_files.measure_again(baseline=row, by=organizer)  # it waits already
    for number in range(1, baselines.MOST):
        row.pk, row.name = None, f"Net {number}"
        row.save()
    with pytest.raises(Conflict) as refusal:
        add(board, organizer, make_model(seed=2), "One more")
    assert refusal.value.code == "too_many_baselines"


def test_a_draft_measures_them_after_each_calibration(
    draft: Competition, organizer: User, make_model: Callable[..., bytes]
) -> None:
    made = add(draft, organizer, make_model(seed=1))
    assert baseline_files.latest(made) is None
    for count in (1, 2):
        references.set_reference(
            competition=draft,
            upload=ContentFile(make_model(seed=1000 + count), name="reference.pt"),
            name="ResNet18-D",
            by=organizer,
        )
        assert not made.evaluations.unfinished().exists(), "of a reference that is gone"
        finish(references.calibrate(competition=draft, by=organizer), report())
        assert made.evaluations.count() == count
        draft.refresh_from_db()
        assert names(draft) == []
        queued = made.evaluations.get(state="queued")
        finish(queued, report(quality_public=0.72))
        assert names(draft) == ["MobileNetV3"]
    copy = drafts.clone(competition=draft, slug="copy", title="Copy", by=organizer)
    assert copy.baselines.get().sha256 == made.sha256
    drafts.delete(competition=copy, with_dataset=False, by=organizer)
    drafts.delete(competition=draft, with_dataset=False, by=organizer)
    assert not Baseline.objects.exists()


def test_a_new_formula_scores_them_anew_and_measuring_again_measures_them(
    board: Competition, baseline: Made, organizer: User
) -> None:
    made = baseline("MobileNetV3", quality_public=0.72, time_ratio=0.6)
    (before,) = baselines.scored(board, "public")
    fields = {"time_weight": 1.0, "k": board.k, "min_quality": 0.0}
    rescore = Rescore(competition=board, why="Time counts more.", **fields)
    rescoring.apply(rescore=rescoring.propose(rescore=rescore, by=organizer), by=organizer)
    board.refresh_from_db()
    (after,) = baselines.scored(board, "public")
    assert after.score == pytest.approx(before.score + 0.3)
    again = rescoring.measure_again(
        rescore=Rescore(competition=board, why="Another protocol."), by=organizer
    )
    take(board)
    sweeping.sweep()
    while Evaluation.every.filter(state="queued").exists():
        take(board)
    sweeping.sweep()
    again.refresh_from_db()
    rescoring.apply(rescore=again, by=organizer)
    board.refresh_from_db()
    assert names(board) == [], "its figures are by earlier terms"
    again_measured = Evaluation.every.filter(rescore=again, state="scored")
    assert set(again_measured.values_list("kind", flat=True)) == {"calibration", "submission"}
    queued = made.evaluations.get(state="queued")
    assert queued.rescore == again
    finish(queued, report(quality_public=0.71, time_ratio=0.6))
    assert names(board) == ["MobileNetV3"]


def take(competition: Competition) -> None:
    claimed = running.claim(competition.profile)
    assert claimed
    recording.record(claimed, report())


def test_a_blind_competition_tells_nothing_of_them(board: Competition, baseline: Made) -> None:
    made = baseline("MobileNetV3")
    Competition.objects.filter(pk=board.pk).update(is_blind=True)
    Baseline.objects.update(is_released=True)
    assert Client().get(f"{API}/baselines/{made.pk}/file").json()["code"] == "scores_hidden"
    assert Client().get(f"/competitions/waste/baselines/{made.pk}/").status_code == 404
    assert Client().get(f"{API}/baselines/{made.pk}").json()["code"] == "scores_hidden"
