"""A competition goes draft -> open <-> paused -> closed -> published. A closed one may be opened
again until it is published."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard import sentences
from leaderboard.errors import Conflict, NotFound
from leaderboard.models import Competition, Evaluation, Preparation, User
from leaderboard.models.rescore import FORMULA_FIELDS
from leaderboard.services import (
    audit,
    conditions,
    formulas,
    locks,
    organizers,
    preparing,
    tracks,
    versions,
    workers,
)
from leaderboard.services.audit import SERVICE, Act
from scoring.job import PROTOCOL

State = Competition.State
ACTS = {
    State.OPEN: Act.COMPETITION_OPENED,
    State.PAUSED: Act.COMPETITION_PAUSED,
    State.CLOSED: Act.COMPETITION_CLOSED,
}
"""What the log says of a step, by the state that it leads to."""
MOST_LIKE = 1000
"""Slugs, the newest first, that are compared with a misspelt slug."""


def named(slug: str, *, among: QuerySet[Competition] | None = None) -> Competition:
    """A competition that everybody may know of, by its slug.

    Raises `NotFound` with the slug that is most like this one, which may be misspelt.
    """
    known = Competition.objects.public() if among is None else among
    if found := known.filter(slug=slug).first():
        return found
    slugs = list(known.values_list("slug", flat=True)[:MOST_LIKE])
    like = difflib.get_close_matches(slug, slugs, n=1)
    if like:
        facts = {"slug": slug[:50], "like": like[0]}
        text = gettext("There is no competition called %(slug)s. Did you mean %(like)s?") % facts
    else:
        facts = {"slug": slug[:50], "address": "/api/v2/competitions"}
        text = gettext("There is no competition called %(slug)s. %(address)s lists them.") % facts
    raise NotFound(text, code="unknown_competition")


@transaction.atomic
def create(*, competition: Competition, by: User) -> None:
    """Write a new draft."""
    organizers.check_organizer(by)
    competition.state = State.DRAFT
    competition.save(force_insert=True)
    made = audit.state(competition, "slug", "dataset", "profile")
    audit.record(Act.COMPETITION_CREATED, competition, by=by, after=made)


@transaction.atomic
def edit(*, competition: Competition, by: User) -> None:
    """Save the fields that an organizer changed on this object.

    Fields that scores depend on can be changed in a draft only. The draft then needs a new
    calibration, unless only numbers of the formula change. A rescore changes these later.
    Another gate and new tracks hold once boards are prepared: at once if there are few teams.
    """
    organizers.check_organizer(by, competition)
    row = locks.lock(competition)
    fields = {
        field.name
        for field in Competition._meta.concrete_fields
        if field.editable and getattr(competition, field.attname) != getattr(row, field.attname)
    }
    check_editable(row, fields)
    check_formats_kept(row, competition.formats)
    check_tracks(row, competition)
    if "freezes_at" in fields:
        check_freeze(competition)
    if fields & Competition.SCORING_FIELDS - set(FORMULA_FIELDS):
        forget_calibration(competition)
        fields.add("calibration")
    audit.record(
        Act.COMPETITION_EDITED,
        competition,
        by=by,
        before=audit.state(row, *fields),
        after=audit.state(competition, *fields),
    )
    gate, wanted = competition.min_quality, competition.tracks
    adds = tracks.adds(row, competition.all_tracks)
    prepared = {"min_quality", "tracks"} if adds else {"min_quality"}
    competition.save(update_fields=fields - prepared)
    if competition.calibration and fields.intersection(FORMULA_FIELDS):
        formulas.follow_organizers(competition)
    if fields & prepared:
        preparing.begin(competition, min_quality=gate, tracks=wanted if adds else None)
        preparing.go_on(competition, seconds=preparing.AT_ONCE)
        competition.refresh_from_db(fields=prepared)
    versions.change(competition.pk)  # boards show the time zone, the gate and more


def forget_calibration(competition: Competition) -> None:
    """Take a draft's calibration away, and stop what is measured by it. The caller saves."""
    competition.calibration = None
    competition.evaluations.filter(kind=Evaluation.Kind.BASELINE).cancel()


def check_editable(row: Competition, fields: Collection[str]) -> None:
    """Raises `Conflict` unless these fields of a locked competition may be edited now."""
    if frozen := sorted(row.frozen_fields.intersection(fields)):
        raise Conflict(
            gettext(
                "These fields are fixed in this state of the competition (%(state)s): %(fields)s."
            )
            % {"state": row.get_state_display(), "fields": ", ".join(frozen)},
            code="competition_running",
        )
    if Competition.SCORING_FIELDS.intersection(fields) and is_calibrating(row):
        raise Conflict(
            gettext("A calibration is running. Wait until it ends or cancel it, then change this."),
            code="calibration_under_way",
        )
    if {"min_quality", "final_selections", "tracks"}.intersection(fields):
        preparing.check_none(row)


def check_tracks(row: Competition, competition: Competition) -> None:
    """Raises `Conflict` unless a locked competition may have the tracks of an edited one."""
    tracks.check_kept(row, competition.all_tracks)
    conditions.check_reference(competition)


def is_calibrating(competition: Competition) -> bool:
    calibrations = competition.evaluations.filter(kind=Evaluation.Kind.CALIBRATION)
    return calibrations.unfinished().exists()


def check_freeze(competition: Competition) -> None:
    """Raises `Conflict` for a freeze in the past: rows that everybody has seen would go."""
    if competition.is_public and competition.is_frozen():
        raise Conflict(
            gettext("The freeze of the public board must be in the future."),
            code="freeze_passed",
        )


def check_formats_kept(row: Competition, formats: Collection[str]) -> None:
    """Raises `Conflict` if a competition that has opened would no longer take one of its
    formats: teams prepare models in each of them."""
    if row.is_public and not set(row.formats) <= set(formats):
        raise Conflict(
            gettext(
                "The competition has opened with these formats: %(formats)s. You can add a format. "
                "You cannot remove one."
            )
            % {"formats": row.format_titles()},
            code="format_fixed",
        )


@transaction.atomic
def open_(*, competition: Competition, by: User) -> None:
    """Open a draft, or go on after a pause. A closed competition is reopened by `reopen`."""
    organizers.check_organizer(by, competition)
    check_openable(competition)
    move(competition, State.OPEN, by=by, only_from=[State.DRAFT, State.PAUSED], pause_message="")


def check_openable(competition: Competition) -> None:
    """Raises `Conflict` with the first step that is missing before uploads may begin."""
    check_measurable(competition)
    if competition.calibration is None:
        raise Conflict(gettext("Calibrate the reference model first."), code="no_calibration")
    if reason := outdated(competition):
        raise Conflict(reason, code="calibration_outdated")
    if reason := off_band(competition):
        raise Conflict(reason, code="calibration_off_band")
    conditions.check_reference(competition)
    check_end(competition)


def check_measurable(competition: Competition) -> None:
    """Raises `Conflict` unless there are images and a reference model to measure."""
    if competition.dataset is None:
        raise Conflict(gettext("Choose a dataset first."), code="no_dataset")
    if competition.reference is None:
        raise Conflict(gettext("Upload the reference model first."), code="no_reference")


def outdated(competition: Competition) -> str:
    """Why the calibration of a competition does not hold any more, in a sentence; else empty.

    A running competition keeps its calibration, because its scores were made by it.
    """
    calibration = competition.calibration
    if calibration is None:
        return ""
    if (
        calibration.dataset_id != competition.dataset_id
        or calibration.profile_id != competition.profile_id
    ):
        return gettext(
            "The dataset or the hardware profile changed after the calibration. Calibrate again."
        )
    if competition.state == State.DRAFT and calibration.protocol != PROTOCOL:
        return gettext(
            "The calibration was measured with an older protocol of this service. Calibrate again."
        )
    return ""


def off_band(competition: Competition) -> str:
    """Why a draft's calibration is outside the profile's band, in a sentence; else empty.

    Only where workers check themselves: there the reference against itself must be found near 1.
    """
    calibration, profile = competition.calibration, competition.profile
    if calibration is None or competition.state != State.DRAFT or not profile.canary_every_minutes:
        return ""
    figures = calibration.figures()
    error = calibration.timing.standard_error if calibration.timing else None
    reason = workers.off_band(profile, figures.time_ratio, figures.half_width, error)
    if reason is None:
        return ""
    advice = gettext("Calibrate again when the machine is quiet, or set a wider canary band.")
    return f"{sentences.said(reason)} {advice}"


@transaction.atomic
def pause(*, competition: Competition, message: str, by: User) -> None:
    """Stop uploads, with a message for everybody. Evaluations in the queue go on."""
    organizers.check_organizer(by, competition)
    message = message.strip()[:300]
    with audit.because(message):
        move(competition, State.PAUSED, by=by, pause_message=message)


@transaction.atomic
def reopen(*, competition: Competition, by: User) -> None:
    """Open a closed competition again, unless its private board is published.

    A time of publication that has passed is dropped: else the next close would publish at once.
    """
    organizers.check_organizer(by, competition)
    check_end(competition)
    check_unverified(competition)
    at = competition.publishes_at
    later = at if at and at > timezone.now() else None
    move(competition, State.OPEN, by=by, only_from=[State.CLOSED], publishes_at=later)


def check_end(competition: Competition) -> None:
    if competition.has_ended():
        raise Conflict(
            gettext("The end of the competition has passed. Set a later end first."),
            code="has_ended",
        )


@transaction.atomic
def close(*, competition: Competition, by: User) -> None:
    """End the uploads. Evaluations go on, and the private board stays hidden."""
    organizers.check_organizer(by, competition)
    move(competition, State.CLOSED, by=by, pause_message="")


def publish(*, competition: Competition, by: User) -> bool:
    """Prepare and show the private board. Raises `Conflict` while an evaluation is unfinished.

    Returns whether everybody sees it already. With many teams it is prepared in the background.
    """
    organizers.check_organizer(by, competition)
    begin_publication(competition, by=by)
    preparing.go_on(competition, seconds=preparing.AT_ONCE)
    competition.refresh_from_db()
    if not competition.is_published and not preparing.is_publishing(competition):
        raise Conflict(
            gettext("Somebody stopped this publication. The competition is %(state)s.")
            % {"state": competition.get_state_display().lower()},
            code="wrong_competition_state",
        )
    return competition.is_published


@transaction.atomic
def begin_publication(competition: Competition, *, by: User | str) -> None:
    row = locks.lock(competition)
    preparing.check_none(row)
    if row.state != State.CLOSED:
        raise wrong_state(row, State.PUBLISHED)
    if unfinished := preparing.unfinished(row):
        raise Conflict(
            gettext("%(evaluations)s must end first.") % {"evaluations": unfinished},
            code="evaluations_unfinished",
        )
    preparing.begin(row)
    audit.record(Act.PUBLICATION_BEGUN, competition, by=by)


@transaction.atomic
def stop_preparing(*, competition: Competition, by: User) -> None:
    """Stop the preparation of a publication or of another gate."""
    organizers.check_organizer(by, competition)
    row = locks.lock(competition)
    preparation = preparing.of(row)
    if preparation and preparation.rescore:
        preparing.check_none(row)
    if not preparing.stop(row):
        raise Conflict(
            gettext(
                "Nothing is being prepared: the preparation is done, or it was stopped before."
            ),
            code="nothing_in_preparation",
        )
    audit.record(Act.PREPARATION_STOPPED, competition, by=by)


@transaction.atomic
def close_ended() -> None:
    """Close the competitions whose end has passed, by the database's clock."""
    ended = Competition.objects.filter(state__in=[State.OPEN, State.PAUSED], ends_at__lte=Now())
    for competition in ended:
        with transaction.atomic():
            # Another process may close it in the same moment: only one of them writes it down.
            if ended.filter(pk=competition.pk).update(state=State.CLOSED, pause_message=""):
                was = audit.state(competition, "state")
                now = {"state": State.CLOSED, "ends_at": competition.ends_at}
                audit.record(ACTS[State.CLOSED], competition, by=SERVICE, before=was, after=now)


def move(
    competition: Competition,
    state: State,
    *,
    by: User | str,
    only_from: Collection[str] = State.values,
    **fields: object,
) -> None:
    """Change the state by compare-and-swap. Raises `Conflict` if there is no such step."""
    allowed = [
        one
        for one, targets in Competition.TRANSITIONS.items()
        if state in targets and one in only_from
    ]
    was = audit.state(locks.lock(competition), "state")
    rows = Competition.objects.filter(pk=competition.pk, state__in=allowed)
    if not rows.update(state=state, **fields):
        competition.refresh_from_db(fields=["state"])
        raise wrong_state(competition, state)
    # A publication that was begun before must not end after another step.
    Preparation.objects.filter(competition=competition.pk, min_quality=None).delete()
    competition.refresh_from_db()
    audit.record(ACTS[state], competition, by=by, before=was, after={"state": state})


def wrong_state(competition: Competition, state: str) -> Conflict:
    if (competition.state, state) == (State.CLOSED, State.OPEN):
        text = gettext("The competition is closed. Reopen it.")
    else:
        text = gettext("A competition that is %(state)s cannot become %(next)s.") % {
            "state": competition.get_state_display().lower(),
            "next": State(state).label.lower(),
        }
    return Conflict(text, code="wrong_competition_state")


def check_unverified(competition: Competition) -> None:
    """Raises `Conflict` once winners were asked: they know a part of the private board."""
    if competition.verifications.exists():
        raise Conflict(
            gettext("The first teams of the private board were already asked for a verification."),
            code="verification_begun",
        )


def check_unpublished(competition: Competition) -> None:
    """Raises `Conflict`. Ask of a locked row: it may be published in the same moment."""
    if competition.is_published:
        raise Conflict(
            gettext("The final ranking is published. It can no longer change."),
            code="competition_over",
        )
