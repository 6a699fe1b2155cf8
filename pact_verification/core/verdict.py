"""Decides the outcome of each interaction.

The evidence is the pact, the results of the Pact core, and what the live server recorded.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest

from pact_verification.core.engine import CoreReport, CoreResult
from pact_verification.core.request_check import find_differences
from pact_verification.core.warnings import find_warnings
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.results.compression import coding_of
from pact_verification.results.exchange import Exchange, RecordedRequest
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.report import InteractionResult, Outcome, PactResult

NOT_DECODED = "error decoding response body"
"""How the core's error begins for a body that is not compressed as its header says."""


def judge_pact(pact: Pact, core: CoreReport, exchanges: Sequence[Exchange]) -> PactResult:
    """Judge each interaction of a pact by the core's result and the recorded exchange.

    The three sequences are matched by position, since two interactions may share description and states. An
    interaction is verified only if it has a result and an exchange that both agree with the pact.
    """
    triples = zip_longest(pact.interactions, core.results, exchanges)
    results = tuple(
        _judge_interaction(interaction, result, exchange, core.error) for interaction, result, exchange in triples
    )
    return PactResult(pact, results, core.output)


def _judge_interaction(  # noqa: C901, PLR0911  # one return for each finding
    interaction: Interaction | None, result: CoreResult | None, exchange: Exchange | None, core_error: str | None
) -> InteractionResult:
    if interaction is None:
        extra = Interaction(result.description if result else "?", place=-1)
        return InteractionResult(
            extra, Outcome.NOT_VERIFIED, error="The verifier ran more interactions than the pact has."
        )
    exchange = exchange or Exchange()
    arrived, exchange = exchange.arrived, replace(exchange, arrived=None)
    warnings = find_warnings(interaction, exchange, verified=bool(result and result.ok))
    exchange = replace(exchange, warnings=(*exchange.warnings, *warnings)) if warnings else exchange
    judged = partial(InteractionResult, interaction, exchange=exchange)
    if exchange.state_error is not None:
        return judged(outcome=Outcome.STATE_ERROR, error=exchange.state_error)
    if exchange.producer_error is not None:
        return judged(outcome=Outcome.PRODUCER_ERROR, error=exchange.producer_error)
    refused = exchange.left_alone if exchange.over_limit is None else exchange.over_limit
    if refused is not None:
        # Without a result a limit ended the whole run, so the core judged nothing.
        return judged(outcome=Outcome.MISMATCH if result else Outcome.NOT_VERIFIED, error=refused)
    if exchange.unanswered is not None:
        return judged(outcome=Outcome.NOT_VERIFIED, error=exchange.unanswered)
    if result is None:
        error = "The verifier did not run this interaction." if core_error is None else core_error
        return judged(outcome=Outcome.NOT_VERIFIED, error=error)
    if (another := _why_another(interaction, result)) is not None:
        return judged(outcome=Outcome.NOT_VERIFIED, error=another)
    values = {name: value for state in exchange.states for name, value in state.values.items()}
    if arrived and (differences := find_differences(interaction.request, arrived, values)):
        error = f"The request that arrived is not the pact's: {'; '.join(differences)}."
        return judged(outcome=Outcome.NOT_VERIFIED, error=error, exchange=replace(exchange, arrived=arrived))
    if not result.ok:
        mismatches = tuple(_with_rule(mismatch, interaction) for mismatch in result.mismatches)
        # A refused request to the project's own server, or to another, explains the failure better than the core does.
        reason = "\n".join(filter(None, (exchange.self_call, *exchange.refused))) or _error(result.error, exchange)
        exchange = replace(exchange, self_call=None, refused=())
        return judged(outcome=Outcome.MISMATCH, mismatches=mismatches, error=reason, exchange=exchange)
    if (evidence := _missing_evidence(interaction, exchange, arrived)) is not None:
        return judged(outcome=Outcome.NOT_VERIFIED, error=f"The verifier reports success without {evidence}.")
    exchange = replace(exchange, log=(), refusal=None, no_route=None, sql=())  # these only explain failures
    return judged(outcome=Outcome.VERIFIED, exchange=exchange)


def _error(error: str | None, exchange: Exchange) -> str | None:
    """Return the core's error; in words of ours if it could not decompress the body, since it names its own URL."""
    if error is None or not error.startswith(NOT_DECODED) or not exchange.response:
        return error
    coding = coding_of(exchange.response.headers)
    return f"The response says Content-Encoding: {coding}, and its body is not, or is cut."


def _missing_evidence(interaction: Interaction, exchange: Exchange, arrived: RecordedRequest | None) -> str | None:
    """Return what the live server should have seen and has not."""
    if interaction.is_message:
        return None if exchange.message else "a message"
    return None if exchange.response and arrived else "an answered request"


def _with_rule(mismatch: Mismatch, interaction: Interaction) -> Mismatch:
    return replace(mismatch, rule=interaction.wanted.rules.of(mismatch.part, mismatch.path))


def _why_another(interaction: Interaction, result: CoreResult) -> str | None:
    """Return how the core's result shows that it belongs to another interaction; None where it does not."""
    if result.description != interaction.description:
        return f"The verifier ran {result.description!r} instead."
    states = [state.name for state in interaction.states]
    if list(result.states) != states:
        return f"The verifier ran it with the states {list(result.states)}, and the pact has {states}."
    return None
