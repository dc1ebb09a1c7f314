"""The import of a dataset: upload, progress, report, decision. A large one goes on in the
background."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

from leaderboard import sentences
from leaderboard.admin import pages
from leaderboard.admin.import_forms import DecideForm, UploadForm, wishes
from leaderboard.errors import BadDataset, NotFound
from leaderboard.models import Dataset, User
from leaderboard.models.organizers import is_operator
from leaderboard.services import datasets, divisions, importing, staging, thumbnails
from leaderboard.services.importing import State

DECIDE = "leaderboard_dataset_decide"
CANCEL = "leaderboard_dataset_cancel"
PICTURE = "leaderboard_dataset_picture"
SILENT_SECONDS = 120
"""Without progress for so long, the page says what happens then."""


class Imports(pages.Fixed):
    """The pages of an import, beside those of the dataset."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_operator(request.user)

    def get_urls(self) -> list[URLPattern]:
        views = [
            ("", self.decide_view, DECIDE),
            ("cancel/", self.cancel_view, CANCEL),
            ("<int:number>.jpg", self.picture_view, PICTURE),
        ]
        return [
            *(
                path(f"add/<str:token>/{end}", self.admin_site.admin_view(view), name=name)
                for end, view, name in views
            ),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.has_add_permission(request) and request.method == "GET":
            for upload in staging.of(pages.organizer(request)):
                page = '{} <a class="underline" href="{}">{}</a>'
                told = format_html(page, told_of(upload), url(DECIDE, upload), gettext("Open"))
                messages.info(request, told)
        return super().changelist_view(request, *args, **kwargs)

    @pages.takes_files
    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        staging.sweep()
        return pages.ask(
            self,
            request,
            None,
            title=gettext("Import a dataset"),
            says=gettext(
                "Every image is read, and a report shows the result. Nothing is imported yet. "
                "Large sets are read in the background, and a page shows the progress. For sets "
                "that are too large for a browser, use the command manage.py import_dataset."
            ),
            form_class=UploadForm,
            button=gettext("Read the images"),
            do=lambda **fields: staged(**fields, by=pages.organizer(request)),
            done="",
        )

    def decide_view(self, request: HttpRequest, token: str) -> HttpResponse:
        pages.check_permission(self, request, None)
        by = pages.organizer(request)
        try:
            upload = staging.find(token, by=by)
        except NotFound as refusal:
            messages.error(request, refusal.detail)
            return moved(request, reverse("admin:leaderboard_dataset_add"))
        if "go_on" in request.POST:
            importing.begin(upload)
            return redirect(request.path)
        state = importing.state_of(upload)
        if state is State.READY:
            if is_poll(request):
                return moved(request, request.path)
            if request.method == "POST" and reads_again(upload, request):
                return redirect(request.path)
            return self.ask_decision(request, upload, by)
        if state is State.IMPORTED:
            dataset = importing.dataset_of(upload)
            staging.forget(upload)
            messages.success(request, done().format(dataset))
            return moved(request, pages.change_url(dataset) if dataset else pages.list_url(Dataset))
        return self.show_progress(request, upload, state)

    def ask_decision(self, request: HttpRequest, upload: staging.Staged, by: User) -> HttpResponse:
        given = ("name", "licence", "table", "encoding", "seed")
        known = {name: getattr(upload, name) for name in given}
        return pages.ask(
            self,
            request,
            None,
            title=gettext("Import %(name)s") % {"name": upload.name},
            says=gettext(
                "The report shows what %(file)s contains and how an import would divide it. "
                "Nothing is imported yet. The upload is kept for a day."
            )
            % {"file": upload.file_name},
            form_class=partial(DecideForm, initial=known),
            facts=lambda form: reported(upload, form),
            button=gettext("Import"),
            look=gettext("Show the report with these choices"),
            do=lambda **fields: imported(upload, **fields, by=by),
            done=done(),
        )

    def show_progress(
        self, request: HttpRequest, upload: staging.Staged, state: State
    ) -> HttpResponse:
        progress = importing.progress_of(upload)
        facts = {
            "title": gettext("Import %(name)s") % {"name": upload.name},
            "upload": upload,
            "is_live": state is State.UNDER_WAY,
            "progress": progress,
            "phase": phase_of(progress),
            "is_silent": importing.silent_seconds(upload) > SILENT_SECONDS,
            "trouble": importing.trouble_of(upload),
            "cancel_url": url(CANCEL, upload),
        }
        context = pages.frame(self, request, None) | facts
        return TemplateResponse(request, "admin/importing.html", context)

    def cancel_view(self, request: HttpRequest, token: str) -> HttpResponse:
        pages.check_permission(self, request, None)

        def do() -> str:
            upload = staging.find(token, by=pages.organizer(request))
            if dataset := importing.cancel(upload):
                staging.forget(upload)
                messages.warning(request, gettext("{} was imported before.").format(dataset))
                return pages.change_url(dataset)
            messages.success(request, gettext("The upload is deleted. Nothing was imported."))
            return pages.list_url(Dataset)

        return pages.ask(
            self,
            request,
            None,
            title=gettext("Cancel the import"),
            says=gettext("The upload and everything that was read from it are deleted."),
            button=gettext("Cancel the import"),
            do=do,
            done="",
            is_danger=True,
        )

    @method_decorator(never_cache)
    def picture_view(self, request: HttpRequest, token: str, number: int) -> HttpResponse:
        """A picture of the report, for the organizer of the upload alone."""
        pages.check_permission(self, request, None)
        try:
            upload = staging.find(token, by=pages.organizer(request))
            data = thumbnails.path_of(upload.folder, number).read_bytes()
        except (NotFound, FileNotFoundError) as error:
            raise Http404 from error
        return HttpResponse(data, content_type="image/jpeg")


def url(name: str, upload: staging.Staged) -> str:
    return reverse(f"admin:{name}", args=[upload.token])


def moved(request: HttpRequest, address: str) -> HttpResponse:
    """A redirect. It also works for a part of a page that asks for its progress."""
    return HttpResponseClientRedirect(address) if is_poll(request) else redirect(address)


def is_poll(request: HttpRequest) -> bool:
    """Whether a page asks for its progress."""
    return "HX-Request" in request.headers


def done() -> str:
    return gettext("{} is imported. Equal content is stored only once.")


def told_of(upload: staging.Staged) -> str:
    """The state of an upload, in a sentence for the list of datasets."""
    sentence = {
        State.UNDER_WAY: gettext("The import of %(file)s is running."),
        State.FAILED: gettext("The import of %(file)s has stopped."),
        State.READY: gettext("The import of %(file)s is waiting for your decision."),
        State.IMPORTED: gettext("%(file)s is imported."),
    }[importing.state_of(upload)]
    return sentence % {"file": upload.file_name}


def phase_of(progress: importing.Progress) -> str:
    """How far an upload is, in a sentence."""
    facts = {"done": progress.done, "total": progress.total}
    if progress.phase == "read":
        return gettext("%(done)d of %(total)d images are read.") % facts
    if progress.phase == "compared":
        return gettext("%(done)d of %(total)d different pictures are compared.") % facts
    if progress.phase == "written":
        return gettext("%(done)d of %(total)d images are written.") % facts
    return gettext("The import begins in a moment.")


def staged(
    *,
    source: TemporaryUploadedFile,
    name: str,
    licence: str,
    table: str,
    encoding: str,
    by: User,
) -> str:
    """Keep an upload and have it read. Returns the address of the page with its report."""
    upload = staging.keep(
        Path(source.temporary_file_path()),
        file_name=source.name or gettext("The file"),
        name=name,
        licence=licence,
        encoding=encoding or None,
        table=table or None,
        by=by,
    )
    if not upload.is_read:
        importing.begin(upload)
    return url(DECIDE, upload)


def reads_again(upload: staging.Staged, request: HttpRequest) -> bool:
    """Whether a large upload is now read again, with another encoding or table of labels."""
    form = DecideForm(request.POST)
    if upload.is_small or not form.is_valid():
        return False
    chosen = {name: form.cleaned_data[name] or None for name in ("encoding", "table")}
    if chosen == {"encoding": upload.encoding, "table": upload.table}:
        return False
    importing.begin(staging.unread(upload, **chosen))
    return True


def reported(upload: staging.Staged, form: forms.Form) -> pages.Figures:
    """The report of an import with the form's choices; without choices if the form is empty."""
    choices = form.cleaned_data if form.is_bound and form.is_valid() else {}
    try:
        if choices:
            upload = staging.read_again(
                upload, encoding=choices["encoding"] or None, table=choices["table"] or None
            )
        made = divisions.planned(
            upload.catalogue,
            wishes(upload, **choices),
            upload.kinship,
            name=choices.get("name", upload.name),
        )
    except BadDataset as refusal:
        return [(gettext("What prevents the import"), refusal.detail)]
    return [
        *((gettext("What prevents the import"), one.message) for one in made.report.refusals),
        *(
            (sentences.said(heading), sentences.message(told))
            for heading, told in made.report.paragraphs()
        ),
        *pictured(upload),
    ]


def pictured(upload: staging.Staged) -> Iterator[tuple[str, SafeString]]:
    """Rows with pictures of what is wrong."""
    headings = {
        "conflicts": gettext("Pictures in two classes"),
        "near": gettext("Nearly equal pictures"),
        "problems": gettext("Files that are not used"),
    }
    shown = [
        {**asdict(one), "url": reverse(f"admin:{PICTURE}", args=[upload.token, number])}
        for number, one in enumerate(thumbnails.of(upload.folder))
    ]
    for kind, rows in groupby(shown, key=lambda one: one["kind"]):
        context = {"pictures": list(rows)}
        yield headings[kind], render_to_string("admin/pictures.html", context)


def imported(
    upload: staging.Staged,
    *,
    name: str,
    licence: str,
    table: str,
    encoding: str,
    by: User,
    **choices: Any,
) -> Dataset | str:
    """Import an upload with the organizer's choices, then delete it. A large one is imported in the
    background: the address of the page with its progress."""
    upload = staging.read_again(upload, encoding=encoding or None, table=table or None)
    wished = wishes(upload, **choices)
    if not upload.is_small:
        importing.decide(upload, name=name, licence=licence, wishes=wished, by=by)
        return url(DECIDE, upload)
    dataset = datasets.import_(
        name=name,
        source=upload.source,
        wishes=wished,
        licence=licence,
        catalogue=upload.catalogue,
        kin=upload.kinship,
        by=by,
    )
    staging.forget(upload)
    return dataset
