"""Settings of the test suite: the product's own, with keys of its own and nothing slow."""

from __future__ import annotations

import os

os.environ.setdefault("SECRET_KEY", "tests-only-key-tests-only-key-tests-only-key-00")
os.environ.setdefault("VAULT_KEYS", "t1:dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=")
os.environ.setdefault("BASE_URL", "http://127.0.0.1:8000")
os.environ["ALLOW_ENDPOINT_OVERRIDES"] = "1"
os.environ["REDIS_PREFIX"] = f"tests-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"

from config.settings import *  # noqa: F403
from config.settings import DATABASES, VAR_DIR

ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
WHITENOISE_AUTOREFRESH = True  # no collectstatic before the tests
PLATFORM_ENDPOINTS = {}
ANSWERS_DIR = VAR_DIR / f"test-answers-{os.getpid()}"
# Threads and processes of a test must see each other's rows: a file, not shared memory.
DATABASES["default"]["CONN_MAX_AGE"] = 0
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": VAR_DIR / f"test-{os.getpid()}.sqlite3"}
