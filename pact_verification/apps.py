"""The Django app: it registers the checks of its settings, and of Django's and Python's versions."""

from django.apps import AppConfig
from django.core.checks import register

from pact_verification.checks import check_settings, check_versions


class PactVerificationConfig(AppConfig):
    name = "pact_verification"
    verbose_name = "Pact verification"

    def ready(self) -> None:
        register(check_settings)
        register(check_versions)
