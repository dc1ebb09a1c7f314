"""Parts of the panel's pages: read-only models, tables of figures, pages that ask first."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import RelatedFieldListFilter
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import formats
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from unfold.admin import ModelAdmin

from leaderboard import bodies, digits, sizes
from leaderboard.admin import fields, rights, scripts
from leaderboard.errors import Refused, TooLarge
from leaderboard.models import AuditEntry, Competition, Evaluation, User
from leaderboard.models.organizers import is_operator, is_organizer, organized_by
from leaderboard.rounding import rounded
from leaderboard.services import audit

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


class WhyForm(forms.Form):
    """Stands below each form that changes something. The audit log keeps its text."""

    audit_why = fields.line(
        gettext_lazy("Reason, for the audit log"),
        300,
        gettext_lazy("Participants do not see it. It may stay empty."),
        required=False,
    )


check_permission = rights.check
Figures = Iterable[tuple[str, object]]


def check_size(size: int, **arguments: Any) -> None:
    if size > settings.IMPORT_BYTES:
        raise TooLarge(
            gettext(
                "%(size)s MB were sent; the panel accepts %(limit)s MB. For larger image sets use "
                "the command manage.py import_dataset."
            )
            % {"size": number(size / 1e6, 1), "limit": f"{settings.IMPORT_BYTES / 1e6:g}"}
        )


def expect(request: HttpRequest, object_id: str = "", **arguments: Any) -> bool:
    """Whether a person may send a file: to the competition of the address, else as an operator."""
    return is_organizer(request.user, digits.whole(object_id) if object_id else None)


takes_files = bodies.taken(bodies.Upload(check_size, expect))
"""Decorates a view that accepts a file: image sets and reference models."""

STATE_LABELS = {
    "draft": "info",
    "open": "success",
    "paused": "warning",
    "closed": "default",
    "published": "primary",
    "queued": "info",
    "running": "primary",
    "scored": "success",
    "failed": "warning",
    "error": "danger",
    "cancelled": "default",
    "measuring": "primary",
    "preview": "warning",
    "applied": "success",
}


class KeysFirst(Paginator):
    """Pages of a long list. Earlier rows are skipped by key, so they are not read and joined."""

    def page(self, number: int | str) -> Page:
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        rows = self.object_list
        assert isinstance(rows, QuerySet)
        keys = list(rows.values_list("pk", flat=True)[start : start + self.per_page])
        return Page(rows.filter(pk__in=keys), number, self)


class OwnCompetition(RelatedFieldListFilter):
    """A filter by competition that names only those whose rows a person may see."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        own = organized_by(request.user, competition="pk")
        return list(field.get_choices(include_blank=False, limit_choices_to=own))


class Noun(scripts.Light, rights.Rights):
    """A model whose rows can be added and changed, but not deleted."""

    comes_from: StrPromise | str = ""
    """How rows come into being that have no form here. An empty list says it."""
    paginator = KeysFirst
    change_form_after_template = "admin/why.html"
    warn_unsaved_form = True
    list_filter_sheet = False
    list_per_page = 50
    show_full_result_count = False  # it would count the whole table a second time

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows of the competitions that the person organizes.

        `visible_to` would add those of the person's own teams in other competitions, with private
        figures that no team may see.
        """
        rows = super().get_queryset(request)
        if is_operator(request.user):
            return rows
        if not self.to_competition:
            return rows.none()
        return rows.filter(organized_by(request.user, competition=self.to_competition))

    def find(self, request: HttpRequest, object_id: str) -> Any:
        """The row of an address. Raises `Http404`, and `PermissionDenied` for an act on it by a
        person who may only read it."""
        found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        if request.method == "POST":
            rights.check(self, request, found)
        return found

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: object = None
    ) -> HttpResponse:
        """The row's acts in the audit log, which knows acts of all doors, and why."""
        row = self.find(request, object_id)
        chosen = {"subject_type": row._meta.model_name, "subject_id": row.pk}
        if isinstance(row, Competition):
            chosen = {"competition__id__exact": row.pk}
        return redirect(f"{list_url(AuditEntry)}?{urlencode(chosen)}")

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        given = WhyForm(initial={"audit_why": why(request)})
        context = {**(extra_context or {}), "why": given}
        try:
            with audit.because(why(request)):
                return super().changeform_view(request, object_id, form_url, context)
        except Refused as refusal:
            if request.method != "POST":
                raise
            request._refusal = refusal.detail  # type: ignore[attr-defined]
            answer = super().changeform_view(request, object_id, form_url, context)
            answer.status_code = refusal.status
            return answer

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        return fields.refused(form, getattr(request, "_refusal", ""))


class Fixed(Noun):
    """A read-only model. Decisions about a row have buttons."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class FixedInline(scripts.LightInline):
    extra = 0
    can_delete = False
    hide_title = True

    def get_formset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        found = super().get_formset(request, *args, **kwargs)
        found.form.reader = request
        return found

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True  # the page of `obj` has asked

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class Confirm(forms.Form):
    """A form without fields: the button confirms."""


def ask(
    admin: ModelAdmin,
    request: HttpRequest,
    obj: Model | None,
    *,
    title: str,
    says: str,
    button: str,
    do: Callable[..., Any],
    done: str | Callable[[Any], str],
    form_class: Callable[..., forms.Form] = Confirm,
    facts: Figures | Callable[[forms.Form], Figures] = (),
    look: str = "",
    is_danger: bool = False,
    is_gone: bool = False,
) -> HttpResponse:
    """A page that says what will happen and does it when its button is pressed. It is rendered at
    once, in the zone that the caller has set.

    `do` gets the form's fields. `done` is the message afterwards, or makes it from what `do`
    returned. The next page is the address that `do` returned, else that of `obj`, else of the row
    that `do` made. A refusal stays here. `facts` may depend on the form. A button `look` shows them
    again and does nothing. `is_gone`: the row does not exist afterwards.
    """
    rights.check(admin, request, obj)
    form = form_class(*((request.POST, request.FILES) if request.method == "POST" else ()))
    status = 200
    if form.is_valid() and "look" not in request.POST:
        try:
            with audit.because(why(request)):
                made = do(**form.cleaned_data)
            said = done(made) if callable(done) else done
            next_ = made if isinstance(made, str) else obj or made
            return leave(admin, request, next_, title=title, said=said, is_gone=is_gone)
        except Refused as refusal:
            form.add_error(None, refusal.detail)
            status = refusal.status
    words = {"title": title, "says": says, "button": button, "look": look, "is_danger": is_danger}
    context = frame(admin, request, obj) | words | asked(request, form, facts)
    return TemplateResponse(request, "admin/ask.html", context, status=status).render()


def asked(
    request: HttpRequest, form: forms.Form, facts: Figures | Callable[[forms.Form], Figures]
) -> dict[str, Any]:
    """The fields of a question, and the facts above them."""
    told = figures(facts(form) if callable(facts) else facts)
    return {"form": form, "facts": told, "why": asked_why(request, form)}


def why(request: HttpRequest) -> str:
    """The reason for the audit log that a person gave with a form."""
    return request.POST.get("audit_why", "").strip()


def asked_why(request: HttpRequest, form: forms.Form) -> Iterable[forms.BoundField]:
    """The field for the reason; none if the form asks for a reason that people see."""
    if {"reason", "message", "why"}.intersection(form.fields):
        return ()
    return WhyForm(initial={"audit_why": why(request)})


def frame(admin: ModelAdmin, request: HttpRequest, obj: Model | None) -> dict[str, Any]:
    """The context of a question's page: the panel's menus and the address of the button Back."""
    back = change_url(obj) if obj else list_url(admin.model)
    menus = admin.admin_site.each_context(request)
    return {**menus, "opts": admin.model._meta, "original": obj, "back": back}


def leave(
    admin: ModelAdmin,
    request: HttpRequest,
    next_: Model | str,
    *,
    title: str,
    said: str,
    is_gone: bool,
) -> HttpResponse:
    """The redirect after an act: to an address, or to a row, with the act logged and told."""
    if isinstance(next_, str):
        return redirect(next_)
    admin.log_change(request, next_, title)
    messages.success(request, said.format(next_))
    return redirect(list_url(admin.model) if is_gone else change_url(next_))


def once(field: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Decorates a shown field that asks the database.

    A page asks several times for each field. What it got is kept with the row's object.
    """

    @functools.wraps(field)
    def asked(admin: Any, row: Model) -> Any:
        shown = row.__dict__.setdefault("_shown", {})
        if field.__name__ not in shown:
            shown[field.__name__] = field(admin, row)
        return shown[field.__name__]

    return asked


def is_list(request: HttpRequest) -> bool:
    """Whether the request is for a list, and not for one row."""
    asked = request.resolver_match
    return bool(asked and asked.url_name and asked.url_name.endswith("_changelist"))


def organizer(request: HttpRequest) -> User:
    """The signed-in organizer. The panel refuses everybody else before."""
    assert isinstance(request.user, User)
    return request.user


def figures(rows: Figures) -> SafeString:
    """A small table of names and values; empty without rows."""
    return render_to_string("admin/figures.html", {"rows": list(rows)}) if rows else SafeString()


def notice(text: str, level: str = "info") -> SafeString:
    """A coloured line; `level` is info, success, warning or error."""
    return render_to_string(f"unfold/helpers/messages/{level}.html", {"message": text})


def change_url(obj: Model) -> str:
    return reverse(f"admin:leaderboard_{obj._meta.model_name}_change", args=[obj.pk])


def list_url(model: type[Model]) -> str:
    return reverse(f"admin:leaderboard_{model._meta.model_name}_changelist")


def link(obj: Model | None, text: str = "") -> SafeString | str:
    return "–" if obj is None else link_to(change_url(obj), text or obj)


def link_to(url: str, text: object) -> SafeString:
    return format_html(
        '<a href="{}" class="text-primary-600 dark:text-primary-500">{}</a>', url, text
    )


def number(value: float | None, digits: int = 4) -> str:
    return "–" if value is None else formats.number_format(rounded(value, digits), digits)


def interval(value: float | None, half_width: float | None, decimals: int) -> str:
    return "–" if value is None else sizes.interval(value, half_width, decimals)


def ratio(value: float | None, half_width: float | None) -> str:
    return interval(value, half_width, 3)


def scores(evaluation: Evaluation) -> str:
    """The public and the private score. Both have the same interval, which comes from the time."""
    if evaluation.score_public is None or evaluation.score_private is None:
        return "–"
    private = sizes.interval(evaluation.score_private, evaluation.score_half_width, 4)
    public, *_ = sizes.figures(evaluation.score_public, evaluation.score_half_width, 4)
    return f"{public} / {private}"


def trouble(evaluation: Evaluation) -> SafeString | str:
    """Why an evaluation has no score, as sentences with the code after them."""
    code = evaluation.failure_code or evaluation.error_code
    if not code:
        return "–"
    message = evaluation.failure_message if evaluation.failure_code else evaluation.error_message
    if not evaluation.failure_code:
        message = gettext("Error of the service: %(message)s") % {"message": message}
    return format_html("{} <code><small>{}</small></code>", message, code)


def milliseconds(seconds: float | None, half_width: float | None = None) -> str:
    if seconds is None:
        return "–"
    return " ± ".join(sizes.milliseconds_figures(seconds, half_width)) + " ms"


def pair(public: float | None, private: float | None) -> str:
    """A figure on the public and on the private split."""
    return "–" if public is None else f"{number(public)} / {number(private)}"
