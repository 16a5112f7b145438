"""All settings; values come from the environment (see config/env.example)."""

from __future__ import annotations

import os
from pathlib import Path

import django_stubs_ext
import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

django_stubs_ext.monkeypatch()  # lets forms and admins be generic at run time, as they are typed

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environ.Env()
environ.Env.read_env(os.environ.get("ENV_FILE", BASE_DIR / ".env"))

# --- who and where
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)  # shows the mail page and the demo's logins
SECRET_KEY = env.str("SECRET_KEY")
# Newest first. No default: better no start than credentials nobody can read.
VAULT_KEYS = env.list("VAULT_KEYS")
BASE_URL = env.str("BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
_host = environ.urlparse(BASE_URL)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[_host.hostname, "127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = [BASE_URL]
HTTPS = _host.scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"  # the platforms send the seller back to us by a top-level GET
X_FRAME_OPTIONS = "DENY"
# How many proxies of ours stand in front; the address of the client is that many from the right.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
# Addresses that marketplaces see us come from, for sellers' allow lists.
OUTGOING_ADDRESSES = env.list("OUTGOING_ADDRESSES", default=[])

# --- platforms
# Answers of token endpoints on their way into the database; a disk that outlives the process.
ANSWERS_DIR = env.path("ANSWERS_DIR", default=str(VAR_DIR / "answers"))
PULL_THREADS = env.int("PULL_THREADS", default=48)  # of one pump; a busy one has a connection
# How long a stream of a worker that died waits before another takes it.
PULL_LEASE_S = env.int("PULL_LEASE_S", default=180)
KEEP_RAW = env.bool("KEEP_RAW", default=True)  # payloads as received, compressed
REFRESH_THREADS = env.int("REFRESH_THREADS", default=32)  # each holds a database connection
ALLOW_ENDPOINT_OVERRIDES = env.bool("ALLOW_ENDPOINT_OVERRIDES", default=False)
PLATFORM_ENDPOINTS: dict[str, dict[str, str]] = env.json("PLATFORM_ENDPOINTS", default={})
# Kind of chat robot -> where its calls go instead of the host in the address.
ROBOT_ENDPOINTS: dict[str, str] = env.json("ROBOT_ENDPOINTS", default={})
# Codes of marketplaces that are offered although an adapter calls them uncertain.
OFFER_PLATFORMS = env.list("OFFER_PLATFORMS", default=[])
CONTRACTS_DIR = env.path("CONTRACTS_DIR", default=str(BASE_DIR.parent / "shared" / "contracts"))

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "bootstrap",
    "django_htmx",
    "django_q",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "accounts",
    "tenants",
    "platforms",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "tenants.middleware.RequestIdMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.PreferencesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "tenants.middleware.TenantMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "tenants.middleware.workspace",
            ],
        },
    },
]

# --- data
DATABASES = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'storelink.sqlite3'}")
}
_database = DATABASES["default"]
# django-q2's ORM broker opens a connection per operation at 0 (17 times slower).
_database["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=600)
_database["CONN_HEALTH_CHECKS"] = True
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["OPTIONS"] = {
        "timeout": 30,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    VAR_DIR.mkdir(exist_ok=True)
elif _database["ENGINE"] == "django.db.backends.postgresql":
    _database["ENGINE"] = "tenants.postgresql"  # tells row-level security the tenant scope

REDIS_URL = env.str("REDIS_URL", default="")
# Of two installations with the same queue each would take the other's jobs, and drop them.
REDIS_PREFIX = env.str("REDIS_PREFIX", default="storelink")
CACHES = {
    "default": (
        {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": REDIS_PREFIX,
        }
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}

Q_CLUSTER = {
    "name": REDIS_PREFIX,
    "workers": env.int("WORKERS", default=2),
    "timeout": 300,
    "retry": 360,  # above timeout, or a slow job is given out twice
    "max_attempts": 1,  # the due table repeats what failed; the queue need not
    "ack_failures": True,
    "save_limit": -1,  # saving successes costs 10 ms a task in one process; PullRun keeps ours
    "bulk": 1 if REDIS_URL else 10,
    "poll": 0.5,
    "guard_cycle": 1,
    "catch_up": False,
    # A worker that grows is replaced; by default one is after every 500 jobs, which takes a second.
    "max_rss": 400_000,
    "recycle": 1_000_000,
    "label": "Django Q",
    **({"redis": REDIS_URL} if REDIS_URL else {"orm": "default"}),
}

# --- accounts
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": name}
    for name in (
        "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "accounts.password_validation.MinimumLengthValidator",
        "django.contrib.auth.password_validation.CommonPasswordValidator",
        "django.contrib.auth.password_validation.NumericPasswordValidator",
    )
]
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
MFA_ADAPTER = "accounts.adapter.MFAAdapter"
ACCOUNT_FORMS = {"signup": "accounts.forms.SignupForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Storelink"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
USERSESSIONS_TRACK_ACTIVITY = True
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"

EMAIL_CONFIG = env.email("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
if DEMO:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = env.str("DEMO_DIR", default=str(VAR_DIR / "demo")) + "/mail"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Storelink <no-reply@storelink.local>")

# --- language and time
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- files and headers
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            # Compressing takes a minute, and a newcomer waits for the demo.
            else "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
            if DEMO
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],  # Bootstrap draws its icons as data: images
        "object-src": [NONE],
        "base-uri": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.api_access.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "tenants.api.errors",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": "600/min"},
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Storelink API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "platforms.redaction.LineFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
