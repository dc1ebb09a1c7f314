"""The tracks of a competition as rows of its form. Each row has a kind, and the values of its
kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.conf.locale import LANG_INFO
from django.forms.formsets import DELETION_FIELD_NAME, BaseFormSet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from leaderboard.admin import fields, pages
from leaderboard.models import Competition
from leaderboard.models.tracks import CONDITIONS, LIST, MOST, Track
from leaderboard.services import track_removals
from scoring.formats import FORMATS, NUMBER_TYPES

SEVERAL = "several"
KINDS = {
    "declared": gettext_lazy("Teams that declare it, for example students"),
    "formats": gettext_lazy("Models of certain formats"),
    "number_types": gettext_lazy("Models whose narrowest number type is one of these"),
    "max_parameters": gettext_lazy("Small models: up to a number of parameters"),
    "max_bytes": gettext_lazy("Small files: up to a number of bytes"),
    "reference_network": gettext_lazy("The reference's network with other weights or number types"),
    SEVERAL: gettext_lazy("Several conditions that must all be met"),
}
SLUGS = {
    "number_types": "number-type",
    "max_parameters": "small",
    "max_bytes": "small-file",
    "reference_network": "reference",
}
"""Slugs of tracks whose title has no Latin letters, where the name of the kind is none."""
TICKED = ("reference_network", "declared")
"""Conditions without a value."""
OTHER_LANGUAGES = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def choices(
    label: Any, every: Iterable[tuple[str, str]], help_text: Any = ""
) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        choices=list(every),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=help_text,
    )


def whole(label: Any, most: int) -> forms.IntegerField:
    widget = UnfoldAdminIntegerFieldWidget
    return forms.IntegerField(
        label=label, min_value=1, max_value=most, required=False, widget=widget
    )


class Row(forms.Form):
    """One track."""

    slug = forms.CharField(required=False, widget=forms.HiddenInput)
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=[("", gettext_lazy("No track")), *KINDS.items()],
        widget=UnfoldAdminSelectWidget,
        error_messages={"required": gettext_lazy("Choose a kind, or remove this track.")},
    )
    formats = choices(gettext_lazy("Formats"), [(one.name, one.title) for one in FORMATS])
    number_types = choices(gettext_lazy("Number types"), [(one, one) for one in NUMBER_TYPES])
    max_parameters = whole(gettext_lazy("Most parameters"), 10**12)
    max_bytes = whole(gettext_lazy("Most bytes of the file"), 10**12)
    reference_network = fields.tick(
        gettext_lazy("Only the reference's network"),
        gettext_lazy(
            "The weights have the shapes of the reference's, and an image takes as many "
            "multiplications."
        ),
    )
    declared = fields.tick(
        gettext_lazy("Teams declare it"),
        gettext_lazy("A team says on its page that it belongs here. You can revoke that."),
    )
    name = fields.line(
        gettext_lazy("Title"),
        60,
        gettext_lazy("If empty, the title shows the kind."),
        required=False,
    )
    sentence = fields.line(
        gettext_lazy("Who or what belongs here"),
        300,
        gettext_lazy("One sentence for participants."),
        required=False,
    )

    def __init__(self, *args: Any, fixed: Mapping[str, Track], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code in OTHER_LANGUAGES:
            label = gettext("Title in %(language)s") % {"language": LANG_INFO[code]["name_local"]}
            self.fields[f"name_{code}"] = fields.line(label, 60, required=False)  # type: ignore[arg-type]
        named = [f"name_{code}" for code in OTHER_LANGUAGES]
        self.order_fields(["slug", "kind", *CONDITIONS, "name", *named])
        track = fixed.get(str(self["slug"].value()))
        self.is_fixed = track is not None
        if track:
            self.initial = initial(track)
            for name in ("kind", *CONDITIONS):
                self.fields[name].disabled = True

    @property
    def shown(self) -> list[tuple[str, forms.BoundField]]:
        """The fields, each with the name of the condition that it sets."""
        hidden = {"slug", DELETION_FIELD_NAME}
        return [
            (name if name in CONDITIONS else "", self[name])
            for name in self.fields
            if name not in hidden
        ]

    @property
    def title(self) -> str:
        return str(self["name"].value() or "")

    @property
    def is_open(self) -> bool:
        """Whether the row is unfolded at first: what has errors must be seen."""
        return bool(self.is_bound and self.errors)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        kind = given.get("kind", "")
        if kind in ("formats", "number_types") and not given.get(kind):
            self.add_error(kind, gettext("Choose at least one."))
        if kind in ("max_parameters", "max_bytes") and kind in given and not given[kind]:
            self.add_error(kind, gettext("Write a number."))
        if kind == SEVERAL and not any(given.get(name) for name in CONDITIONS):
            self.add_error("kind", gettext("Set at least one condition."))
        if kind == SEVERAL and not given.get("name"):
            self.add_error("name", gettext("Write a title."))
        return given

    def made(self, slugs: set[str]) -> Track:
        """The track of a valid row, with a slug that is not among these."""
        given = self.cleaned_data
        kind = given["kind"]
        kept = CONDITIONS if kind == SEVERAL else (kind,)
        values = {name: given[name] for name in kept} | {"sentence": given["sentence"]}
        if kind in TICKED:
            values[kind] = True
        if given["name"]:
            named = {code: given[f"name_{code}"] for code in OTHER_LANGUAGES}
            values |= {"name": given["name"], "names": {k: v for k, v in named.items() if v}}
        else:
            values |= preset(kind, values)
        return Track(slug=given["slug"] or free(kind, values["name"], slugs), **values)


def preset(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The title that a kind of track has in each language, and a sentence for people."""
    with translation.override(settings.LANGUAGE_CODE):
        name = title(kind, values)
    names = {}
    for code in OTHER_LANGUAGES:
        with translation.override(code):
            if (other := title(kind, values)) != name:
                names[code] = other
    sentence = values["sentence"]
    if kind == "declared" and not sentence:
        sentence = gettext("All members of the team are students.")
    if kind == "reference_network" and not sentence:
        sentence = gettext(
            "The network of the reference, with other weights, another number type or format."
        )
    return {"name": name, "names": names, "sentence": sentence}


def title(kind: str, values: Mapping[str, Any]) -> str:
    match kind:
        case "formats":
            return ", ".join(one.title for one in FORMATS if one.name in values[kind])[:60]
        case "number_types":
            return ", ".join(values[kind])[:60]
        case "max_parameters":
            return gettext("At most %(number)s parameters") % {"number": f"{values[kind]:,}"}
        case "max_bytes":
            return gettext("At most %(number)s MB") % {"number": f"{values[kind] / 1e6:g}"}
        case "reference_network":
            return gettext("Network of the reference")
    return gettext("Students")


def free(kind: str, name: str, slugs: set[str]) -> str:
    """A slug of a title that no other track has."""
    first = slugify(name).replace("_", "-").strip("-")[:26] or SLUGS.get(kind, kind)
    found, number = first, 1
    while found in slugs:
        number += 1
        found = f"{first}-{number}"
    return found


def initial(track: Track) -> dict[str, Any]:
    """The values of a row of a track."""
    kind = track.conditions[0] if len(track.conditions) == 1 else SEVERAL
    named = {f"name_{code}": name for code, name in track.names.items()}
    return {"kind": kind, **track.model_dump(exclude={"names"}), **named}


class BaseRows(BaseFormSet):
    deletion_widget = UnfoldBooleanSwitchWidget

    def add_fields(self, form: forms.Form, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields[DELETION_FIELD_NAME].label = gettext("Remove this track")

    @property
    def made(self) -> list[Track]:
        """The tracks of valid rows."""
        rows = [
            one
            for one in self.forms
            if one not in self.deleted_forms and (one.has_changed() or one.cleaned_data.get("kind"))
        ]
        found: list[Track] = []
        slugs = {one.cleaned_data["slug"] for one in rows}
        for row in rows:
            found.append(row.made(slugs | {one.slug for one in found}))
        return found


Rows = forms.formset_factory(
    Row,
    formset=BaseRows,
    extra=0,
    max_num=MOST,
    absolute_max=MOST + 1,
    validate_max=True,
    can_delete=True,
)


def rows(name: str, fixed: Iterable[Track], tracks: Iterable[Track] = (), data: Any = None) -> Any:
    """The rows of tracks, and empty ones up to the most. Of those that are fixed, only words may
    change."""
    told = [initial(one) for one in tracks]
    messages = {"too_many_forms": gettext("There can be at most %(most)d tracks.") % {"most": MOST}}
    by_slug = {"fixed": {one.slug: one for one in fixed}}
    found = Rows(data, prefix=name, initial=told, error_messages=messages, form_kwargs=by_slug)
    found.extra = MOST - len(told)
    return found


class RowsWidget(forms.Widget):
    def __init__(self, fixed: Iterable[Track]) -> None:
        super().__init__()
        self.fixed = fixed

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        if not isinstance(value, BaseFormSet):
            value = rows(name, self.fixed, LIST.validate_python(value or []))
        return render_to_string("admin/tracks.html", {"rows": value})

    def id_for_label(self, id_: str) -> str:
        return ""  # each field of a row has a label

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        is_sent = not self.value_omitted_from_data(data, files, name)
        return rows(name, self.fixed, data=data) if is_sent else None

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}-TOTAL_FORMS" not in data


class TracksField(forms.Field):
    """The tracks as a competition keeps them. Errors stand at the fields of their rows."""

    def __init__(self, fixed: Iterable[Track] = ()) -> None:
        super().__init__(
            widget=RowsWidget(fixed),
            label=gettext_lazy("Tracks"),
            required=False,
            help_text=gettext_lazy(
                "Further boards from the same uploads, at most eight. An upload counts in each "
                "track whose conditions it meets. After the competition opened, you can add and "
                "rename tracks."
            ),
        )

    def clean(self, value: Any) -> list[dict[str, object]]:
        if value is None:
            return []
        if not value.is_valid():
            said = value.non_form_errors() or [gettext("Correct the tracks that have errors.")]
            raise forms.ValidationError(said)
        return [one.stored() for one in value.made]

    def has_changed(self, initial: Any, data: Any) -> bool:
        if data is None:
            return False
        return not data.is_valid() or data.made != LIST.validate_python(initial or [])


class RemoveForm(forms.Form):
    track = forms.ChoiceField(label=gettext_lazy("Track"), widget=UnfoldAdminSelectWidget)
    reason = fields.reason(gettext_lazy("Everybody reads it in an announcement."))

    def __init__(self, *args: Any, competition: Competition, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        every = [(one.slug, one.title) for one in competition.all_tracks]
        self.fields["track"].choices = every  # type: ignore[attr-defined]


class Tracks(pages.Noun):
    """The tracks in the form of a competition. If they cannot be edited, they are shown as text."""

    def get_form(
        self,
        request: HttpRequest,
        obj: Competition | None = None,
        change: bool = False,
        **kwargs: Any,
    ) -> Any:
        made = super().get_form(request, obj, change, **kwargs)
        if obj and obj.is_public and "tracks" in made.base_fields:
            made.base_fields["tracks"] = TracksField(obj.all_tracks)
        return made

    @action(description=gettext_lazy("Remove a track"), icon="delete", variant=ActionVariant.DANGER)
    def remove_track(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title=gettext("Remove a track"),
            says=gettext(
                "The boards of the track and its declarations are deleted. Uploads and all "
                "other boards stay as they are. All teams read your reason in an "
                "announcement. You cannot undo this step."
            ),
            form_class=partial(RemoveForm, competition=competition),
            button=gettext("Remove the track permanently"),
            is_danger=True,
            do=lambda track, reason: track_removals.remove(
                competition=competition, track=track, reason=reason, by=pages.organizer(request)
            ),
            done=gettext("The track is removed, and an announcement says why."),
        )

    def get_fieldsets(self, request: HttpRequest, obj: Competition | None = None) -> Any:
        found = super().get_fieldsets(request, obj)
        may_edit = self.has_change_permission(request, obj)
        if obj is None or (may_edit and "tracks" not in obj.frozen_fields):
            return found
        return [
            (tab, {**more, "fields": ["tracks_told" if one == "tracks" else one for one in names]})
            for tab, more in found
            for names in [more["fields"]]
        ]

    @display(description=gettext_lazy("Tracks"))
    def tracks_told(self, competition: Competition) -> SafeString | str:
        told = [(one.title, told_of(one)) for one in competition.all_tracks]
        return pages.figures(told) or "–"


def told_of(track: Track) -> str:
    """The conditions of a track in words."""
    values = track.model_dump()
    words = [title(name, values) for name in track.conditions if name != "declared"]
    return "; ".join(words + ([gettext("Teams declare it")] if track.declared else []))
