"""Anonymous, outsider, rival, member and organizer against every address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from leaderboard.models import (
    Announcement,
    Competition,
    Guest,
    Invitation,
    Submission,
    Trial,
    User,
    Verification,
)
from leaderboard.services import (
    competitions,
    invitation_letters,
    mailing,
    questions,
    teams,
    telling,
    webhooks,
)
from tests.leaderboard.answers import Answer
from tests.leaderboard.conftest import (
    ANSWERED,
    SAID,
    WEAK,
    failure,
    finish,
    plant_answers,
    report,
    shapes_of,
)
from tests.leaderboard.web.conftest import text

LOGIN = "login"
People = dict[str, User | None]


@pytest.fixture
def people(outsider: User, rival: User, rivals: Any, owner: User, organizer: User) -> People:
    return {
        "nobody": None,
        "outsider": outsider,
        "rival": rival,
        "member": owner,
        "organizer": organizer,
    }


def outcome(page: Answer) -> int | str:
    to_login = page.status_code == 302 and page.headers["Location"].startswith("/accounts/login/")
    return LOGIN if to_login else page.status_code


ANYBODY = (200, 200, 200, 200, 200)
NOBODY = (404, 404, 404, 404, 404)
SIGNED_IN = (LOGIN, 200, 200, 200, 200)


WHO_MAY_SEE = [
    ("/", ANYBODY),
    ("/competitions/waste/", ANYBODY),
    ("/competitions/waste/rules/", ANYBODY),
    ("/competitions/waste/data/", ANYBODY),
    ("/competitions/waste/announcements/", ANYBODY),
    ("/competitions/waste/announcements/{announcement}/", ANYBODY),
    ("/competitions/waste/announcements/999999999999999999999999/", NOBODY),
    ("/competitions/waste/questions/", ANYBODY),
    ("/competitions/waste/questions/{question}/", (404, 404, 404, 200, 200)),  # private
    ("/competitions/waste/questions/999999999999999999999999/", NOBODY),
    ("/competitions/waste/data/sample.zip", ANYBODY),
    ("/competitions/waste/kit/", ANYBODY),
    ("/competitions/waste/kit/kit.zip", ANYBODY),
    ("/competitions/waste/scoring/", ANYBODY),
    ("/competitions/waste/boards/public/", ANYBODY),
    ("/competitions/waste/boards/private/", ANYBODY),  # which says that it is not published
    ("/competitions/waste/race/", ANYBODY),
    ("/competitions/waste/baselines/{baseline}/", ANYBODY),
    ("/competitions/waste/baselines/999999999999999999/", NOBODY),
    ("/competitions/waste/boards/sample/", NOBODY),
    ("/competitions/waste/boards/public/embed/", ANYBODY),
    ("/competitions/waste/boards/private/embed/", NOBODY),  # before its publication
    ("/competitions/waste/snapshot/", ANYBODY),  # which says that it is not published
    ("/competitions/waste/result/", ANYBODY),  # which says that it is not published
    ("/competitions/waste/team/certificate.pdf", (LOGIN, 403, 404, 404, 403)),  # likewise
    ("/competitions/waste/snapshot.json", NOBODY),  # before its publication
    ("/competitions/waste/provisional.json", NOBODY),  # before organizers sign a board
    ("/signing-key/", ANYBODY),
    ("/signing-key.pem", NOBODY),  # before the post makes the key
    ("/competitions/nothing/", NOBODY),
    ("/competitions/waste/team/", SIGNED_IN),
    ("/competitions/waste/team/webhooks/", (LOGIN, 403, 200, 200, 403)),  # each their own
    ("/competitions/waste/team/webhooks/{webhook}/", (LOGIN, 403, 404, 200, 403)),
    ("/competitions/waste/team/webhooks/{webhook}/act/", (LOGIN, 405, 405, 405, 405)),
    ("/competitions/waste/team/verification/", (LOGIN, 403, 404, 200, 403)),
    ("/competitions/waste/submit/", SIGNED_IN),
    ("/competitions/waste/submissions/", (LOGIN, 403, 200, 200, 403)),
    ("/submissions/{submission}/", (LOGIN, 404, 404, 200, 200)),
    ("/submissions/{submission}/status/", (200, 404, 404, 286, 286)),
    ("/submissions/{submission}/compare/", (LOGIN, 404, 404, 200, 200)),
    ("/trials/{trial}/", (LOGIN, 404, 404, 200, 404)),
    ("/trials/{trial}/status/", (200, 404, 404, 286, 404)),
    ("/submissions/{submission}/file/", (LOGIN, 404, 404, 200, 403)),
    ("/submissions/{submission}/note/", (LOGIN, 405, 405, 405, 405)),
    ("/submissions/999999999999999999999999/", (LOGIN, 404, 404, 404, 404)),
    ("/evaluations/{evaluation}/measurement/", (LOGIN, 404, 404, 200, 200)),
    ("/evaluations/{calibration}/measurement/", (LOGIN, 404, 404, 404, 200)),
    ("/evaluations/999999999999999999999999/measurement/", (LOGIN, 404, 404, 404, 404)),
    ("/invitations/{code}/", ANYBODY),
    ("/invitations/unknown/", NOBODY),
    ("/competitions/waste/invitations/{guest}/", ANYBODY),
    ("/competitions/waste/invitations/unknown/", NOBODY),
    ("/competitions/waste/team/apply/", (LOGIN, 302, 302, 302, 302)),  # to the team's page
    ("/profile/", SIGNED_IN),
    ("/device/", SIGNED_IN),
    ("/profile/look/", (LOGIN, 405, 405, 405, 405)),
    ("/profile/copy/", (LOGIN, 405, 405, 405, 405)),
    ("/profile/delete/", (LOGIN, 302, 302, 302, 302)),  # asks for the password first
    ("/notices/", SIGNED_IN),
    ("/notices/choices/", SIGNED_IN),
    ("/notices/{notice}/", (LOGIN, 404, 404, 302, 404)),
    ("/notices/{notice}/mark/", (LOGIN, 405, 405, 405, 405)),
    ("/notices/read/", (LOGIN, 405, 405, 405, 405)),
    ("/notices/invitations/{stop}/", ANYBODY),
    ("/notices/invitations/unknown/", NOBODY),
    ("/notices/unsubscribe/{subscription}/", ANYBODY),
    ("/notices/unsubscribe/unknown/", NOBODY),
    ("/competitions/waste/teams/{team}/", ANYBODY),
    ("/competitions/waste/teams/999999999999999999/", NOBODY),
    ("/competitions/waste/teams/{team}/badge.svg", ANYBODY),
    ("/competitions/waste/teams/{team}/card.png", ANYBODY),
    ("/competitions/waste/teams/999999999999999999/badge.svg", NOBODY),
    ("/competitions/waste/card.png", ANYBODY),
    ("/competitions/waste/team/show-me/", (LOGIN, 405, 405, 405, 405)),
    ("/competitions/waste/team/track/", (LOGIN, 405, 405, 405, 405)),
    ("/competitions/waste/team/invite/", (LOGIN, 405, 405, 405, 405)),
    ("/competitions/waste/team/invitations/1/revoke/", (LOGIN, 405, 405, 405, 405)),
    ("/competitions/waste/team/webhooks/1/deliveries/1/", (LOGIN, 405, 405, 405, 405)),
    ("/profile/tokens/abc/revoke/", (LOGIN, 405, 405, 405, 405)),
    ("/language/", (405, 405, 405, 405, 405)),
    ("/competitions/waste/team/alone/", (LOGIN, 405, 405, 405, 405)),
    ("/competitions/waste/team/name/", (LOGIN, 405, 405, 405, 405)),
    ("/competitions/waste/team/members/", (LOGIN, 405, 405, 405, 405)),
    ("/competitions/waste/team/merge/", (LOGIN, 405, 405, 405, 405)),
    ("/competitions/waste/team/merge/1/", (LOGIN, 405, 405, 405, 405)),
    ("/competitions/waste/team/leave/", (LOGIN, 405, 405, 405, 405)),
    ("/submissions/{submission}/withdraw/", (LOGIN, 405, 405, 405, 405)),
    ("/trials/{trial}/submit/", (LOGIN, 405, 405, 405, 405)),
]


def test_pages(
    people: People,
    see: Any,
    scored: Any,
    team: Any,
    owner: User,
    baseline: Any,
) -> None:
    submission = scored(team)
    code = teams.invite(team=team, by=owner).code
    telling.go_on(seconds=60)
    hook = webhooks.add(team=team, url="https://hook.example", events=["scored"], by=owner)
    announcement = Announcement.objects.create(
        competition=team.competition, title="A new room", text="Upstairs."
    )
    question = questions.ask(competition=team.competition, text="How many?", by=owner)
    trial = Trial.objects.create(
        competition=team.competition, team=team, state="error", size_bytes=1
    )
    Verification.objects.create(
        competition=team.competition, team=team, rank=1, wish="Code", due_at=timezone.now()
    )
    guest = Guest.objects.create(
        competition=team.competition,
        address="ada@uni.example",
        code="for-ada",
        expires_at=timezone.now() + timedelta(days=1),
    )
    names = {
        "trial": trial.pk,
        "baseline": baseline("MobileNetV3").pk,
        "submission": submission.pk,
        "evaluation": submission.evaluation.pk,
        "calibration": submission.competition.calibration_id,
        "code": code,
        "guest": guest.code,
        "webhook": hook.pk,
        "announcement": announcement.pk,
        "question": question.pk,
        "team": team.pk,
        "notice": owner.notices.get().pk,
        "subscription": mailing.signed(owner, "scored"),
        "stop": invitation_letters.signed("ada@uni.example"),
    }
    found = {
        url: tuple(outcome(see(person, url.format(**names))) for person in people.values())
        for url, _ in WHO_MAY_SEE
    }
    assert found == dict(WHO_MAY_SEE)


@pytest.mark.parametrize(
    "page",
    [
        "",
        "rules/",
        "announcements/",
        "questions/",
        "data/",
        "kit/",
        "scoring/",
        "boards/public/",
        "race/",
        "data/sample.zip",
        "kit/kit.zip",
    ],
)
def test_a_draft_is_for_organizers(
    draft: Competition, see: Any, outsider: User, organizer: User, page: str
) -> None:
    url = f"/competitions/waste/{page}"
    assert [see(who, url).status_code for who in (None, outsider, organizer)] == [404, 404, 200]
    assert draft.title not in text(see(outsider, "/"))
    assert draft.title in text(see(organizer, "/"))


@pytest.mark.parametrize(
    "url",
    [
        "/competitions/waste/team/",
        "/competitions/waste/submit/",
        "/competitions/waste/team/invite/",
    ],
)
def test_nobody_takes_part_in_a_draft(
    draft: Competition, send: Any, outsider: User, url: str
) -> None:
    assert send(outsider, url, name="Early birds").status_code == 404


FOR_THE_SIGNED_IN = [
    "/competitions/waste/team/",
    "/competitions/waste/team/invite/",
    "/competitions/waste/team/alone/",
    "/competitions/waste/team/name/",
    "/competitions/waste/team/members/",
    "/competitions/waste/team/leave/",
    "/competitions/waste/team/webhooks/",
    "/competitions/waste/team/webhooks/1/",
    "/competitions/waste/team/webhooks/1/act/",
    "/competitions/waste/team/webhooks/1/deliveries/1/",
    "/competitions/waste/team/invitations/1/revoke/",
    "/competitions/waste/submit/",
    "/competitions/waste/submissions/",
    "/submissions/1/",
    "/submissions/1/withdraw/",
    "/submissions/1/note/",
    "/submissions/1/file/",
    "/submissions/1/compare/",
    "/evaluations/1/measurement/",
    "/profile/",
    "/profile/tokens/abc/revoke/",
    "/notices/",
    "/notices/1/",
    "/notices/1/mark/",
    "/notices/read/",
    "/notices/choices/",
]


def test_without_signing_in_nothing_is_done(competition: Competition, browser: Any) -> None:
    stranger = browser(None)
    calls = [(method, url) for method in ("get", "post") for url in FOR_THE_SIGNED_IN]
    wrong = [one for one in calls if outcome(getattr(stranger, one[0])(one[1])) != LOGIN]
    assert wrong == []


def test_only_members_withdraw(people: People, send: Any, scored: Any, team: Any) -> None:
    submission = scored(team)
    url = f"/submissions/{submission.pk}/withdraw/"
    for who in ("nobody", "outsider", "rival", "organizer"):
        send(people[who], url)
        assert Submission.objects.get(pk=submission.pk).withdrawn_at is None, who
    send(people["member"], url)
    assert Submission.objects.get(pk=submission.pk).withdrawn_at is not None


def test_only_members_see_an_invitation_or_make_one(
    people: People, see: Any, send: Any, team: Any, owner: User
) -> None:
    code = teams.invite(team=team, by=owner).code
    count = Invitation.objects.filter(team=team).count()
    for who in ("nobody", "outsider", "rival", "organizer"):
        assert code not in text(see(people[who], "/competitions/waste/team/")), who
        send(people[who], "/competitions/waste/team/invite/")
    assert Invitation.objects.filter(team=team).count() == count
    assert code in text(see(owner, "/competitions/waste/team/"))


def test_the_private_board_opens_for_all_at_once(
    people: People, see: Any, scored: Any, team: Any, organizer: User, competition: Competition
) -> None:
    submission = scored(team, quality_public=0.81234, quality_private=0.77665)
    url = "/competitions/waste/boards/private/"
    early = see(people["member"], url)
    assert "not published yet" in text(early)
    assert "0.7767" not in text(early)
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    for who in people.values():
        assert see(who, url).status_code == 200
    assert "0.7767" in text(see(None, url))
    assert "0.7767" in text(see(people["member"], submission.get_absolute_url()))


def test_nothing_private_shows_before(
    hidden_figures: Callable[[Submission], list[str]],
    people: People,
    see: Any,
    scored: Any,
    team: Any,
) -> None:
    submission = scored(team, quality_public=0.81234, quality_private=0.77665)
    pages = [
        "/competitions/waste/",
        "/competitions/waste/boards/public/",
        "/competitions/waste/boards/private/",
        "/competitions/waste/race/",
        "/competitions/waste/submissions/",
        "/notices/",
        submission.get_absolute_url(),
        f"/submissions/{submission.pk}/status/",
        f"/submissions/{submission.pk}/compare/",
        f"/evaluations/{submission.evaluation.pk}/measurement/",
    ]
    telling.go_on(seconds=60)
    for who in people.values():
        for url in pages:
            shown = text(see(who, url))
            for figure in hidden_figures(submission):
                assert figure not in shown, (who, url)


PAGES = [
    "/competitions/waste/",
    "/competitions/waste/rules/",
    "/competitions/waste/data/",
    "/competitions/waste/scoring/",
    "/competitions/waste/boards/public/",
    "/competitions/waste/boards/private/",
    "/competitions/waste/team/",
    "/competitions/waste/submissions/",
    "/submissions/{submission}/",
    "/submissions/{submission}/status/",
    "/evaluations/{evaluation}/measurement/",
    "/evaluations/{calibration}/measurement/",
    "/profile/",
    "/admin/leaderboard/evaluation/{evaluation}/change/",
    "/admin/leaderboard/submission/{submission}/change/",
    "/admin/leaderboard/competition/{competition}/change/",
]


@pytest.mark.parametrize("is_published", [False, True])
def test_no_page_shows_what_a_model_answered(
    people: People, see: Any, scored: Any, team: Any, organizer: User, is_published: bool
) -> None:
    submission = scored(team)
    plant_answers(submission.evaluation)
    competition = submission.competition
    if is_published:
        competitions.close(competition=competition, by=organizer)
        competitions.publish(competition=competition, by=organizer)
    names = {
        "submission": submission.pk,
        "evaluation": submission.evaluation.pk,
        "calibration": competition.calibration_id,
        "competition": competition.pk,
    }
    seen = 0
    for page in PAGES:
        for who in people.values():
            answer = see(who, page.format(**names), follow=True)
            seen += answer.status_code == 200
            shown = text(answer)
            assert not [one for one in shapes_of(ANSWERED) if one in shown], (page, who)
    assert seen > 2 * len(PAGES)


@pytest.mark.parametrize("is_scored", [True, False])
def test_a_dry_run_and_isolation_are_for_the_team_and_organizers(
    people: People, see: Any, submit: Any, team: Any, is_scored: bool
) -> None:
    submission = submit(team)
    made = report() if is_scored else failure()
    finish(submission.latest_evaluation, replace(made, isolation=WEAK))
    heard = {
        who
        for who, person in people.items()
        for url in (
            "/competitions/waste/",
            "/competitions/waste/boards/public/",
            "/competitions/waste/submissions/",
            submission.get_absolute_url(),
            f"/submissions/{submission.pk}/status/",
            f"/evaluations/{submission.latest_evaluation.pk}/measurement/",
        )
        for words in (SAID.strip(), "Weak isolation")
        if words in text(see(person, url))
    }
    assert heard == {"member", "organizer"}


@pytest.fixture
def hidden_figures() -> Callable[[Submission], list[str]]:
    def of(submission: Submission) -> list[str]:
        evaluation = submission.evaluation
        return [f"{evaluation.quality_private:.4f}", f"{evaluation.score_private:.4f}", "0.7766"]

    return of


def test_a_disqualified_team_reads_why(see: Any, scored: Any, team: Any, owner: User) -> None:
    submission = scored(team)
    Submission.objects.filter(pk=submission.pk).update(
        disqualified_at=timezone.now(), disqualified_reason="It looked at the clock."
    )
    assert "It looked at the clock." in text(see(owner, submission.get_absolute_url()))
