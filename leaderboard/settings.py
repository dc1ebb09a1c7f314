"""One settings file; everything that differs between machines comes from the environment.

Every variable may also be given as NAME_FILE, the path of a file that holds the value (a secret).
docs/configuration.md has the table. Without any of them, and with DEBUG=1, the site runs on SQLite
and local files.
"""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.conf.locale import LANG_INFO
from django.urls import reverse_lazy

from leaderboard import panel, storage
from leaderboard.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

# Who we are
DEBUG = env.bool("DEBUG", default=False)
# Only a development site has a key of its own making; elsewhere a missing one stops the start.
SECRET_KEY = env.text("SECRET_KEY", default="only-for-development" if DEBUG else "")
SITE_URL = env.address(
    "SITE_URL",
    default="http://127.0.0.1:8000",
    schemes=["http", "https"],
    like="https://example.org",
).rstrip("/")
SITE_HOST = urlsplit(SITE_URL).hostname or "localhost"
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[SITE_HOST, "localhost", "127.0.0.1"])
# Names by which our own machines ask, such as Prometheus, which cannot send another one.
ALLOWED_HOSTS += env.list("INSIDE_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS = [SITE_URL]
ROOT_URLCONF = "leaderboard.urls"
WSGI_APPLICATION = "leaderboard.wsgi.application"
AUTH_USER_MODEL = "leaderboard.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
# English, and each language that has a catalogue.
LOCALE_DIR = BASE_DIR / "leaderboard" / "locale"
LOCALE_PATHS = [LOCALE_DIR]
TRANSLATIONS = sorted(path.parts[-3] for path in LOCALE_DIR.glob("*/LC_MESSAGES/django.mo"))
FORMAT_MODULE_PATH = "leaderboard.formats"
LANGUAGES = [(code, LANG_INFO[code]["name"]) for code in ("en", *TRANSLATIONS)]
TIME_ZONE = "UTC"
USE_TZ = True

INSTALLED_APPS = [
    "leaderboard",
    "unfold",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.google",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "knox",
    "rest_framework",
]

MIDDLEWARE = [
    "leaderboard.web.tracing.Tracing",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "leaderboard.web.bodies.Bodies",  # before the next, which reads forms
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "leaderboard.web.languages.PersonalLanguage",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "leaderboard.web.refusals.Refusals",
    "leaderboard.web.hurry.Hurry",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# The database: PostgreSQL in production; SQLite, the embedded default, with the write lock taken at
# the start of a transaction so that two writers wait for each other instead of failing.
DATABASE_URL = env.address(
    "DATABASE_URL",
    default=f"sqlite:///{BASE_DIR}/.data/db.sqlite3",
    schemes=["postgresql", "postgres", "sqlite"],
    like="postgresql://user:password@host/name",
)
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
# A statement of a web process ends after so many seconds; 0: never.
STATEMENT_SECONDS = env.whole("STATEMENT_SECONDS", default=0, least=0)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    Path(DATABASES["default"]["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        transaction_mode="IMMEDIATE",
        timeout=20,
        init_command="PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    )
else:
    # Every thread keeps its connection: threads x processes must stay below max_connections.
    DATABASES["default"].update(CONN_MAX_AGE=600, CONN_HEALTH_CHECKS=True)
    # What the URL says of the connection is said last, and so counts.
    said = DATABASES["default"].get("OPTIONS", {})
    limit = f"-c statement_timeout={STATEMENT_SECONDS * 1000}"
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 5,
        # For services.statements alone: Django's own cursors never prepare.
        "prepare_threshold": 5,
        **said,
        "options": f"{limit} {said.get('options', '')}".strip(),
    }
# The password of the role that workers have in the database, for the command grant_worker.
WORKER_PASSWORD = env.str("WORKER_PASSWORD", default="")

# The broker. Without one, `manage.py work` polls the same rows that Celery workers are knocked for.
REDIS_URL = env.address(
    "REDIS_URL",
    default="",
    schemes=["redis", "rediss", "redis+socket"],
    like="redis://host:6379/0",
)
LEASE = timedelta(seconds=env.whole("LEASE_SECONDS", default=60, least=3))
CELERY_BROKER_URL = REDIS_URL or None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "site"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 5}
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
SWEEP_SECONDS = env.number("SWEEP_SECONDS", default=30, least=1)
# Days after its publication for which a competition's reports are kept; 0: for ever.
KEEP_REPORTS_DAYS = env.whole("KEEP_REPORTS_DAYS", default=0, least=0)
# For the command first_superuser.
FIRST_SUPERUSER = env.str("FIRST_SUPERUSER", default="")
FIRST_SUPERUSER_PASSWORD = env.str("FIRST_SUPERUSER_PASSWORD", default="")
FIRST_SUPERUSER_EMAIL = env.str("FIRST_SUPERUSER_EMAIL", default="")
# What operators are told by mail: error, warning or none. The address is called besides.
ATTENTION = env.choice("ATTENTION", default="error", among=["error", "warning", "none"])
ATTENTION_WEBHOOK = env.address(
    "ATTENTION_WEBHOOK",
    default="",
    schemes=["https", "http"],
    like="https://chat.example.org/hooks/xyz",
)
# Whoever sends it as a bearer token reads /metrics. Without it that page is not there.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
# After so many minutes in the queue, somebody should look.
QUEUE_MINUTES = env.whole("QUEUE_MINUTES", default=60, least=1)
# Notices are sent by a process of their own: it needs a way out, and a slow mail server delays no
# sweep.
POST_QUEUE = "post"
# Networks that webhooks may reach besides public addresses.
WEBHOOK_NETWORKS = env.networks("WEBHOOK_NETWORKS")
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "leaderboard.sweep", "schedule": SWEEP_SECONDS},
    "post": {
        "task": "leaderboard.post",
        "schedule": SWEEP_SECONDS,
        # One that waits is enough.
        "options": {"queue": POST_QUEUE, "expires": SWEEP_SECONDS},
    },
}
CACHES: dict[str, dict[str, object]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # What each process keeps in its own memory, mostly what is made of a board in one version.
    "process": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "process",
        "OPTIONS": {"MAX_ENTRIES": 300},
    },
}
if REDIS_URL:
    CACHES["default"] = {
        "BACKEND": "leaderboard.cache.ForgivingRedisCache",
        # Celery and Django name a unix socket differently.
        "LOCATION": REDIS_URL.replace("redis+socket://", "unix://", 1),
        # What others write into the cache is never unpickled.
        "OPTIONS": {
            "socket_connect_timeout": 1,
            "socket_timeout": 1,
            "serializer": "leaderboard.cache.JsonSerializer",
        },
        "KEY_PREFIX": "json",
    }

# The images that run beside ours, for a check that they are named by digests.
OTHER_IMAGES = env.list("OTHER_IMAGES", default=[])

# Loud, and for development only: workers run models also where the kernel cannot shut them in.
ALLOW_WEAK_SANDBOX = env.switch("ALLOW_WEAK_SANDBOX")

# Files: uploads and hidden splits, under their sha256. Never served by URL: views hand out bytes.
# They lie in FILES_DIR, or in a bucket if S3_BUCKET names one.
FILES_DIR = env.path("FILES_DIR", default=f"{BASE_DIR}/.data/files")
CACHE_DIR = env.path("CACHE_DIR", default=f"{BASE_DIR}/.data/cache")
# The private key that signs results. Only the process of the post needs it; no worker may see it.
KEYS_DIR = env.path("KEYS_DIR", default=f"{Path(FILES_DIR).parent}/keys")
BUCKET = storage.bucket(env)
STORAGES = {
    "default": storage.default(FILES_DIR, BUCKET),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=f"{BASE_DIR}/static-collected")
WHITENOISE_USE_FINDERS = DEBUG
# Uploads are spooled to disk, so that a model of any size costs a few megabytes of memory. The disk
# is that of TMPDIR, as everywhere in Python.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
IMPORT_BYTES = env.whole("IMPORT_BYTES", default=8 << 30, least=1 << 20)

# Accounts
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# Without a mail server nobody could follow a link, so addresses are not verified then.
EMAIL_URL = env.address(
    "EMAIL_URL",
    default="",
    schemes=env.EMAIL_SCHEMES,
    like="smtp+tls://user:password@host:587",
)
vars().update(env.email_url_config(EMAIL_URL or "dummymail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=f"featherweight@{SITE_HOST}")
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if EMAIL_URL else "none"
ACCOUNT_ADAPTER = "leaderboard.web.addresses.Adapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_FORMS = {
    "signup": "leaderboard.web.entrance.SignupForm",
    "login": "leaderboard.web.entrance.LoginForm",
    "change_password": "leaderboard.web.passwords.ChangePasswordForm",
    "set_password": "leaderboard.web.passwords.SetPasswordForm",
    "reset_password_from_key": "leaderboard.web.passwords.ResetPasswordKeyForm",
}
# Names that teammates read. What can be typed on any keyboard has few doubles.
ACCOUNT_USERNAME_VALIDATORS = "leaderboard.web.forms.username_validators"
# Limits by address count the visitor's, which the last of these proxies has put in X-Forwarded-For.
ALLAUTH_TRUSTED_PROXY_COUNT = env.whole("TRUSTED_PROXIES", default=0, least=0)
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(SITE_URL).scheme
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = "/"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
# A passkey belongs to a host that is reached by https, or to localhost.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG
# Buttons of other sites' accounts stand on the page of signing in where both values are set.
SOCIAL = {
    "github": (env.str("GITHUB_CLIENT_ID", ""), env.str("GITHUB_CLIENT_SECRET", "")),
    "google": (env.str("GOOGLE_CLIENT_ID", ""), env.str("GOOGLE_CLIENT_SECRET", "")),
}
SOCIALACCOUNT_PROVIDERS = {
    name: {"APPS": [{"client_id": key, "secret": secret}], "EMAIL_AUTHENTICATION": False}
    for name, (key, secret) in SOCIAL.items()
    if key and secret
}
SOCIALACCOUNT_ADAPTER = "leaderboard.web.other_sites.OtherSites"
# What the form of a sign-in leads to, which browsers hold to `form-action`.
SOCIAL_ORIGINS = {"github": "https://github.com", "google": "https://accounts.google.com"}
MFA_ALLOW_UNVERIFIED_EMAIL = not EMAIL_URL
KNOX_TOKEN_MODEL = "leaderboard.ApiToken"  # noqa: S105  no password
# Knox's migrations would make the table of the token model that ours replaces.
MIGRATION_MODULES = {"knox": None}

# REST API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "leaderboard.api.authentication.TokenAuthentication",
        "leaderboard.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_PARSER_CLASSES": [
        "leaderboard.api.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "leaderboard.api.schema.Described",
    "DEFAULT_METADATA_CLASS": None,  # no OPTIONS: the schema says it all
    "DEFAULT_THROTTLE_CLASSES": ["leaderboard.throttling.WriteThrottle"],
    # As for sign-ins: whose limit a request counts for.
    "NUM_PROXIES": ALLAUTH_TRUSTED_PROXY_COUNT,
    "DEFAULT_PAGINATION_CLASS": "leaderboard.api.pagination.Pages",
    "EXCEPTION_HANDLER": "leaderboard.api.errors.handle",
}
# So many requests of one web process may wait for a verdict at once; keep it below its threads.
LONG_POLLS = env.whole("LONG_POLLS", default=4, least=0)
REST_KNOX = {
    "TOKEN_MODEL": KNOX_TOKEN_MODEL,
    "TOKEN_TTL": timedelta(days=90),
    "TOKEN_PREFIX": "fw_",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Featherweight",
    "DESCRIPTION": "Competitions in model efficiency. Lower scores are better; a time ratio below "
    "1 is faster than the reference model.",
    "VERSION": "2",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v2",
    "POSTPROCESSING_HOOKS": [
        "leaderboard.api.schema.add_errors",
        "leaderboard.api.schema.translate",
    ],
}

# Browsers: no foreign origin is asked for anything, except the bucket by an upload. The admin's
# Alpine.js needs eval, so its pages, which only organizers see, are left out.
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/admin/"],
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF, *(SOCIAL_ORIGINS[name] for name in SOCIALACCOUNT_PROVIDERS)],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
if SITE_URL.startswith("https://"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
    SECURE_HSTS_SECONDS = 31536000
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "leaderboard.logs.WithoutCodes",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
        "json": {"()": "leaderboard.logs.Json"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": {"plain": "line", "json": "json"}[
                env.choice("LOG_FORMAT", default="plain", among=["plain", "json"])
            ],
        }
    },
    # A line for each knock, and 30 for the font of each certificate, would hide the others.
    "loggers": {"celery": {"level": "WARNING"}, "fontTools": {"level": "ERROR"}},
    "root": {"handlers": ["stderr"], "level": env.level("LOG_LEVEL", default="INFO")},
}

UNFOLD = panel.unfold(static_url=STATIC_URL)
