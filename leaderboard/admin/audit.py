"""The audit log: read, searched and exported, and never changed."""

from __future__ import annotations

import json
from collections.abc import Iterator

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import display

from leaderboard import spreadsheets
from leaderboard.admin import audit_words, pages
from leaderboard.models import AuditEntry
from leaderboard.services import audit

EXPORT = "leaderboard_auditentry_export"


class Person(admin.SimpleListFilter):
    title = gettext_lazy("person")
    parameter_name = "person"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        names = [(one, gettext(one)) for one in (audit.SERVICE, audit.CONSOLE)]
        return [(name, name) for name in audit.people(pages.organizer(request))] + names

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry]
    ) -> QuerySet[AuditEntry]:
        name = self.value()
        return queryset.filter(by_name=name) if name else queryset


@admin.register(AuditEntry)
class AuditAdmin(pages.Fixed):
    to_competition = "competition"
    list_display = ["moment", "who", "act_label", "of", "competition", "change", "why"]
    list_filter = [("competition", pages.OwnCompetition), "act", Person, "at"]
    search_fields = ["subject__istartswith", "by_name__istartswith", "why"]
    search_help_text = gettext_lazy(
        "Searches at the beginning of names of things and people, and in reasons."
    )
    list_before_template = "admin/exports.html"
    fields = ["at", "who", "act_label", "of", "competition", "why", "changes"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        return super().get_queryset(request).select_related("competition")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        """Read the term as a whole: Django asks each word for a beginning, and finds no name of
        two words."""
        whole = f'"{term}"' if (term := search_term.replace('"', "").strip()) else ""
        return super().get_search_results(request, queryset, whole)

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(self.export)
        return [path("export.<str:form>", export, name=EXPORT), *super().get_urls()]

    def export(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """The rows of the list with its filters, streamed, the newest first."""
        if form not in ("csv", "json"):
            raise Http404
        try:
            rows = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:  # the list itself says so
            return redirect("admin:leaderboard_auditentry_changelist")
        told = map(audit.told, rows.iterator(chunk_size=1000))
        if form == "csv":
            lines = spreadsheets.lines(audit.COLUMNS, (one.values() for one in told))
            answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        else:
            answer = StreamingHttpResponse(as_json(told), content_type="application/json")
        day = timezone.now().date()
        answer["Content-Disposition"] = f'attachment; filename="audit-{day}.{form}"'
        return answer

    @display(description=gettext_lazy("Time"), ordering="at")
    def moment(self, entry: AuditEntry) -> SafeString:
        at = date_format(timezone.localtime(entry.at), "DATETIME_FORMAT")
        return format_html('<span class="whitespace-nowrap">{}</span>', at)

    @display(description=gettext_lazy("Who"), ordering="by_name")
    def who(self, entry: AuditEntry) -> str:
        is_person = entry.by_id or entry.by_name not in (audit.SERVICE, audit.CONSOLE)
        return entry.by_name if is_person else gettext(entry.by_name)

    @display(description=gettext_lazy("Act"), ordering="act")
    def act_label(self, entry: AuditEntry) -> str:
        return entry.get_act_display()

    @display(description=gettext_lazy("Of"))
    def of(self, entry: AuditEntry) -> SafeString | str:
        try:
            page = reverse(
                f"admin:leaderboard_{entry.subject_type}_change", args=[entry.subject_id]
            )
        except NoReverseMatch:
            return entry.subject
        style = "text-primary-600 dark:text-primary-500"
        return format_html('<a href="{}" class="{}">{}</a>', page, style, entry.subject)

    @display(description=gettext_lazy("Change"))
    def change(self, entry: AuditEntry) -> SafeString | str:
        return audit_words.summary(entry)

    @display(description=gettext_lazy("Change"))
    def changes(self, entry: AuditEntry) -> SafeString | str:
        rows = [(one.name, one.values()) for one in audit_words.lines(entry)]
        return pages.figures(rows) or gettext("None.")


def as_json(rows: Iterator[dict[str, object]]) -> Iterator[str]:
    """A JSON list with one row on each line."""
    before = "["
    for row in rows:
        yield f"{before}\n{json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"
