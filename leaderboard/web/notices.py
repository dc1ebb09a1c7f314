"""A person's notices: the list, what was read, and which kinds are wanted."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leaderboard.models import Notice
from leaderboard.services import invitation_letters, mailing, notice_words
from leaderboard.services import notices as service
from leaderboard.web.requests import Request

PAGE = 20


@dataclass(frozen=True)
class ShownNotice:
    """A notice in the reader's language."""

    notice: Notice
    title: str
    text: str


@dataclass(frozen=True)
class Choice:
    """A kind of notice, and where the person wants it."""

    kind: str
    label: str
    on_pages: bool
    by_mail: bool


@login_required
@never_cache
@require_safe
def notices(request: Request) -> HttpResponse:
    page = Paginator(service.of(request.user), PAGE).get_page(request.GET.get("page"))
    lines = [ShownNotice(one, *notice_words.said(one)) for one in page]
    return render(request, "account/notices.html", {"page": page, "lines": lines})


@login_required
@never_cache
@require_safe
def follow(request: Request, pk: int) -> HttpResponse:
    """Go to what a notice is about. It is read then."""
    notice = service.find(request.user, pk)
    service.read(request.user, pk=pk)
    return redirect(notice.path)


@login_required
@require_POST
def mark(request: Request, pk: int) -> HttpResponse:
    """Mark a notice as read, or as unread again."""
    service.find(request.user, pk)
    if "unread" in request.POST:
        service.unread_again(request.user, pk=pk)
    else:
        service.read(request.user, pk=pk)
    return redirect("notices")


@login_required
@require_POST
def read_all(request: Request) -> HttpResponse:
    service.read(request.user)
    return redirect("notices")


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def choices(request: Request) -> HttpResponse:
    """Which kinds of notices a person wants, and how."""
    person = request.user
    if request.method == "POST":
        service.choose(
            person=person,
            on_pages=request.POST.getlist("on_pages"),
            by_mail=request.POST.getlist("by_mail"),
        )
        messages.success(request, gettext("Your notice settings are saved."))
        return redirect("notice-choices")
    rows = [
        Choice(
            kind,
            str(label),
            on_pages=kind not in person.quiet_on_pages,
            by_mail=kind not in person.quiet_by_mail,
        )
        for kind, label in Notice.Kind.choices
    ]
    said = {"choices": rows, "sends_mail": bool(settings.EMAIL_URL)}
    return render(request, "account/notice_choices.html", said)


@csrf_exempt  # mail programs send the form of RFC 8058, without a cookie; the address is signed
@never_cache
@require_http_methods(["GET", "POST"])
def unsubscribe(request: Request, token: str) -> HttpResponse:
    """Where a mail's link leads. Looking at it changes nothing: mail scanners follow links."""
    if request.method == "POST":
        label = mailing.unsubscribe(token)
        return render(request, "account/unsubscribe.html", {"label": label, "is_done": True})
    _, kind = mailing.subscription(token)
    return render(request, "account/unsubscribe.html", {"label": Notice.Kind(kind).label})


@csrf_exempt  # as with `unsubscribe`
@never_cache
@require_http_methods(["GET", "POST"])
def no_invitations(request: Request, token: str) -> HttpResponse:
    """Where a mail to somebody without an account leads, to end such mails."""
    if is_done := request.method == "POST":
        invitation_letters.stop(token)
    else:
        invitation_letters.check_token(token)
    return render(request, "account/no_invitations.html", {"is_done": is_done})
