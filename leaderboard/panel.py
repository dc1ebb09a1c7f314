"""The look and the menu of the organizers' panel, as Unfold's settings."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

# The site's teal. From 500 on it is darker than Tailwind's: white text must be readable on it.
TEAL = {
    "50": "oklch(98.4% .014 180.72)",
    "100": "oklch(95.3% .051 180.801)",
    "200": "oklch(91% .096 180.426)",
    "300": "oklch(85.5% .138 181.071)",
    "400": "oklch(77.7% .152 181.912)",
    "500": "oklch(60% .118 184.704)",
    "600": "oklch(51.1% .096 186.391)",
    "700": "oklch(43.7% .078 188.216)",
    "800": "oklch(38.6% .063 188.416)",
    "900": "oklch(33% .055 190)",
    "950": "oklch(27.7% .046 192.524)",
}

# The greys of the site's pages, light and dark.
GREY = {
    "50": "#f7fafa",
    "100": "#edf2f2",
    "200": "#dde5e6",
    "300": "#c2ced1",
    "400": "#a9babf",
    "500": "#5b6b73",
    "600": "#475760",
    "700": "#33494f",
    "800": "#24393f",
    "900": "#15272b",
    "950": "#0e1b1e",
}

MENU = (
    [
        (_("Attention"), "notifications", "index"),
        (_("Competitions"), "trophy", "leaderboard_competition_changelist"),
        (_("Rescores"), "calculate", "leaderboard_rescore_changelist"),
        (_("Verifications"), "how_to_reg", "leaderboard_verification_changelist"),
        (_("Announcements"), "campaign", "leaderboard_announcement_changelist"),
        (_("Questions"), "contact_support", "leaderboard_question_changelist"),
        (_("FAQ"), "quiz", "leaderboard_faqentry_changelist"),
        (_("Baselines"), "flag", "leaderboard_baseline_changelist"),
        (_("Datasets"), "photo_library", "leaderboard_dataset_changelist"),
    ],
    [
        (_("Submissions"), "upload", "leaderboard_submission_changelist"),
        (_("Evaluations"), "timer", "leaderboard_evaluation_changelist"),
        (_("Hardware profiles"), "memory", "leaderboard_hardwareprofile_changelist"),
        (_("Workers"), "dns", "leaderboard_worker_changelist"),
        (_("Canaries"), "monitor_heart", "leaderboard_canary_changelist"),
    ],
    [
        (_("Teams"), "groups", "leaderboard_team_changelist"),
        (_("Applications"), "how_to_reg", "leaderboard_application_changelist"),
        (_("Invitations"), "mail", "leaderboard_guest_changelist"),
        (_("Declarations"), "school", "leaderboard_declaration_changelist"),
        (_("Bans"), "block", "leaderboard_ban_changelist"),
        (_("Roles"), "badge", "leaderboard_role_changelist"),
        (_("Users"), "person", "leaderboard_user_changelist"),
        (_("API tokens"), "key", "leaderboard_apitoken_changelist"),
        (_("Audit log"), "history", "leaderboard_auditentry_changelist"),
    ],
)
"""Groups of title, icon and page."""


def is_listed(page: str, request: HttpRequest) -> bool:
    """Whether the menu shows a page to a person."""
    from django.contrib import admin  # not before the settings are read

    nouns = {f"leaderboard_{one._meta.model_name}_changelist": one for one in admin.site._registry}
    if page not in nouns:
        return True
    return admin.site._registry[nouns[page]].has_view_permission(request)


def unfold(*, static_url: str) -> dict[str, Any]:
    feather = f"{static_url}leaderboard/feather.svg"
    return {
        "SITE_TITLE": "Featherweight",
        "SITE_HEADER": "Featherweight",
        "SITE_SUBHEADER": _("for organizers"),
        "SITE_SYMBOL": "speed",
        "COLORS": {"base": GREY, "primary": TEAL},
        "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": feather}],
        "SITE_URL": "/",
        "STYLES": [f"{static_url}leaderboard/panel.css"],
        "SCRIPTS": [f"{static_url}leaderboard/panel.js"],
        "SHOW_VIEW_ON_SITE": True,
        "SHOW_BACK_BUTTON": True,
        "DASHBOARD_CALLBACK": "leaderboard.admin.dashboard.context",
        "SIDEBAR": {
            "navigation": [
                {
                    "items": [
                        {
                            "title": title,
                            "icon": icon,
                            "link": reverse_lazy(f"admin:{page}"),
                            "permission": partial(is_listed, page),
                        }
                        for title, icon, page in group
                    ],
                    "separator": group is not MENU[0],
                }
                for group in MENU
            ]
        },
    }
