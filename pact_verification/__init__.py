"""Verify a Django project against its consumers' pacts: `manage.py verify_pacts`.

A project uses these in the pact_states.py of any of its apps:

    provider_state     a function that brings the database into a provider state
    seeded_state       fixtures that bring the database into a provider state
    base_state         a function that runs before every interaction
    run_data           a function that runs once, before the first interaction
    request_filter     a function that changes every request, such as by a valid token
    message_producer   a function that returns a message which the project publishes

and calls these in its provider states:

    acting_as          the interaction's request is this user's
    login_as           the same, by a real session

and these in its message producers:

    Message            a message with content type and metadata
    captured_messages  what the project's own code publishes
"""

import pact_verification.system.interruption  # noqa: F401  # first, since Ctrl-C may interrupt the other imports
from pact_verification.messages.captured import captured_messages
from pact_verification.messages.message import Message
from pact_verification.states.asking import acting_as, login_as
from pact_verification.states.registry import (
    base_state,
    message_producer,
    provider_state,
    request_filter,
    run_data,
    seeded_state,
)

__all__ = [
    "Message",
    "acting_as",
    "base_state",
    "captured_messages",
    "login_as",
    "message_producer",
    "provider_state",
    "request_filter",
    "run_data",
    "seeded_state",
]
