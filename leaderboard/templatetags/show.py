"""How the pages write figures, times, Markdown and icons."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from django import template
from django.contrib.auth.models import AnonymousUser
from django.contrib.staticfiles import finders
from django.forms import BoundField
from django.template.defaultfilters import floatformat
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import conditional_escape, escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from leaderboard import markdown, sizes, times
from leaderboard.models import Competition, User, Verification
from leaderboard.models.organizers import enters_panel
from leaderboard.sentences import Stored, message, said
from leaderboard.services import notices, rescore_words
from leaderboard.sizes import (
    figures,
    gained_milliseconds,
    megabytes,
    milliseconds,
    milliseconds_figures,
    short,
)
from leaderboard.web import plots, words
from scoring import formats as models
from scoring import formula

register = template.Library()
HALF_WIDTH = '<span class="half-width">± {}</span>'
CODE = re.compile("`([^`]+)`")
OPTION = re.compile(r"(?<!\S)--?[\w-]+")


@register.filter(name="markdown")
def as_html(text: str) -> SafeString:
    """An organizer's Markdown as HTML without scripts, styles or frames."""
    return mark_safe(markdown.html(text))  # noqa: S308 - cleaned


@register.filter
def with_code(text: str) -> SafeString:
    """A plain sentence whose `names` are shown as code."""
    return mark_safe(CODE.sub(r"<code>\1</code>", escape(str(text))))  # noqa: S308  it is escaped


@register.filter
def command(text: str) -> SafeString:
    """A command whose options stay whole where its line is too long for the page."""
    escaped = conditional_escape(text)
    return mark_safe(OPTION.sub(r'<span class="text-nowrap">\g<0></span>', escaped))  # noqa: S308


register.filter(said)
register.filter(message)
register.filter(megabytes)
register.filter(short)
register.filter(milliseconds)
register.filter(gained_milliseconds)
register.filter(rescore_words.changes)


@register.filter
def get(found: Mapping[str, object], key: str) -> object:
    """A value by a key that is a variable; None without one."""
    return found.get(key)


@register.filter
def verification_label(state: str) -> str:
    """The state of a winner's verification in words."""
    return str(Verification.State(state).label)


@register.filter
def short_or_none(count: int | None) -> str:
    """A large number, or a dash where it is not known."""
    return "–" if count is None else short(count)


@register.filter
def megabytes_or_none(count: int | None) -> str:
    """A number of bytes, or a dash where it is not known."""
    return "–" if count is None else megabytes(count)


@register.simple_tag
def interval(
    value: float | Decimal | None,
    half_width: float | None,
    decimals: int,
    is_strong: bool = False,
) -> SafeString | str:
    """A figure with its half-width. A half-width is never written as 0.00."""
    return "–" if value is None else beside(figures(value, half_width, decimals), is_strong)


@register.filter
def interval_of(score: float, half_width: float) -> str:
    """A score, or a time ratio, with its half-width, within a sentence."""
    return sizes.interval(score, half_width, 4)


@register.simple_tag
def milliseconds_interval(
    seconds: float | None, half_width: float | None, is_strong: bool = False
) -> SafeString | str:
    """A time and its half-width as milliseconds."""
    return "–" if seconds is None else beside(milliseconds_figures(seconds, half_width), is_strong)


def beside(written: list[str], is_strong: bool) -> SafeString:
    """The figure of an interval, and its half-width if that is known."""
    value, *half_width = written
    shown = [f"<strong>{value}</strong>" if is_strong else value]
    shown += (HALF_WIDTH.format(one) for one in half_width)
    return mark_safe(" ".join(shown))  # noqa: S308 - figures of ours


@register.filter
def organizes(user: User | AnonymousUser | None) -> bool:
    """Whether a person may enter the organizers' panel. A page of an error has no person."""
    return user is not None and enters_panel(user)


@register.simple_tag(takes_context=True)
def next_page(context: template.Context) -> str:
    """The query string that leads from signing in or up to the page of today, or to the page that
    an entrance leads to already. Empty on a page of an error, which has no request."""
    request = context.get("request")
    if request is None:
        return ""
    wanted = request.GET.get("next", "")
    if not wanted and request.method == "GET" and not request.path.startswith("/accounts/"):
        wanted = request.get_full_path()
    return f"?{urlencode({'next': wanted})}" if wanted not in ("", "/") else ""


@register.simple_tag
def take_part(user: User | AnonymousUser, competition: Competition, team: object) -> str:
    """The address of the next step of a person who wants to take part."""
    join = reverse("team", args=[competition.slug])
    if team:
        return reverse("upload", args=[competition.slug])
    if user.is_authenticated:
        return join
    return f"{reverse('account_signup')}?{urlencode({'next': join})}"


@register.simple_tag
def unread_notices(user: User | AnonymousUser | None) -> str:
    """The number of a person's unread notices; empty if there are none."""
    count = notices.unread(user) if isinstance(user, User) else 0
    return f"{count}+" if count == notices.MOST_COUNTED else str(count or "")


@register.simple_tag
def file_formats(competition: Competition) -> str:
    """The formats of model files that a competition takes."""
    return competition.format_titles()


@register.simple_tag
def how_to_save(competition: Competition) -> SafeString:
    """The formats that a competition takes, each with the calls that write it."""
    calls = "<code>{}</code>"
    rows = (
        (one.title, format_html_join(" / ", calls, ((call,) for call in one.written_by)))
        for one in models.some(competition.formats)
    )
    return format_html_join(", ", "{} ({})", rows)


@register.simple_tag
def icon(name: str) -> SafeString:
    """A Lucide icon. Screen readers skip it, because words stand beside it."""
    return mark_safe(drawing(name))  # noqa: S308 - our own file


@cache
def drawing(name: str) -> str:
    path = finders.find(f"vendor/lucide/icons/{name}.svg")
    svg = Path(path).read_text() if path else "<svg></svg>"
    svg = svg[svg.index("<svg") :].replace(f'class="lucide lucide-{name}"', 'class="icon"')
    return " ".join(svg.replace("<svg", '<svg aria-hidden="true"', 1).split())


@register.simple_tag
def styles(*names: str) -> SafeString:
    """The links to style sheets of the site."""
    return format_html_join(
        "\n", '<link rel="stylesheet" href="{}">', ((own_file(name, "css"),) for name in names)
    )


@register.simple_tag
def script(name: str) -> SafeString:
    """A script of the site, which runs once the page is read."""
    return format_html('<script src="{}" defer></script>', own_file(name, "js"))


def own_file(name: str, kind: str) -> str:
    return static(f"leaderboard/{name}.{kind}")


@register.simple_tag
def moment(
    value: datetime | None, competition: Competition | None = None, zone: bool = True
) -> SafeString | str:
    """A time in the zone of the reader, else in that of the competition. The zone is named unless
    the page has named it above."""
    if value is None:
        return ""
    own = times.personal.get()
    name = own or (competition.time_zone if competition else "UTC")
    named = format_html(' <span class="zone">{}</span>', name) if zone or own else ""
    return format_html(
        '<time datetime="{}">{}{}</time>', value.isoformat(), times.local(value, name), named
    )


@register.filter
def whole_milliseconds(seconds: float) -> str:
    """A power of ten of milliseconds: 10, 1, 0.1."""
    return f"{seconds * 1000:g}"


@register.filter
def duration(value: timedelta | float | None) -> str:
    """A duration in rounded words: 40 s, 4 min, 2 h 10 min, 3 days."""
    if value is None:
        return ""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if seconds < 90:
        return gettext("{seconds} s").format(seconds=max(1, round(seconds)))
    minutes = round(seconds / 60)
    if minutes < 60:
        return gettext("{minutes} min").format(minutes=minutes)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        days = round(hours / 24)
        return ngettext("{days} day", "{days} days", days).format(days=days)
    if minutes:
        return gettext("{hours} h {minutes} min").format(hours=hours, minutes=minutes)
    return gettext("{hours} h").format(hours=hours)


@register.filter
def limit(seconds: float) -> str:
    """Seconds of a limit, with one decimal where it has some."""
    return gettext("{seconds} s").format(seconds=floatformat(seconds))


@register.filter
def until(value: datetime | None) -> timedelta | None:
    return value - timezone.now() if value else None


@register.inclusion_tag("parts/countdown.html")
def countdown(end: datetime) -> dict[str, object]:
    """The days, hours and minutes until an end."""
    minutes = max(0, int((end - timezone.now()).total_seconds() // 60))
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    return {"until": end.isoformat(), "days": days, "hours": hours, "minutes": minutes}


@register.filter
def at_pace(time_ratio: float | None, competition: Competition) -> float | None:
    """Seconds per image of a ratio, or of its half-width."""
    return competition.seconds_per_image(time_ratio)


@register.filter
def distance(value: float) -> float:
    """A difference without its sign."""
    return abs(value)


@register.filter
def two_digits(value: float) -> str:
    """A number with two digits after the point. A closing zero stays: 0.50."""
    return f"{value:#.2g}".rstrip(".")


@register.filter
def plain(value: float) -> str:
    """A constant without needless zeros."""
    return words.plain(value)


@register.filter
def state_name(state: str) -> str:
    """The state of a competition, a submission or an evaluation."""
    return str(words.STATES.get(state, state))


@register.filter
def metric_name(competition: Competition) -> str:
    """What its models' quality is called, as the heading of a column."""
    return said(competition.quality_measure.short)


@register.filter
def names_reference(name: str) -> bool:
    """Whether a model is called the reference, so that the word need not stand beside its name."""
    folded = name.casefold()
    return any(word.casefold() in folded for word in ("reference", gettext("Reference")))


@register.filter
def point_words(point: plots.Point, competition: Competition) -> str:
    """A team of a plot: its figures with their 95 % intervals."""
    return words.of_point(point, competition)


@register.filter
def metric_meaning(competition: Competition) -> str:
    """What its metric is, in a sentence."""
    return said(competition.quality_measure.meaning)


@register.filter
def term_name(name: str) -> str:
    """A term of a score."""
    return said(formula.TERMS[name].label)


@register.filter
def terms(competition: Competition) -> list[words.Term]:
    """The terms of its score in words."""
    return words.terms(competition)


@register.filter
def called(event: str) -> str:
    """What a webhook is called for, in words."""
    return str(words.CALLED.get(event, event))


@register.filter
def call_error(code: str) -> str:
    """Why a call of a webhook got no good answer."""
    return str(words.CALL_ERRORS.get(code, code))


@register.filter
def reason(why: str) -> str:
    """Why an evaluation was queued, as a sentence."""
    return str(words.REASONS.get(why, why))


@register.filter
def each_said(texts: Iterable[Stored]) -> list[str]:
    """Sentences of the engine in the reader's language."""
    return [said(text) for text in texts]


@register.filter
def at(table: dict[str, int], key: str) -> int:
    return table.get(key, 0)


CLASSES = {"checkbox": "form-check-input", "radio": "form-check-input", "select": "form-select"}


@register.filter
def control(field: BoundField) -> SafeString:
    """A field's input in the site's clothes."""
    kind = getattr(field.field.widget, "input_type", "text")
    classes = CLASSES.get(kind, "form-control")
    if field.errors:
        classes += " is-invalid"
    return field.as_widget(attrs={"class": classes})


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return getattr(field.field.widget, "input_type", "") == "checkbox"
