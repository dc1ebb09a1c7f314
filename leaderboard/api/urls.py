"""Addresses of the API. No address ends with a slash. An unknown address is a JSON 404."""

from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.views import SpectacularAPIView

from leaderboard.api import documentation, errors
from leaderboard.api.views import (
    accounts,
    admissions,
    competitions,
    devices,
    merging,
    notices,
    partial_uploads,
    results,
    submissions,
    teams,
    trials,
    webhooks,
)

urlpatterns = [
    path("v2/me", accounts.Me.as_view()),
    path("v2/tokens", accounts.Tokens.as_view()),
    path("v2/tokens/<str:token_key>", accounts.Token.as_view()),
    path("v2/device", devices.Begin.as_view()),
    path("v2/device/token", devices.Collect.as_view()),
    path("v2/notices", notices.Notices.as_view()),
    path("v2/notices/read", notices.Read.as_view()),
    path("v2/notices/<int:pk>/read", notices.ReadOne.as_view()),
    path("v2/competitions", competitions.Competitions.as_view()),
    path(
        "v2/competitions/<slug:slug>",
        competitions.CompetitionView.as_view(),
        name="api-competition",
    ),
    path("v2/competitions/<slug:slug>/announcements", competitions.Announcements.as_view()),
    path("v2/competitions/<slug:slug>/sample", competitions.Sample.as_view(), name="api-sample"),
    path("v2/competitions/<slug:slug>/kit", competitions.StarterKit.as_view()),
    path("v2/competitions/<slug:slug>/boards/<slug:board>", competitions.Board.as_view()),
    path(
        "v2/competitions/<slug:slug>/boards/<slug:board>.<str:format>",
        competitions.Board.as_view(),
    ),
    path("v2/competitions/<slug:slug>/snapshot", results.Snapshot.as_view()),
    path("v2/competitions/<slug:slug>/exports/<slug:kind>.<slug:form>", results.Export.as_view()),
    path("v2/competitions/<slug:slug>/submissions", submissions.Submit.as_view()),
    path("v2/competitions/<slug:slug>/trials", trials.Begin.as_view()),
    path("v2/trials/<int:pk>", trials.TrialView.as_view()),
    path(
        "v2/competitions/<slug:slug>/uploads", partial_uploads.Uploads.as_view(), name="api-uploads"
    ),
    path("v2/uploads/<str:key>", partial_uploads.UploadView.as_view(), name="api-upload"),
    path("v2/uploads/<str:key>/submission", partial_uploads.Submit.as_view()),
    path("v2/uploads/<str:key>/trial", partial_uploads.Try.as_view()),
    path("v2/competitions/<slug:slug>/teams", teams.Create.as_view()),
    path("v2/competitions/<slug:slug>/admission", admissions.Admission.as_view()),
    path("v2/competitions/<slug:slug>/application", admissions.Apply.as_view()),
    path("v2/competitions/<slug:slug>/invitation", admissions.TakeUp.as_view()),
    path("v2/submissions", submissions.Submissions.as_view()),
    path("v2/submissions/<int:pk>", submissions.SubmissionView.as_view(), name="api-submission"),
    path("v2/submissions/<int:pk>/file", submissions.SubmissionFile.as_view()),
    path("v2/submissions/<int:pk>/withdraw", submissions.Withdraw.as_view()),
    path("v2/teams", teams.Teams.as_view()),
    path("v2/teams/join", teams.Join.as_view()),
    path("v2/teams/<int:pk>", teams.TeamView.as_view(), name="api-team"),
    path("v2/teams/<int:pk>/invitations", teams.Invitations.as_view()),
    path("v2/teams/<int:pk>/invitations/<int:invitation_pk>", teams.InvitationView.as_view()),
    path("v2/teams/<int:pk>/webhooks", webhooks.Webhooks.as_view()),
    path("v2/teams/<int:pk>/webhooks/<int:webhook_pk>", webhooks.WebhookView.as_view()),
    path("v2/teams/<int:pk>/webhooks/<int:webhook_pk>/ping", webhooks.Ping.as_view()),
    path("v2/teams/<int:pk>/webhooks/<int:webhook_pk>/resume", webhooks.Resume.as_view()),
    path("v2/teams/<int:pk>/webhooks/<int:webhook_pk>/deliveries", webhooks.Deliveries.as_view()),
    path(
        "v2/teams/<int:pk>/webhooks/<int:webhook_pk>/deliveries/<int:delivery_pk>/redeliver",
        webhooks.Redeliver.as_view(),
    ),
    path("v2/teams/<int:pk>/captain", teams.Captain.as_view()),
    path("v2/teams/<int:pk>/members/<str:username>", teams.Member.as_view()),
    path("v2/teams/<int:pk>/merges", merging.Merges.as_view()),
    path("v2/teams/<int:pk>/merges/<int:offer_pk>", merging.Merge.as_view()),
    path("v2/teams/<int:pk>/merges/<int:offer_pk>/accept", merging.AcceptMerge.as_view()),
    path("v2/teams/<int:pk>/leave", teams.Leave.as_view()),
    path("v2/teams/<int:pk>/selections", teams.Selections.as_view()),
    path("v2/schema", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs", documentation.page, name="api-docs"),
    re_path("", csrf_exempt(errors.unknown)),
]
