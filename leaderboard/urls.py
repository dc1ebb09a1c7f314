"""Where each door stands."""

from django.contrib import admin
from django.urls import include, path

from leaderboard.admin.rights import on_site
from leaderboard.web import passwords
from leaderboard.web.addresses import Addresses
from leaderboard.web.health import healthz, metrics_page, readyz

handler400 = "leaderboard.api.errors.refused_outside_views"
handler500 = "leaderboard.api.errors.broken_outside_views"
urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics_page, name="metrics"),
    path("admin/r/<int:content_type_id>/<int:object_id>/", admin.site.admin_view(on_site)),
    path("admin/", admin.site.urls),
    path("accounts/password/reset/", passwords.reset),
    path("accounts/email/", Addresses.as_view()),
    path("accounts/", include("allauth.urls")),
    path("api/", include("leaderboard.api.urls")),
    path("", include("leaderboard.web.urls")),
]
