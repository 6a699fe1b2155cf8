"""The pytest plugin: a test for each interaction of this provider's pacts.

`-p pact_verification.pytest_plugin` turns it on. `pytest pacts` then collects the pacts in that folder, and
`pytest --pact-broker` those that a broker selects. It verifies them as `manage.py verify_pacts` does, but on
pytest-django's test databases, and one interaction after the other.
"""

pytest_plugins = [
    "pact_verification.pytest_plugin.notes",
    "pact_verification.pytest_plugin.broker",
    "pact_verification.pytest_plugin.collection",
    "pact_verification.pytest_plugin.databases",
    "pact_verification.pytest_plugin.session",
]
"""The modules with pytest's hooks."""
