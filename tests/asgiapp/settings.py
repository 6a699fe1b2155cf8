"""A provider for ASGI servers: the test app's models, asynchronous views, and an application around Django's."""

import json
import os

from tests.testapp.settings import *  # noqa: F403  # the test app's, with what is different below

INSTALLED_APPS = [
    "tests.asgiapp",
    "tests.testapp",
    "pact_verification",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
]
MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tests.asgiapp.middleware.asynchronous",
    "tests.asgiapp.middleware.synchronous",
]
ROOT_URLCONF = "tests.asgiapp.urls"
ASGI_APPLICATION = "tests.asgiapp.asgi.application"

globals().update(json.loads(os.environ.get("TESTAPP_SETTINGS", "{}")))
