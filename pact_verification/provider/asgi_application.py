"""The project's ASGI application: where it is, and its import."""

from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.conf import settings

from pact_verification.errors import CannotVerify
from pact_verification.results.crash import Crash


def load_application() -> tuple[str, Any]:
    """Import the application that ASGI_APPLICATION names, or that startproject puts beside the settings.

    Returns:
        The application's dotted name, and the application.

    Raises:
        CannotVerify: there is none, or it can't be imported.
    """
    name = getattr(settings, "ASGI_APPLICATION", None) or _beside_the_settings()
    module, _, attribute = str(name).rpartition(".")
    try:
        return name, getattr(import_module(module), attribute)
    except (Exception, SystemExit) as error:
        crash = Crash.of(error)
        where = f" ({crash.where})" if crash.own else ""
        raise CannotVerify(
            f"The ASGI application {name!r} can't be imported: {crash.exception}{where}. ASGI_APPLICATION is the "
            "dotted name of a module and its attribute, such as 'config.asgi.application'."
        ) from error


def _beside_the_settings() -> str:
    candidates = list(_candidates())
    for module in candidates:
        with suppress(ImportError):  # its package is missing
            if find_spec(module):
                return f"{module}.application"
    raise CannotVerify(
        f"PACT_APPLICATION is 'asgi', and there is no ASGI application: ASGI_APPLICATION is not set, and there is no "
        f"module {' or '.join(candidates)}. Set ASGI_APPLICATION to its dotted name, such as 'config.asgi.application'."
    )


def _candidates() -> Iterator[str]:
    """Yield the modules where a project's application may be, as the settings name its packages."""
    seen = set()
    for module in (str(getattr(settings, "SETTINGS_MODULE", None) or ""), str(settings.ROOT_URLCONF)):
        package = module.rpartition(".")[0]
        while True:
            candidate = f"{package}.asgi" if package else "asgi"
            if candidate not in seen:
                seen.add(candidate)
                yield candidate
            if not package:
                break
            package = package.rpartition(".")[0]
