"""The Django app: it registers the checks of its settings."""

from django.apps import AppConfig
from django.core.checks import register

from pact_verification.checks import check_settings


class PactVerificationConfig(AppConfig):
    name = "pact_verification"
    verbose_name = "Pact verification"

    def ready(self) -> None:
        register(check_settings)
