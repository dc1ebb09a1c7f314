"""A sentence stands on a page only while it is true. Nothing that was typed is lost."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from leaderboard.models import Competition, Evaluation, Submission, Team, User
from leaderboard.services import competitions, running, teams
from leaderboard.web import plots
from leaderboard.web import submissions as pages
from scoring import formula
from scoring.stages import STAGES
from tests.leaderboard.conftest import finish, report
from tests.leaderboard.web.conftest import text

pytestmark = pytest.mark.django_db
Scored = Callable[..., Submission]


@pytest.fixture
def closed(competition: Competition, organizer: User) -> Competition:
    competitions.close(competition=competition, by=organizer)
    return competition


def test_what_is_said_of_an_upload_is_still_true_when_it_is_scored(
    send: Any, team: Team, owner: User, model: bytes
) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    page = "/competitions/waste/submit/"
    said = text(send(owner, page, file=SimpleUploadedFile("model.pt", model)))
    assert "Your model has arrived." in said
    assert "stands in the queue" not in said


def test_a_finished_page_does_not_say_that_the_model_has_arrived(
    see: Any, send: Any, team: Team, owner: User, model: bytes
) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    send(owner, "/competitions/waste/submit/", file=SimpleUploadedFile("model.pt", model))
    submission = Submission.objects.get()
    finish(submission.latest_evaluation, report())
    assert "Your model has arrived." not in text(see(owner, submission.get_absolute_url()))


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_is_told_in_plain_words(
    see: Any, team: Team, owner: User, submit: Scored, stage: str
) -> None:
    submission = submit(team)
    claimed = running.claim(submission.latest_evaluation.profile)
    claimed.note(stage=stage)
    said = text(see(owner, submission.get_absolute_url()))
    words = Evaluation(state="running", stage=stage).doing
    assert words not in ("", "starting", stage)
    assert words.capitalize() in said
    assert f"Running: {stage}" not in said


def test_too_many_ticks_are_refused_and_stay_ticked(
    see: Any, send: Any, team: Team, owner: User, scored: Scored
) -> None:
    sent = [scored(team, seed) for seed in range(3)]
    page = "/competitions/waste/submissions/"
    answer = send(owner, page, selected=[one.pk for one in sent])
    said = text(answer)
    assert "Select at most 2 submissions. You selected 3." in said
    assert said.count(" checked") == 3
    assert not Submission.objects.exclude(selected_at=None).exists()


def test_finals_are_selected_across_pages(
    see: Any,
    send: Any,
    team: Team,
    owner: User,
    scored: Scored,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pages, "PAGE", 2)
    oldest, second, third, fourth, newest = [scored(team, seed) for seed in range(5)]
    page = "/competitions/waste/submissions/"

    def boxes(html: str) -> dict[int, bool]:
        found = re.findall(r'name="selected" value="(\d+)"[^>]*?( checked)?>', html)
        return {int(key): bool(checked) for key, checked in found}

    def selected() -> set[int]:
        return set(Submission.objects.exclude(selected_at=None).values_list("pk", flat=True))

    assert boxes(text(see(owner, page))) == {newest.pk: False, fourth.pk: False}
    last = f"{page}?page=3"
    assert boxes(text(see(owner, last))) == {oldest.pk: False}
    assert "page=2" in text(see(owner, last))
    answer = send(owner, last, selected=[oldest.pk])
    assert boxes(text(answer)) == {oldest.pk: True}, "one stays on the page where one saved"
    first = text(see(owner, page))
    assert "Selected on other pages" in first
    assert boxes(first) == {oldest.pk: True, newest.pk: False, fourth.pk: False}

    send(owner, page, selected=[oldest.pk, newest.pk])
    assert selected() == {oldest.pk, newest.pk}
    middle = text(see(owner, f"{page}?page=2"))
    assert boxes(middle) == {newest.pk: True, oldest.pk: True, third.pk: False, second.pk: False}
    answer = send(owner, f"{page}?page=2", selected=[oldest.pk, newest.pk, third.pk])
    assert "Select at most 2 submissions. You selected 3." in text(answer)
    assert boxes(text(answer)) == boxes(middle) | {third.pk: True}
    send(owner, f"{page}?page=2", selected=[third.pk])
    assert selected() == {third.pk}

    Submission.objects.filter(pk=third.pk).update(disqualified_at=timezone.now())
    said = text(see(owner, page))
    assert "Nothing is selected" in said
    assert boxes(said) == {newest.pk: False, fourth.pk: False}
    for strange in ("0", "-1", "x", "\u00b2", "9" * 30, "9" * 5000):
        assert see(owner, f"{page}?page={strange}").status_code == 200


def test_uploads_left_are_told_only_while_there_are_uploads(
    see: Any, team: Team, owner: User, competition: Competition, organizer: User
) -> None:
    pages = ("/competitions/waste/submit/", "/competitions/waste/submissions/")
    assert all("left today" in text(see(owner, page)) for page in pages)
    competitions.close(competition=competition, by=organizer)
    assert not any("left today" in text(see(owner, page)) for page in pages)


def test_an_empty_board_promises_nothing_once_it_is_over(
    see: Any, closed: Competition, organizer: User
) -> None:
    assert "as soon as" not in text(see(None, "/competitions/waste/boards/public/"))
    competitions.publish(competition=closed, by=organizer)
    for board in ("public", "private"):
        said = text(see(None, f"/competitions/waste/boards/{board}/"))
        assert "as soon as" not in said
        assert "The competition is over" in said


def test_the_tab_of_the_private_board_leads_to_a_page(see: Any, competition: Competition) -> None:
    page = see(None, "/competitions/waste/boards/private/")
    assert page.status_code == 200
    assert "not published yet" in text(page)


def test_one_slow_team_among_few_leaves_the_others_their_room() -> None:
    usual = [0.1, 0.2, 0.4, 0.5, 1.0, 1.3]
    x = plots.across([*usual, 26.0])
    assert x.at(1.3) - x.at(0.1) > 100
    assert x.holds(26.0)
    assert not plots.across(usual).is_log


@pytest.mark.parametrize("k", [0.5, 20.0, 300.0])
@pytest.mark.parametrize("time_weight", [0.0, 0.5, 5.0])
def test_lines_of_equal_score_have_no_kinks(
    competition: Competition, k: float, time_weight: float
) -> None:
    """No two places of a line are further apart than a step of the plot, on each axis."""
    competition.k, competition.time_weight = k, time_weight
    for x in (plots.across([0.1, 3.0]), plots.across([*[0.1] * 99, 3.0])):
        y = plots.upward([0.3, 1.0])
        for contour in plots.contours(competition, x, y, []):
            places = [one.split() for one in contour.path[1:].split("L")]
            line = [(float(across), float(up)) for across, up in places]
            for before, after in itertools.pairwise(line):
                assert 0 <= after[0] - before[0] <= 4.1
                assert 0 <= before[1] - after[1] <= 4.1
            across, up = line[len(line) // 2]
            score = formula.score(
                y.value(up), x.value(across), quality_ref=0.7, k=k, time_weight=time_weight
            ).total
            pixel = abs(y.value(up) - y.value(up + 0.1)) * k + time_weight * 0.1
            if contour.label:  # where teams stand close together there is no room for it
                assert math.isclose(score, float(contour.label), abs_tol=pixel)


def test_a_member_is_not_asked_to_join(
    see: Any, team: Team, rivals: Team, owner: User, rival: User, outsider: User
) -> None:
    code = teams.invite(team=team, by=owner).code
    assert "Join as outsider" in text(see(outsider, f"/invitations/{code}/"))
    for member, said in (
        (owner, "You are already a member of this team."),
        (rival, "You are a member of Rivals."),
    ):
        page = text(see(member, f"/invitations/{code}/"))
        assert said in page
        assert "Join as" not in page


def test_a_finished_competition_invites_nobody(
    see: Any, send: Any, team: Team, owner: User, closed: Competition, organizer: User
) -> None:
    competitions.publish(competition=closed, by=organizer)
    page = text(see(owner, "/competitions/waste/team/"))
    assert "New invitation link" not in page
    assert "Teams can no longer change." in page
    send(owner, reverse("invite", args=["waste"]))
    assert not teams.open_invitations(team).exists()


def test_a_site_without_mail_promises_none(see: Any) -> None:
    page = text(see(None, "/accounts/password/reset/"))
    assert "This site sends no mail" in page
    assert "<form method" not in page.split("<main")[1].split("</main>")[0]


def test_the_overview_of_a_finished_competition_leads_to_the_final_ranking(
    see: Any, scored: Scored, team: Team, organizer: User, competition: Competition
) -> None:
    scored(team)
    competitions.close(competition=competition, by=organizer)
    assert "boards/public/" in text(see(None, "/competitions/waste/")).split("leaders")[1]
    competitions.publish(competition=competition, by=organizer)
    page = text(see(None, "/competitions/waste/"))
    assert "The final ranking" in page
    assert "boards/private/" in page.split("leaders")[1]


def test_the_overview_tells_how_to_take_part_while_one_can(
    see: Any, organizer: User, competition: Competition
) -> None:
    page = re.sub(r"</?span[^>]*>", "", text(see(None, "/competitions/waste/")))
    steps = ("Download the kit", "python -m scoring try", "Take part")
    places = [page.index(step, page.index("How to take part")) for step in steps]
    assert places == sorted(places)
    competitions.close(competition=competition, by=organizer)
    assert "How to take part" not in text(see(None, "/competitions/waste/"))


def test_competitions_that_take_uploads_stand_first(see: Any, competition: Competition) -> None:
    for title, state in (("Over", "published"), ("Closed", "closed"), ("Paused", "paused")):
        competition.pk, competition.slug = None, title.lower()
        competition.title, competition.state = title, state
        competition.save()
    page = text(see(None, "/"))
    titles = ("Waste sorting", "Paused", "Closed", "Over")
    places = [page.index(f"{title}</a>") for title in titles]
    assert places == sorted(places)
