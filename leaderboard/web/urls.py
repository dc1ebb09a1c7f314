"""The pages."""

from django.urls import path

from leaderboard.web import (
    boards,
    competitions,
    kit,
    languages,
    measurements,
    notices,
    profile,
    submissions,
    teams,
    webhooks,
)

urlpatterns = [
    path("", competitions.index, name="home"),
    path("competitions/<slug:slug>/", competitions.overview, name="competition"),
    path("competitions/<slug:slug>/rules/", competitions.rules, name="rules"),
    path("competitions/<slug:slug>/announcements/", competitions.announced, name="announcements"),
    path(
        "competitions/<slug:slug>/announcements/<int:pk>/",
        competitions.announcement,
        name="announcement",
    ),
    path("competitions/<slug:slug>/data/", competitions.data, name="data"),
    path("competitions/<slug:slug>/data/sample.zip", competitions.sample, name="sample"),
    path("competitions/<slug:slug>/kit/", kit.page, name="kit"),
    path("competitions/<slug:slug>/kit/kit.zip", kit.download, name="kit-zip"),
    path("competitions/<slug:slug>/scoring/", competitions.scoring, name="scoring"),
    path("competitions/<slug:slug>/boards/<slug:name>/", boards.board, name="board"),
    path("competitions/<slug:slug>/team/", teams.team, name="team"),
    path("competitions/<slug:slug>/team/invite/", teams.invite, name="invite"),
    path(
        "competitions/<slug:slug>/team/invitations/<int:pk>/revoke/",
        teams.revoke_invitation,
        name="revoke-invitation",
    ),
    path("competitions/<slug:slug>/team/alone/", teams.alone, name="compete-alone"),
    path("competitions/<slug:slug>/team/name/", teams.rename, name="rename-team"),
    path("competitions/<slug:slug>/team/members/", teams.act_on_member, name="act-on-member"),
    path("competitions/<slug:slug>/team/leave/", teams.leave, name="leave"),
    path("competitions/<slug:slug>/team/webhooks/", webhooks.webhooks, name="webhooks"),
    path("competitions/<slug:slug>/team/webhooks/<int:pk>/", webhooks.webhook, name="webhook"),
    path(
        "competitions/<slug:slug>/team/webhooks/<int:pk>/act/", webhooks.act, name="act-on-webhook"
    ),
    path(
        "competitions/<slug:slug>/team/webhooks/<int:pk>/deliveries/<int:delivery_pk>/",
        webhooks.redeliver,
        name="redeliver",
    ),
    path("competitions/<slug:slug>/submit/", submissions.upload, name="upload"),
    path("competitions/<slug:slug>/submissions/", submissions.team_submissions, name="submissions"),
    path("submissions/<int:pk>/", submissions.submission, name="submission"),
    path("submissions/<int:pk>/status/", submissions.status, name="submission-status"),
    path("submissions/<int:pk>/withdraw/", submissions.withdraw, name="withdraw"),
    path("evaluations/<int:pk>/measurement/", measurements.measurement, name="measurement"),
    path("invitations/<str:code>/", teams.invitation, name="invitation"),
    path("language/", languages.choose, name="language"),
    path("notices/", notices.notices, name="notices"),
    path("notices/read/", notices.read_all, name="read-notices"),
    path("notices/choices/", notices.choices, name="notice-choices"),
    path("notices/unsubscribe/<str:token>/", notices.unsubscribe, name="unsubscribe"),
    path("notices/<int:pk>/", notices.follow, name="notice"),
    path("notices/<int:pk>/mark/", notices.mark, name="mark-notice"),
    path("profile/", profile.profile, name="profile"),
    path("profile/tokens/<str:token_key>/revoke/", profile.revoke, name="revoke-token"),
]
