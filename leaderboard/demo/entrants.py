"""The demo's participants, each with a browser, an API token and a team of one."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import IO, Any

import httpx

from leaderboard.demo.processes import DemoProcesses
from leaderboard.models import User
from leaderboard.services import tokens

PASSWORD = "a-light-model"  # noqa: S105  the demo's logins are printed anyway
SLUG = "demo"


class Entrant:
    """One person with a team of one, a browser and a token."""

    def __init__(self, site: str, team: str, model: Path) -> None:
        self.site = site
        self.team = team
        self.model = model
        self.user = team.lower().replace(" ", "-")
        self.browser = httpx.Client(base_url=site, follow_redirects=True, timeout=120)
        self.submission = 0
        self.door = ""

    def sign_up(self) -> None:
        """Sign up by the web form, as a new participant does. The team is made by API."""
        fields = {
            "username": self.user,
            "email": f"{self.user}@example.org",
            "password1": PASSWORD,
        }
        self.submit_form("/accounts/signup/", fields)
        _, secret = tokens.issue(user=User.objects.get(username=self.user), name="demo")
        self.api = httpx.Client(
            base_url=f"{self.site}/api/v2/",
            headers={"Authorization": f"Token {secret}"},
            timeout=120,
        )
        self.join(SLUG)

    def join(self, competition: str) -> None:
        """Make a team of one for a competition."""
        answer = self.api.post(f"competitions/{competition}/teams", json={"name": self.team})
        answer.raise_for_status()

    def upload_by_api(self, competition: str = SLUG) -> None:
        with self.model.open("rb") as file:
            answer = self.api.post(
                f"competitions/{competition}/submissions",
                files={"file": (self.model.name, file)},
                headers={"Idempotency-Key": f"{self.user}-{competition}"},
            )
        answer.raise_for_status()
        self.submission = answer.json()["id"]
        self.door = "API"

    def upload_by_form(self) -> None:
        with self.model.open("rb") as file:
            page = self.submit_form(
                f"/competitions/{SLUG}/submit/",
                {"note": "by hand"},
                files={"file": (self.model.name, file)},
            )
        found = re.search(r"/submissions/(\d+)/", str(page.url))
        if not found:
            raise SystemExit(f"The upload form did not lead to a submission but to {page.url}.")
        self.submission = int(found[1])
        self.door = "web form"

    def wait(self, processes: DemoProcesses) -> str:
        """Wait for the end; returns the state of the submission."""
        for _ in range(60):
            processes.check()
            answer = self.api.get(f"submissions/{self.submission}", params={"wait": 30})
            state = answer.raise_for_status().json()["state"]
            if state not in ("queued", "running"):
                break
        return str(state)

    def private_board_is_hidden(self) -> bool:
        """Whether this participant cannot see the private board: its page says "not published yet",
        every other address answers 404."""
        page = self.browser.get(f"/competitions/{SLUG}/boards/private/").text
        return (
            "not published yet" in page
            and "<table" not in page
            and all(
                answer.status_code == 404
                for answer in (
                    self.api.get(f"competitions/{SLUG}/boards/private"),
                    self.api.get(f"competitions/{SLUG}/boards/private.csv"),
                    self.browser.get(f"/competitions/{SLUG}/boards/private/embed/"),
                )
            )
        )

    def submit_form(
        self, url: str, data: dict[str, str], files: dict[str, tuple[str, IO[bytes]]] | None = None
    ) -> httpx.Response:
        page = self.browser.get(url)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        if not token:
            raise SystemExit(f"There is no form at {url} ({page.status_code}).")
        fields = data | {"csrfmiddlewaretoken": token[1]}
        headers = {"Referer": str(page.url)}
        answer = self.browser.post(url, data=fields, headers=headers, files=files)
        return answer.raise_for_status()


def wait_for_site(site: str, processes: DemoProcesses) -> None:
    for _ in range(120):
        processes.check()
        try:
            httpx.get(f"{site}/healthz").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.25)
    raise SystemExit("The web server did not answer; see logs/web.log in the demo's folder.")


def board(site: str, name: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{site}/api/v2/competitions/{SLUG}/boards/{name}").raise_for_status()
    rows: list[dict[str, Any]] = answer.json()["results"]
    return rows
