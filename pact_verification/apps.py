from django.apps import AppConfig
from django.core.checks import register


class PactVerificationConfig(AppConfig):
    name = "pact_verification"
    verbose_name = "Pact verification"

    def ready(self) -> None:
        from pact_verification.checks import check_settings

        register(check_settings)
