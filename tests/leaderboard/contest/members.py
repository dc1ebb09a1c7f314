"""Members of the teams of the story, through the API or through services."""

from __future__ import annotations

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from leaderboard.errors import Refused
from leaderboard.models import Competition, Submission, Team, User
from leaderboard.services import selections, submissions, teams, tokens, webhooks

API = "/api/v2"
HOOK = "https://hooks.example.org/new"


def member(number: int) -> User:
    return User.objects.create_user(f"member{number}", f"member{number}@example.org")


class ByApi:
    """Members who act through the API. Each team has a token, as a CI job has."""

    def __init__(self) -> None:
        self.clients: dict[int, APIClient] = {}
        """By team."""

    def form(self, competition: Competition, number: int) -> Team:
        _, secret = tokens.issue(user=member(number), name="tests")
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
        address = f"{API}/competitions/{competition.slug}/teams"
        made = client.post(address, {"name": f"Team {number:02}"}, format="json")
        assert made.status_code == 201, made.content
        team = Team.objects.get(pk=made.json()["id"])
        self.clients[team.pk] = client
        return team

    def send(self, team: Team, file: bytes) -> tuple[int | None, str]:
        address = f"{API}/competitions/{team.competition.slug}/submissions"
        upload = SimpleUploadedFile("model.pt", file)
        answer = self.clients[team.pk].post(address, {"file": upload})
        if answer.status_code == 201:
            return answer.json()["id"], ""
        return None, answer.json()["code"]

    def withdraw(self, submission: Submission) -> None:
        client = self.clients[submission.team_id]
        answer = client.post(f"{API}/submissions/{submission.pk}/withdraw")
        assert answer.status_code == 200, answer.content

    def select(self, team: Team, submissions: list[int]) -> None:
        address = f"{API}/teams/{team.pk}/selections"
        chosen = {"submissions": submissions}
        answer = self.clients[team.pk].put(address, chosen, format="json")
        assert answer.status_code == 200, answer.content

    def have_called(self, team: Team, events: list[str]) -> None:
        address = f"{API}/teams/{team.pk}/webhooks"
        asked = {"url": HOOK, "events": events}
        answer = self.clients[team.pk].post(address, asked, format="json")
        assert answer.status_code == 201, answer.content


class ByService:
    """Members who act through the services that both doors call."""

    def __init__(self) -> None:
        self.people: dict[int, User] = {}
        """By team."""

    def form(self, competition: Competition, number: int) -> Team:
        person = member(number)
        team = teams.create(competition=competition, name=f"Team {number:02}", by=person)
        self.people[team.pk] = person
        return team

    def send(self, team: Team, file: bytes) -> tuple[int | None, str]:
        competition = Competition.objects.get(pk=team.competition_id)
        try:
            receipt = submissions.submit(
                competition=competition,
                team=team,
                upload=ContentFile(file, name="model.pt"),
                by=self.people[team.pk],
                door=Submission.Door.WEB,
            )
        except Refused as refused:
            return None, refused.code
        return receipt.submission.pk, ""

    def withdraw(self, submission: Submission) -> None:
        submissions.withdraw(submission=submission, by=self.people[submission.team_id])

    def select(self, team: Team, submissions: list[int]) -> None:
        selections.choose(team=team, submission_ids=submissions, by=self.people[team.pk])

    def have_called(self, team: Team, events: list[str]) -> None:
        webhooks.add(team=team, url=HOOK, events=events, by=self.people[team.pk])
