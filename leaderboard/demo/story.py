"""From an empty database to both boards, through the doors that users use."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from leaderboard.demo import entrants, organizer, past, recipes, showing
from leaderboard.demo.entrants import PASSWORD, Entrant
from leaderboard.demo.processes import DemoProcesses
from leaderboard.demo.recipes import Recipe
from leaderboard.models import Competition, Dataset, User
from leaderboard.models.result import Figures
from leaderboard.services import competitions, files


def tell(
    arguments: argparse.Namespace, folder: Path, console: Console, processes: DemoProcesses
) -> bool:
    """Run the whole competition; returns whether everything came out as it must."""
    chosen: Sequence[Recipe] = recipes.chosen_for(arguments.data)
    if not arguments.check:
        chosen = (*chosen, *recipes.wider(chosen))
    site = f"http://127.0.0.1:{arguments.port}"
    boss = User.objects.create_superuser("organizer", password=PASSWORD)
    source = recipes.source_of(arguments, folder)
    dataset = images(organizer.drafted(folder, source, chosen[0], boss), console)
    models = trained(chosen, dataset, folder / "models", console)

    console.rule("Calibration")
    reference = models["Reference"]
    competition = organizer.drafted(folder, source, chosen[0], boss, model=reference)
    organizer.start_workers(processes, full=arguments.full)
    calibration = organizer.opened(competition, boss, console, processes)
    tell_pace(calibration, console)

    console.rule("Uploads")
    entrants.wait_for_site(site, processes)
    people = [Entrant(site, one.team, models[one.team]) for one in chosen[1:]]
    failing = {one.team for one in chosen if one.misses_a_class}
    is_as_meant, is_hidden = uploads(people, failing, console, processes)
    past.spread(competition, boss)

    console.rule("Boards")
    ranked = {one.team for one in people} - failing
    is_complete = boards(site, competition, ranked, boss, console)
    tell_quality(calibration, console)
    showing.show_weakness(console)
    showing.show_doors(console, site, people, models)
    if not arguments.check:
        practised = organizer.drafted(
            folder, source, chosen[0], boss, slug=organizer.PRACTICE, model=reference
        )
        practice(practised, people[:2], boss, console, processes)
        console.print(f"  a competition to try uploads in: {site}/competitions/practice/")
    return is_as_meant and is_hidden and is_complete


def practice(
    drafted: Competition,
    people: Sequence[Entrant],
    by: User,
    console: Console,
    processes: DemoProcesses,
) -> None:
    """Open a second competition on the same images, in which some people take part, too."""
    organizer.opened(drafted, by, console, processes)
    for one in people:
        one.join(drafted.slug)
        one.upload_by_api(drafted.slug)


def images(drafted: Competition, console: Console) -> Dataset:
    console.rule("Images")
    dataset = drafted.dataset
    assert dataset
    for split in dataset.splits.all():
        console.print(f"  {split.name:8} {split.images:6} images of {len(dataset.classes)} classes")
    return dataset


def trained(
    chosen: Sequence[Recipe], dataset: Dataset, folder: Path, console: Console
) -> dict[str, Path]:
    """The model file of each team, trained on the sample."""
    console.rule("Training")
    sample = files.local_path(dataset.split("sample").archive)
    return {one.team: recipes.train(one, sample, folder, console) for one in chosen}


def uploads(
    people: Sequence[Entrant], failing: set[str], console: Console, processes: DemoProcesses
) -> tuple[bool, bool]:
    """Each entrant uploads and waits.

    Whether all are scored but the `failing` teams, and the private board is hidden.
    """
    for number, entrant in enumerate(people):
        entrant.sign_up()
        if number == 1:
            entrant.upload_by_form()
        else:
            entrant.upload_by_api()
        console.print(f"  {entrant.team}: submission {entrant.submission} by {entrant.door}")
    states = {one.team: one.wait(processes) for one in people}
    is_hidden = all(one.private_board_is_hidden() for one in people)
    console.print(f"  {', '.join(f'{team}: {state}' for team, state in states.items())}")
    console.print(f"  private board before publication: {'hidden' if is_hidden else 'VISIBLE'}")
    meant = {one.team: "failed" if one.team in failing else "scored" for one in people}
    return states == meant, is_hidden


def boards(
    site: str, competition: Competition, teams: set[str], by: User, console: Console
) -> bool:
    """Publish and print both boards: whether each of them holds every team."""
    public = entrants.board(site, "public")
    competitions.close(competition=competition, by=by)
    competitions.publish(competition=competition, by=by)
    private = entrants.board(site, "private")
    console.print(showing.table("Public board", public), showing.table("Private board", private))
    console.print(
        "  Lower scores are better. This hardware profile has a wide noise target, so that a busy "
        "machine still ends: close times are not told apart here."
    )
    return all({row["team"] for row in rows} == teams for rows in (public, private))


def tell_pace(calibration: Figures, console: Console) -> None:
    console.print(
        f"  reference against itself: time ratio {calibration.time_ratio:.3f} "
        f"± {calibration.half_width:.3f}, {1000 * calibration.reference_seconds:.2f} ms an image"
    )


def tell_quality(calibration: Figures, console: Console) -> None:
    console.print(
        f"  Reference macro-F1: public {calibration.quality_public:.4f}, "
        f"private {calibration.quality_private:.4f}"
    )
