"""Certificates as PDF. Nothing here reads the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fpdf import FPDF

from leaderboard.fonts import NANUM, written

TEAL = (15, 118, 110)
GREY = (90, 99, 110)
INK = (24, 32, 40)
WIDTH = 297.0
"""Millimetres of A4 across."""
MARGIN = 24.0


@dataclass(frozen=True)
class Certificate:
    """The words of one certificate, in the reader's language."""

    heading: str
    person: str
    """The person's name as they want it."""
    sentence: str
    """What is certified, with the team."""
    competition: str
    figure: str
    """The rank, in large letters."""
    lines: Sequence[str]
    """Smaller facts, each on a line."""
    language: str
    made_at: datetime


def pdf(told: Certificate) -> bytes:
    """A page of A4 across, which is the same for the same words."""
    page = FPDF("landscape", "mm", "A4")
    page.set_auto_page_break(False)
    page.add_font("Nanum", fname=NANUM)
    page.set_title(written(f"{told.heading}: {told.competition}"))
    page.set_lang(told.language)
    page.set_creator("Featherweight")
    page.set_creation_date(told.made_at)
    page.add_page()
    page.set_draw_color(*TEAL)
    page.set_line_width(1.2)
    page.rect(10, 10, WIDTH - 20, 190)
    page.set_line_width(0.3)
    page.rect(13, 13, WIDTH - 26, 184)
    y = 28.0
    for text, size, colour, gap in (
        ("Featherweight", 13, TEAL, 14),
        (told.heading, 30, INK, 20),
        (told.person, 26, TEAL, 18),
        (told.sentence, 14, INK, 14),
        (told.competition, 20, INK, 18),
        (told.figure, 34, TEAL, 24),
    ):
        y = centred(page, written(text), y, size, colour) + gap - size * 0.3528
    for line in told.lines:
        y = centred(page, written(line), y, 11, GREY) + 3
    return bytes(page.output())


def centred(page: FPDF, text: str, y: float, size: float, colour: tuple[int, int, int]) -> float:
    """Write a line in the middle, smaller if it is too long. Returns where it ends."""
    page.set_text_color(*colour)
    page.set_font("Nanum", size=size)
    room = WIDTH - 2 * MARGIN
    if (width := page.get_string_width(text)) > room:
        page.set_font("Nanum", size=max(6.0, size * room / width))
    page.set_xy(MARGIN, y)
    page.cell(room, size * 0.45, text, align="C")
    return y + size * 0.45
