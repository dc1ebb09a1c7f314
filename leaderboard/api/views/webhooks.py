"""A team's webhooks: addresses that are called when something happens."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leaderboard.api.authentication import person
from leaderboard.api.pagination import Newest
from leaderboard.api.permissions import SignedIn
from leaderboard.api.serializers import webhooks as shapes
from leaderboard.api.views.teams import find_team, parsed
from leaderboard.models import Delivery, Webhook
from leaderboard.services import webhooks


class Webhooks(APIView):
    permission_classes = [SignedIn]

    @extend_schema(responses=shapes.WebhookDetail(many=True), operation_id="webhooks_of_team")
    def get(self, request: Request, pk: int) -> Response:
        """The webhooks of a team of mine."""
        found = webhooks.of(find_team(request, pk), person(request))
        return Response(shapes.WebhookDetail(found, many=True).data)

    @extend_schema(
        request=shapes.NewWebhook,
        responses={201: shapes.CreatedWebhook},
        operation_id="add_webhook",
    )
    def post(self, request: Request, pk: int) -> Response:
        """Add a webhook. Its secret is in this answer only."""
        wanted = parsed(shapes.NewWebhook, request)
        made = webhooks.add(team=find_team(request, pk), by=person(request), **wanted)
        return Response(shapes.CreatedWebhook(made).data, status=201)


class WebhookView(APIView):
    permission_classes = [SignedIn]

    @extend_schema(responses={204: None}, operation_id="remove_webhook")
    def delete(self, request: Request, pk: int, webhook_pk: int) -> Response:
        """Remove a webhook and its log."""
        webhooks.remove(webhook=find(request, pk, webhook_pk), by=person(request))
        return Response(status=204)


class Ping(APIView):
    permission_classes = [SignedIn]

    @extend_schema(
        request=None, responses={201: shapes.DeliveryDetail}, operation_id="ping_webhook"
    )
    def post(self, request: Request, pk: int, webhook_pk: int) -> Response:
        """Try an address with a call of the event `ping`."""
        sent = webhooks.ping(webhook=find(request, pk, webhook_pk), by=person(request))
        return Response(shapes.DeliveryDetail(sent).data, status=201)


class Resume(APIView):
    permission_classes = [SignedIn]

    @extend_schema(request=None, responses={204: None}, operation_id="resume_webhook")
    def post(self, request: Request, pk: int, webhook_pk: int) -> Response:
        """Resume the calls to an address that were stopped after too many failures."""
        webhooks.resume(webhook=find(request, pk, webhook_pk), by=person(request))
        return Response(status=204)


class Deliveries(ListAPIView[Delivery]):
    """The calls of a webhook in the last 30 days, the newest first."""

    permission_classes = [SignedIn]
    serializer_class = shapes.DeliveryDetail
    pagination_class = Newest
    queryset = Delivery.objects.none()

    def get_queryset(self) -> QuerySet[Delivery]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return find(self.request, self.kwargs["pk"], self.kwargs["webhook_pk"]).deliveries.all()


class Redeliver(APIView):
    permission_classes = [SignedIn]

    @extend_schema(request=None, responses={204: None}, operation_id="redeliver")
    def post(self, request: Request, pk: int, webhook_pk: int, delivery_pk: int) -> Response:
        """Send a call again, with the same body and identifier."""
        delivery = webhooks.find_delivery(find(request, pk, webhook_pk), delivery_pk)
        webhooks.redeliver(delivery=delivery, by=person(request))
        return Response(status=204)


def find(request: Request, team_pk: int, pk: int) -> Webhook:
    return webhooks.find(find_team(request, team_pk), pk, person(request))
