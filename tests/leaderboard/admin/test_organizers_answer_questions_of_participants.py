"""A participant asks on the page. Organizers answer in the panel, for the team or for everybody."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse

from leaderboard import tasks
from leaderboard.errors import Refused
from leaderboard.models import AuditEntry, FaqEntry, Notice, Question, Role, Team, User
from leaderboard.services import accounts, bans, drafts, faq, notice_words, notices, questions
from tests.leaderboard import mail
from tests.leaderboard.api.conftest import API, client_of
from tests.leaderboard.conftest import person
from tests.leaderboard.web.conftest import text

PAGE = "/competitions/waste/questions/"
ASKED = "May we use <b>other</b> images? We are the Sorters."
WORDS = "May we use other images? We are the Sorters."


def page_of(who: User | None, url: str = PAGE) -> str:
    client = Client()
    if who:
        client.force_login(who, "django.contrib.auth.backends.ModelBackend")
    return text(client.get(url))


@pytest.fixture
def ask(team: Team, owner: User) -> Any:
    def post(words: str = ASKED, by: User = owner, **more: str) -> Question:
        client = Client()
        client.force_login(by, "django.contrib.auth.backends.ModelBackend")
        assert client.post(PAGE, {"text": words} | more).status_code == 302
        return Question.objects.latest("pk")

    return post


def test_a_private_answer_is_for_the_askers_team(
    ask: Any, press: Any, settings: Any, owner: User, teammate: User, rival: User, organizer: User
) -> None:
    helper = person("helper")
    with mail.server(settings) as inbox:
        question = ask()
        Role.objects.create(competition=question.competition, user=helper, kind="organizer")
        tasks.post()
        assert {one["To"] for one in inbox.mails} == {"helper@example.org"}
        [told] = notices.of(helper)
        assert Client().get(told.path).status_code == 302  # the panel, which asks to sign in
        assert notice_words.said(told) == (
            "A question about Waste sorting",
            ASKED.replace("<b>", "").replace("</b>", ""),
        )
        press(question, "answer", text="**Yes**, any.")
        tasks.post()
        assert {one["To"] for one in inbox.mails[1:]} == {
            "owner@example.org",
            "teammate@example.org",
        }
    [answered] = notices.of(teammate)
    assert answered.path == question.get_absolute_url()
    assert notice_words.said(answered)[1] == "Yes, any."
    for who in (owner, teammate):
        for url in (PAGE, question.get_absolute_url()):
            shown = page_of(who, url)
            assert "<strong>Yes</strong>, any." in shown
            assert "only your team can read it" in shown
            assert (
                "<b>other</b> images" in shown
            )  # the helper unescapes, so the page has it escaped
    for who in (None, rival):
        assert "any." not in page_of(who)
        assert Client().get(question.get_absolute_url()).status_code == 404
    api = f"{API}/competitions/waste/questions"
    assert [one["answer"] for one in client_of(owner).get(api).json()["results"]] == [
        "**Yes**, any."
    ]
    assert [client_of(who).get(api).json()["count"] for who in (None, rival)] == [0, 0]


def test_a_public_answer_never_names_the_asker_unless_the_asker_agreed(
    ask: Any, press: Any, owner: User, rival: User, outsider: User
) -> None:
    shy = ask()
    bold = ask("Is it warm?", by=outsider, may_be_named="on")
    assert (shy.team.name, bold.team) == ("Sorters", None)
    press(shy, "answer", text="Yes.", is_public="on", public_text="May one use other images?")
    press(bold, "answer", text="No.", is_public="on", public_text="")
    for who in (None, rival):
        shown = page_of(who)
        assert "May one use other images?" in shown
        assert "owner" not in shown
        assert "Sorters" not in shown
        assert "asked by outsider" in shown
        assert "Is it warm?" in shown
    found = client_of(rival).get(f"{API}/competitions/waste/questions").json()["results"]
    assert [(one["asked_by"], one["is_mine"]) for one in found] == [
        ("outsider", False),
        (None, False),
    ]
    assert "Sorters" not in str(found)
    assert "The question as everybody reads it: May one use" in page_of(owner)


def test_a_correction_changes_what_was_told_and_tells_nobody_twice(
    ask: Any, press: Any, owner: User
) -> None:
    question = ask()
    press(question, "answer", text="Yess.")
    tasks.post()
    press(question, "answer", text="Yes.", is_public="on", public_text="Other images?")
    tasks.post()
    assert [notice_words.said(one)[1] for one in notices.of(owner)] == ["Yes."]
    assert "Other images?" in page_of(None)
    press(question, "remove")
    assert not Question.objects.exists()
    assert not Notice.objects.filter(kind="answered").exists()
    acts = AuditEntry.objects.filter(subject_type="question").values_list("act", flat=True)
    assert list(acts) == ["question_removed", "question_answered", "question_answered"]


def test_a_public_answer_becomes_a_faq_entry_and_stands_once(
    ask: Any, press: Any, panel: Client, team: Team, organizer: User
) -> None:
    question = ask()
    assert "Answer the question publicly first" in text(press(question, "make_faq"))
    press(question, "answer", text="Yes.", is_public="on", public_text="Other images?")
    press(question, "make_faq")
    assert "is already an entry of the FAQ" in text(press(question, "make_faq"))
    fields = {"competition": team.competition_id, "question": "Prizes?", "answer": "*None.*"}
    panel.post(reverse("admin:leaderboard_faqentry_add"), fields | {"position": 0})
    shown = page_of(None)
    assert shown.count("Other images?") == 1
    assert shown.index("Prizes?") < shown.index("Other images?")
    assert "<em>None.</em>" in shown
    found = client_of(None).get(f"{API}/competitions/waste/faq").json()["results"]
    assert [one["question"] for one in found] == ["Prizes?", "Other images?"]
    made = drafts.clone(competition=team.competition, slug="next", title="Next", by=organizer)
    assert [one.question for one in faq.words(made)] == ["Prizes?", "Other images?"]
    press(FaqEntry.objects.get(source=question), "remove")
    assert page_of(None).count("Other images?") == 1  # as a public answer again


def test_what_may_be_asked_is_limited(ask: Any, team: Team, owner: User, organizer: User) -> None:
    competition = team.competition

    def refused(words: str = "Why?") -> str:
        with pytest.raises(Refused) as refusal:
            questions.ask(competition=competition, text=words, by=owner)
        return refusal.value.code

    assert refused(" \n") == "question_missing"
    assert refused("?" * (questions.LONGEST + 1)) == "question_too_long"
    for number in range(questions.MOST_OPEN):
        ask(f"Why {number}?")
    assert refused() == "too_many_questions"
    client = Client()
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    again = client.post(PAGE, {"text": "Typed with care"})
    assert (again.status_code, "Typed with care" in text(again)) == (400, True)
    Question.objects.update(answer="So.", answered_at=competition.created_at)
    for number in range(questions.MOST_OF_A_DAY - questions.MOST_OPEN):
        Question.objects.create(competition=competition, asked_by=owner, text=f"{number}")
        Question.objects.update(answer="So.", answered_at=competition.created_at)
    assert refused() == "too_many_questions"
    bans.ban(team=team, person=None, reason="Copies", by=organizer)
    assert refused() == "banned"
    assert Client().post(PAGE, {"text": "Who?"}).headers["Location"].startswith("/accounts/login/")


def test_organizers_see_what_waits(ask: Any, press: Any, panel: Client) -> None:
    first, _ = ask("One?"), ask("Two?")
    front = text(panel.get(reverse("admin:index")))
    assert "2 questions about Waste sorting wait for an answer." in front
    listed = text(panel.get(reverse("admin:leaderboard_question_changelist") + "?state=open"))
    assert "One?" in listed
    press(first, "answer", text="1.")
    dashboard = reverse("admin:leaderboard_competition_dashboard", args=[first.competition_id])
    assert "<strong>1</strong><span>question waits for an answer" in text(panel.get(dashboard))


def test_a_deleted_account_leaves_only_public_answers(ask: Any, press: Any, outsider: User) -> None:
    ask("My secret?", by=outsider)
    public = ask("I, Outsider, ask: when?", by=outsider, may_be_named="on")
    press(public, "answer", text="Soon.", is_public="on", public_text="When?")
    tasks.post()
    accounts.delete(outsider, by=outsider)
    [left] = Question.objects.all()
    assert (left.text, left.asked_by, left.may_be_named) == ("When?", None, False)
    assert not Notice.objects.filter(facts__text__contains="secret").exists()
    assert questions.readable(left.competition, AnonymousUser()).get() == left


def test_an_empty_page_says_what_to_do(team: Team, owner: User) -> None:
    assert "No public answer yet. Ask the organizers" in page_of(None)
    assert "You do not need a team" in page_of(None)
    assert "Your questions and their answers appear here" in page_of(owner)
