"""Each form of the pages, sent by everybody with the names of one team's rows: who changes what."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from django.utils import timezone

from leaderboard.models import (
    ApiToken,
    Competition,
    Declaration,
    Delivery,
    Guest,
    Invitation,
    Membership,
    MergeOffer,
    Notice,
    Submission,
    Team,
    Trial,
    User,
    Webhook,
)
from leaderboard.services import devices, invitation_letters, mailing, telling
from leaderboard.web import urls
from tests.leaderboard.api.conftest import ask, rows_of
from tests.leaderboard.web import test_who_may_see_which_page as pages_table

pytestmark = pytest.mark.django_db
BESIDE = {"django_session", "leaderboard_user", "leaderboard_auditentry", "leaderboard_happening"}
"""Tables of which a row alone is no change: who was here, and what is told of a change."""

# Form, then what it changes when it is sent by: nobody, outsider, rival, member, organizer.
# T: rows of the team or of its member; o: other rows, such as the sender's own; -: nothing.
FORMS = """
/competitions/waste/questions/                          -oooo text=Why?
/competitions/waste/team/                               -o--o name=New
/competitions/waste/team/verification/                  ---T- link=https://git.example
/competitions/waste/team/verification/                  ---T- act=withdraw
/competitions/waste/team/track/                         --oT- track=students
/competitions/waste/team/invite/                        --oT- to=
/competitions/waste/team/invitations/{invitation}/revoke/  ---T-
/competitions/waste/team/alone/                         -o--o
/competitions/waste/team/apply/                         -----
/competitions/waste/invitations/{guest}/                -oooo
/competitions/waste/team/name/                          --oT- name=New
/competitions/waste/team/members/                       ---T- member=teammate&remove=1
/competitions/waste/team/members/                       ---T- member=teammate&captain=1
/competitions/waste/team/merge/                         --oT- name=Others
/competitions/waste/team/merge/{offer}/                 ---T- act=accept
/competitions/waste/team/merge/{offer}/                 ---T- act=decline
/competitions/waste/team/show-me/                       --oT- is_shown=1
/competitions/waste/team/leave/                         --oT-
/competitions/waste/team/webhooks/                      --oT- address=https://x.example&events=scored
/competitions/waste/team/webhooks/{webhook}/act/        ---T- ping=1
/competitions/waste/team/webhooks/{webhook}/act/        ---T- remove=1
/competitions/waste/team/webhooks/{webhook}/act/        ---T- resume=1
/competitions/waste/team/webhooks/{webhook}/deliveries/{delivery}/  ---T-
/competitions/waste/submit/                             --oT- file
/competitions/waste/submissions/                        ---T- selected={submission}
/trials/{trial}/submit/                                 ---T-
/submissions/{submission}/note/                         ---T- note=New
/submissions/{submission}/withdraw/                     ---T-
/invitations/{code}/                                    -T--T
/language/                                              ----- language=ko
/device/                                                -oooo act=confirm&code={typed}
/notices/read/                                          -ooTo
/notices/{notice}/mark/                                 ---T-
/notices/choices/                                       ---T- on_pages=scored
/notices/unsubscribe/{subscription}/                    TTTTT
/notices/invitations/{stop}/                            ooooo
/profile/                                               -ooTo name=New&scope=read&days=30
/profile/look/                                          ----- theme=dark
/profile/tokens/{token}/revoke/                         ---T-
/profile/copy/                                          -----
/profile/delete/                                        -----
"""
ROWS = [line.split() for line in FORMS.strip().splitlines()]


@pytest.fixture
def names(
    team: Team,
    rivals: Team,
    scored: Callable[..., Submission],
    owner: User,
    make_model: Callable[..., bytes],
) -> Any:
    """What the forms name."""
    competition, submission = team.competition, scored(team)
    competition.tracks = [{"slug": "students", "name": "Students", "declared": True}]
    competition.save()
    telling.go_on(seconds=60)
    made = rows_of(submission, owner)
    trial = Trial.objects.get(pk=made["trial"])
    trial.file.save("tried.pt", ContentFile(make_model(5)))
    trial.file_name = "tried.pt"
    trial.save()
    guest = Guest.objects.create(
        competition=competition,
        address="ada@uni.example",
        code="for-ada",
        expires_at=timezone.now() + timedelta(days=1),
    )
    return made | {
        "guest": guest.code,
        "typed": devices.begin(name="CI", scope="read").device.spelled,
        "subscription": mailing.signed(owner, "invited"),
        "stop": invitation_letters.signed("ada@uni.example"),
    }


def of_team(team: Team, member: User) -> list[Any]:
    """All rows of a team and of its first member."""
    by_team = (Membership, Submission, Invitation, Webhook, Declaration)
    rows = [list(model._default_manager.filter(team=team).values()) for model in by_team]
    rows += [list(MergeOffer.objects.filter(Q(by_team=team) | Q(to_team=team)).values())]
    rows += [list(Delivery.objects.filter(webhook__team=team).values())]
    rows += [list(Notice.objects.filter(user=member).values())]
    rows += [list(ApiToken.objects.filter(user=member).values())]
    rows += [list(Team.objects.filter(pk=team.pk).values("name", "verification__state"))]
    return [*rows, User.objects.filter(pk=member.pk).values("quiet_by_mail", "password").get()]


def changed(statements: list[dict[str, str]]) -> set[str]:
    """The tables that statements wrote."""
    found = re.compile(r'^(?:INSERT INTO|UPDATE|DELETE FROM) "(\w+)"')
    return {one[1] for each in statements if (one := found.match(each["sql"]))}


def test_each_form_changes_what_its_sender_may_change(
    names: Any,
    team: Team,
    browser: Callable[..., Client],
    outsider: User,
    rival: User,
    owner: User,
    organizer: User,
    make_model: Callable[..., bytes],
) -> None:
    clients = [browser(one) for one in (None, outsider, rival, owner, organizer)]
    for client in clients:
        client.get("/")
    wrong = []
    for url, expected, *fields in ROWS:
        words = dict(
            one.split("=") for one in "".join(fields).format_map(names).split("&") if "=" in one
        )
        found = ""
        for client in clients:
            sent: dict[str, Any] = dict(words)
            if fields == ["file"]:
                sent["file"] = SimpleUploadedFile("other.pt", make_model(7))
            with transaction.atomic():
                if "verification" in url:
                    ask(team)
                if "resume" in words:
                    Webhook.objects.update(stopped_at=timezone.now())
                before = of_team(team, owner)
                with CaptureQueriesContext(
                    connection,
                ) as seen:
                    client.post(url.format_map(names), sent)
                is_theirs = of_team(team, owner) != before
                found += (
                    "T" if is_theirs else "o" if changed(seen.captured_queries) - BESIDE else "-"
                )
                transaction.set_rollback(True)
        if found != expected:
            wrong.append(f"{url} {fields}: {found}, expected {expected}")
    assert not wrong, "\n".join(wrong)


def test_the_tables_have_each_page_and_each_form(
    competition: Competition, browser: Callable[..., Client], owner: User
) -> None:
    every = {one.name: one for one in urls.urlpatterns}
    pages, forms = (
        {resolve(re.sub(r"{\w+}", "1", url)).url_name for url in some}
        for some in (
            [url for url, _ in pages_table.WHO_MAY_SEE],
            [row[0] for row in ROWS],
        )
    )
    missing = every.keys() - pages
    assert not missing, missing
    client = browser(owner)
    for name in every.keys() - forms:
        url = "/" + re.sub(r"<slug:\w+>", "waste", str(every[name].pattern))
        answer = client.post(re.sub(r"<\w+:\w+>", "1", url))
        assert answer.status_code == 405, f"{name} takes forms and stands in no row"
