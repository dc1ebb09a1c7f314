"""Where the links of the pages lead: each kind of address is asked for a few times."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import parse_qs, unquote, urldefrag, urlsplit

from django.test import Client
from django.urls import Resolver404, resolve

from benchmarks.pages.looking import Look
from benchmarks.pages.rows import Site

EACH = 3
"""Addresses of one pattern with the same parameters: a board has a hundred links of one kind."""


def dead(site: Site, looks: list[Look]) -> list[str]:
    """Links that lead nowhere, each with the page on which it stands."""
    clients = {"visitor": Client(), "member": site.world.member, "organizer": site.world.organizer}
    asked: Counter[tuple[object, ...]] = Counter()
    followed: set[tuple[str, str]] = set()
    found = []
    for look in looks:
        for link in look.links:
            kind = (look.person, *kind_of(link))
            if (look.person, link) in followed or asked[kind] >= EACH:
                continue
            followed.add((look.person, link))
            asked[kind] += 1
            if why := trouble(clients[look.person], link):
                found.append(f"{look.person} {look.path}: {link}: {why}")
    return found


def kind_of(link: str) -> tuple[object, ...]:
    parts = urlsplit(link)
    try:
        name = resolve(unquote(parts.path)).view_name
    except Resolver404:
        name = parts.path
    return name, frozenset(parse_qs(parts.query)), bool(parts.fragment)


def trouble(client: Client, link: str) -> str:
    """Why a link leads nowhere, or nothing."""
    address, anchor = urldefrag(link)
    answer: Any = client.get(address, follow=True)
    if answer.status_code >= 400:
        return f"status {answer.status_code}"
    is_whole = not answer.streaming and b"<html" in answer.content
    if anchor and is_whole and f'id="{unquote(anchor)}"' not in answer.content.decode():
        return "no such part of the page"
    return ""
