"""50 teams with 300 submissions: no page reads rows that it does not show, or rows one by one.

tests/test_everything_also_on_sqlite.py runs it on SQLite, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leaderboard.models import (
    Canary,
    Competition,
    Entry,
    Evaluation,
    Membership,
    Submission,
    Team,
    User,
    Worker,
)
from leaderboard.services import rankings, versions
from leaderboard.web import progress

pytestmark = pytest.mark.django_db
TEAMS, SENT = 50, 300
MOST_QUERIES = 28
"""Whatever the number of rows. The form of a competition also shows whose models and accounts look
alike."""
MOST_ROWS = 1_000
"""Rows that the queries of one page may give back: a page shows 50 of the list's own."""
PUBLIC = "/competitions/waste/boards/public/"


@pytest.fixture
def many(team: Team, scored: Callable[..., Submission], competition: Competition) -> Team:
    """Copies of one scored submission; half of them are the first team's, some wait or broke."""
    model = scored(team)
    evaluation = model.evaluation
    people = User.objects.bulk_create(
        User(username=f"person{number}", email=f"{number}@example.org") for number in range(TEAMS)
    )
    others = Team.objects.bulk_create(
        Team(competition=competition, name=f"Team {number:02}") for number in range(TEAMS)
    )
    Membership.objects.bulk_create(
        Membership(team=one, user=person, competition=competition)
        for one, person in zip(others, people, strict=True)
    )
    sent = Submission.objects.bulk_create(
        copy(model, team=team if number % 2 else others[number // 2 % TEAMS])
        for number in range(SENT)
    )
    states = {0: "queued", 1: "running", 2: "error", 3: "failed"}
    Evaluation.objects.bulk_create(
        copy(evaluation, submission=one, state=states.get(number % 20, "scored"))
        for number, one in enumerate(sent)
    )
    Entry.objects.bulk_create(
        copy(Entry.objects.get(), team=one, score=f"0.{500 + number}", is_ranked=number % 10 > 0)
        for number, one in enumerate(others)
    )
    versions.change(competition.pk)
    workers = Worker.objects.bulk_create(
        Worker(
            name=f"lab:{number}",
            profile=competition.profile,
            started_at=timezone.now(),
            seen_at=timezone.now(),
        )
        for number in range(TEAMS)
    )
    Canary.objects.bulk_create(
        Canary(worker=workers[number % 2], measured_at=timezone.now(), time_ratio=1, passed=True)
        for number in range(SENT)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as a database does by itself: it plans by what is there
    return team


def copy(row: Any, **fields: Any) -> Any:
    """Another row like this one."""
    values = {one.attname: getattr(row, one.attname) for one in row._meta.concrete_fields}
    del values["id"]
    for name in fields:
        values.pop(f"{name}_id", None)
    return type(row)(**values | fields)


def addresses(busiest: Team) -> Iterator[str]:
    """The first page, and each noun's list, a search there, and its largest single page."""
    yield reverse("admin:index")
    largest = {Team: busiest.pk, Submission: busiest.submissions.latest("pk").pk}
    for model in admin.site._registry:
        if model._meta.app_label != "leaderboard":
            continue
        name = f"admin:leaderboard_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        yield f"{reverse(f'{name}_changelist')}?q=Team"
        if key := largest.get(model) or model._default_manager.values_list("pk", flat=True).first():
            yield reverse(f"{name}_change", args=[key])


@contextmanager
def rows_counted() -> Iterator[list[int]]:
    """How many rows the database gives back to each query."""
    counts: list[int] = []

    class Counted:
        def __init__(self, cursor: Any) -> None:
            self.cursor = cursor

        def __getattr__(self, name: str) -> Any:
            return getattr(self.cursor, name)

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *error: object) -> None:
            self.cursor.close()

        def __iter__(self) -> Iterator[Any]:
            return iter(self.fetchall())

        def fetchone(self) -> Any:
            row = self.cursor.fetchone()
            counts.append(row is not None)
            return row

        def fetchmany(self, *size: int) -> Any:
            rows = self.cursor.fetchmany(*size)
            counts.append(len(rows))
            return rows

        def fetchall(self) -> Any:
            rows = self.cursor.fetchall()
            counts.append(len(rows))
            return rows

    cursor = connection.cursor
    connection.cursor = lambda *name: Counted(cursor(*name))  # type: ignore[assignment, method-assign]
    try:
        yield counts
    finally:
        connection.cursor = cursor  # type: ignore[method-assign]


def test_every_page_of_the_panel_asks_little(many: Team, organizer: User) -> None:
    panel = Client()
    panel.force_login(organizer, "django.contrib.auth.backends.ModelBackend")
    found = []
    for address in addresses(many):
        with CaptureQueriesContext(connection) as queries, rows_counted() as rows:
            assert panel.get(address).status_code == 200, address
        if len(queries) > MOST_QUERIES or sum(rows) > MOST_ROWS:
            found.append(f"{address}: {len(queries)} queries, {sum(rows)} rows")
    assert not found, "\n".join(found)


def test_no_query_of_the_panel_joins_histories(many: Team, organizer: User) -> None:
    """A join of two histories would multiply their rows."""
    panel = Client()
    panel.force_login(organizer, "django.contrib.auth.backends.ModelBackend")
    work = planned_work if connection.vendor == "postgresql" else sqlite_work
    found = []
    for address in addresses(many):
        done, most = work(lambda address=address: panel.get(address))  # type: ignore[misc]
        if done > most:
            found.append(f"{address}: {done}")
    assert not found, "\n".join(found)


def planned_work(act: Callable[[], object]) -> tuple[int, int]:
    """The rows of the widest step in the plans of all queries, and what is allowed."""
    with CaptureQueriesContext(connection) as queries:
        act()
    read = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    return max(map(widest, read)), 20 * SENT


def sqlite_work(act: Callable[[], object]) -> tuple[int, int]:
    """Thousands of instructions of SQLite's machine, and what is allowed."""
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1

    connection.connection.set_progress_handler(tick, 1_000)
    try:
        act()
    finally:
        connection.connection.set_progress_handler(None, 0)
    return ticks, 1_000


def widest(sql: str) -> int:
    """The rows that the widest step of a plan passed on, over all of its rounds."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + sql.replace("%", "%%"), ())
        (plan,) = cursor.fetchone()

    def steps(node: dict[str, Any]) -> Iterator[int]:
        yield int(node["Actual Rows"] * node["Actual Loops"])
        for below in node.get("Plans", ()):
            yield from steps(below)

    return max(steps(plan[0]["Plan"]))


def test_a_board_asks_no_more_however_long_it_is(
    many: Team, competition: Competition, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rankings, "STEP", 7)  # marks, as on a long board
    board = list(Entry.objects.board(competition, "public"))
    standing = rankings.Standing(competition, "public")
    assert len(standing) == len(board) == TEAMS + 1
    expected = [entry.pk for entry in board]
    for start in range(0, len(board) + 2, 3):
        for count in (1, 4, 100):
            rows = standing[start : start + count]
            assert [row.entry.pk for row in rows] == expected[start : start + count]
            ranks = [row.rank for row in rows if row.rank]
            assert ranks == list(range(start + 1, start + 1 + len(ranks)))
    for place, entry in enumerate(board, start=1):
        assert standing.rank(entry) == (place if entry.is_ranked else None)
    lines = list(rankings.figures(competition, "public"))
    assert lines == [row.figures for row in standing[:]]

    client.get(PUBLIC)
    with CaptureQueriesContext(connection) as queries:
        client.get(PUBLIC)
    assert len(queries) <= 3, [one["sql"] for one in queries]


def test_the_private_board_counts_no_public_ranks(
    many: Team, competition: Competition, client: Client
) -> None:
    public = list(Entry.objects.board(competition, "public"))
    ranked = [entry for entry in public if entry.is_ranked]
    Entry.objects.bulk_create(
        copy(entry, board="private", public_rank=place) for place, entry in enumerate(ranked, 1)
    )
    versions.change(competition.pk)
    Competition.objects.update(state="published")
    with CaptureQueriesContext(connection) as queries:
        page = client.get(PUBLIC.replace("public", "private")).content.decode()
    assert page.count("as on the public board") == len(ranked)
    # The rows, the front and the plot have two each; the teams that landed in their range, the
    # states of winners and the notes on ranks one each.
    assert len(queries) <= 14, [one["sql"] for one in queries]


def test_a_reader_who_has_the_board_is_told_that_it_is_unchanged(
    many: Team, competition: Competition, client: Client
) -> None:
    api = "/api/v2/competitions/waste/boards/public"
    addresses = [api, f"{api}?limit=2", f"{api}.csv"]
    tags = {}
    for address in addresses:
        answer = client.get(address)
        tags[address] = {"If-None-Match": answer["ETag"]}
        assert answer.getvalue()
        again = client.get(address, headers=tags[address])
        assert (again.status_code, again.content) == (304, b""), address
    assert client.get(api, headers=tags[f"{api}.csv"]).status_code == 200
    for sort in ("entries", "-last"):  # uploads change them, and not the board's version
        same = {"If-None-Match": tags[api]["If-None-Match"]}
        answer = client.get(f"{api}?sort={sort}", headers=same)
        assert (answer.status_code, "ETag" in answer) == (200, False), sort
    versions.change(competition.pk)
    for address in addresses:
        answer = client.get(address, headers=tags[address])
        assert answer.status_code == 200, address
        assert answer.getvalue()


def test_a_teams_submissions_are_read_a_page_at_a_time(many: Team, owner: User) -> None:
    member = Client()
    member.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    page, api = "/competitions/waste/submissions/", "/api/v2/submissions"
    sent = many.submissions.count()
    for address, shown in {
        page: 50,
        f"{page}?page=2": 50,
        f"{page}?page=99": sent % 50,
        f"{api}?limit=50": 50,
        f"{api}?limit=50&offset={sent - 9}": 9,
    }.items():
        with CaptureQueriesContext(connection) as queries, rows_counted() as rows:
            answer = member.get(address)
        told = answer.content.decode()
        # One of them asks for the further uploads that organizers gave.
        assert len(queries) <= 16, (address, [one["sql"] for one in queries])
        drawn = progress.MOST + 1 if address == page else 0  # points of the picture
        assert sum(rows) <= 2 * shown + 20 + drawn, address
        assert "leaderboard_storedreport" not in str(queries.captured_queries)
        if page in address:
            assert told.count('<th scope="row">') == shown, address
            assert '"leaderboard_submission"."static"' not in str(queries.captured_queries)
        else:
            assert len(answer.json()["results"]) == shown, address
