"""Verify a Django project against its consumers' pacts: `manage.py verify_pacts`.

What a project writes, in the pact_states.py of any of its apps:

    provider_state   a function that brings the database into a provider state
    seeded_state     fixtures that do
    base_state       what every interaction starts from
    request_filter   a change to every request, such as a token that is valid now
"""

import pact_verification.system.interruption  # noqa: F401  # before all else, for a Ctrl-C meanwhile
from pact_verification.states.registry import base_state, provider_state, request_filter, seeded_state

__all__ = ["base_state", "provider_state", "request_filter", "seeded_state"]
