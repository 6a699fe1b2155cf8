"""Verify a Django project against its consumers' pacts: `manage.py verify_pacts`.

A project uses these in the pact_states.py of any of its apps:

    provider_state   a function that brings the database into a provider state
    seeded_state     fixtures that bring the database into a provider state
    base_state       a function that runs before every interaction
    run_data         a function that runs once, before the first interaction
    request_filter   a function that changes every request, such as by a valid token

and calls these in its provider states:

    acting_as        the interaction's request is this user's
    login_as         the same, by a real session
"""

import pact_verification.system.interruption  # noqa: F401  # first, since Ctrl-C may interrupt the other imports
from pact_verification.states.asking import acting_as, login_as
from pact_verification.states.registry import base_state, provider_state, request_filter, run_data, seeded_state

__all__ = [
    "acting_as",
    "base_state",
    "login_as",
    "provider_state",
    "request_filter",
    "run_data",
    "seeded_state",
]
