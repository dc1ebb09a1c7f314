"""A competition with many submissions, made by the database itself from a few real rows.

A template of each noun is written through the models. Then `multiply` has the database copy it,
with some columns calculated from the number of the copy. All other columns are those of the
template, so a new column of a model needs no change here.
"""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.core.cache import caches
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, models
from django.test import Client
from django.utils import timezone

from benchmarks.scale.measure import PATIENCE
from leaderboard.models import (
    Announcement,
    ApiToken,
    Application,
    AuditEntry,
    Ban,
    Canary,
    Competition,
    Dataset,
    Declaration,
    Entry,
    Evaluation,
    FaqEntry,
    Guest,
    HardwareProfile,
    Membership,
    NamePart,
    Question,
    ReferenceModel,
    Rescore,
    Role,
    Split,
    StoredReport,
    Submission,
    Team,
    User,
    Verification,
    Worker,
)
from leaderboard.services import turns, versions
from scoring.job import PROTOCOL, ClassQuality, Isolation, Quad, Report, SplitQuality, Timing
from scoring.sentences import say

SLUG = "scale"
CLASSES = ["Glass", "Metal", "Paper", "Plastic", "Trash"]
VARIANTS = 40
"""Reports that differ; the database compresses each by itself, so that sizes are real."""
WORKERS, CANARIES = 300, 5_000
"""Workers leave a row for each process there ever was, and canaries one for each hour."""
QUAD_BYTES = 400


@dataclass(frozen=True)
class World:
    submissions: int
    competition: Competition
    profile: HardwareProfile
    busy: Team
    """The team with the longest history; `member` is in it."""
    organizer: Client
    member: Client
    visitor: Client

    def largest(self, model: type[models.Model]) -> models.Model:
        """The row of a noun whose page has the most on it."""
        rows: models.QuerySet[Any] = model._default_manager.all()
        if model is Team:
            return self.busy
        if model is Competition:
            return self.competition
        if model is User:
            rows = rows.filter(memberships__team=self.busy)
        if model is Worker:
            rows = rows.filter(canaries__isnull=False)
        found = rows.first()
        assert found is not None
        return found


def get(client: Client, address: str) -> Any:
    """The body of an answer, or the pieces of a streamed one."""
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return iter(answer) if answer.streaming else answer.content


def fill(submissions: int, *, kilobytes: float, queued: int, busy: int) -> World:
    """An empty database, filled anew."""
    connection.close()
    call_command("migrate", verbosity=0)
    call_command("flush", interactive=False, verbosity=0)
    for one in caches.all():
        one.clear()
    competition = make_competition()
    teams = max(1, submissions // 10)
    people(competition, teams)
    first = Team.objects.order_by("pk")[0]
    histories(competition, first.pk, teams, submissions, kilobytes)
    longest = Team.objects.order_by("pk")[teams // 2]
    copies_for(longest, busy)
    wait(competition, longest, teams, queued)
    boards()
    announcements(competition, 100)
    organizers(competition)
    rescores(competition, 20)
    acts(competition, 10_000)
    machines(competition.profile)
    tidy()
    be_patient()
    return World(
        submissions=submissions,
        competition=competition,
        profile=competition.profile,
        busy=longest,
        organizer=signed_in(User.objects.get(username="organizer")),
        member=signed_in(User.objects.get(memberships__team=longest)),
        visitor=Client(),
    )


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client


def make_competition() -> Competition:
    """An open, calibrated competition, by the models alone: no file is stored, nothing is
    measured."""
    now = timezone.now()
    User.objects.create_user("organizer", "organizer@example.org", is_staff=True, is_superuser=True)
    profile = HardwareProfile.objects.create(slug="cpu", name="One core")
    dataset = Dataset.objects.create(name="Waste", classes=CLASSES, sha256="d" * 64, created_at=now)
    for name in ("sample", "public", "private"):
        Split.objects.create(
            dataset=dataset,
            name=name,
            archive=ContentFile(split_archive(), name=f"{name}.zip"),
            sha256=name[:1] * 64,
            size_bytes=1,
            images=500,
            images_by_class=dict.fromkeys(CLASSES, 100),
        )
    return open_one(SLUG, profile, dataset)


def open_one(slug: str, profile: HardwareProfile, dataset: Dataset) -> Competition:
    competition = Competition.objects.create(
        slug=slug, title=slug.title(), profile=profile, dataset=dataset, submissions_per_day=100
    )
    reference = ReferenceModel.objects.create(
        competition=competition,
        file="references/one.pt",
        sha256="e" * 64,
        size_bytes=1,
        name="ResNet18",
        created_at=timezone.now(),
    )
    competition.reference = reference
    competition.calibration = Evaluation.objects.create(
        **evaluation_fields(competition, kind="calibration")
    )
    keep(competition.calibration, reports(1, 23)[0])
    competition.state = Competition.State.OPEN
    competition.save()
    return competition


def split_archive() -> bytes:
    """Class folders of images that are named and never opened: pages read the labels alone."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for label in CLASSES:
            for number in range(100):
                archive.writestr(f"{label}/{number}.png", b"-")
    return content.getvalue()


def people(competition: Competition, teams: int) -> None:
    """A team of one for each number, its person and a token."""
    person = User.objects.create_user("person", "person@example.org")
    team = Team.objects.create(competition=competition, name="Team")
    member = Membership.objects.create(team=team, user=person, competition=competition)
    token, _ = ApiToken.objects.create(user=person, name="CI")
    copies = teams - 1
    multiply(
        User,
        [person.pk],
        copies,
        id=f"{person.pk + 1} + i",
        username="'person' || i",
        email="'person' || i || '@example.org'",
    )
    multiply(Team, [team.pk], copies, id=f"{team.pk + 1} + i", name="'Team ' || i")
    part = NamePart.objects.create(team=team, competition=competition, text="team")
    for text in ("'team ' || i", "'' || i"):
        multiply(NamePart, [part.pk], copies, team_id=f"{team.pk + 1} + i", text=text)
    multiply(
        Membership,
        [member.pk],
        copies,
        id=f"{member.pk + 1} + i",
        team_id=f"{team.pk + 1} + i",
        user_id=f"{person.pk + 1} + i",
    )
    multiply(
        ApiToken,
        [token.pk],
        copies,
        digest="'digest' || i",
        user_id=f"{person.pk + 1} + i",
    )


def histories(
    competition: Competition, first_team: int, teams: int, submissions: int, kilobytes: float
) -> None:
    """Ten scored submissions for each team.

    One in fifty failed, one in five hundred by our fault.
    """
    now = timezone.now()
    variants = reports(VARIANTS, kilobytes)
    template = Submission.objects.create(
        competition=competition,
        team_id=first_team,
        door="api",
        file="submissions/one.pt",
        file_name="model.pt",
        sha256="f" * 64,
        content_sha256="f" * 64,
        size_bytes=5_000_000,
        static=static_report(),
        uploaded_at=now - timedelta(days=60),
    )
    scored = [
        Evaluation.objects.create(**evaluation_fields(competition, submission=template))
        for _ in variants
    ]
    kept = [keep(*pair) for pair in zip(scored, variants, strict=True)]
    multiply(
        Submission,
        [template.pk],
        submissions,
        id=f"{template.pk + 1} + i",
        team_id=f"{first_team} + i % {teams}",
        sha256=padded("'a' || i"),
        content_sha256=padded("'c' || i"),
        uploaded_at=later("uploaded_at", f"i * {50 * 86400 / submissions}"),
    )
    ratio = f"0.1 + 1.9 * ((i * 7919) % {submissions}) / {submissions}.0"
    quality = f"0.95 - 0.3 * ((i * 104729) % {submissions}) / {submissions}.0"
    multiply(
        Evaluation,
        [one.pk for one in scored],
        submissions,
        id=f"{scored[-1].pk + 1} + i",
        submission_id=f"{template.pk + 1} + i",
        team_id=f"{first_team} + i % {teams}",
        time_ratio=ratio,
        submission_seconds=f"0.01 * ({ratio})",
        quality_public=quality,
        quality_private=f"({quality}) - 0.01",
        # Not the formula, but it falls in the same way. Only the database is measured here.
        score_public=f"0.5 * ({ratio}) + 1.2 - ({quality})",
        score_private=f"0.5 * ({ratio}) + 1.21 - ({quality})",
        measurement_key=padded("'k' || i"),
        state="CASE WHEN i % 500 = 7 THEN 'error' WHEN i % 50 = 9 THEN 'failed' ELSE state END",
        counts="i % 500 <> 7 AND i % 50 <> 9",
        failure_code="CASE WHEN i % 500 <> 7 AND i % 50 = 9 THEN 'wrong_output' ELSE '' END",
        error_code="CASE WHEN i % 500 = 7 THEN 'internal' ELSE '' END",
        finished_at=later("finished_at", f"i * {50 * 86400 / submissions}"),
    )
    multiply(
        StoredReport,
        [one.pk for one in kept],
        submissions,
        evaluation_id=f"{scored[-1].pk + 1} + i",
    )
    Evaluation.objects.filter(pk__in=[one.pk for one in scored]).delete()
    template.delete()


def organizers(competition: Competition) -> None:
    """An organizer besides the operator, and one row of each thing that organizers decide about."""
    viewer = User.objects.create_user("viewer", "viewer@example.org")
    Role.objects.create(competition=competition, user=viewer, kind=Role.Kind.VIEWER)
    banned = User.objects.create_user("banned", "banned@example.org")
    Ban.objects.create(competition=competition, user=banned, reason="Two accounts.")
    Application.objects.create(competition=competition, user=banned)
    week = timezone.now() + timedelta(days=7)
    guest = {"address": "guest@example.org", "code": "for-a-guest", "expires_at": week}
    Guest.objects.create(competition=competition, **guest)
    Question.objects.create(competition=competition, text="How many images?")
    FaqEntry.objects.create(competition=competition, question="Where?", answer="Here.")
    team = competition.teams.order_by("pk")[0]
    Declaration.objects.create(team=team, track="students")
    asked = {"team": team, "rank": 1, "wish": "The code.", "due_at": week}
    Verification.objects.create(competition=competition, **asked)


def announcements(competition: Competition, count: int) -> None:
    """Announcements, one for each day, the last one today."""
    one = Announcement.objects.create(
        competition=competition,
        title="New images",
        text="Look at **Data**. " * 50,
        announced_at=timezone.now() - timedelta(days=count),
    )
    multiply(
        Announcement,
        [one.pk],
        count - 1,
        id=f"{one.pk + 1} + i",
        announced_at=later("announced_at", "86400 * (i + 1)"),
    )


def acts(competition: Competition, count: int) -> None:
    """Entries of the audit log."""
    one = AuditEntry.objects.create(
        by_name="service",
        act=AuditEntry.Act.TEAM_RENAMED,
        competition=competition,
        subject="Team 1",
        before={"name": "Team 0"},
        after={"name": "Team 1"},
    )
    multiply(AuditEntry, [one.pk], count - 1, id=f"{one.pk + 1} + i")


def copies_for(team: Team, count: int) -> None:
    """Further submissions of one team, as copies of what other teams sent."""
    pairs = list(
        Evaluation.objects.filter(state="scored", kind="submission")
        .order_by("pk")
        .values_list("pk", "submission_id")[: min(count, VARIANTS)]
    )
    next_evaluation, next_submission = after(Evaluation), after(Submission)
    multiply(
        Submission,
        [submission for _, submission in pairs],
        count,
        id=f"{next_submission} + i",
        team_id=str(team.pk),
        sha256=padded("'b' || i"),
        content_sha256=padded("'h' || i"),
    )
    multiply(
        Evaluation,
        [evaluation for evaluation, _ in pairs],
        count,
        id=f"{next_evaluation} + i",
        submission_id=f"{next_submission} + i",
        team_id=str(team.pk),
        score_public="score_public + 0.0001 * i",
        measurement_key=padded("'m' || i"),
    )
    multiply(
        StoredReport,
        [StoredReport.objects.get(evaluation=evaluation).pk for evaluation, _ in pairs],
        count,
        evaluation_id=f"{next_evaluation} + i",
    )


def wait(competition: Competition, busiest: Team, teams: int, queued: int) -> None:
    """New submissions that wait, one for each team in turn, from the busiest team on.

    Three more are running.
    """
    first_team = Team.objects.earliest("pk").pk
    before = busiest.pk - first_team
    template = Submission.objects.order_by("pk").first()
    assert template
    next_submission = after(Submission)
    multiply(
        Submission,
        [template.pk],
        queued + 3,
        id=f"{next_submission} + i",
        team_id=f"{first_team} + ({before} + i) % {teams}",
        sha256=padded("'q' || i"),
        content_sha256=padded("'r' || i"),
        uploaded_at=later("uploaded_at", f"{55 * 86400} + i"),
    )
    now = timezone.now()
    assert competition.reference
    assert competition.dataset
    row = Evaluation.objects.create(
        competition=competition,
        submission_id=next_submission,
        reference=competition.reference,
        dataset=competition.dataset,
        profile=competition.profile,
        team=busiest,
        queued_at=now - timedelta(hours=3),
        measurement_key="q" * 64,
        lease_expires_at=now + timedelta(hours=12),
        claimed_at=now,
    )
    multiply(
        Evaluation,
        [row.pk],
        queued + 2,
        id=f"{row.pk + 1} + i",
        submission_id=f"{next_submission + 1} + i",
        team_id=f"{first_team} + ({before} + i + 1) % {teams}",
        state="CASE WHEN i < 3 THEN 'running' ELSE 'queued' END",
        attempt="CASE WHEN i < 3 THEN 1 ELSE 0 END",
        queued_at=later("queued_at", "i"),
        measurement_key=padded("'q' || i"),
        content_sha256=padded("'r' || (i + 1)"),
    )
    states = Evaluation.objects.filter(team__isnull=False).unfinished()
    for team in Team.objects.filter(pk__in=states.values("team")):
        turns.settle(team.pk)


def boards() -> None:
    """Each team's best scored submission, as `rankings` would place it."""
    evaluation = Evaluation.objects.filter(state="scored", kind="submission").first()
    assert evaluation
    assert evaluation.submission
    template = Entry.objects.create(
        competition=evaluation.competition,
        board="public",
        team_id=evaluation.submission.team_id,
        submission=evaluation.submission,
        evaluation=evaluation,
        is_ranked=True,
        score="1.0",
        quality=0.7,
        time_ratio=1.0,
        score_half_width=0.005,
        uploaded_at=evaluation.submission.uploaded_at,
    )
    chosen = {
        "team_id": "best.team_id",
        "submission_id": "best.submission_id",
        "evaluation_id": "best.evaluation_id",
        "is_ranked": f"best.quality > {0.66}",
        "score": "CAST(best.score AS numeric(12, 6))"
        if is_postgresql()
        else "ROUND(best.score, 6)",
        "quality": "best.quality",
        "time_ratio": "best.time_ratio",
        "uploaded_at": "best.uploaded_at",
        "format": "CASE WHEN best.team_id % 50 = 3 THEN 'onnx' ELSE 'torchscript' END",
        "number_type": "CASE WHEN best.team_id % 3 = 0 THEN 'int8' ELSE 'float32' END",
        "parameters": "1000 * (best.team_id % 9973)",
        "macs": "CASE WHEN best.team_id % 10 = 7 THEN NULL ELSE 1000 * (best.team_id % 7919) END",
    }
    columns = [str(one.column) for one in Entry._meta.concrete_fields if not one.primary_key]
    values = [chosen.get(column, f"t.{column}") for column in columns]
    best = (
        "SELECT s.team_id, s.id AS submission_id, e.id AS evaluation_id, e.score_public AS score, "
        "e.quality_public AS quality, e.time_ratio, s.uploaded_at, "
        "row_number() OVER (PARTITION BY s.team_id "
        "ORDER BY e.score_public, s.uploaded_at, s.id) AS place "
        "FROM leaderboard_evaluation e JOIN leaderboard_submission s ON s.id = e.submission_id "
        "WHERE e.state = 'scored'"
    )
    run(
        f"INSERT INTO leaderboard_entry ({', '.join(columns)}) SELECT {', '.join(values)} "
        f"FROM leaderboard_entry t, ({best}) best WHERE t.id = {template.pk} AND best.place = 1 "
        f"AND best.team_id <> t.team_id"
    )
    versions.change(evaluation.competition_id)


def rescores(competition: Competition, count: int) -> None:
    """Cancelled rescores. A rescore that waits would forbid another gate."""
    for number in range(count):
        Rescore.objects.create(
            competition=competition,
            state=Rescore.State.CANCELLED,
            why="Time counted too much.",
            time_weight=0.1 + number / 100,
            k=20.0,
            min_quality=0.0,
            was_time_weight=0.5,
            was_k=20.0,
            was_quality_ref=0.7,
            was_min_quality=0.0,
        )


def machines(profile: HardwareProfile) -> None:
    now = timezone.now()
    worker = Worker.objects.create(
        name="lab:1",
        profile=profile,
        fingerprint={"cpu": "Some processor", "cores": 2},
        started_at=now - timedelta(days=60),
        seen_at=now,
    )
    multiply(Worker, [worker.pk], WORKERS - 1, id=f"{worker.pk + 1} + i", name="'lab:1' || i")
    canary = Canary.objects.create(
        worker=worker,
        measured_at=now - timedelta(days=60),
        time_ratio=1.002,
        half_width=0.004,
        foreign_load=0.1,
        passed=True,
    )
    multiply(
        Canary,
        [canary.pk],
        CANARIES - 1,
        id=f"{canary.pk + 1} + i",
        measured_at=later("measured_at", "i * 1000"),
        worker_id=f"{worker.pk} + (i % {WORKERS}) * (i % 2)",
    )


# The contents of rows


def evaluation_fields(competition: Competition, **fields: Any) -> dict[str, Any]:
    now = timezone.now()
    return {
        "competition": competition,
        "reference": competition.reference,
        "dataset": competition.dataset,
        "profile": competition.profile,
        "state": "scored",
        "attempt": 1,
        "queued_at": now - timedelta(days=60),
        "claimed_at": now - timedelta(days=60) + timedelta(seconds=60),
        "finished_at": now - timedelta(days=60) + timedelta(seconds=90),
        "percent": 100,
        "f1_by_class": dict.fromkeys(CLASSES, 0.7),
        "isolation": Isolation(
            layers=(say("filter of system calls (only for computing)"),)
        ).to_json(),
        "quality_public": 0.7,
        "quality_private": 0.69,
        "quality_ref": 0.7,
        "time_ratio": 1.0,
        "half_width": 0.01,
        "submission_seconds": 0.01,
        "reference_seconds": 0.01,
        "score_public": 1.0,
        "score_private": 1.02,
        **fields,
    }


def keep(evaluation: Evaluation, found: dict[str, Any]) -> StoredReport:
    return StoredReport.objects.create(evaluation=evaluation, attempt=1, found=found)


def reports(count: int, kilobytes: float) -> list[dict[str, Any]]:
    """Reports as the engine writes them, with as many random quads as fill the size."""
    chance = random.Random(19)
    quads = max(1, round((kilobytes * 1000 - 1500) / QUAD_BYTES))
    return [report(chance, quads).to_json() for _ in range(count)]


def report(chance: random.Random, quads: int) -> Report:
    def seconds() -> float:
        return chance.uniform(0.04, 0.1)

    def quad(number: int) -> Quad:
        return Quad(
            at_seconds=0.4 * number + chance.random() / 10,
            segment=number // 16,
            reference_seconds=seconds(),
            reference_images=chance.randint(4, 20),
            submission_seconds=seconds(),
            submission_images=chance.randint(4, 20),
            reference_cpu_seconds=seconds(),
            submission_cpu_seconds=seconds(),
            reference_load=chance.random() / 10,
            probe_seconds=seconds() / 100,
            submission_load=chance.random() / 10,
        )

    split = SplitQuality(
        images=500,
        quality=0.7,
        accuracy=0.71,
        per_class={label: ClassQuality(0.7, 0.7, 0.7, 100) for label in CLASSES},
        confusion=tuple(tuple(chance.randint(0, 99) for _ in CLASSES) for _ in CLASSES),
    )
    timing = Timing(
        time_ratio=1.0,
        half_width=0.01,
        seconds_per_image=0.01,
        reference_seconds_per_image=0.01,
        quads=tuple(quad(number) for number in range(quads)),
        segments=4,
        measured_seconds=24.0,
        disturbed_share=0.02,
    )
    return replace(
        Report(status="scored", splits={"public": split, "private": split}, timing=timing),
        isolation=Isolation(layers=(say("filter of system calls (only for computing)"),)),
        quality_ref=0.7,
        hardware={"cpu": "Some processor"},
        versions={"protocol": str(PROTOCOL), "torch": "2.13.0"},
    )


def static_report() -> dict[str, Any]:
    return {
        "parameters": 1_234_567,
        "operators": ["aten::conv2d", "aten::relu_", "aten::linear"],
        "input": {"height": 224, "width": 224, "dtype": "float32", "batch_size": 1},
    }


# SQL that both databases understand


def multiply(
    model: type[models.Model], templates: Iterable[int | str], count: int, **columns: str
) -> None:
    """Copy rows `count` times. Copy i is one of the i-th template, with some columns calculated."""
    if count <= 0:
        return
    options = model._meta
    table, primary = options.db_table, options.pk
    keys = list(templates)
    names = [
        str(one.column)
        for one in options.concrete_fields
        if one.column in columns or not one.primary_key
    ]
    values = [columns.get(name, f"t.{name}") for name in names]
    chosen = ", ".join(f"({number}, {key!r})" for number, key in enumerate(keys))
    run(
        f"WITH RECURSIVE numbers(i) AS (SELECT CAST(0 AS bigint) UNION ALL "
        f"SELECT i + 1 FROM numbers WHERE i < {count - 1}), chosen(place, pk) AS (VALUES {chosen}) "
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} "
        f"FROM numbers JOIN chosen ON chosen.place = i % {len(keys)} "
        f"JOIN {table} t ON t.{primary.column} = chosen.pk"
    )
    for statement in connection.ops.sequence_reset_sql(no_style(), [model]):
        run(statement)


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def after(model: type[models.Model]) -> int:
    """The next free key of a table."""
    return (model._default_manager.aggregate(last=models.Max("pk"))["last"] or 0) + 1


def padded(text: str) -> str:
    """SQL for a text as long as a SHA-256, different for each text. So 1 and 10 must not end
    alike."""
    return f"{text} || substr('{'f' * 64}', 1, 64 - length({text}))"


def later(column: str, seconds: str) -> str:
    if is_postgresql():
        return f"t.{column} + ({seconds}) * interval '1 second'"
    return f"strftime('%Y-%m-%d %H:%M:%f', t.{column}, '+' || ({seconds}) || ' seconds')"


def is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def tidy() -> None:
    """Do what a database does by itself within minutes."""
    run("VACUUM ANALYZE" if is_postgresql() else "ANALYZE")


def be_patient() -> None:
    """Let no query of a row run for ever."""
    if is_postgresql():
        run(f"SET statement_timeout = '{PATIENCE}s'")


def megabytes() -> float:
    """The size of the whole database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_database_size(current_database())"
            if is_postgresql()
            else "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        )
        return float(cursor.fetchone()[0]) / 1e6
