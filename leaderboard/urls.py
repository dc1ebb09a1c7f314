"""Where each door stands."""

from django.contrib import admin
from django.urls import include, path

from leaderboard.web.health import healthz

handler400 = "leaderboard.api.errors.refused_outside_views"
handler500 = "leaderboard.api.errors.broken_outside_views"
urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("api/", include("leaderboard.api.urls")),
    path("", include("leaderboard.web.urls")),
]
