"""Acts beside the steps of a competition: extend, clone, download, delete. Also the offer to
announce a change."""

from __future__ import annotations

import copy
import functools
import zoneinfo
from collections.abc import Iterable
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from leaderboard.admin import fields, pages, words
from leaderboard.models import Competition
from leaderboard.models.organizers import is_operator
from leaderboard.services import drafts, edits, schedules
from leaderboard.services.contest_files import writing

State = Competition.State


class CloneForm(forms.Form):
    title = fields.line(gettext_lazy("Title"), 120)
    slug = forms.SlugField(
        label=gettext_lazy("Slug"),
        max_length=50,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Part of the competition's address."),
    )


class DeleteForm(forms.Form):
    with_dataset = fields.tick(
        gettext_lazy("Delete the images, too"),
        gettext_lazy("Only if no other competition uses the dataset."),
    )


class ExtendForm(forms.Form):
    ends_at = forms.DateTimeField(
        label=gettext_lazy("New end"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        help_text=gettext_lazy(
            "In the time zone of the competition. If empty, the competition ends when you close it."
        ),
    )


def acts_of(competition: Competition) -> list[str]:
    """The acts that the state of a competition allows."""
    state = State(competition.state)
    acts = ["file"]
    if state in (State.CLOSED, State.PUBLISHED):
        acts.append("verify_winners")
    if state == State.DRAFT:
        acts.append("delete_draft")
    elif state != State.PUBLISHED:
        acts.append("extend")
        acts += ["remove_track"] if competition.tracks else []
    return acts


class Acts(pages.Noun):
    @action(description=gettext_lazy("Extend"), icon="more_time")
    def extend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        zone = zoneinfo.ZoneInfo(competition.time_zone)
        end = competition.ends_at
        local = end.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if end else ""

        def do(ends_at: object) -> None:
            before = self.find(request, object_id)
            schedules.extend(
                competition=competition,
                ends_at=ends_at,  # type: ignore[arg-type]  # the form's field makes it
                by=pages.organizer(request),
            )
            offer_to_announce(request, before, competition, ["ends_at"])

        with timezone.override(zone):
            return pages.ask(
                self,
                request,
                competition,
                title=gettext("Extend the competition"),
                says=gettext(
                    "All teams get a later end. A closed competition opens again, unless its "
                    "private board is published."
                ),
                form_class=functools.partial(ExtendForm, initial={"ends_at": local}),
                facts=[(gettext("Time zone"), competition.time_zone)],
                button=gettext("Extend"),
                do=do,
                done=gettext("The competition is extended."),
            )

    @action(description=gettext_lazy("Clone"), icon="content_copy")
    def clone(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        initial = {"title": competition.title, "slug": f"{competition.slug}-2"[:50]}
        return pages.ask(
            self,
            request,
            None,
            title=gettext("Clone %(competition)s") % {"competition": competition},
            says=gettext(
                "A new draft gets the settings, texts, images and reference model. It gets no "
                "teams, no submissions and no dates, and it must be calibrated."
            ),
            form_class=functools.partial(CloneForm, initial=initial),
            button=gettext("Clone"),
            do=lambda title, slug: drafts.clone(
                competition=competition, slug=slug, title=title, by=pages.organizer(request)
            ),
            done=gettext("“{}” is a new draft."),
        )

    @action(
        description=gettext_lazy("Delete the draft"), icon="delete", variant=ActionVariant.DANGER
    )
    def delete_draft(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title=gettext("Delete the draft"),
            says=gettext(
                "The draft, its reference models and its calibrations are deleted. You cannot "
                "undo this step."
            ),
            form_class=DeleteForm if is_operator(request.user) else pages.Confirm,
            button=gettext("Delete permanently"),
            is_danger=True,
            is_gone=True,
            do=lambda with_dataset=False: drafts.delete(
                competition=competition, with_dataset=with_dataset, by=pages.organizer(request)
            ),
            done=gettext("“{}” is deleted."),
        )

    @action(description=gettext_lazy("Download as a file"), icon="download")
    def file(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The contest file, which `manage.py import_competition` reads."""
        competition = self.find(request, object_id)
        name = f'attachment; filename="{competition.slug}.yaml"'
        return HttpResponse(
            writing.text_of(competition),
            content_type="application/yaml; charset=utf-8",
            headers={"Content-Disposition": name},
        )


def wanted(competition: Competition, form: forms.ModelForm) -> Competition:
    """A competition as its form asks for: what is prepared holds later. It is never saved."""
    found = copy.copy(competition)
    for name in form.changed_data:
        setattr(found, name, form.cleaned_data[name])
    return found


def offer_to_announce(
    request: HttpRequest, before: Competition, after: Competition, names: Iterable[str]
) -> None:
    """Say whom a change touches, with a link to a draft of an announcement."""
    named = {name: str(words.FIELDS[Competition].get(name, name)) for name in names}
    draft = edits.draft(before, after, named)
    if draft is None:
        return
    address = reverse("admin:leaderboard_announcement_add")
    asked = urlencode({"competition": after.pk, "title": draft.title, "text": draft.text})
    link = format_html(
        '<a class="underline" href="{}?{}">{}</a>', address, asked, gettext("Announce the change")
    )
    messages.info(request, format_html("{} {}", draft.whom, link))
