"""Remarks of the options of a run."""

import pytest

from pact_verification.provider.serving import VerificationOptions
from pact_verification.run.options import _unseen_sql

pytestmark = pytest.mark.no_database


def test_the_queries_of_a_server_that_already_runs_can_not_be_seen() -> None:
    server = VerificationOptions("shop", provider_url="http://127.0.0.1:8000", debug_sql=True)
    assert _unseen_sql(server) == (
        "--debug-sql shows nothing: the queries are those of the server at http://127.0.0.1:8000."
    )
    assert _unseen_sql(VerificationOptions("shop", debug_sql=True)) is None
    assert _unseen_sql(VerificationOptions("shop", provider_url="http://127.0.0.1:8000")) is None
