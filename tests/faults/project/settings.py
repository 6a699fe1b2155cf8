"""A provider with faults. FAULTS_SETTINGS, JSON in the environment, sets or replaces any of these settings."""

import json
import os

import environ

from tests.faults.project import acts

SECRET_KEY = "of the faults' own project"
INSTALLED_APPS = ["tests.faults.project", "pact_verification"]
MIDDLEWARE = ["tests.faults.project.middleware.Door"]
ROOT_URLCONF = "tests.faults.project.urls"
DATABASES = {"default": environ.Env.db_url_config(os.environ["FAULTS_DATABASE_URL"])}
if test_name := os.environ.get("FAULTS_TEST_NAME"):
    DATABASES["default"]["TEST"] = {"NAME": test_name}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
PACT_PROVIDER_NAME = "faults"
PACT_CACHE_DIR = os.environ["FAULTS_CACHE_DIR"]
FAULTS_COLOUR = "red"

globals().update(json.loads(os.environ.get("FAULTS_SETTINGS", "{}")))
acts.at("settings")
