"""Every address for everybody, and nothing hidden in any answer before publication."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from leaderboard.models import Baseline, Competition, Evaluation, Submission, Team, User
from leaderboard.services import (
    competitions,
    rankings,
    telling,
)
from scoring.sentences import say
from tests.leaderboard.api.conftest import API, ask, client_of, rows_of
from tests.leaderboard.conftest import (
    ANSWERED,
    SAID,
    WEAK,
    plant_answers,
    rewrite,
    shapes_of,
    told,
)

pytestmark = pytest.mark.django_db

# Marks that are planted in the private figures, in the models' answers and in the organizers'
# texts. All answers are searched for them.
HIDDEN = ("0.6123", "1.1024", "7654321", "4141414", "LEAK", "image-17", *shapes_of(ANSWERED))

# the request, then its status for: anonymous, outsider, rival, member, organizer
TABLE = """
GET    /me                                    401 200 200 200 200
GET    /tokens                                401 200 200 200 200
DELETE /tokens/{token}                        401 404 404 204 404
POST   /device                                201 201 201 201 201
POST   /device/token                          400 400 400 400 400
GET    /notices                               401 200 200 200 200
GET    /notices/choices                       401 200 200 200 200
PUT    /notices/choices                       401 200 200 200 200
POST   /notices/read                          401 204 204 204 204
POST   /notices/{notice}/read                 401 404 404 204 404
GET    /competitions                          200 200 200 200 200
GET    /competitions/waste                    200 200 200 200 200
GET    /competitions/draft                    404 404 404 404 404
GET    /competitions/waste/announcements      200 200 200 200 200
GET    /competitions/draft/announcements      404 404 404 404 404
GET    /competitions/waste/questions          200 200 200 200 200
POST   /competitions/waste/questions          401 201 201 201 201
GET    /competitions/draft/questions          404 404 404 404 404
GET    /competitions/waste/faq                200 200 200 200 200
GET    /competitions/draft/faq                404 404 404 404 404
GET    /competitions/waste/sample             200 200 200 200 200
GET    /competitions/waste/reference          404 404 404 404 404
GET    /competitions/waste/baselines/{baseline} 200 200 200 200 200
GET    /competitions/waste/baselines/{missing}/file 404 404 404 404 404
GET    /competitions/draft/baselines/{baseline} 404 404 404 404 404
GET    /competitions/waste/kit                200 200 200 200 200
GET    /competitions/draft/kit                404 404 404 404 404
GET    /competitions/waste/boards/public      200 200 200 200 200
GET    /competitions/waste/boards/public.csv  200 200 200 200 200
GET    /competitions/waste/boards/private     404 404 404 404 404
GET    /competitions/waste/boards/private.csv 404 404 404 404 404
GET    /competitions/draft/boards/public      404 404 404 404 404
GET    /competitions/waste/race               200 200 200 200 200
GET    /competitions/draft/race               404 404 404 404 404
GET    /competitions/waste/teams/{team}       200 200 200 200 200
GET    /competitions/draft/teams/{team}       404 404 404 404 404
GET    /competitions/waste/snapshot           404 404 404 404 404
GET    /competitions/waste/exports/submissions.csv 401 403 403 403 200
GET    /competitions/waste/exports/measurements.json 401 403 403 403 200
GET    /competitions/waste/exports/nothing.csv 401 403 403 403 404
POST   /competitions/waste/submissions        401 403 400 400 403
POST   /competitions/waste/trials             401 403 400 400 403
GET    /trials/{trial}                        401 404 404 200 404
GET    /competitions/waste/uploads            401 403 200 200 403
POST   /competitions/waste/uploads            401 403 201 201 403
GET    /uploads/{upload}                      401 404 404 200 404
PATCH  /uploads/{upload}                      401 404 404 415 404
DELETE /uploads/{upload}                      401 404 404 204 404
POST   /uploads/{upload}/parts                401 404 404 400 404
POST   /uploads/{upload}/submission           401 404 404 409 404
POST   /uploads/{upload}/trial                401 404 404 409 404
POST   /competitions/waste/teams              401 201 409 409 201
POST   /competitions/draft/teams              401 404 404 404 404
GET    /competitions/waste/admission          401 200 200 200 200
PUT    /competitions/waste/application        401 409 409 409 409
POST   /competitions/waste/invitation         401 404 404 404 404
GET    /submissions                           401 200 200 200 200
GET    /submissions/{submission}              401 404 404 200 200
GET    /submissions/{submission}?wait=1       401 404 404 200 200
PATCH  /submissions/{submission}              401 404 404 200 403
GET    /submissions/{submission}/measurement  401 404 404 200 200
GET    /submissions/{submission}/file         401 404 404 200 403
POST   /submissions/{submission}/withdraw     401 404 404 200 403
GET    /teams                                 401 200 200 200 200
GET    /teams/{team}                          401 404 404 200 200
PATCH  /teams/{team}                          401 404 404 200 403
PUT    /teams/{team}/captain                  401 404 404 200 403
DELETE /teams/{team}/members/{member}         401 404 404 204 403
GET    /teams/{team}/invitations              401 404 404 200 403
POST   /teams/{team}/invitations              401 404 404 201 403
DELETE /teams/{team}/invitations/{invitation} 401 404 404 204 403
GET    /teams/{team}/merges                   401 404 404 200 403
POST   /teams/{team}/merges                   401 404 404 201 403
DELETE /teams/{team}/merges/{offer}           401 404 404 204 403
POST   /teams/{team}/merges/{offer}/accept    401 404 404 200 403
POST   /teams/{team}/leave                    401 404 404 204 403
POST   /teams/join                            401 200 409 409 200
GET    /teams/{team}/webhooks                 401 404 404 200 403
POST   /teams/{team}/webhooks                 401 404 404 201 403
DELETE /teams/{team}/webhooks/{webhook}       401 404 404 204 403
POST   /teams/{team}/webhooks/{webhook}/ping  401 404 404 201 403
POST   /teams/{team}/webhooks/{webhook}/resume 401 404 404 204 403
GET    /teams/{team}/webhooks/{webhook}/deliveries 401 404 404 200 403
POST   /teams/{team}/webhooks/{webhook}/deliveries/{delivery}/redeliver 401 404 404 204 403
GET    /teams/{team}/tracks                   401 404 404 200 403
PUT    /teams/{team}/tracks/{track}           401 404 404 404 403
DELETE /teams/{team}/tracks/{track}           401 404 404 204 403
GET    /teams/{team}/verification             401 404 404 200 403
POST   /teams/{team}/verification             401 404 404 200 403
POST   /teams/{team}/verification/withdraw    401 404 404 200 403
GET    /teams/{team}/selections               401 404 404 200 200
PUT    /teams/{team}/selections               401 404 404 200 403
GET    /schema                                200 200 200 200 200
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]


@pytest.fixture
def planted(
    team: Team,
    owner: User,
    outsider: User,
    rivals: Team,
    scored: Callable[..., Submission],
    baseline: Callable[..., Baseline],
) -> Submission:
    """A scored submission whose private figures and inner texts are easy to recognise."""
    submission = scored(team, quality_public=0.75, quality_private=0.6123, time_ratio=0.5)
    baseline("MobileNetV3", quality_public=0.75, quality_private=0.6123, time_ratio=0.5)
    evaluation = submission.evaluation
    found = told(evaluation)
    found["splits"]["private"].update(images=7654321, accuracy=0.4141414)
    found["splits"]["public"]["confusion"] = [[7654321]]
    found["stages"]["image-17"] = 1.0
    evaluation.error_code, evaluation.error_said = "LEAK", [say("LEAK").to_json()]
    evaluation.save()
    rewrite(evaluation, found)
    assert str(evaluation.score_private)[:6] in HIDDEN
    plant_answers(evaluation)
    telling.go_on(seconds=60)
    competition = submission.competition
    Competition.objects.create(slug="draft", title="LEAK", profile=competition.profile)
    for split in competition.dataset.splits.exclude(name="sample"):
        split.archive.name = f"LEAK/{split.archive.name}"
        split.save()
    return submission


@pytest.fixture
def everybody(
    planted: Submission, outsider: User, rival: User, owner: User, organizer: User
) -> list[APIClient]:
    return [client_of(user) for user in (None, outsider, rival, owner, organizer)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def test_before_publication(
    planted: Submission, everybody: list[APIClient], owner: User, row: list[str]
) -> None:
    method, path, *expected = row
    names = rows_of(planted, owner)
    baseline = planted.competition.baselines.get()
    names |= {"baseline": baseline.pk, "missing": baseline.pk}  # its file is not handed out
    if "verification" in path:
        ask(planted.team)
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "9999", "Upload-Offset": "0"}
    sent = {"name": "New", "username": "teammate", "submissions": [], "note": "New"}
    sent |= {"answers": ["New"], "team": "Others"}
    sent |= {"text": "How many images?", "on_pages": ["scored"], "by_mail": []}
    sent |= {"url": "https://x.example", "events": ["scored"], "link": "https://git.example"}
    found = []
    for client in everybody:
        with transaction.atomic():
            answer = getattr(client, method.lower())(
                API + path.format(**names),
                {} if method == "GET" else sent | {"code": names["code"]},
                format="json" if method in ("PUT", "PATCH") else None,
                headers=tus,
            )
            transaction.set_rollback(True)
        found.append(str(answer.status_code))
        body = answer.getvalue().decode("latin-1")
        if "/exports/" not in path or client != everybody[-1]:  # organizers export private figures
            assert not [secret for secret in HIDDEN if secret in body]
    assert found == expected


def test_after_publication_teams_see_their_own_private_figures_and_all_the_board(
    planted: Submission, everybody: list[APIClient], organizer: User
) -> None:
    competitions.close(competition=planted.competition, by=organizer)
    competitions.publish(competition=planted.competition, by=organizer)
    for path in ("", ".csv"):
        for client in everybody:
            board = client.get(f"{API}/competitions/waste/boards/private{path}").getvalue()
            assert b"0.6123" in board
    shown = [
        client.get(f"{API}/submissions/{planted.pk}").getvalue().decode() for client in everybody
    ]
    assert ["0.6123" in body for body in shown] == [False, False, False, True, True]
    # The board is open now. Organizers' texts stay hidden, and the models' answers are for nobody.
    kept_back = ("7654321", "LEAK", "image-17", *shapes_of(ANSWERED))
    assert not [one for body in shown for one in kept_back if one in body]


@pytest.mark.parametrize("state", ["queued", "running", "error", "failed"])
def test_no_state_shows_what_organizers_are_told(
    planted: Submission, everybody: list[APIClient], state: str
) -> None:
    Evaluation.objects.filter(submission=planted).update(
        state=state, failure_code="crashed", failure_said=[say("It crashed.").to_json()]
    )
    for client in everybody:
        for path in (f"submissions/{planted.pk}", "submissions"):
            body = client.get(f"{API}/{path}").getvalue().decode()
            assert not [secret for secret in HIDDEN if secret in body]


def test_a_dry_run_and_isolation_are_for_the_team_and_organizers(
    planted: Submission, everybody: list[APIClient]
) -> None:
    Evaluation.objects.filter(submission=planted).update(isolation=WEAK.to_json())
    told = []
    for client in everybody:
        body = "".join(
            client.get(f"{API}/{path}").getvalue().decode()
            for path in (
                f"submissions/{planted.pk}",
                "submissions",
                f"teams/{planted.team_id}",
                "competitions/waste",
                "competitions/waste/boards/public",
                "competitions/waste/boards/public.csv",
            )
        )
        told.append((json.dumps(SAID)[1:-1] in body, '"is_weak":true' in body))
    assert told == [(False, False)] * 3 + [(True, True)] * 2


def test_the_table_has_every_address() -> None:
    def addresses(patterns: Iterable[URLPattern | URLResolver]) -> set[str]:
        return {re.sub(r"<[^>]+>", "*", str(one.pattern)) for one in patterns}

    api = next(one for one in get_resolver().url_patterns if str(one.pattern) == "api/")
    assert isinstance(api, URLResolver)
    known = {one for one in addresses(api.url_patterns) if one.startswith("v2/")}
    named = {"competitions/waste": "competitions/*", "competitions/draft": "competitions/*"}
    tested = set()
    for _, path, *_ in ROWS:
        path = re.sub(r"\{[^}]+\}|(?<=boards/)\w+", "*", path.split("?")[0])
        path = re.sub(r"exports/\w+\.\w+", "exports/*.*", path)
        for concrete, pattern in named.items():
            path = path.replace(concrete, pattern)
        tested.add("v2" + path.replace("*.csv", "*.*"))
    assert tested == known


def test_a_board_is_planted_where_the_table_looks(planted: Submission) -> None:
    assert [row.entry.team for row in rankings.rows(planted.competition, "public")] == [
        planted.team
    ]
