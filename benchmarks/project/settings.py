"""The apps and the middleware that `startproject` gives every project: their tables are what a flush empties."""

import environ

env = environ.Env()

SECRET_KEY = "the benchmark's, and nobody else's"
INSTALLED_APPS = [
    "benchmarks.project",
    "pact_verification",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    *env.list("BENCH_APPS", default=[]),
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "benchmarks.project.urls"
DATABASES = {"default": env.db_url("DATABASE_URL", default="sqlite://:memory:")}
DATABASES["default"]["TEST"] = {"NAME": env("BENCH_TEST_NAME", default=None)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "static/"  # without one, LiveServerThread's own handler answers 500 to everything
PACT_PROVIDER_NAME = "bench"
PACT_BROKER_CONNECTIONS = env.int("BENCH_BROKER_CONNECTIONS", default=8)
