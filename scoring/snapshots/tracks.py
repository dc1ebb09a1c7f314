"""Checks of tracks, besides the figures and the order of their boards."""

from __future__ import annotations

from scoring.sentences import say
from scoring.snapshots.checking import Check, Tally, rows
from scoring.snapshots.contents import BOARDS, Contents, Track, split_of


def tracks(contents: Contents) -> Check:
    """Whether each track has its boards, and each model on them meets the conditions of the
    track."""
    tally = Tally("tracks", say("Tracks"))
    known = {one.slug: one for one in contents.competition.tracks}
    if not known and any(row.tracks for _, row in rows(contents, BOARDS)):
        tally.leave(say("The file was made before such files had boards of tracks."))
        return tally.done()
    boards = BOARDS[:1] if contents.is_provisional else BOARDS
    expected = {f"{board}.{slug}" for board in boards for slug in known}
    tally.expect(
        expected == set(contents.boards) - set(BOARDS),
        say("The boards are not those of the tracks."),
    )
    for board in boards:
        members(tally, contents, board)
    for name in sorted(expected & set(contents.boards)):
        conditions(tally, contents, name, known[name.partition(".")[2]])
    if any(one.declared or one.max_parameters or one.max_bytes for one in known.values()):
        tally.leave(say("Sizes of models and declarations of teams are not in the file."))
    return tally.done()


def members(tally: Tally, contents: Contents, board: str) -> None:
    """Whether each row of a whole board names exactly the tracks whose board has its team."""
    standing: dict[str, set[str]] = {row.team: set() for row in contents.boards[board]}
    for name in contents.names:
        track = name.partition(".")[2]
        if track and split_of(name) == board:
            for where, row in rows(contents, [name]):
                tally.expect(
                    row.team in standing,
                    say("%(where)s: the team is not on the whole board.", where=where),
                )
                standing.setdefault(row.team, set()).add(track)
    for where, row in rows(contents, [board]):
        tally.expect(
            set(row.tracks) == standing[row.team],
            say("%(where)s: the team is in other tracks.", where=where),
        )


def conditions(tally: Tally, contents: Contents, name: str, track: Track) -> None:
    """Whether the models on a track's board have its formats, number types and network."""
    measured = contents.measured
    for where, row in rows(contents, [name]):
        found = measured.get(row.evaluation)
        tally.expect(
            found is not None
            and (not track.formats or found.format in track.formats)
            and (not track.number_types or found.number_type in track.number_types),
            say("%(where)s: the model has another format or number type.", where=where),
        )
        if track.reference_network:
            structure = contents.reference.structure
            tally.expect(
                found is not None and found.structure == structure != "",
                say("%(where)s: the network is not that of the reference.", where=where),
            )
