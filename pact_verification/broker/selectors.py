"""Consumer version selectors: which versions of the consumers' pacts a broker is asked for."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pact_verification.errors import CannotVerify

Selector = Mapping[str, Any]

KEYS: Mapping[str, type] = {
    "mainBranch": bool,
    "matchingBranch": bool,
    "branch": str,
    "fallbackBranch": str,
    "fallbackToMainBranch": bool,
    "tag": str,
    "fallbackTag": str,
    "latest": bool,
    "deployedOrReleased": bool,
    "deployed": bool,
    "released": bool,
    "environment": str,
    "consumer": str,
}
"""https://docs.pact.io/pact_broker/advanced_topics/consumer_version_selectors"""

NO_CHOICE = {"consumer", "latest", "fallbackBranch", "fallbackToMainBranch", "fallbackTag"}
"""Keys that narrow what another one chooses. `latest` alone would do, and is what `mainBranch` replaced."""


def default_selectors(branch: str) -> tuple[Selector, ...]:
    """What the Pact documentation recommends: nothing that is deployed, on main or of the same branch may break.

    matchingBranch is an error at the broker while the provider's own branch isn't known (F35).
    """
    matching: tuple[Selector, ...] = ({"matchingBranch": True},) if branch else ()
    return ({"mainBranch": True}, *matching, {"deployedOrReleased": True})


def read_selector(text: str) -> Selector:
    """A selector in JSON. Raises CannotVerify, naming what can't be part of one."""
    said = f"--consumer-version-selector {text!r}"
    try:
        selector = json.loads(text)
    except ValueError as error:
        raise CannotVerify(f"{said} is not JSON ({error}). Write for example '{{\"mainBranch\": true}}'.") from error
    if not isinstance(selector, dict):
        raise CannotVerify(f"{said} is not an object. Write one for each selector, and repeat the option.")
    for key, value in selector.items():
        if key not in KEYS:
            near = get_close_matches(key, KEYS, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise CannotVerify(f"{said} has the unknown key {key!r}.{hint} There are {', '.join(KEYS)}.")
        if not isinstance(value, KEYS[key]) or value == "":
            wanted = "true or false" if KEYS[key] is bool else "text"
            raise CannotVerify(f"{said}: {key!r} is {json.dumps(value)}, and has to be {wanted}.")
    if not any(value for key, value in selector.items() if key not in NO_CHOICE or key == "latest"):
        raise CannotVerify(
            f"{said} chooses nothing. Add mainBranch, matchingBranch, branch, deployedOrReleased or a like."
        )
    return selector


def describe(selector: Selector) -> str:
    """The selector in a few words."""
    return " ".join(key if value is True else f"{key}={value}" for key, value in selector.items())
