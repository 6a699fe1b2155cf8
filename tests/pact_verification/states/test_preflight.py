from pathlib import Path

import pytest

from pact_verification.errors import CannotVerify
from pact_verification.pacts.pact import Interaction, Pact, ProviderState
from pact_verification.states.preflight import require_handlers
from pact_verification.states.registry import Registry

pytestmark = pytest.mark.no_database  # handlers are found without a database


def test_missing_and_ambiguous_states_are_told_together() -> None:
    registry = Registry()
    for name in ("a {colour} cup", "a {size} cup", "a pot"):
        registry.provider_state(name)(lambda **values: None)
    states = tuple(map(ProviderState, ("a red cup", "a pan", "a pot", "")))
    pact = Pact("shop", "testapp", (Interaction("look", states),), Path("shop.json"), "shop.json")
    with pytest.raises(CannotVerify) as raised:
        require_handlers([pact], registry)
    text = str(raised.value)
    assert "Several handlers claim the state 'a red cup'" in text
    assert "1 provider state has no handler:" in text
    assert "needed by shop: look (shop.json)" in text
    assert text.count("@provider_state") == 1
