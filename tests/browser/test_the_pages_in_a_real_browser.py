"""Pages in Chromium: accessible, without complaints in the console, and narrow enough for a
telephone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from playwright.sync_api import expect

from leaderboard.models import (
    Announcement,
    ApiToken,
    Competition,
    Notice,
    Question,
    Submission,
    Trial,
)
from leaderboard.services import (
    competitions,
    mailing,
    snapshots,
    teams,
    telling,
    trials,
    webhooks,
)
from tests.leaderboard.admin.test_every_page_of_the_panel_renders import NOUNS
from tests.leaderboard.api.test_a_model_is_tried_on_the_sample_for_nothing import PASSED
from tests.leaderboard.conftest import finish, report

AXE = Path(__file__).parent.parent / "vendor" / "axe-core" / "axe.min.js"
STRANGERS = [
    "/",
    "/competitions/waste/",
    "/competitions/waste/kit/",
    "/competitions/waste/scoring/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/confirm-email/unknown/",
    "/nothing/at/all/",
    "/api/docs",
]
MEMBERS = [
    "/competitions/waste/",
    "/competitions/waste/rules/",
    "/competitions/waste/announcements/",
    "ANNOUNCEMENT",
    "/competitions/waste/questions/",
    "QUESTION",
    "/competitions/waste/data/",
    "/competitions/waste/boards/public/",
    "/competitions/waste/boards/private/",
    "/competitions/waste/boards/public/?track=small",
    "/competitions/waste/boards/public/?sort=-quality&columns=parameters,last",
    "/competitions/waste/boards/public/embed/",
    "/competitions/waste/race/",
    "PUBLIC TEAM",
    "/competitions/waste/team/",
    "/competitions/waste/team/webhooks/",
    "WEBHOOK",
    "/competitions/waste/submit/",
    "/competitions/waste/submissions/",
    "/profile/",
    "/device/",
    "/notices/",
    "/notices/choices/",
    "/accounts/email/",
    "/accounts/2fa/",
    "/accounts/sessions/",
    "/accounts/password/change/",
    "/accounts/logout/",
    "/profile/delete/",
    "UNSUBSCRIBE",
    "INVITATION",
    "/admin/",
    "SUBMISSION",
    "QUEUED",
    "MEASUREMENT",
    "COMPARISON",
    "TRIAL",
]
STEPS = ("dashboard", "formula", "measure_again", "result", "extend", "clone", "pause")
"""Pages of the organizers of a competition that have forms and figures of their own."""
FORMS = ("announcement", "competition", "dataset", "hardwareprofile", "role", "user")
"""Forms with which organizers add something."""
PRESSED = {
    "/admin/leaderboard/auditentry/": "[aria-controls=changelist-filter]",
    "/admin/leaderboard/competition/add/": "[name=_save]",
}
"""Lists with open filters, and forms with errors: what is pressed before the page is looked at."""
PUBLISHED = [
    "/competitions/waste/",
    "/competitions/waste/boards/private/",
    "/competitions/waste/race/",
    "/competitions/waste/result/",
    "/competitions/waste/snapshot/",
    "/competitions/waste/team/",
    "/signing-key/",
    "SUBMISSION",
]


@pytest.fixture
def addresses(
    scored: Any, submit: Any, team: Any, rivals: Any, owner: Any, model: bytes
) -> dict[str, str]:
    scored(rivals, 1, quality_public=0.8, time_ratio=0.6)
    before = scored(team, 4, quality_public=0.7, time_ratio=0.5)
    done = scored(team, 2, quality_public=0.75, time_ratio=0.4)
    waiting = submit(team, 3)
    announcement = Announcement.objects.create(
        competition=team.competition, title="More data", text="The sample **grew**.", is_pinned=True
    )
    question = Question.objects.create(competition=team.competition, text="How many?", team=team)
    Competition.objects.update(tracks=[{"slug": "small", "name": "Small", "max_parameters": 100}])
    telling.go_on(seconds=60)
    hook = webhooks.add(
        team=team, url="https://hook.example/a", events=["scored", "failed"], by=owner
    )
    webhooks.ping(webhook=hook, by=owner)
    upload = SimpleUploadedFile("model.pt", model)
    trial = trials.begin(competition=team.competition, team=team, upload=upload, by=owner)
    Trial.objects.filter(pk=trial.pk).update(state=Trial.State.RUNNING)
    trials.end(trial, Trial.State.PASSED, found=PASSED.to_json())
    return {
        "SUBMISSION": done.get_absolute_url(),
        "ANNOUNCEMENT": f"/competitions/waste/announcements/{announcement.pk}/",
        "QUESTION": f"/competitions/waste/questions/{question.pk}/",
        "UNSUBSCRIBE": f"/notices/unsubscribe/{mailing.signed(owner, Notice.Kind.SCORED)}/",
        "INVITATION": f"/invitations/{teams.invite(team=team, by=owner).code}/",
        "WEBHOOK": f"/competitions/waste/team/webhooks/{hook.pk}/",
        "PUBLIC TEAM": f"/competitions/waste/teams/{team.pk}/",
        "QUEUED": waiting.get_absolute_url(),
        "COMPARISON": f"/submissions/{done.pk}/compare/?to={before.pk}",
        "MEASUREMENT": f"/evaluations/{done.evaluation.pk}/measurement/",
        "TRIAL": trial.get_absolute_url(),
    }


def panel() -> list[str]:
    """Each list, the page of one row of each noun, and what organizers fill in."""
    found = ["/admin/"]
    for model in NOUNS:
        name = f"admin:leaderboard_{model._meta.model_name}"
        found.append(reverse(f"{name}_changelist"))
        if row := model._default_manager.first():
            found.append(reverse(f"{name}_change", args=[row.pk]))
    key = Competition.objects.get().pk
    found += [reverse(f"admin:leaderboard_competition_{step}", args=[key]) for step in STEPS]
    return found + [reverse(f"admin:leaderboard_{noun}_add") for noun in FORMS]


@pytest.mark.parametrize(
    ("half", "width", "theme", "language"),
    [(0, 1280, "light", "en"), (1, 390, "dark", "ko")],
)
def test_pages_are_accessible_quiet_and_fit(
    page_of: Any,
    addresses: dict[str, str],
    owner: Any,
    organizer: Any,
    competition: Any,
    complaints: list[str],
    half: int,
    width: int,
    theme: str,
    language: str,
) -> None:
    """Each page is looked at in one of the two ways; `benchmarks.pages` sees all in eight."""
    found = []
    lists = ((None, STRANGERS), (owner, MEMBERS), (organizer, panel()), (owner, PUBLISHED))
    for person, urls in lists:
        if urls is PUBLISHED:
            finish(Submission.objects.latest("pk").latest_evaluation, report(quality_public=0.6))
            competitions.close(competition=competition, by=organizer)
            competitions.publish(competition=competition, by=organizer)
            snapshots.go_on(seconds=60)
        page = page_of(person, width, theme, language)
        pressed = list(PRESSED.items()) if person == organizer else []
        for url, button in [*((url, "") for url in urls[half::2]), *pressed]:
            page.goto(addresses.get(url, url))
            if button:
                page.click(button)
            expect(page.locator(".htmx-request")).to_have_count(0)  # parts that come later
            if page.evaluate("document.documentElement.lang") != language:
                found.append(f"{url}: another language")
            page.evaluate(AXE.read_text())  # through the debugger: the CSP forbids a script tag
            result = page.evaluate("axe.run({resultTypes: ['violations']})")
            found += [
                f"{url}: {one['id']} at {node['target']}"
                for one in result["violations"]
                for node in one["nodes"]
            ]
            wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if wider > 0:
                found.append(f"{url}: {wider} px too wide")
    assert not found, "\n".join(found)
    # The browser writes down the status of a page that says what is not there.
    told = ("status of 403", "status of 404")
    assert not [one for one in complaints if not any(status in one for status in told)]


def test_a_model_is_uploaded_and_followed_to_its_score(
    page_of: Any, team: Any, owner: Any, model: bytes, complaints: list[str]
) -> None:
    page = page_of(owner)
    page.goto("/competitions/waste/submit/")
    upload = {"name": "tiny.pt", "mimeType": "application/octet-stream", "buffer": model}
    page.set_input_files("input[type=file]", upload)
    page.fill("input[name=note]", "from the form")
    page.click("text=Upload and evaluate")
    page.wait_for_url("**/submissions/*/")
    assert "#1 of 1" in page.inner_text("#verdict")
    assert page.title().startswith("Waiting: #1 of 1 · Submission #")
    assert page.inner_text("[aria-current=step]") == "Waiting"
    submission = Submission.objects.get()
    finish(submission.latest_evaluation, report(quality_public=0.8, time_ratio=0.5))
    page.wait_for_selector("text=Public score", timeout=60_000)
    assert "0.3692" in page.inner_text("#verdict")
    assert page.inner_text("#spoken") == "Scored: 0.3692 ± 0.0050"
    assert page.title().startswith("Score 0.3692 · Submission #")
    assert "has arrived" not in page.inner_text("main")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert not asked, "a finished submission is still polled"
    assert not complaints


def test_a_browser_tells_the_end_only_where_a_person_asked(
    page_of: Any, team: Any, owner: Any, submit: Any, complaints: list[str]
) -> None:
    submission = submit(team)
    page = page_of(owner)
    page.context.grant_permissions(["notifications"])
    page.add_init_script(
        "window.told = []; window.Notification = class {"
        "static permission = 'default';"
        "static requestPermission() { this.asked = true; return Promise.resolve('granted'); }"
        "constructor(title, options) { told.push(title + ': ' + options.body); } };"
    )
    page.goto(submission.get_absolute_url())
    assert not page.evaluate("Notification.asked")
    page.click("text=Notify me when it is done")
    page.wait_for_selector("text=Your browser will notify you")
    finish(submission.latest_evaluation, report(quality_public=0.8, time_ratio=0.5))
    page.wait_for_selector("text=Public score", timeout=60_000)
    assert page.evaluate("told") == [f"Submission #{submission.pk}: Scored: 0.3692 ± 0.0050"]
    assert page.is_hidden("#notify")
    assert not complaints


def test_a_refused_upload_says_why_beside_the_button(page_of: Any, team: Any, owner: Any) -> None:
    page = page_of(owner)
    page.goto("/competitions/waste/submit/")
    upload = {"name": "notes.pt", "mimeType": "text/plain", "buffer": b"no model"}
    page.set_input_files("input[type=file]", upload)
    page.click("text=Upload and evaluate")
    page.wait_for_selector("#refusal .alert-danger")
    assert page.url.endswith("/submit/")
    assert page.is_enabled("text=Upload and evaluate")


def test_a_new_token_is_made_once_also_if_its_page_is_loaded_again(
    page_of: Any, owner: Any
) -> None:
    page = page_of(owner)
    page.goto("/profile/")
    page.fill("input[name=name]", "GitHub CI")
    page.click("text=Create the token")
    page.wait_for_selector("#new-token")
    page.reload()
    page.wait_for_selector("h1")
    assert not page.locator("#new-token").count()
    assert ApiToken.objects.filter(user=owner).count() == 1


def test_a_passkey_that_the_browser_refuses_is_explained(page_of: Any, owner: Any) -> None:
    page = page_of(owner, width=390, language="ko")
    page.goto("/accounts/2fa/webauthn/add/")  # asks for the password first
    page.fill("input[type=password]", "a-long-passphrase")
    page.press("input[type=password]", "Enter")
    page.wait_for_selector("#mfa_webauthn_add")
    assert page.get_by_label("이름").is_visible()
    for name, said in (("SecurityError", "도메인 이름"), ("NotAllowedError", "다시 시도")):
        page.evaluate(
            "name => { navigator.credentials.create = async () => {"
            " throw new DOMException('no', name); }; }",
            name,
        )
        page.click("#mfa_webauthn_add")
        expect(page.get_by_role("alert")).to_contain_text(said)


def test_the_first_rows_of_a_board_are_in_sight(page_of: Any, addresses: dict[str, str]) -> None:
    page = page_of()
    for width, height in ((390, 844), (1280, 800)):
        page.set_viewport_size({"width": width, "height": height})
        page.goto("/competitions/waste/boards/public/")
        row = page.locator(".board tbody tr[id]").first.bounding_box()
        assert row["y"] + row["height"] <= height, width


def test_a_row_lights_its_point_on_the_plot(
    page_of: Any, addresses: dict[str, str], complaints: list[str]
) -> None:
    page = page_of()
    page.goto("/competitions/waste/boards/public/")
    assert page.locator(".plot-point[id]").count() == 2
    page.locator(".board tbody tr[id]").first.hover()
    assert page.locator(".plot-point.is-lit").count() == 1
    page.get_by_role("button", name="Zoom in").click()
    assert page.get_attribute("svg.plot", "viewBox") != "0 0 320 330"
    page.reload()
    card = page.locator(".point-card")
    expect(card).to_be_hidden()
    page.locator(".plot-point[tabindex='0']").focus()
    expect(card).to_contain_text(re.compile(r"Rank \d"))
    expect(card).to_contain_text(re.compile(r"Score 0\.\d{4} ± 0\.\d{4}"))
    assert ", Rank " in page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("ArrowRight")
    expect(card).to_be_visible()
    page.keyboard.press("Tab")  # to the card
    expect(card.get_by_role("link", name="See its row")).to_be_focused()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    assert not complaints


def test_the_bar_of_the_own_team_hides_while_its_row_is_in_sight(
    page_of: Any, addresses: dict[str, str], owner: Any
) -> None:
    page = page_of(owner)
    page.goto("/competitions/waste/boards/public/")
    expect(page.locator(".own-row")).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 160})
    page.evaluate("scrollTo(0, 0)")
    expect(page.locator(".own-row")).to_be_visible()


def test_a_column_is_explained_by_the_keyboard_alone(
    page_of: Any, addresses: dict[str, str], complaints: list[str]
) -> None:
    page = page_of(width=390)
    page.goto("/competitions/waste/boards/public/")
    page.focus("button[aria-label='About the score']")
    page.keyboard.press("Enter")
    assert page.is_visible("#about-score")
    box = page.locator("#about-score").bounding_box()
    assert 0 <= box["x"] <= box["x"] + box["width"] <= 390
    assert box["height"] < 400
    page.evaluate(AXE.read_text())
    assert not page.evaluate("axe.run('#about-score').then((found) => found.violations.length)")
    page.keyboard.press("Escape")
    assert page.is_hidden("#about-score")
    assert not complaints


def test_the_keyboard_reaches_the_content_first(page_of: Any, competition: Any) -> None:
    page = page_of()
    page.goto("/competitions/waste/")
    page.keyboard.press("Tab")
    assert page.inner_text(":focus") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_a_chosen_theme_stays_and_the_systems_one_is_the_default(
    page_of: Any, competition: Any
) -> None:
    page = page_of(None, theme="dark")
    shown = "document.documentElement.dataset.bsTheme"
    page.goto("/")
    assert page.evaluate(shown) == "dark"
    page.get_by_role("button", name="Light").click()
    assert page.evaluate(shown) == "light"
    page.goto(f"/competitions/{competition.slug}/")
    assert page.evaluate(shown) == "light"
    page.get_by_role("button", name="Same as the system").click()
    assert page.evaluate(shown) == "dark"
