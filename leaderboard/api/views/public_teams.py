"""The public page of a team, and the public board as of a moment: open to everyone."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leaderboard.api.authentication import token
from leaderboard.api.serializers import public_teams as shapes
from leaderboard.api.views.competitions import find
from leaderboard.models import Entry
from leaderboard.services import histories, races, rankings, teams, tokens, visibility


class PublicTeam(APIView):
    @extend_schema(responses=shapes.PublicTeam, operation_id="public_team")
    def get(self, request: Request, slug: str, team_pk: int) -> Response:
        """A team that has been on the board: its rank, its best scores, and the members who show
        their names.
        """
        competition = find(slug)
        visibility.check_board(competition, Entry.Board.PUBLIC)
        is_for = tokens.is_for(token(request), competition.slug)
        team = teams.shown(competition, team_pk, to=request.user if is_for else AnonymousUser())
        board = Entry.Board.PRIVATE if competition.is_published else Entry.Board.PUBLIC
        entry = rankings.entry_of(team, board)
        members = team.memberships.filter(is_shown=True)
        found = {
            "id": team.pk,
            "name": team.name,
            "rank": rankings.rank(entry) if entry else None,
            "score": entry.score if entry else None,
            "score_half_width": entry.score_half_width if entry else None,
            "quality": rankings.told(entry.quality) if entry else None,
            "uploaded_at": entry.uploaded_at if entry else None,
            "history": histories.steps(team),
            "members": members.values_list("user__username", flat=True),
        }
        return Response(shapes.PublicTeam(found).data)


class Race(APIView):
    @extend_schema(parameters=[shapes.AsOf], responses=shapes.RaceStanding, operation_id="race")
    def get(self, request: Request, slug: str) -> Response:
        """The public board, or that of a track, as of a moment: its first 200 teams."""
        asked = shapes.AsOf(data=request.query_params)
        asked.is_valid(raise_exception=True)
        at = min(asked.validated_data.get("as_of") or timezone.now(), timezone.now())
        competition = find(slug)
        visibility.check_board(competition, Entry.Board.PUBLIC)
        track = asked.validated_data.get("track", "")
        race = races.of(rankings.Standing(competition, Entry.Board.PUBLIC, track=track))
        placed = race.standing(at) if race else []
        names = race.names(one.team_id for one in placed) if race else {}
        rows = [
            {
                "rank": one.rank,
                "team": names[one.team_id],
                "score": one.step.score,
                "half_width": one.step.half_width,
                "uploaded_at": one.step.uploaded_at,
            }
            for one in placed
            if one.team_id in names  # a merge may take a team away meanwhile
        ]
        is_whole = race is None or race.stretch(race.number(at)).reach is None
        found = {"as_of": at, "is_whole": is_whole, "results": rows}
        return Response(shapes.RaceStanding(found).data)
