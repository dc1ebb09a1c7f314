"""A bundle of Codabench, or of CodaLab before it: competition.yaml with pages and phases.

Names follow https://docs.codabench.org/latest/Organizers/Benchmark_Creation/Yaml-Structure/.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from leaderboard.services.contest_files.foreign.taking import Taken

NAMES = ("competition.yaml", "competition.yml")
KNOWN = (
    "version",
    "title",
    "description",
    "terms",
    "pages",
    "html",
    "phases",
    "end_date",
    "reward",
)
PHASE = {
    *("index", "name", "label", "description", "start", "start_date", "end", "phasenumber"),
    *("max_submissions_per_day", "max_submissions"),
}


def is_one(content: Mapping[str, Any]) -> bool:
    """Whether the content of a file is that of this service."""
    return (
        "slug" not in content
        and isinstance(content.get("phases"), list | dict)
        and any(name in content for name in ("pages", "html", "tasks", "leaderboards", "terms"))
    )


def take(content: Mapping[str, Any], taken: Taken) -> None:
    """Put into `taken` what a contest file can hold."""
    taken.name(content.get("title"), content.get("description"))
    pages(content, taken)
    phases(content, taken)
    if reward := content.get("reward"):
        taken.page("prizes", str(reward))
    taken.leave_all(content, KNOWN, whys())


def pages(content: Mapping[str, Any], taken: Taken) -> None:
    told = content.get("pages")
    for number, one in enumerate(told if isinstance(told, list) else []):
        if isinstance(one, dict):
            path = ("pages", number)
            taken.named_page(str(one.get("title", "")), one.get("file"), path)
    older = content.get("html")
    for title, file in (older if isinstance(older, dict) else {}).items():
        taken.named_page(str(title), file, ("html", str(title)))
    if terms := content.get("terms"):
        text = taken.text_of(terms, ("terms",))
        if text is not None:
            taken.page("rules", text)


def phases(content: Mapping[str, Any], taken: Taken) -> None:
    """The first start, the last end, and the quota of the first phase."""
    told = content["phases"]
    each: list[tuple[str | int, Any]] = (
        [(str(name), one) for name, one in told.items()]
        if isinstance(told, dict)
        else list(enumerate(told))
    )
    some = [(("phases", key), one) for key, one in each if isinstance(one, dict)]
    if not some:
        return
    (first, begin), (last, end) = some[0], some[-1]
    taken.date("opens_at", begin.get("start", begin.get("start_date")), (*first, "start"))
    taken.date("ends_at", end.get("end", content.get("end_date")), (*last, "end"))
    taken.quota(
        "submissions_per_day",
        begin.get("max_submissions_per_day"),
        (*first, "max_submissions_per_day"),
    )
    taken.quota("submissions_in_total", begin.get("max_submissions"), (*first, "max_submissions"))
    for path, one in some:
        for name in one:
            if name not in PHASE:
                taken.leave((*path, str(name)), whys().get(str(name)) or whys()["phase"])
        if path != first:
            taken.leave(path, whys()["phases"])


def whys() -> dict[str, str]:
    """Why some settings are not taken over, by their names."""
    program = gettext("Programs of organizers are not run here. Write the formula and the metric.")
    data = gettext("Images are imported separately: name their zip as dataset.source.")
    machine = gettext("A hardware profile says where models run.")
    return {
        "phase": gettext("There is no such setting here."),
        "phases": gettext(
            "A competition has one phase here: the public board until uploads end, and then "
            "the private board. Start and end are those of the first and the last phase."
        ),
        "tasks": program,
        "solutions": gettext("Upload the reference model instead."),
        "leaderboards": gettext("Boards have the columns of this service. Choose the metric."),
        "leaderboard": gettext("Boards have the columns of this service. Choose the metric."),
        "image": gettext("A competition has no logo here."),
        "docker_image": machine,
        "queue": machine,
        "execution_time_limit": gettext("Write limits.total_seconds."),
        "execution_time_limit_ms": gettext("Write limits.total_seconds."),
        "registration_auto_approve": gettext("The panel says who may join."),
        "has_registration": gettext("The panel says who may join."),
        "make_input_data_available": data,
        "make_programs_available": program,
        "starting_kit": gettext("A starter kit is made from the competition."),
        "public_data": data,
        "input_data": data,
        "reference_data": data,
        "scoring_program": program,
        "ingestion_program": program,
        "admin_names": gettext("Give roles in the panel."),
        "contact_email": gettext("Write it into the overview if everybody may read it."),
    }
