"""A configuration of EvalAI: challenge_config.yaml with HTML templates.

Names follow https://evalai.readthedocs.io/en/latest/configuration.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from leaderboard.services.contest_files.foreign.taking import Taken

NAMES = ("challenge_config.yaml", "challenge_config.yml")
KNOWN = (
    *("title", "short_description", "description", "evaluation_details", "terms_and_conditions"),
    *("submission_guidelines", "start_date", "end_date", "challenge_phases"),
)
PHASE = {
    *("id", "name", "codename", "description", "start_date", "end_date"),
    *("max_submissions_per_day", "max_submissions_per_month", "max_submissions"),
}


def is_one(content: Mapping[str, Any]) -> bool:
    """Whether the content of a file is that of this service."""
    return "slug" not in content and isinstance(content.get("challenge_phases"), list)


def take(content: Mapping[str, Any], taken: Taken) -> None:
    """Put into `taken` what a contest file can hold."""
    taken.name(content.get("title"), content.get("short_description"))
    for name, page, heading in (
        ("description", "overview", ""),
        ("evaluation_details", "overview", gettext("Evaluation")),
        ("submission_guidelines", "overview", gettext("How to submit")),
        ("terms_and_conditions", "rules", ""),
    ):
        if told := content.get(name):
            text = taken.text_of(told, (name,))
            if text:
                taken.page(page, text, heading)
    taken.date("opens_at", content.get("start_date"), ("start_date",))
    taken.date("ends_at", content.get("end_date"), ("end_date",))
    phases(content["challenge_phases"], taken)
    taken.leave_all(content, KNOWN, whys())


def phases(told: list[Any], taken: Taken) -> None:
    """The quota of the first phase."""
    some = [
        (("challenge_phases", key), one) for key, one in enumerate(told) if isinstance(one, dict)
    ]
    for (section, key), one in some[:1]:
        for name, setting in (
            ("max_submissions_per_day", "submissions_per_day"),
            ("max_submissions_per_month", "submissions_per_month"),
            ("max_submissions", "submissions_in_total"),
        ):
            taken.quota(setting, one.get(name), (section, key, name))
    for path, one in some:
        for name in one:
            if name not in PHASE:
                taken.leave((*path, str(name)), whys().get(str(name)) or whys()["phase"])
        if path != some[0][0]:
            taken.leave(path, whys()["phases"])


def whys() -> dict[str, str]:
    """Why some settings are not taken over, by their names."""
    program = gettext("Programs of organizers are not run here. Write the formula and the metric.")
    data = gettext("Images are imported separately: name their zip as dataset.source.")
    board = gettext("Boards have the columns of this service. Choose the metric.")
    return {
        "phase": gettext("There is no such setting here."),
        "phases": gettext(
            "A competition has one phase here: the public board until uploads end, and then "
            "the private board. Start and end are those of the whole challenge."
        ),
        "image": gettext("A competition has no logo here."),
        "evaluation_script": program,
        "remote_evaluation": program,
        "is_docker_based": program,
        "test_annotation_file": data,
        "dataset_splits": data,
        "leaderboard": board,
        "leaderboard_description": board,
        "challenge_phase_splits": board,
        "published": gettext("The competition starts as a draft. Open it in the panel."),
        "allowed_email_domains": gettext("The panel says who may join."),
        "blocked_email_domains": gettext("The panel says who may join."),
    }
