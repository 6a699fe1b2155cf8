"""A second provider: plain Django, no DRF, a user model of its own and two databases.

TESTAPP_SETTINGS, JSON in the environment, sets or replaces any of these settings.
"""

import json
import os

import environ

env = environ.Env()

SECRET_KEY = "the test app's, and nobody else's"
INSTALLED_APPS = [
    "tests.testapp",
    "pact_verification",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sites",
]
SITE_ID = 1
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "tests.testapp.urls"
DATABASES = {
    "default": env.db_url("DATABASE_URL", default="sqlite:///does-not-exist/default.sqlite3"),
    "audit": env.db_url("AUDIT_DATABASE_URL", default="sqlite:///does-not-exist/audit.sqlite3"),
}
DATABASE_ROUTERS = ["tests.testapp.models.AuditRouter"]
AUTH_USER_MODEL = "testapp.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
ALLOWED_HOSTS = ["api.example.com"]
PACT_PROVIDER_NAME = "testapp"

globals().update(json.loads(os.environ.get("TESTAPP_SETTINGS", "{}")))

if any(config["ENGINE"].endswith("mysql") for config in DATABASES.values()):
    import pymysql  # here, since no other run needs the time that it takes

    pymysql.install_as_MySQLdb()  # Django knows no other driver than mysqlclient by name
