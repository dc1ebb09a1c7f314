"""All addresses that answer with a page, and who gets it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from benchmarks.pages import rows
from benchmarks.pages.rows import Site
from leaderboard.web import urls as web_urls

VISITORS = ("/", "/competitions/scale/", "/competitions/scale/boards/public/")
"""Pages that are looked at as a visitor, although a member gets them, too."""
TELLING = ("/nothing/at/all/", "/competitions/draft/", "/device/?code=unknown")
"""Pages that tell that something is not there."""


@dataclass(frozen=True)
class Address:
    path: str
    person: str
    """visitor, member or organizer"""


class NoExample(Exception):
    """A pattern of the URL configuration has arguments for which `rows` has no example."""


def found(site: Site) -> list[Address]:
    """Every page once, for whoever gets it first: member, visitor, organizer."""
    clients = {
        "member": site.world.member,
        "visitor": Client(),
        "organizer": site.world.organizer,
    }
    pages = [
        Address(path, person)
        for path in dict.fromkeys([*of_the_site(site), "/competitions/draft/"])
        if (person := next((who for who in clients if is_page(clients[who], path)), None))
    ]
    pages += [
        Address(path, "organizer")
        for path in dict.fromkeys(of_the_panel(site))
        if is_page(clients["organizer"], path)
    ]
    told = [Address(path, "visitor") for path in (*VISITORS, *TELLING)]
    refused = Address(reverse("admin:index"), "member")
    return list(dict.fromkeys([*pages, *told, refused]))


def is_page(client: Client, path: str) -> bool:
    """Whether a person gets a whole page, not a file, a part of a page or a redirect."""
    answer: Any = client.get(path)
    is_html = answer.headers.get("Content-Type", "").startswith("text/html")
    return answer.status_code == 200 and is_html and b"<html" in answer.content


def of_the_site(site: Site) -> Iterator[str]:
    examples = rows.of_pages(site)
    slugs = [{"slug": site.open.slug}, {"slug": site.published.slug}]
    for pattern in flat(web_urls.urlpatterns):
        name, needed = str(pattern.name), set(pattern.pattern.converters)
        if name in examples:
            yield from (reverse(name, kwargs=one) for one in examples[name])
        elif needed <= {"slug"}:
            yield from (reverse(name, kwargs=one) for one in (slugs if needed else [{}]))
        elif not takes_only_forms_or_is_a_file(site, pattern):
            raise NoExample(f"{pattern.pattern}: name its arguments in benchmarks.pages.rows.")
    for path in ("announcements", "boards/public"):
        yield f"/competitions/{site.open.slug}/{path}/?page=2"
    yield f"/competitions/{site.published.slug}/boards/private/?track=small"
    yield f"/competitions/{site.open.slug}/boards/public/?track=small"
    yield f"/competitions/{site.open.slug}/boards/public/?sort=-quality&columns=parameters,last"
    yield reverse("api-docs")
    yield from of_accounts(examples)


def takes_only_forms_or_is_a_file(site: Site, pattern: URLPattern) -> bool:
    """Whether there is no page at a pattern: POST alone, a file by its ending, or a redirect."""
    path = re.sub(r"<[^>]+>", "1", str(pattern.pattern))
    answer: Any = site.world.member.get(f"/{path}")
    return answer.status_code == 405 or not path.endswith("/") or path in PARTS


PARTS = ("trials/1/status/", "submissions/1/status/", "submissions/1/file/", "notices/1/")
"""Parts of a page, a file without an ending, and a way to the page of a notice."""


def of_accounts(examples: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    for pattern in flat(get_resolver().url_patterns):
        name = str(pattern.name)
        if name.startswith(("account_", "mfa_", "usersessions_", "socialaccount_")):
            for one in examples.get(name, [{}]):
                try:
                    yield reverse(name, kwargs=one)
                except NoReverseMatch:
                    continue  # of a security key, which no script can hold


def of_the_panel(site: Site) -> Iterator[str]:
    yield reverse("admin:index")
    yield reverse("admin:app_list", args=["leaderboard"])
    yield rows.staged(site)
    for model in rows.nouns():
        yield from of_a_noun(site, model)


def of_a_noun(site: Site, model: type[Model]) -> Iterator[str]:
    """The list, the forms and the steps of a noun, by the addresses of its part of the panel."""
    for pattern in flat(admin.site._registry[model].get_urls()):
        needed = set(pattern.pattern.converters)
        if pattern.name and needed <= {"object_id"}:
            keys = rows.of_the_panel(site, model) if needed else [None]
            for key in keys:
                yield reverse(f"admin:{pattern.name}", args=[key] if key else [])
    name = f"admin:leaderboard_{model._meta.model_name}_changelist"
    yield f"{reverse(name)}?q=nobody-has-it"


def flat(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from flat(one.url_patterns)
        else:
            yield one
