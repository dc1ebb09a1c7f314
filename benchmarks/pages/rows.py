"""A site with a large open competition and a small published one, and the rows of its pages."""

from __future__ import annotations

import io
import random
import zipfile
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from benchmarks import picture
from benchmarks.scale import world
from benchmarks.scale.world import World
from leaderboard.models import (
    Announcement,
    Baseline,
    Competition,
    Evaluation,
    Guest,
    HardwareProfile,
    Membership,
    Notice,
    Question,
    Submission,
    Team,
    Trial,
    User,
    Verification,
    Webhook,
)
from leaderboard.services import (
    baseline_files,
    competitions,
    invitation_letters,
    mailing,
    recording,
    running,
    snapshots,
    teams,
    telling,
    webhooks,
)
from scoring.job import DryRun
from scoring.job import Trial as Found

SECONDS = 60.0
"""Seconds of work on notices and on the signed file."""
SMALL_TEAMS = 12
TRACKS = [
    {"slug": "small", "name": "Small", "max_parameters": 2_000_000},
    {"slug": "students", "name": "Students", "declared": True},
]


@dataclass(frozen=True)
class Site:
    world: World
    published: Competition
    draft: Competition
    member: User

    @property
    def open(self) -> Competition:
        return self.world.competition


def fill(teams: int) -> Site:
    made = world.fill(10 * teams, kilobytes=3, queued=100, busy=40)
    member = User.objects.get(memberships__team=made.busy)
    Competition.objects.filter(pk=made.competition.pk).update(tracks=TRACKS)
    made.competition.refresh_from_db()
    organizer = User.objects.get(username="organizer")
    published = publish(member, organizer)
    draft = Competition.objects.create(
        slug="draft", title="Draft", profile=made.profile, dataset=published.dataset
    )
    of_the_team(made.busy, member)
    telling.go_on(seconds=SECONDS)
    return Site(world=made, published=published, draft=draft, member=member)


def publish(member: User, organizer: User) -> Competition:
    """A small competition that is over, in which the member took part."""
    profile = HardwareProfile.objects.create(
        slug="lab", name="Lab", max_half_width=0, canary_every_minutes=0
    )
    dataset = Competition.objects.get().dataset
    assert dataset
    made = world.open_one("published", profile, dataset)
    made.tracks = TRACKS
    made.save()
    chance = random.Random(7)  # noqa: S311 - no secret
    for number, name in enumerate(picture.NAMES[:SMALL_TEAMS]):
        picture.enter(made, name, number, chance)
    stand_beside(made, chance)
    own = made.teams.earliest("pk")
    Membership.objects.create(team=own, user=member, competition=made)
    competitions.close(competition=made, by=organizer)
    competitions.publish(competition=made, by=organizer)
    snapshots.go_on(seconds=SECONDS)
    due = timezone.now() + timedelta(days=7)
    Verification.objects.create(competition=made, team=own, rank=1, wish="Code.", due_at=due)
    return made


def stand_beside(competition: Competition, chance: random.Random) -> None:
    """A measured baseline of a competition."""
    made = Baseline.objects.create(
        competition=competition,
        name="MobileNetV3, ImageNet weights",
        file="models/baseline.pt",
        sha256="b" * 64,
        size_bytes=5_000_000,
        static=world.static_report(),
        created_at=timezone.now(),
    )
    baseline_files.measure(made, competition)
    claimed = running.claim(competition.profile)
    assert claimed
    recording.record(claimed, world.report(chance, quads=16))


def of_the_team(team: Team, member: User) -> None:
    """What only pages of a team show."""
    teams.invite(team=team, by=member)
    hook = webhooks.add(team=team, url="https://hook.example/a", events=["scored"], by=member)
    webhooks.ping(webhook=hook, by=member)
    Trial.objects.create(
        competition=team.competition,
        team=team,
        uploaded_by=member,
        file="trials/one.pt",
        file_name="model.pt",
        format="torchscript",
        size_bytes=5_000_000,
        state=Trial.State.PASSED,
        finished_at=timezone.now(),
        found=Found("passed", dry_run=DryRun(images=8), seconds_per_image=0.002).to_json(),
    )


def of_pages(site: Site) -> dict[str, list[dict[str, Any]]]:
    """The arguments of each address that needs more than a competition, by its name."""
    team = site.world.busy
    slug = site.open.slug
    scored = [
        Submission.objects.filter(team=one, evaluations__state="scored").earliest("pk")
        for one in (team, site.published.teams.earliest("pk"))
    ]
    states = ("queued", "failed", "error")
    others = [Submission.objects.filter(evaluations__state=one).first() for one in states]
    both = [{"slug": one.slug} for one in (site.open, site.published)]
    invitation = team.invitations.latest("pk")
    return {
        "announcement": [{"slug": slug, "pk": Announcement.objects.latest("pk").pk}],
        "question": [{"slug": slug, "pk": Question.objects.latest("pk").pk}],
        "board": [one | {"name": name} for one in both for name in ("public", "private")],
        "baseline": [{"slug": site.published.slug, "pk": site.published.baselines.get().pk}],
        "embed": [one | {"name": "public"} for one in both],
        "guest": [{"slug": slug, "code": Guest.objects.latest("pk").code}],
        "public-team": [{"slug": slug, "pk": team.pk}],
        "webhook": [{"slug": slug, "pk": Webhook.objects.latest("pk").pk}],
        "trial": [{"pk": Trial.objects.latest("pk").pk}],
        "submission": [{"pk": one.pk} for one in (*scored, *others) if one],
        "compare": [{"pk": one.pk} for one in scored],
        "measurement": [
            {"pk": Evaluation.objects.get(counts=True, submission=one).pk} for one in scored
        ],
        "invitation": [{"code": invitation.code}],
        "no-invitations": [{"token": invitation_letters.signed("friend@example.org")}],
        "unsubscribe": [{"token": mailing.signed(site.member, Notice.Kind.SCORED)}],
        "account_confirm_email": [{"key": "unknown"}],
        "account_reset_password_from_key": [{"uidb36": "1", "key": "unknown"}],
    }


def of_the_panel(site: Site, model: type[Model]) -> list[Any]:
    """Keys of the rows of a noun whose forms and steps are looked at."""
    if model is Competition:
        return [site.open.pk, site.published.pk, site.draft.pk]
    return [site.world.largest(model).pk]


def staged(site: Site) -> str:
    """Images that were sent and wait for a decision: the address of their report."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for index, label in enumerate(world.CLASSES):
            for number in range(12):
                one = io.BytesIO()
                Image.new("RGB", (24, 18), (20 * index, 20 * number, 99)).save(one, "PNG")
                archive.writestr(f"{label}/{number}.png", one.getvalue())
        archive.writestr(f"{label}/note.txt", "no image")
    upload = SimpleUploadedFile("images.zip", content.getvalue(), "application/zip")
    address = reverse("admin:leaderboard_dataset_add")
    answer = site.world.organizer.post(address, {"source": upload, "name": "Images"})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def nouns() -> list[type[Model]]:
    return [one for one in admin.site._registry if one._meta.app_label == "leaderboard"]
