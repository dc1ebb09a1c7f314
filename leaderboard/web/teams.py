"""Make a team, invite, join, leave."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leaderboard.errors import BadName, NameTaken
from leaderboard.models import Competition, Entry, Team
from leaderboard.services import admissions as service
from leaderboard.services import (
    captains,
    certificates,
    declarations,
    histories,
    rankings,
    teams,
    verifications,
)
from leaderboard.web import admissions, careers, merging
from leaderboard.web.competitions import find, show
from leaderboard.web.forms import InvitationForm, TeamForm
from leaderboard.web.refusals import cleaned
from leaderboard.web.requests import Request

MOST_FORMER_NAMES = 10


@login_required
@require_http_methods(["GET", "POST"])
def team(request: Request, slug: str) -> HttpResponse:
    """The person's team; without one, the form that makes it."""
    competition = find(request, slug)
    form = TeamForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = teams.create(
                competition=competition, name=form.cleaned_data["name"], by=request.user
            )
        except (BadName, NameTaken) as refusal:  # shown beside what was typed
            form.add_error("name", refusal.detail)
        else:
            messages.success(
                request,
                gettext("{team} is ready. Upload a model, or invite others first.").format(
                    team=made
                ),
            )
            return redirect("team", slug)
    mine = teams.of(request.user, competition)
    if mine is None:
        if hurdle := service.hurdle_of(competition, request.user):
            return admissions.page(request, competition, hurdle)
        status = 400 if form.errors else 200
        return show(request, competition, "teams/create.html", form=form, status=status)
    return shown(request, mine)


def shown(request: Request, mine: Team) -> HttpResponse:
    """The page of a team, for its members."""
    competition = mine.competition
    invitations = teams.open_invitations(mine)
    links = [(one, request.build_absolute_uri(f"/invitations/{one.code}/")) for one in invitations]
    members = mine.memberships.select_related("user")
    return show(
        request,
        competition,
        "teams/team.html",
        members=members,
        is_alone=len(members) == 1,
        is_shown=members.filter(user=request.user, is_shown=True).exists(),
        links=links,
        form=InvitationForm(),
        name_form=TeamForm(initial={"name": mine.name}),
        captain=captains.of(members),
        declarations={one.track: one for one in declarations.of(mine)},
        asked=verifications.of(competition).get(mine.pk),
        has_certificate=certificates.is_there(mine),
        former_names=mine.former_names.all()[:MOST_FORMER_NAMES],
        **merging.shown(mine),
    )


@login_required
@require_POST
def declare(request: Request, slug: str) -> HttpResponse:
    """Declare that the own team belongs to a track, or take it back."""
    mine = teams.own(request.user, find(request, slug))
    act = declarations.leave if request.POST.get("act") == "leave" else declarations.declare
    act(team=mine, track=request.POST.get("track", "")[:30], by=request.user)
    messages.success(request, gettext("Your declaration is saved."))
    return redirect("team", slug)


@login_required
@require_POST
def invite(request: Request, slug: str) -> HttpResponse:
    to = cleaned(InvitationForm(request.POST))["to"]
    teams.invite(team=teams.own(request.user, find(request, slug)), by=request.user, to=to)
    if "@" in to and settings.EMAIL_URL:
        said = gettext("The invitation is ready. {to} gets a notice or a mail.")
    elif "@" in to:
        said = gettext(
            "The invitation is ready. {to} gets a notice if an account has confirmed this address."
        )
    elif to:
        said = gettext("The invitation is ready. {to} gets a notice.")
    else:
        said = gettext("The new invitation link is ready. Send it to one person.")
    messages.success(request, said.format(to=to))
    return redirect("team", slug)


@login_required
@require_POST
def revoke_invitation(request: Request, slug: str, pk: int) -> HttpResponse:
    mine = teams.own(request.user, find(request, slug))
    teams.revoke_invitation(team=mine, invitation_pk=pk, by=request.user)
    messages.success(request, gettext("The invitation is revoked. Its link no longer works."))
    return redirect("team", slug)


@login_required
@require_POST
def alone(request: Request, slug: str) -> HttpResponse:
    """Compete alone, in one click."""
    made = teams.compete_alone(competition=find(request, slug), by=request.user)
    said = gettext("You compete as {team}. Others can join your team later.")
    messages.success(request, said.format(team=made))
    return redirect("upload", slug)


@login_required
@require_POST
def rename(request: Request, slug: str) -> HttpResponse:
    mine = teams.own(request.user, find(request, slug))
    name = cleaned(TeamForm(request.POST))["name"]
    captains.rename(team=mine, name=name, by=request.user)
    messages.success(request, gettext("The team is renamed."))
    return redirect("team", slug)


@login_required
@require_POST
def act_on_member(request: Request, slug: str) -> HttpResponse:
    """Remove a member, or make a member the captain."""
    mine = teams.own(request.user, find(request, slug))
    username = request.POST.get("member", "")
    if "captain" in request.POST:
        captains.hand_over(team=mine, username=username, by=request.user)
        said = gettext("{name} is now the captain.")
    elif "remove" in request.POST:
        captains.remove_member(team=mine, username=username, by=request.user)
        said = gettext("{name} is no longer a member. The open invitations are revoked.")
    else:
        return redirect("team", slug)
    messages.success(request, said.format(name=username))
    return redirect("team", slug)


@login_required
@require_POST
def show_me(request: Request, slug: str) -> HttpResponse:
    """Name the person on the team's public page, or not any more."""
    mine = teams.own(request.user, find(request, slug))
    is_shown = request.POST.get("is_shown") == "1"
    teams.show_member(team=mine, by=request.user, is_shown=is_shown)
    messages.success(
        request,
        gettext("The team's public page shows your name.")
        if is_shown
        else gettext("The team's public page does not show your name."),
    )
    return redirect("team", slug)


@require_safe
def public(request: Request, slug: str, pk: int) -> HttpResponse:
    """What everybody may know of a team: its rank and the scores that were its best."""
    competition = find(request, slug)
    shown = teams.shown(competition, pk, to=request.user)
    board = Entry.Board.PRIVATE if competition.is_published else Entry.Board.PUBLIC
    entry = rankings.entry_of(shown, board)
    return show(
        request,
        competition,
        "teams/public.html",
        shown=shown,
        entry=entry,
        rank=rankings.rank(entry) if entry else None,
        progress=careers.drawn(histories.steps(shown)),
        members=shown.memberships.filter(is_shown=True).select_related("user"),
        share_title=f"{shown} · {competition.title}",
        **pictures(request, competition, shown, entry),
    )


def pictures(
    request: Request, competition: Competition, shown: Team, entry: Entry | None
) -> dict[str, Any]:
    """The addresses of a team's picture and badge for other sites, once it is on a board."""
    if entry is None or not competition.is_public:
        return {}
    page, badge, card = (
        request.build_absolute_uri(reverse(name, args=[competition.slug, shown.pk]))
        for name in ("public-team", "badge", "team-card")
    )
    words = f"{shown} · {competition.title}".translate(str.maketrans("[]", "()"))
    return {"share_image": card, "badge": badge, "badge_code": f"[![{words}]({badge})]({page})"}


@login_required
@require_POST
def leave(request: Request, slug: str) -> HttpResponse:
    mine = teams.own(request.user, find(request, slug))
    teams.leave(team=mine, by=request.user)
    messages.success(request, gettext("You have left {team}.").format(team=mine))
    return redirect("competition", slug)


@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: Request, code: str) -> HttpResponse:
    """Where an invitation link leads: who has it may know who invites to what, also before they
    sign in."""
    if request.method == "POST":
        if not request.user.is_authenticated:
            return redirect_to_login(request.path)
        joined = teams.accept(code=code, by=request.user)
        messages.success(request, gettext("Welcome to {team}.").format(team=joined))
        return redirect("team", joined.competition.slug)
    invitation = teams.find_invitation(code)
    competition = invitation.team.competition
    mine = teams.of(request.user, competition)
    is_known = request.user.is_authenticated and mine is None
    hurdle = service.hurdle_of(competition, request.user) if is_known else None
    said = {"invitation": invitation, "mine": mine, "hurdle": hurdle}
    return render(request, "teams/invitation.html", said)
