"""Search, filters, sorting and columns of a board: all in the address, each page from an index."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leaderboard.models import Competition, Entry, Evaluation, Team, User
from leaderboard.services import browsing, rankings, teams, tracks, versions
from leaderboard.services.choices import Choice
from leaderboard.web import boards, tables, wishes
from tests.leaderboard.web.conftest import text

PUBLIC = "/competitions/waste/boards/public/"
TEAMS = 40


@pytest.fixture
def crowd(scored: Any, team: Team, competition: Competition) -> list[Team]:
    """Forty teams: the figures rise and fall apart from the scores, some are below the gate."""
    sent = scored(team, time_ratio=0.01)
    made = []
    for number in range(TEAMS):
        one = Team(competition=competition, sent=number * 23 % 5)
        teams.give_name(one, f"Team {number:02} of Lab {number % 7}")
        made.append(one)
    Entry.objects.bulk_create(
        Entry(
            competition=competition,
            board="public",
            team=one,
            submission=sent,
            evaluation=sent.evaluation,
            is_ranked=number % 9 > 0,
            score=f"0.{500 + number // 2}",  # two have the same score
            quality=0.5 + (number * 7 % TEAMS) / 100,
            time_ratio=0.5 + (number * 11 % TEAMS) / 100,
            score_half_width=0.0006 if number % 4 else 0.0,
            uploaded_at=timezone.now(),
            format="onnx" if number % 3 == 0 else "torchscript",
            number_type="int8" if number % 5 == 0 else "float32",
            parameters=(number * 13 % TEAMS) * 1000,
            size_bytes=(number * 17 % TEAMS) * 1000,
            macs=None if number % 6 == 0 else (number * 19 % TEAMS) * 1000,
            memory_bytes=(number * 21 % TEAMS) * 1000,
        )
        for number, one in enumerate(made)
    )
    versions.change(competition.pk)
    return made


def names(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="[^"]*">([^<]*)', page)


def every_page(see: Any, address: str) -> list[str]:
    """The names of all pages, by the links from one to the next."""
    found, seen = [], set()
    while address not in seen:
        seen.add(address)
        page = text(see(None, address))
        found += names(page)
        following = re.search(r'<a href="([^"]*)">Next</a>', page)
        address = PUBLIC + following.group(1) if following else address
    return found


@pytest.mark.parametrize(
    "sort", ["rank", "team", "quality", "time", "format", "uploaded", "size", "entries"]
)
@pytest.mark.parametrize("sign", ["", "-"])
def test_each_order_has_each_team_once_over_all_pages(
    see: Any, crowd: Any, monkeypatch: pytest.MonkeyPatch, sort: str, sign: str
) -> None:
    monkeypatch.setattr(boards, "PAGE", 15)
    shown = every_page(see, f"{PUBLIC}?sort={sign}{sort}&columns=none")
    column = {
        "team": "team__name",
        "size": "size_bytes",
        "time": "time_ratio",
        "entries": "team__sent",
    }.get(sort, sort)
    order = {
        "rank": ["-is_ranked", "score", "uploaded_at", "pk"],
        "uploaded": ["uploaded_at", "pk"],
        "format": ["format", "number_type", "pk"],
    }
    expected = Entry.objects.order_by(*order.get(sort, [column, "pk"]))
    wanted = list(expected.values_list("team__name", flat=True))
    assert shown == (wanted[::-1] if sign else wanted)


@pytest.mark.parametrize(("sort", "column"), [("macs", "macs"), ("memory", "memory_bytes")])
@pytest.mark.parametrize("sign", ["", "-"])
def test_teams_with_an_unknown_figure_stand_last_in_either_direction(
    see: Any, crowd: Any, monkeypatch: pytest.MonkeyPatch, sort: str, column: str, sign: str
) -> None:
    monkeypatch.setattr(boards, "PAGE", 15)
    known = Entry.objects.exclude(**{column: None}).order_by(f"{sign}{column}", f"{sign}pk")
    unknown = Entry.objects.filter(**{column: None}).order_by(f"{sign}pk")
    wanted = [one.team.name for some in (known, unknown) for one in some]
    assert known
    assert unknown
    assert every_page(see, f"{PUBLIC}?sort={sign}{sort}&columns={sort}") == wanted


def test_ranks_and_marks_are_the_boards_own_in_any_order(
    crowd: Any, competition: Competition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rankings, "STEP", 7)  # marks, as on a long board
    standing = rankings.Standing(competition, "public")
    own = {row.entry.pk: (row.rank, row.is_tied) for row in standing[:]}
    for choice in (
        Choice(sort="time"),
        Choice(search="lab 3"),
        Choice(sort="rank", is_descending=True),
    ):
        found = browsing.look(standing, choice, size=100)
        assert found.rows
        for row in found.rows:
            assert (row.rank, row.is_tied) == own[row.entry.pk]
    tied = {key for key, (_, is_tied) in own.items() if is_tied}
    found = browsing.look(standing, Choice(is_tied=True), size=100)
    assert 0 < len(tied) < len(own)
    assert {row.entry.pk for row in found.rows} == tied


def test_pages_lead_back_as_they_lead_on(
    crowd: Any, competition: Competition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "SCANNED", 5)
    standing = rankings.Standing(competition, "public")
    for choice in (
        Choice(sort="quality"),
        Choice(sort="macs"),
        Choice(sort="last", is_descending=True),
        Choice(format="onnx"),
        Choice(is_tied=True),
    ):
        pages = [browsing.look(standing, choice, size=4)]
        while (last := pages[-1].after) is not None:
            entry = browsing.entry_of(standing, key=last)
            pages.append(browsing.look(standing, choice, size=4, after=entry))
        assert len(pages) > 2
        keys = [[row.entry.pk for row in page.rows] for page in pages]
        flat = [key for page in keys for key in page]
        assert len(flat) == len(set(flat))
        bottom = browsing.entry_of(standing, key=flat[-1])
        back = browsing.look(standing, choice, size=len(flat), before=bottom)
        assert choice.is_tied or [row.entry.pk for row in back.rows] == flat[:-1]


def test_a_search_finds_the_beginning_of_each_word_in_any_case(
    see: Any, crowd: Any, competition: Competition
) -> None:
    korean = Team(competition=competition)
    teams.give_name(korean, "서울비전 ＬＡＢ")
    model = Entry.objects.first()
    assert model
    model.pk, model.team, model.score = None, korean, "0.9"
    model.save(force_insert=True)
    versions.change(competition.pk)
    assert names(text(see(None, f"{PUBLIC}?q=TEAM+07"))) == ["Team 07 of Lab 0"]
    assert len(names(text(see(None, f"{PUBLIC}?q=lab+3")))) == 6
    for asked in ("비전", "서울", "울비", "lab"):
        assert "서울비전 LAB" in names(text(see(None, f"{PUBLIC}?q={asked}"))), asked
    nothing = text(see(None, f"{PUBLIC}?q=%25"))
    assert "No team matches the search and the filters." in nothing
    assert "0 teams match." in nothing


def test_a_renamed_team_is_found_by_its_new_name_only(
    see: Any, crowd: list[Team], organizer: User
) -> None:
    teams.rename(team=crowd[5], name="Owls", reason="Rude", by=organizer)
    assert names(text(see(None, f"{PUBLIC}?q=owl"))) == ["Owls"]
    assert "Team 05 of Lab 5" not in names(text(see(None, f"{PUBLIC}?q=team+05")))


def test_too_many_names_ask_for_a_longer_text(
    see: Any, crowd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "MOST_FOUND", 10)
    page = text(see(None, f"{PUBLIC}?q=team"))
    assert len(names(page)) == 10
    assert "Type more of the name" in page


def test_filters_by_format_and_number_type(see: Any, crowd: Any) -> None:
    page = text(see(None, f"{PUBLIC}?format=onnx&type=int8&sort=-quality"))
    expected = Entry.objects.filter(format="onnx", number_type="int8").order_by("-quality", "-pk")
    assert names(page) == list(expected.values_list("team__name", flat=True))
    assert '<option value="onnx" selected>' in page
    assert "3 teams match." in page


def test_columns_are_chosen_and_stay_in_every_address(see: Any, crowd: Any) -> None:
    page = text(see(None, f"{PUBLIC}?columns=parameters,entries"))
    assert "13 k</td>" in page
    assert "ms per image" not in page.split("<thead>")[1].split("</thead>")[0]
    for link in re.findall(r'<a href="(\?[^"]*)">', page.split("<thead>")[1].split("</thead>")[0]):
        assert "columns=parameters%2Centries" in link.replace("&amp;", "&")
    assert "Show the whole board" not in page  # columns hide no row
    assert "badge-mine" not in page.split('class="board-tools"')[1].split("</form>")[0]
    assert '<a href="?">Usual columns</a>' in page
    searched = text(see(None, f"{PUBLIC}?columns=parameters&q=lab"))
    assert '<a href="?columns=parameters">Show the whole board</a>' in searched
    plain = text(see(None, PUBLIC))
    assert "columns=" not in plain.split("<thead>")[1].split("</thead>")[0]


def test_each_column_is_sorted_by_and_each_term_by_its_own_figure(see: Any, crowd: Any) -> None:
    every = ",".join(wishes.COLUMNS)
    head = text(see(None, f"{PUBLIC}?columns={every}")).split("<thead>")[1].split("</thead>")[0]
    cells = head.split("<th ")[1:]
    assert len(cells) == len(tables.EVERY)
    assert all('<a href="?' in one for one in cells)
    terms = next(one for one in cells if "key-quality" in one)
    assert re.findall(r"sort=([^\"&]*)", terms) == ["time", "-quality"]
    assert 'aria-sort="ascending"' in text(see(None, f"{PUBLIC}?sort=format"))


FILTERS = {"q": "team", "format": "onnx", "type": "float32", "tied": "1"}
GIVEN_UP = {
    "Show the whole board": {*FILTERS, "sort"},
    "Usual columns": {"columns"},
    "All": {"track"},
    "Students": {"track"},
    "CSV": {"columns"},
    "JSON": {"columns"},
}
"""What links to other rows change by their purpose."""


@pytest.fixture
def tracked(crowd: Any, competition: Competition) -> None:
    competition.tracks = [
        {"slug": "small", "name": "Small", "max_parameters": 10**9},
        {"slug": "student", "name": "Students", "declared": True},
    ]
    competition.save(update_fields=["tracks"])
    copies = list(Entry.objects.all())
    for one in copies:
        one.pk, one.board = None, tracks.key("public", "small")
    Entry.objects.bulk_create(copies)
    versions.change(competition.pk)


def test_every_link_and_form_of_a_board_keeps_the_whole_address(
    see: Any, tracked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "PAGE", 3)
    ordered = {"track": "small", "columns": "parameters,entries", "sort": "-time"}
    for asked in (
        {"track": "small", "columns": "parameters,entries"},
        ordered,
        {**ordered, **FILTERS},
    ):
        page = text(see(None, f"{PUBLIC}?{urlencode(asked)}"))
        heading = page.split("<thead>")[1].split("</thead>")[0]
        found = list(ways(page))
        assert len(found) > 15
        for said, fields in found:
            lost = {name for name, value in asked.items() if fields.get(name) != value}
            may_go = GIVEN_UP.get(said, set())
            if said.startswith("The race"):  # another page, of the same track
                may_go = asked.keys() - {"track"}
            elif "team" in fields:  # a filter might hide the row
                may_go = set(FILTERS)
            elif f">{said}</a>" in heading:
                may_go = {"sort"}
            assert lost <= may_go, (said, fields)
        every = {said for said, _ in found}
        assert {"CSV", "JSON", "Students", "All", "Usual columns", "Next", "form Search"} <= every
        assert ("form Go to the rank" in every) == (len(asked) == 2)
        assert ("Show the whole board" in every) == (len(asked) > 2)
        assert any("team" in fields for _, fields in found)


def ways(page: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each link and form of a page that leads to rows of its board: what it is called, and the
    fields of its address."""
    main = page.split("<main")[1].split("</main>")[0]
    for href, inside in re.findall(r'<a\b[^>]*?href="([^"]*)"[^>]*>(.*?)</a>', main):
        path, _, query = href.split("#")[0].partition("?")
        if query or path == PUBLIC:
            yield plain(inside), dict(parse_qsl(query))
    for form in re.findall(r'<form method="get".*?</form>', main):
        fields = {
            name: value
            for select, name in re.findall(r'(<select [^>]*name="(.*?)".*?</select>)', form)
            for value in re.findall(r'<option value="([^"]*)" selected', select)
        }
        for one in re.findall(r"<input [^>]*>", form):
            of = dict(re.findall(r'(name|value|type)="([^"]*)"', one))
            if of["name"] == "columns" and fields.get("columns", "none") != "none":
                of["value"] = f"{fields['columns']},{of['value']}"
            if of.get("type") != "checkbox" or " checked" in one:
                fields[of["name"]] = of.get("value", "")
        yield (
            f"form {plain(form.split('<button')[1].split('>', 1)[1].split('</button')[0])}",
            fields,
        )


def plain(inside: str) -> str:
    return re.sub(r"<[^>]*>", "", inside).strip()


def test_macs_and_memory_are_shown_or_said_to_be_unknown(see: Any, crowd: Any) -> None:
    address = f"{PUBLIC}?columns=macs,memory"
    assert text(see(None, address)).count('text-nowrap">–</td>') >= 2 * TEAMS
    Evaluation.every.update(macs=2_800_000, memory_bytes=41_000_000)
    versions.change(Competition.objects.get().pk)
    page = text(see(None, address))
    assert page.count(">2.8 M</td>") == page.count(">41 MB</td>") == TEAMS + 2  # and the reference
    row = json.loads(see(None, "/api/v2/competitions/waste/boards/public").content)["results"][0]
    assert (row["macs"], row["memory_bytes"]) == (2_800_000, 41_000_000)


def test_what_a_form_sends_becomes_a_short_address(see: Any, crowd: Any) -> None:
    sent = see(None, f"{PUBLIC}?q=&format=onnx&type=&columns=none&columns=size&columns=parameters")
    assert sent.status_code == 302
    assert sent["Location"] == f"{PUBLIC}?format=onnx&columns=parameters%2Csize"
    usual = "&".join(f"columns={one}" for one in ("none", "terms", "milliseconds", "format"))
    assert see(None, f"{PUBLIC}?q=&{usual}")["Location"] == f"{PUBLIC}?"
    assert see(None, f"{PUBLIC}?q=&columns=none")["Location"] == f"{PUBLIC}?columns=none"


def test_a_teams_address_shows_the_page_that_holds_it(
    see: Any, crowd: list[Team], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "PAGE", 10)
    for one in crowd[::6]:
        row = f'<tr id="team-{one.pk}"'
        assert row in text(see(None, f"{PUBLIC}?team={one.pk}"))
        assert row in text(see(None, f"{PUBLIC}?team={one.pk}&sort=time"))
    assert see(None, f"{PUBLIC}?team=999999999999999999999").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "q=%00&sort=%00&format=%00&type=x",
        "sort=--time",
        "after=abc&before=-1&team=0",
        "after=99999999999999999999999&sort=time",
        "columns=,&columns=nonsense",
        "tied=2",
        "q=" + "x" * 3000,
    ],
)
def test_nonsense_in_the_address_breaks_nothing(see: Any, crowd: Any, query: str) -> None:
    assert see(None, f"{PUBLIC}?{query}").status_code in (200, 302)


def test_no_choice_asks_more_than_a_few_queries(see: Any, crowd: Any) -> None:
    for query in (
        "sort=time",
        "q=lab",
        "tied=1&sort=team",
        "format=onnx&sort=-size",
        "columns=last",
        "sort=-last",
        "sort=macs",
        "sort=-format",
    ):
        see(None, f"{PUBLIC}?{query}")
        with CaptureQueriesContext(connection) as queries:
            see(None, f"{PUBLIC}?{query}")
        assert len(queries) <= 14, (query, [one["sql"] for one in queries])
    versions.change(Competition.objects.get().pk)
    with CaptureQueriesContext(connection) as queries:
        see(None, PUBLIC)
    assert len(queries) < TEAMS, "what a new version of the board is made of"
