"""The way of a competition from draft to publication: what is done, what is missing, what is next.

The card stands above the form. While a training or a calibration runs, it is fetched again every
two seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy, ngettext, pgettext

from leaderboard.admin import calibrations, pages, trainings, verifications
from leaderboard.admin.way import Step, Way, step_url, without_button
from leaderboard.errors import Conflict
from leaderboard.models import Application, Competition, Dataset, Evaluation, User
from leaderboard.models.organizers import is_operator, is_organizer
from leaderboard.services import competitions, preparing, queueing, workers
from leaderboard.services import trainings as service

State = Competition.State
Admission = Competition.Admission
WHO = {
    Admission.OPEN: gettext_lazy("Everybody can take part."),
    Admission.APPROVAL: gettext_lazy("People apply, and you accept or refuse them."),
    Admission.INVITATION: gettext_lazy("Only people whom you invite can take part."),
    Admission.DOMAIN: gettext_lazy("Only people with an address of your domains can take part."),
}
DATA = gettext_lazy("Data and reference")
DATES = gettext_lazy("Dates")
FORMULA = gettext_lazy("Formula and gate")
TEAMS = gettext_lazy("Teams and limits")
TEXTS = gettext_lazy("Texts")
"""Titles of the form's tabs, to which steps lead."""


def of(competition: Competition, by: User) -> Way:
    """The way of a stored competition, with the buttons that a person may press."""
    calibration = under_way(competition)
    steps = [*before_opening(competition, calibration), *from_opening(competition)]
    if not is_operator(by):
        steps = [without_button(one) if one.is_for_operators else one for one in steps]
    if not is_organizer(by, competition.pk):
        steps = [without_button(one) if one.button else one for one in steps]
    following = next((one for one in steps if one.is_needed and not one.is_done), None)
    is_live = any(step.percent is not None for step in steps)
    return Way(steps, following, is_live=is_live)


def under_way(competition: Competition) -> Evaluation | None:
    """The calibration that is queued or runs."""
    kind = Evaluation.Kind.CALIBRATION
    return competition.evaluations.unfinished().filter(kind=kind).first()


def before_opening(competition: Competition, calibration: Evaluation | None) -> Iterator[Step]:
    profile = competition.profile
    yield Step(
        gettext("Hardware profile"),
        machine(competition),
        is_done=True,
        url=pages.change_url(profile),
        is_for_operators=True,
    )
    yield images(competition)
    yield reference(competition)
    yield calibrated(competition, calibration)
    yield baselines(competition)
    said, level = calibrations.without_gate(competition)
    yield Step(str(FORMULA), said, is_done=level == "success", is_needed=False, tab=str(FORMULA))
    yield Step(str(DATES), dates(competition), is_done=True, is_needed=False, tab=str(DATES))
    yield texts(competition)
    yield Step(str(TEAMS), limits(competition), is_done=True, is_needed=False, tab=str(TEAMS))


def machine(competition: Competition) -> str:
    profile = competition.profile
    seen = workers.seen_lately(profile).count()
    alive = ngettext("%(count)d worker was seen lately", "%(count)d workers were seen lately", seen)
    return f"{profile}: {alive % {'count': seen}}."


def images(competition: Competition) -> Step:
    dataset, tab = competition.dataset, str(DATA)
    title = gettext("Images")
    if dataset:
        hidden = {split.name: split.images for split in dataset.splits.all()}
        facts = {"dataset": dataset, "classes": len(dataset.classes)} | hidden
        said = gettext(
            "%(dataset)s: %(classes)d classes; %(sample)d images in the sample, %(public)d public, "
            "%(private)d private."
        )
        return Step(title, said % facts, is_done=True, tab=tab)
    if Dataset.objects.exists():
        said = gettext("Choose a dataset in the tab “%(tab)s”, and save.") % {"tab": tab}
        return Step(title, said, is_done=False, tab=tab, button=gettext("Choose a dataset"))
    return Step(
        title,
        gettext("There is no dataset yet. You see a report before anything is stored."),
        is_done=False,
        url=reverse("admin:leaderboard_dataset_add"),
        button=gettext("Add a dataset"),
        is_for_operators=True,
    )


def reference(competition: Competition) -> Step:
    model = competition.reference
    training = service.latest(competition) if is_draft(competition) else None
    if training and training.is_unfinished:
        said, percent = trainings.progress(training)
        url = step_url(competition, "cancel_training")
        return Step(gettext("Reference model"), said, is_done=False, percent=percent, url=url)
    trouble = trainings.trouble(training) if training and model is None else ""
    said = gettext(
        "Every submission is timed in turns with this model. Its format does not matter. If "
        "you have no model, let a worker train one."
    )
    return Step(
        gettext("Reference model"),
        f"{model}, {model.format_title}." if model else trouble or said,
        is_done=model is not None,
        is_trouble=bool(trouble),
        url=step_url(competition, "upload_reference") if is_draft(competition) else "",
        button=gettext("Upload the reference"),
        other=(step_url(competition, "train_reference"), gettext("Train a reference")),
    )


def calibrated(competition: Competition, calibration: Evaluation | None) -> Step:
    title, url = gettext("Calibration"), step_url(competition, "calibrate")
    if calibration:
        said, percent = progress(calibration)
        return Step(title, said, is_done=False, percent=percent, url=pages.change_url(calibration))
    found = competition.calibration
    doubt = competitions.outdated(competition) or competitions.off_band(competition)
    if found and not doubt:
        idle = calibrations.idle(competition)
        said = f"{result(competition, found)} {idle}".strip()
        return Step(
            title,
            said,
            is_done=not idle,
            is_needed=False,
            url=pages.change_url(found),
            is_trouble=bool(idle),
        )
    latest = competition.evaluations.filter(kind=Evaluation.Kind.CALIBRATION).first()
    trouble = doubt or (without_result(latest) if latest else "")
    said = gettext(
        "A worker measures the reference against itself. The result is the pace that all "
        "times refer to, and the quality of the reference."
    )
    return Step(
        title,
        trouble or said,
        is_done=False,
        url=url,
        button=gettext("Calibrate again") if trouble else gettext("Calibrate"),
        is_trouble=bool(trouble),
    )


def baselines(competition: Competition) -> Step:
    names = [str(one) for one in competition.baselines.all()]
    said = gettext(
        "None. A baseline is a model of yours that stands on the boards without a rank, such as a "
        "well-known network."
    )
    return Step(
        gettext("Baselines"),
        ", ".join(names) or said,
        is_done=bool(names),
        is_needed=False,
        url="" if competition.is_published else step_url(competition, "add_baseline"),
        button=gettext("Add a baseline"),
    )


def without_result(calibration: Evaluation) -> str:
    """Why the latest calibration does not count."""
    said = gettext("The latest calibration gave no result (%(state)s).")
    fallback = said % {"state": calibration.get_state_display()}
    return calibrations.state_of(calibration) or fallback


def progress(calibration: Evaluation) -> tuple[str, float]:
    """What a calibration is doing, and how far it is."""
    if calibration.state == Evaluation.State.RUNNING:
        percent = calibration.percent_by_now
        facts = {"doing": calibration.doing, "worker": calibration.worker or "–"}
        return gettext("Running on %(worker)s: %(doing)s.") % facts, percent
    if not workers.seen_lately(calibration.profile_id).exists():
        said = gettext("Queued. No worker of this profile was seen lately: start one.")
        return said, 0.0
    place = queueing.place(calibration).position
    return gettext("Queued, at place %(place)d.") % {"place": max(1, place)}, 0.0


def result(competition: Competition, calibration: Evaluation) -> str:
    facts = {
        "quality": pages.number(competition.reference_quality),
        "ratio": pages.ratio(calibration.time_ratio, calibration.half_width),
        "seconds": pages.milliseconds(calibration.reference_seconds),
    }
    return gettext("Quality %(quality)s, %(seconds)s per image; against itself %(ratio)s.") % facts


def dates(competition: Competition) -> str:
    """The dates of opening, end and publication that are set."""
    zone = competition.time_zone
    said = []
    if competition.opens_at and is_draft(competition):
        facts = {"time": shown(competition.opens_at), "zone": zone}
        said.append(gettext("Opens automatically at %(time)s (%(zone)s).") % facts)
    if competition.counts_until:
        facts = {"time": shown(competition.counts_until), "zone": zone}
        said.append(gettext("The public board is frozen from %(time)s (%(zone)s).") % facts)
    if competition.ends_at:
        facts = {"time": shown(competition.ends_at), "zone": zone}
        said.append(gettext("Uploads end at %(time)s (%(zone)s).") % facts)
    elif competition.state in (State.CLOSED, State.PUBLISHED):
        said.append(gettext("Uploads have ended."))
    else:
        said.append(gettext("No end date: uploads continue until you close the competition."))
    if competition.publishes_at and not competition.is_published:
        facts = {"time": shown(competition.publishes_at), "zone": zone}
        sentence = gettext("Published automatically at %(time)s (%(zone)s).")
        if not competition.ends_at and state_is_live(competition):
            sentence = gettext(
                "Published automatically at %(time)s (%(zone)s), if you have closed it before."
            )
        said.append(sentence % facts)
    return " ".join(said)


def state_is_live(competition: Competition) -> bool:
    """Whether a competition is not closed yet."""
    return competition.state in (State.DRAFT, State.OPEN, State.PAUSED)


def shown(moment: datetime) -> str:
    """In the time zone of the page, which is that of the competition."""
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT")


def texts(competition: Competition) -> Step:
    named = {
        gettext("overview"): competition.overview,
        gettext("rules"): competition.rules,
        gettext("data"): competition.data_description,
    }
    missing = [name for name, text in named.items() if not text.strip()]
    said = gettext("Not written yet: %(texts)s.") % {"texts": ", ".join(missing)}
    return Step(
        str(TEXTS),
        said if missing else gettext("Overview, rules and data are written."),
        is_done=not missing,
        is_needed=False,
        tab=str(TEXTS),
    )


def limits(competition: Competition) -> str:
    facts = {"uploads": competition.submissions_per_day, "members": competition.max_team_size}
    said = gettext("%(uploads)d uploads of a team per day; teams of at most %(members)d.") % facts
    return f"{WHO[Admission(competition.admission)]} {said}"


def applied(competition: Competition) -> Iterator[Step]:
    """How many people wait for a decision, where the organizers decide."""
    if competition.admission != Admission.APPROVAL or is_draft(competition):
        return
    waiting = competition.applications.filter(state=Application.State.WAITING).count()
    said = ngettext("%(count)d application waits.", "%(count)d applications wait.", waiting)
    page = f"{pages.list_url(Application)}?competition__id__exact={competition.pk}"
    yield Step(
        gettext("Applications"),
        said % {"count": waiting},
        is_done=not waiting,
        is_needed=False,
        url=f"{page}&state__exact={Application.State.WAITING}",
    )


def from_opening(competition: Competition) -> Iterator[Step]:
    state = State(competition.state)
    yield opening(competition)
    yield from applied(competition)
    over = state in (State.CLOSED, State.PUBLISHED)
    # While teams upload, the main button of an everyday page must not end the competition.
    dashboard = step_url(competition, "dashboard")
    url, button = step_url(competition, "close"), pgettext("act", "Close")
    if competition.accepts_uploads:
        url, button = dashboard, gettext("Dashboard")
    yield Step(
        gettext("Uploads"),
        uploads(competition),
        is_done=over,
        is_needed=not is_draft(competition),
        url=url if state in (State.OPEN, State.PAUSED) else "",
        button=button,
        other=None if url == dashboard else (dashboard, gettext("Dashboard")),
        page="" if is_draft(competition) else dashboard,
    )
    if state == State.CLOSED:
        yield preview(competition)
    if over:
        yield verifications.step(competition)
    yield publication(competition)


def opening(competition: Competition) -> Step:
    title = gettext("Opening")
    if competition.state == State.PAUSED:
        said = gettext("Uploads are paused. Queued submissions are still evaluated.")
        return Step(
            title,
            said,
            is_done=False,
            url=step_url(competition, "resume"),
            button=gettext("Resume"),
            is_trouble=True,
        )
    if not is_draft(competition):
        return Step(title, gettext("What scores depend on is fixed now."), is_done=True)
    try:
        competitions.check_openable(competition)
        said = gettext("Everything that is needed is there. Opening fixes what scores depend on.")
    except Conflict as missing:
        said = gettext("Not possible yet. %(reason)s") % {"reason": missing.detail}
    return Step(
        title,
        said,
        is_done=False,
        url=step_url(competition, "open_"),
        button=gettext("Open the competition"),
    )


def uploads(competition: Competition) -> str:
    if is_draft(competition):
        return gettext("Teams upload until the end, or until you close the competition.")
    facts = {
        "teams": competition.teams.count(),
        "submissions": competition.submissions.count(),
        "left": competition.evaluations.unfinished().count(),
    }
    return (
        gettext(
            "%(teams)d teams, %(submissions)d submissions, %(left)d evaluations that "
            "have not ended."
        )
        % facts
    )


def preview(competition: Competition) -> Step:
    """The step that looks at the private board before everybody sees it. A publication does not
    need it."""
    return Step(
        gettext("Preview"),
        gettext("The private board as a publication would show it, and who moves."),
        is_done=False,
        is_needed=False,
        url=step_url(competition, "result"),
    )


def publication(competition: Competition) -> Step:
    title, state = gettext("Publication"), State(competition.state)
    if state == State.PUBLISHED:
        said, page = gettext("Both boards are public and final."), step_url(competition, "result")
        return Step(title, said, is_done=True, page=page)
    left = preparing.unfinished(competition) if state == State.CLOSED else ""
    said = gettext("The private board is computed and shown to everybody.")
    return Step(
        title,
        gettext("It waits for %(evaluations)s.") % {"evaluations": left} if left else said,
        is_done=False,
        is_needed=state == State.CLOSED,
        url=step_url(competition, "publish") if state == State.CLOSED else "",
        button=gettext("Publish the private board"),
        other=(step_url(competition, "result"), gettext("Preview")),
    )


def is_draft(competition: Competition) -> bool:
    return competition.state == State.DRAFT


def context(competition: Competition, by: User) -> dict[str, Any]:
    """The variables of the card."""
    url = reverse("admin:leaderboard_competition_way", args=[competition.pk])
    return {"way": of(competition, by), "way_url": url}
