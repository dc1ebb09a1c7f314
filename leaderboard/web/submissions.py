"""Upload a model, follow its evaluation, read its score, choose the final selections."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from csp.constants import SELF
from csp.decorators import csp_update
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Max, Prefetch
from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

from leaderboard import bodies
from leaderboard.errors import NotFound, Refused
from leaderboard.models import Competition, Entry, Evaluation, Submission, Team, Trial, User
from leaderboard.models.organizers import sees_all
from leaderboard.models.submission import SubmissionQuerySet
from leaderboard.services import (
    advice,
    commands,
    conditions,
    confusions,
    counting,
    direct_uploads,
    keeping,
    machines,
    notices,
    partial_uploads,
    prospects,
    queueing,
    rankings,
    rescoring,
    selections,
    submissions,
    teams,
    trials,
    visibility,
)
from leaderboard.web import charts, live, progress, words
from leaderboard.web.competitions import find, show
from leaderboard.web.forms import FilterForm, GatheredForm, NoteForm, SelectionForm, UploadForm
from leaderboard.web.refusals import cleaned
from leaderboard.web.requests import Request
from scoring.job import InputSpec

STOP_POLLING = 286
PAGE = 50
FEW = 5
"""Submissions that are seen at once, so that their list needs no filter."""
MOST_BRANCHES = 100
"""Most branches that the filter offers."""
MOST_CLASSES = 25
"""Most classes of a confusion matrix that is shown as a table."""
WORST = 3
"""Confusions that are named in words."""
State = Evaluation.State


def expect(request: Request, slug: str) -> bool:
    """Only members may send files, while the competition is open. Raises `Refused`."""
    if not request.user.is_authenticated:
        return False
    request.team = submissions.expect(competition=find(request, slug), by=request.user)
    return True


@bodies.taken(bodies.Upload(submissions.check_size, expect))
@login_required
@require_http_methods(["GET", "POST"])
def upload(request: Request, slug: str) -> HttpResponse:
    if request.method == "POST":
        is_trial = request.POST.get("act") == "try"
        if "upload" in request.POST:
            return take_gathered(request, is_trial=is_trial)
        form = cleaned(UploadForm(request.POST, request.FILES))
        of = {
            "competition": request.team.competition,
            "team": request.team,
            "upload": form["file"],
            "by": request.user,
        }
        if is_trial:
            return begun(request, trials.begin(**of))
        door = Submission.Door.WEB
        return received(request, submissions.submit(**of, note=form["note"], door=door))
    competition = find(request, slug)
    mine = teams.of(request.user, competition)
    quota = submissions.quota(mine, competition) if mine else None
    storage = direct_uploads.public_address() if mine else ""
    page = show(
        request,
        competition,
        "submissions/upload.html",
        storage=storage,
        form=UploadForm.taking(competition.formats),
        words=words.upload(competition),
        quota=quota,
        is_first=mine is not None and not mine.submissions.exists(),
        check=commands.checking(competition),
        trial=commands.trying(competition),
    )
    if storage:  # scripts of this page alone may send something there
        csp_update({"connect-src": [SELF, storage]})(lambda request: page)(request)
    return page


def take_gathered(request: Request, *, is_trial: bool) -> HttpResponse:
    """The end of an upload whose file came in parts."""
    form = cleaned(GatheredForm(request.POST))
    upload = partial_uploads.find_for_end(form["upload"], by=request.user)
    if is_trial:
        return begun(request, partial_uploads.begin_trial(upload, by=request.user))
    receipt = partial_uploads.submit(
        upload, by=request.user, door=Submission.Door.WEB, note=form["note"]
    )
    return received(request, receipt)


def begun(request: Request, trial: Trial) -> HttpResponse:
    page = trial.get_absolute_url()
    return HttpResponseClientRedirect(page) if request.htmx else redirect(page)


def received(request: Request, receipt: submissions.Receipt) -> HttpResponse:
    if not receipt.is_new:  # the page of a new model says itself that the model has arrived
        messages.info(
            request,
            gettext(
                "Your team has already sent this model. This is the page of that submission. "
                "It was not counted as another upload."
            ),
        )
    page = receipt.submission.get_absolute_url()
    return HttpResponseClientRedirect(page) if request.htmx else redirect(page)


@login_required
@require_http_methods(["GET", "POST"])
def team_submissions(request: Request, slug: str) -> HttpResponse:
    """One page of a team's submissions. Selections on other pages stand beside them, so that the
    form sends the whole selection."""
    competition = find(request, slug)
    mine = teams.own(request.user, competition)
    mine.competition = competition
    ticked: set[int] | None = None
    if request.method == "POST":
        ticked = set(cleaned(SelectionForm(request.POST))["selected"])
        try:
            chosen = selections.choose(team=mine, submission_ids=ticked, by=request.user)
        except Refused as refusal:
            messages.error(request, refusal.detail)  # this page keeps the ticks
        else:
            messages.success(request, words.saved_selection(len(chosen)))
            return redirect(request.get_full_path())
    finals = counting.finals(competition, [mine.pk]).get(mine.pk, ())
    selected = {one.submission_id for one in finals if one.selected_at}
    is_hidden = visibility.hides_from(competition, request.user)
    if is_hidden:  # without a choice the best ones count, and which these are is hidden
        finals = [one for one in finals if one.selected_at]
    entry = rankings.entry_of(mine, Entry.Board.PUBLIC)
    shown = listed(request, mine, selected if ticked is None else ticked)
    is_first = shown["page"].number == 1
    return show(
        request,
        competition,
        "submissions/list.html",
        team=mine,
        counting={one.submission_id for one in finals},
        has_selected=bool(selected),
        best=entry.submission_id if entry else None,
        quota=submissions.quota(mine, competition),
        progress=progress.of(mine, entry) if is_first and not is_hidden else None,
        is_hidden=is_hidden,
        **shown,
    )


def listed(request: Request, mine: Team, ticked: set[int]) -> dict[str, Any]:
    """The rows of a page of the list, limited as the address says."""
    evaluations = Evaluation.objects.defer("f1_by_class", "isolation")
    sent = mine.submissions.defer("static").prefetch_related(Prefetch("evaluations", evaluations))
    every = sent.aggregate(count=Count("pk"), branch=Max("branch"))
    filters = FilterForm(request.GET, branches=branches(mine) if every["branch"] else [])
    rows = limited(sent, filters)
    pages = Paginator(rows, PAGE)
    if rows is sent:
        pages.count = every["count"]  # known; it would count again
    page = pages.get_page(request.GET.get("page"))
    kept = sent.in_the_running().filter(
        pk__in=ticked - {one.pk for one in page}, evaluations__counts=True
    )[:PAGE]
    for one in (*page, *kept):
        for evaluation in one.evaluations.all():
            evaluation.competition = mine.competition
        visibility.conceal(mine.competition, one.evaluations.all(), request.user)
    return {
        "page": page,
        "elsewhere": kept,
        "ticked": ticked,
        "has_any": bool(every["count"]),
        "has_many": every["count"] > FEW,
        "filters": filters,
        "query": query(filters),
    }


def branches(mine: Team) -> list[str]:
    """The branches that a team's CI jobs named, by their names; the first ones of very many."""
    named = mine.submissions.exclude(branch="").order_by("branch")
    return list(named.values_list("branch", flat=True).distinct()[:MOST_BRANCHES])


def limited(sent: SubmissionQuerySet, filters: FilterForm) -> SubmissionQuerySet:
    """The submissions of a state, a format and a branch.

    A value that the form does not know limits nothing.
    """
    filters.is_valid()
    if state := filters.cleaned_data.get("state"):
        sent = sent.in_state(state)
    if name := filters.cleaned_data.get("format"):
        sent = sent.filter(format=name)
    if branch := filters.cleaned_data.get("branch"):
        sent = sent.filter(branch=branch)
    return sent


def query(filters: FilterForm) -> str:
    """The beginning of the addresses of other pages with the same filters."""
    chosen = {name: value for name, value in filters.cleaned_data.items() if value}
    return f"{urlencode(chosen)}&" if chosen else ""


@login_required
@require_safe
def submission(request: Request, pk: int) -> HttpResponse:
    one = own_submission(request, pk)
    notices.seen(request.user, one.get_absolute_url())
    said = verdict(one, request.user)
    competition = said.pop("competition")
    fed = one.static.get("input")
    declares = bool(fed) and InputSpec.from_json(fed) != competition.input_spec()
    machine = machines.of(competition)
    is_scored = said["evaluation"].state == State.SCORED and not said["is_hidden"]
    beside = Evaluation.objects.counting().filter(team=one.team_id).exclude(submission=one)
    return show(
        request,
        competition,
        "submissions/submission.html",
        **said,
        declares_input=declares,
        can_compare=is_scored and beside.exists(),
        is_fast=machine.is_fast(one.number_type) if machine else None,
        in_tracks=conditions.of(one),
    )


@require_safe
def status(request: Request, pk: int) -> HttpResponse:
    """The part of the page that changes during an evaluation. At the end the page stops asking for
    it."""
    if not request.user.is_authenticated:
        return HttpResponseClientRefresh()
    said = verdict(own_submission(request, pk), request.user)
    code = STOP_POLLING if said["latest"].is_finished else 200
    return render(request, "submissions/verdict.html", said, status=code)


@login_required
@require_POST
def withdraw(request: Request, pk: int) -> HttpResponse:
    one = own_submission(request, pk)
    submissions.withdraw(submission=one, by=request.user)
    messages.success(request, gettext("Submission #{number} is withdrawn.").format(number=one.pk))
    return redirect(reverse("submissions", args=[one.competition.slug]))


@login_required
@require_POST
def note(request: Request, pk: int) -> HttpResponse:
    one = own_submission(request, pk)
    written = cleaned(NoteForm(request.POST))["note"]
    submissions.annotate(submission=one, note=written, by=request.user)
    messages.success(request, gettext("The note is saved."))
    return redirect(one)


@login_required
@require_safe
def file(request: Request, pk: int) -> FileResponse:
    """The uploaded file, for members of its team."""
    one = own_submission(request, pk)
    teams.check_member(one.team, request.user)
    return FileResponse(
        keeping.model_file(one).open("rb"), as_attachment=True, filename=one.file_name
    )


def own_submission(request: Request, pk: int) -> Submission:
    """A submission that the person may see. Raises `NotFound` for another team's."""
    found = (
        Submission.objects.visible_to(request.user)
        .select_related("competition__calibration__reference", "competition__profile", "team")
        .prefetch_related("evaluations__profile", "evaluations__competition")
        .filter(pk=pk)
        .first()
    )
    if found is None:
        raise NotFound(gettext("There is no such submission, or it belongs to another team."))
    visibility.conceal(found.competition, found.evaluations.all(), request.user)
    return found


def verdict(submission: Submission, reader: User) -> dict[str, Any]:
    """What the page shows of a submission; of the hidden splits, the public one only."""
    competition = submission.competition
    evaluation, latest = submission.evaluation, submission.latest_evaluation
    failed = next((one for one in (latest, evaluation) if one.state == State.FAILED), None)
    line = queueing.place(latest) if latest.state == State.QUEUED else None
    is_hidden = visibility.hides_from(competition, reader)
    said: dict[str, Any] = {
        "submission": submission,
        "competition": competition,
        "evaluation": evaluation,
        "latest": latest,
        "failed": failed,
        "is_organizer": sees_all(reader, submission.competition_id),
        "command": commands.for_failure(failed) if failed else "",
        "is_counted": submissions.is_counted(submission),
        "line": line,
        "steps": live.steps(latest),
        "headline": live.headline(latest, line),
        "is_hidden": is_hidden,
        "dry_run": latest.dry_run or evaluation.dry_run,
        "weak": next(
            (one.isolation for one in (latest, evaluation) if one.is_weakly_isolated), None
        ),
    }
    if evaluation.state == State.SCORED and not is_hidden:
        said |= figures_of(evaluation, competition)
        said["rescored"] = rescoring.since(evaluation)
        prospect = prospects.of(submission)
        said |= {
            "prospect": prospect,
            "advice": advice.of(submission, prospect) if prospect else [],
        }
    return said


def figures_of(evaluation: Evaluation, competition: Competition) -> dict[str, Any]:
    """What the page shows of a score, beside the reference's."""
    # The database keeps a scored evaluation's figures from being empty.
    assert evaluation.score_public is not None
    assert evaluation.time_ratio is not None
    assert evaluation.quality_public is not None
    shown = [evaluation]
    calibration = competition.calibration
    if calibration and calibration.score_public:
        shown.append(calibration)
    scale = 1.08 * max(one.score_public or 0.0 for one in shown)
    mine, *reference = [
        charts.bar(competition, one.quality_public or 0.0, one.time_ratio or 0.0, scale)
        for one in shown
    ]
    return {
        "bar": mine,
        "terms": list(zip(words.terms(competition, evaluation), mine, strict=True)),
        "reference_bar": reference[0] if reference else None,
        "reference_half_width": calibration.score_half_width if calibration else None,
        "score_half_width": evaluation.score_half_width,
        "below_gate": evaluation.quality_public < competition.min_quality,
        "per_class": list((evaluation.f1_by_class or {}).items()),
        "flags": evaluation.timing.flags if evaluation.timing else (),
        **mistakes(evaluation),
    }


def mistakes(evaluation: Evaluation) -> dict[str, Any]:
    """The confusion matrix as a table of heat, if it is small enough to be read."""
    confusion = confusions.of(evaluation)
    if confusion is None:
        return {}
    heat: list[tuple[str, list[tuple[int, int]]]] = []
    if len(confusion.classes) <= MOST_CLASSES:
        rows = ([(percent, -(-percent // 10)) for percent in row] for row in confusion.rows)
        heat = list(zip(confusion.classes, rows, strict=True))
    return {"confusion": confusion, "confused": confusion.worst(WORST), "heat": heat}
