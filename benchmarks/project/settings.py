"""Nothing that a verification doesn't need."""

import environ

env = environ.Env()

SECRET_KEY = "the benchmark's, and nobody else's"
INSTALLED_APPS = ["benchmarks.project", "pact_verification"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "benchmarks.project.urls"
DATABASES = {"default": env.db_url("DATABASE_URL", default="sqlite://:memory:")}
USE_TZ = True
STATIC_URL = "static/"  # without one, LiveServerThread's own handler answers 500 to everything (F29)
PACT_PROVIDER_NAME = "bench"
