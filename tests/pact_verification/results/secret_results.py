"""Results that hold secrets."""

import json
from pathlib import Path
from typing import Any

from pact_verification.pacts.pact import Expected, Interaction, Pact, ProviderState
from pact_verification.results.crash import Crash, Frame
from pact_verification.results.exchange import Exchange, RecordedRequest, RecordedResponse, SetUpState
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.report import InteractionResult, Outcome, PactResult

SECRET = 's3cr3t-Größe/"x"'


def result_with(secret: Any = SECRET) -> PactResult:
    """A secret in every place that a result has for one."""
    state = ProviderState("a user", {"Password": secret, "nested": {"password": [secret]}})
    body = json.dumps(
        {"password": secret, "list": [{"password": {"deep": secret}}], "echo": f"it is {secret}"}
    ).encode()
    interaction = Interaction(
        f"a request with {secret}", (state,), expected=Expected(200, {"X-Token": f"{secret}"}, {"password": secret})
    )
    exchange = Exchange(
        RecordedRequest(
            "GET",
            f"/items?password={secret}&page=1",
            {"Authorization": f"Bearer {secret}", "Cookie": f"a=1; sessionid={secret}", "X-Token": f"{secret}"},
            body,
        ),
        RecordedResponse(200, "OK", {"Set-Cookie": f"sessionid={secret}; Path=/; HttpOnly"}, body),
        states=(SetUpState(state, "handler()", {"password": secret}),),
        state_error=f"the handler said {secret}",
        crash=Crash(f"LookupError: {secret}", (Frame("views.py", 1, "view", f"login({secret!r})", own=True),)),
        over_limit=f"{secret} took long",
        warnings=(f"{secret} is old",),
    )
    mismatches = (
        Mismatch("header", "Authorization", f"Bearer {secret}", "Bearer x", f"but was {secret}"),
        Mismatch("header", "X-Token", secret, "y", f"but was {secret}"),
        Mismatch("body", "$.password", json.dumps(secret), '"other password"', "Expected 'other password' to be equal"),
        Mismatch("body", "$.list[0]['password'].deep", json.dumps(secret), '"z"', "differs"),
        Mismatch("body", "$.echo", json.dumps(f"it is {secret}"), '""', f"Expected '' to be 'it is {secret}'"),
    )
    result = InteractionResult(interaction, Outcome.MISMATCH, exchange, mismatches, f"error about {secret}")
    pact = Pact("shop", "testapp", (interaction,), Path("shop.json"), "shop.json")
    return PactResult(pact, (result,), f"the core printed {secret}")


def one(exchange: Exchange, **more: Any) -> PactResult:
    result = InteractionResult(Interaction("a"), Outcome.MISMATCH, exchange, **more)
    return PactResult(result_with().pact, (result,), more.get("error", ""))
