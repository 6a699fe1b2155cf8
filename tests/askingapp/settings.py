"""A provider whose views ask who is asking: plain Django, and Django REST framework with three ways to authenticate."""

import json
import os

import environ

SECRET_KEY = "the asking app's, and nobody else's, in as many characters as a key needs"
INSTALLED_APPS = [
    "tests.askingapp",
    "pact_verification",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "rest_framework.authtoken",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "tests.askingapp.urls"
DATABASES = {"default": environ.Env().db_url("DATABASE_URL", default="sqlite:///does-not-exist/default.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LOGIN_URL = "/login"
PACT_PROVIDER_NAME = "testapp"

globals().update(json.loads(os.environ.get("TESTAPP_SETTINGS", "{}")))
