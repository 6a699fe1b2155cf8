"""Where one interaction ends and the next begins."""

import pytest

from pact_verification.pacts.pact import Interaction, ProviderState
from pact_verification.provider.recording import OutOfStep, Script


def interaction(description: str, *states: str) -> Interaction:
    return Interaction(description, tuple(map(ProviderState, states)))


def test_a_request_ends_the_states_of_an_interaction() -> None:
    script = Script([interaction("a", "x", "y"), interaction("b"), interaction("c", "x")])
    assert script.begins_with("x")
    assert not script.begins_with("y")
    script.end_setup()
    assert script.begins_with("")
    script.end_setup()
    assert script.begins_with("x")
    assert [recording.interaction.description for recording in script.recordings] == ["a", "b", "c"]


def test_after_a_setup_that_failed_no_request_follows() -> None:
    """The core still makes the other setup calls, and then the next interaction's."""
    script = Script([interaction("a", "x", "y"), interaction("b", "y")])
    begins = [script.begins_with(state) for state in ("x", "y", "y")]
    assert begins == [True, False, True]


def test_the_same_state_twice_is_two_calls() -> None:
    script = Script([interaction("a", "x", "x"), interaction("b", "x")])
    assert [script.begins_with("x") for _ in range(3)] == [True, False, True]


def test_another_state_than_the_next_one_is_out_of_step() -> None:
    script = Script([interaction("a", "x")])
    with pytest.raises(OutOfStep, match="the pact's next interaction, 'a', has 'x'"):
        script.begins_with("y")


def test_more_than_the_pact_holds_is_out_of_step() -> None:
    script = Script([interaction("a")])
    script.begins_with("")
    script.end_setup()
    with pytest.raises(OutOfStep, match="after the last interaction"):
        script.begins_with("")


def test_a_request_before_any_state_is_out_of_step() -> None:
    with pytest.raises(OutOfStep):
        _ = Script([]).current
