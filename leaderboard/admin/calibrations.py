"""What an organizer should know of a competition's reference, calibration and gate."""

from __future__ import annotations

from django.db.models import prefetch_related_objects
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from leaderboard.admin import pages
from leaderboard.models import Competition, Evaluation, Preparation, Split
from leaderboard.sentences import said
from leaderboard.services import competitions, gates
from leaderboard.sizes import megabytes
from scoring.job import PROTOCOL
from scoring.quality import power

STEP = 0.01
"""A difference of quality that teams work for."""


def before_opening(competition: Competition) -> pages.Figures:
    """What an organizer should know before uploads begin."""
    said, _ = without_gate(competition)
    return [*figures(competition), (gettext("Gate"), said)]


def figures(competition: Competition) -> pages.Figures:
    """The reference model and its calibration."""
    reference = competition.reference
    name = gettext("Reference model")
    if reference is None:
        return [(name, without(competition, "upload_reference", gettext("Upload the reference")))]
    rows: list[tuple[str, object]] = [(name, f"{reference}, {megabytes(reference.size_bytes)}")]
    latest = competition.evaluations.filter(kind=Evaluation.Kind.CALIBRATION).first()
    if latest is None:
        told = without(competition, "calibrate", gettext("Calibrate"))
        return [*rows, (gettext("Calibration"), told)]
    if latest.pk != competition.calibration_id:
        told = format_html("{} {}", pages.link(latest), state_of(latest))
        rows.append((gettext("Latest calibration"), told))
    found = competition.calibration
    return rows if found is None else [*rows, *measured(competition, found)]


def without(competition: Competition, step: str, button: str) -> SafeString | str:
    """A sentence that something is missing, with a link to the page that adds it."""
    url = reverse(f"admin:leaderboard_competition_{step}", args=[competition.pk])
    return format_html("{} {}", gettext("None yet."), pages.link_to(url, button))


def measured(competition: Competition, calibration: Evaluation) -> pages.Figures:
    quality = gettext("public %(public)s, private %(private)s") % {
        "public": pages.number(calibration.quality_public),
        "private": pages.number(calibration.quality_private),
    }
    reference_quality = pages.number(competition.reference_quality, 3)
    ratio = pages.ratio(calibration.time_ratio, calibration.half_width)
    seconds = pages.milliseconds(calibration.reference_seconds)
    return [
        (gettext("Calibration"), pages.link(calibration)),
        (said(competition.quality_measure.short), quality),
        (gettext("Reference quality in the formula"), reference_quality),
        (gettext("Time ratio of the reference against itself"), ratio),
        (gettext("Time per image"), seconds),
        (gettext("Worker"), calibration.worker or "–"),
        *doubts(competition, calibration.protocol),
    ]


def doubts(competition: Competition, protocol: int) -> pages.Figures:
    """Why a calibration may not hold any more; `protocol` is the one that it was measured by."""
    if reason := competitions.outdated(competition):
        return [(gettext("Outdated"), reason)]
    if reason := competitions.off_band(competition):
        return [(gettext("Outside of its band"), reason)]
    if reason := idle(competition):
        return [(gettext("Weak reference"), reason)]
    if protocol == PROTOCOL or competition.is_published:
        return []
    text = gettext(
        "This service measures with a newer protocol now. Times from before and after the "
        "change differ a little. Finish the competition with the version that it began with, "
        "or evaluate every submission again."
    )
    return [(gettext("Older protocol"), text)]


def idle(competition: Competition) -> str:
    """That the reference has learnt nothing that counts, in a sentence; else empty."""
    if competition.is_published or not gates.is_reference_idle(competition):
        return ""
    return gettext(
        "The public images cannot tell the reference from a model that always answers one class. "
        "Train the reference longer, or upload another one."
    )


def state_of(calibration: Evaluation) -> str:
    if calibration.state == Evaluation.State.SCORED:
        return gettext("Outdated: something that it depends on has changed. Calibrate again.")
    return calibration.failure_message or calibration.error_message


def worth(competition: Competition) -> str:
    """What a small difference of quality is worth in the score, and how many images tell one."""
    gain = STEP * competition.k / 4  # the slope of the score at the reference
    facts: dict[str, object] = {
        "measure": said(competition.quality_measure.label),
        "step": pages.number(STEP, 2),
        "score": pages.number(gain, 3),
        "ratio": pages.number(
            gain / competition.time_weight if competition.time_weight else None, 3
        ),
        "larger": pages.number(5 * STEP, 2),
        "few": f"{power.images_needed(5 * STEP):,}",
        "many": f"{power.images_needed(STEP):,}",
        "share": f"{power.DISAGREEMENT:.0%}",
    }
    text = gettext(
        "Near the reference, %(step)s of %(measure)s is worth %(score)s of the score, or "
        "%(ratio)s of the time ratio. If two models disagree on %(share)s of the images, you "
        "need %(few)s images to see a difference of %(larger)s, and %(many)s images to see a "
        "difference of %(step)s."
    )
    if competition.dataset is None:
        return text % facts
    prefetch_related_objects([competition.dataset], "splits")  # `without_gate` reads them, too
    images = competition.dataset.split(Split.Name.PUBLIC).images
    facts["images"] = f"{images:,}"
    facts["least"] = pages.number(power.least_difference(images), 3)
    rest = gettext("The %(images)s public images can show a difference of %(least)s.")
    return f"{text % facts} {rest % facts}"


def without_gate(competition: Competition) -> tuple[str, str]:
    """The score that a model would get for doing nothing, and the level of the notice
    (`pages.notice`)."""
    found = gates.do_nothing(competition) if competition.pk else None
    if found is None:
        return gettext(
            "After the calibration, this line shows the score of a model that always answers "
            "the largest class in no time. With usual constants this score is about 1.00, "
            "like the score of the reference model."
        ), "info"
    facts = {
        "label": found.label,
        "measure": said(competition.quality_measure.label),
        "quality": pages.number(found.quality, 3),
    }
    if found.score is None or found.reference_score is None:
        text = gettext(
            "A model that answers “%(label)s” to every image in no time has %(measure)s "
            "%(quality)s on the public split. Its score is known once the reference is "
            "calibrated."
        )
    else:
        facts["score"] = pages.number(found.score, 3)
        facts["reference_score"] = pages.number(found.reference_score, 3)
        text = gettext(
            "A model that answers “%(label)s” to every image in no time has %(measure)s "
            "%(quality)s on the public split and would score %(score)s. The reference scores "
            "%(reference_score)s (lower is better)."
        )
    gate = {"gate": f"{competition.min_quality:g}"}
    if found.is_ranked:
        advice = (
            gettext("With the gate of %(gate)s this model would get a rank. Set the gate higher.")
            % gate
        )
        return f"{text % facts} {advice}", "warning"
    return f"{text % facts} " + gettext(
        "With the gate of %(gate)s this model gets no rank."
    ) % gate, "success"


def gate_to_come(preparation: Preparation | None) -> str:
    """A sentence that another gate is being prepared; empty if none is."""
    if preparation is None or preparation.min_quality is None or preparation.rescore_id:
        return ""
    if preparation.tracks is not None:
        return gettext(
            "The new tracks apply as soon as their boards are prepared, together with your "
            "other changes. “Stop the preparation” cancels the change."
        )
    sentence = gettext(
        "The gate of %(gate)s applies as soon as the boards are prepared. “Stop the "
        "preparation” cancels the change."
    )
    return sentence % {"gate": f"{preparation.min_quality:g}"}
