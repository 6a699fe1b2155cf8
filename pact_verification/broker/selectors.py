"""Consumer version selectors, by which the broker chooses pacts."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
"""Keys that only narrow another key's choice. `latest` alone is a choice too."""

FALLBACKS = ("fallbackBranch", "fallbackToMainBranch")


def default_selectors(branch: str | None) -> tuple[Selector, ...]:
    """Return the selectors that the Pact documentation recommends.

    The broker refuses matchingBranch when the provider's own branch is unknown.
    """
    matching: tuple[Selector, ...] = ({"matchingBranch": True},) if branch else ()
    return ({"mainBranch": True}, *matching, {"deployedOrReleased": True})


def read_selector(text: str) -> Selector:
    """Read a selector from JSON. Raise CannotVerify for what a selector can't hold."""
    option = f"--consumer-version-selector {text!r}"
    try:
        selector = json.loads(text)
    except ValueError as error:
        raise CannotVerify(f"{option} is not JSON ({error}). Write for example '{{\"mainBranch\": true}}'.") from error
    if not isinstance(selector, dict):
        raise CannotVerify(f"{option} is not an object. Write one for each selector, and repeat the option.")
    for key, value in selector.items():
        if key not in KEYS:
            near = get_close_matches(key, KEYS, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise CannotVerify(f"{option} has the unknown key {key!r}.{hint} There are {', '.join(KEYS)}.")
        if not isinstance(value, KEYS[key]) or value == "":
            wanted = "true or false" if KEYS[key] is bool else "text"
            raise CannotVerify(f"{option}: {key!r} is {json.dumps(value)}, and has to be {wanted}.")
    if not any(value for key, value in selector.items() if key not in NO_CHOICE or key == "latest"):
        raise CannotVerify(
            f"{option} chooses nothing. Add mainBranch, matchingBranch, branch, deployedOrReleased or a like."
        )
    return selector


def unused_fallbacks(selectors: Iterable[Selector], reasons: Sequence[str]) -> Iterator[str]:
    """Yield a remark on each selector that chose no pact, neither by its branch nor by the fallback.

    The open-source broker (2.120.0) accepts fallbackBranch and fallbackToMainBranch, and ignores them.

    Args:
        reasons: why the broker chose each of its pacts, as its notices say. Empty if it chose none.
    """
    for selector in selectors:
        chose = any(f"'{selector.get('branch')}'" in reason or "fallback branch" in reason for reason in reasons)
        if chose or (reasons and "branch" not in selector):
            continue
        for key in FALLBACKS:
            if key in selector:
                instead = {"branch": selector[key]} if key == "fallbackBranch" else {"mainBranch": True}
                yield (
                    f"The selector {selector_text(selector)} chose no pact. The open-source Pact Broker ignores {key}; "
                    f"a second --consumer-version-selector '{json.dumps(instead)}' chooses those pacts anyway."
                )


def selector_text(selector: Selector) -> str:
    """Return the selector as a short text."""
    return " ".join(key if value is True else f"{key}={value}" for key, value in selector.items())
