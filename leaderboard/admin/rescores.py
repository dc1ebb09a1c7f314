"""Rescores: the preview of another formula or measuring, which an organizer applies or cancels as a
whole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from leaderboard.admin import again, pages
from leaderboard.models import Rescore
from leaderboard.models.tracks import Track
from leaderboard.services import moves, rescore_words, rescoring
from leaderboard.services.moves import Move

State = Rescore.State
PAGE = 50
PLOTTED = 20
"""Teams on the picture of the ranks, the first ones after the rescore."""
STEP = 22
"""Pixels from one rank to the next."""


@dataclass(frozen=True)
class DrawnMove:
    """A team on the picture: from its rank before to its rank after."""

    move: Move
    y_before: int
    y_after: int


@admin.register(Rescore)
class RescoreAdmin(pages.Fixed):
    comes_from = gettext_lazy(
        "Begin a rescore on the page of its competition: “More”, then “Formula” or “Measure again”."
    )
    to_competition = "competition"
    list_display = ["__str__", "competition", "state_label", "why", "proposed_by", "proposed_at"]
    list_filter = [("competition", pages.OwnCompetition), "state"]
    search_fields = ["why"]
    actions_detail = ["apply", "cancel", "pause", "resume", "retry", "keep_failed", "fail_failed"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rescore]:
        rows = super().get_queryset(request)
        return rows.select_related(*rescoring.WITH, "competition", "proposed_by", "decided_by")

    @display(description=gettext_lazy("State"), label=pages.STATE_LABELS)
    def state_label(self, rescore: Rescore) -> tuple[str, str]:
        return rescore.state, rescore.get_state_display()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Both boards, and what differs."""
        rescore = self.find(request, object_id)
        preparation = getattr(rescore, "preparation", None)
        is_ready = rescore.state != State.MEASURING
        is_ready &= not (preparation and rescore.state == State.PREVIEW and left(preparation))
        track = rescore.competition.track(request.GET.get("track", ""))
        found = moves.of(rescore, track.slug if track else "") if is_ready else []
        by_size = request.GET.get("sort") == "moves"
        shown = sorted(found, key=lambda move: -abs(move.up)) if by_size else found
        context = pages.frame(self, request, rescore) | {
            "title": str(rescore),
            "rescore": rescore,
            "labels": pages.STATE_LABELS,
            "changes": rescore_words.changes(rescore),
            "preparation": preparation,
            "is_ready": is_ready,
            "is_waiting": rescore.is_open,
            **again.told(rescore),
            "may_act": self.may_act(request, rescore),
            "summary": moves.summary(found) if found else None,
            "track": track,
            "kept": f"track={track.slug}&" if track else "",  # in links to other pages
            "by_size": by_size,
            "page": Paginator(shown, PAGE).get_page(request.GET.get("page")),
            "lines": (drawn := lines(found)),
            "height": STEP + max([max(one.y_before, one.y_after) for one in drawn], default=0),
            "back": pages.list_url(Rescore),
            "competition_url": pages.change_url(rescore.competition),
        }
        return TemplateResponse(request, "admin/rescore.html", context)

    @action(description=gettext_lazy("Apply"), icon="done_all", variant=ActionVariant.PRIMARY)
    def apply(self, request: HttpRequest, object_id: str) -> HttpResponse:
        rescore = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            rescore,
            title=gettext("Apply the rescore"),
            says=gettext(
                "Everybody sees the new board at once. All scores change. Those of older "
                "submissions change within minutes. The pages show the date, the changes and "
                "your reason, and all teams get a notice. You cannot undo this step. You can "
                "propose another rescore."
            ),
            facts=lambda form: facts(rescore),
            button=gettext("Apply to everybody"),
            is_danger=True,
            do=lambda: rescoring.apply(rescore=rescore, by=pages.organizer(request)),
            done=gettext("The new scores apply."),
        )

    @action(description=gettext_lazy("Cancel the rescore"), icon="close")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        rescore = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            rescore,
            title=gettext("Cancel the rescore"),
            says=gettext(
                "The preview is deleted. The boards stay as everybody sees them. No participant "
                "has seen the preview."
            ),
            button=gettext("Cancel the rescore"),
            do=lambda: rescoring.cancel(rescore=rescore, by=pages.organizer(request)),
            done=gettext("The rescore is cancelled."),
        )

    def act(
        self, request: HttpRequest, object_id: str, title: str, says: str, do: Any, done: str
    ) -> HttpResponse:
        """A page that asks before an act on a rescore that measures."""
        rescore = self.find(request, object_id)
        by = pages.organizer(request)
        return pages.ask(
            self,
            request,
            rescore,
            title=title,
            says=says,
            button=title,
            do=lambda: do(rescore=rescore, by=by),
            done=done,
        )

    @action(description=gettext_lazy("Pause"), icon="pause")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        title, done = gettext("Pause the measuring"), gettext("The measuring is paused.")
        says = gettext(
            "Workers start no further measurements of this rescore. Measurements "
            "that are running continue to their end."
        )
        return self.act(request, object_id, title, says, rescoring.pause, done)

    @action(description=gettext_lazy("Resume"), icon="play_arrow")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        title, done = gettext("Resume the measuring"), gettext("The measuring continues.")
        says = gettext(
            "Workers measure uploads of participants first, and then continue the rescore."
        )
        return self.act(request, object_id, title, says, rescoring.resume, done)

    @action(description=gettext_lazy("Measure failures again"), icon="replay")
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        title, done = (
            gettext("Measure failures again"),
            gettext("The failures are queued once more."),
        )
        says = gettext("Everything that failed is measured once more, including the reference.")
        return self.act(request, object_id, title, says, rescoring.retry, done)

    @action(description=gettext_lazy("Keep old scores of failures"), icon="undo")
    def keep_failed(self, request: HttpRequest, object_id: str) -> HttpResponse:
        title = gettext("Keep old scores of failures")
        says = gettext("A submission that failed in the new measuring keeps its old score.")
        do = partial(rescoring.judge_failures, keeps_failed=True)
        return self.act(
            request, object_id, title, says, do, gettext("These submissions keep their scores.")
        )

    @action(description=gettext_lazy("Count failures as failed"), icon="block")
    def fail_failed(self, request: HttpRequest, object_id: str) -> HttpResponse:
        title = gettext("Count failures as failed")
        says = gettext(
            "A submission that failed in the new measuring no longer has a score once the "
            "rescore is applied. Its team then sees the failure and its code. After an error "
            "of the service the old score is kept."
        )
        do = partial(rescoring.judge_failures, keeps_failed=False)
        return self.act(
            request, object_id, title, says, do, gettext("These submissions lose their scores.")
        )


def left(preparation: Any) -> bool:
    """Whether some teams are not prepared yet. A new team may come when all others are done."""
    return bool(preparation.done < preparation.total)


def facts(rescore: Rescore) -> pages.Figures:
    """What an organizer should see once more before the rescore is applied."""
    each = rescore.competition.all_tracks
    found = moves.of_tracks(rescore, ["", *(track.slug for track in each)])
    told = {slug: moves.summary(rows) for slug, rows in found.items()}
    board = told[""]
    return [
        *((one.name, f"{one.before} → {one.after}") for one in rescore_words.changes(rescore)),
        (gettext("Reason"), rescore.why),
        (gettext("Teams that gain ranks"), board.up),
        (gettext("Teams that lose ranks"), board.down),
        (gettext("Teams that fall below the gate"), board.fail_gate),
        (gettext("Teams that pass the gate now"), board.pass_gate),
        *((named(track), change(told[track.slug])) for track in each),
    ]


def named(track: Track) -> str:
    return gettext("Track %(track)s") % {"track": track.title}


def change(told: moves.Summary) -> str:
    """How a track's board changes."""
    figures = {"up": told.up, "down": told.down, "teams": told.teams}
    return gettext("Teams: %(teams)d. Gain ranks: %(up)d. Lose ranks: %(down)d.") % figures


def lines(found: list[Move]) -> list[DrawnMove]:
    """The first teams after the rescore. Lines from ranks further below begin at the bottom."""
    first = [move for move in found if move.rank_after][:PLOTTED]
    return [DrawnMove(one, y(one.rank_before), y(one.rank_after)) for one in first]


def y(rank: int | None) -> int:
    return STEP * min(rank or PLOTTED + 1, PLOTTED + 1)
