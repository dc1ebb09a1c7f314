"""Organizers' Markdown, as HTML without what could harm, and as plain text."""

from __future__ import annotations

from html import unescape

import nh3
from markdown_it import MarkdownIt

parser = MarkdownIt("commonmark").enable("table")


def html(text: str) -> str:
    """HTML without scripts, styles or frames."""
    return nh3.clean(parser.render(text))


def plain(text: str) -> str:
    """The words without markup, for a mail or a line of a list."""
    return unescape(nh3.clean(parser.render(text), tags=set())).strip()
