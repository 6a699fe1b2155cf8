"""The verdict on each interaction, from pact, core and live server."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest

from pact_verification.core.engine import CoreReport, CoreResult
from pact_verification.core.request_check import find_differences
from pact_verification.core.warnings import find_warnings
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.results.exchange import Exchange
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.report import InteractionResult, Outcome, PactResult


def join(pact: Pact, core: CoreReport, exchanges: Sequence[Exchange]) -> PactResult:
    """Join a pact's interactions with core results and recorded exchanges, in order.

    Order is the only key, since two interactions may share description and states. An interaction is verified only if
    all three are there and agree.
    """
    joined = zip_longest(pact.interactions, core.results, exchanges)
    results = tuple(_judge(interaction, result, exchange, core.error) for interaction, result, exchange in joined)
    return PactResult(pact, results, core.output)


def _judge(  # noqa: PLR0911  # one return for each way to end
    interaction: Interaction | None, result: CoreResult | None, exchange: Exchange | None, core_error: str | None
) -> InteractionResult:
    if interaction is None:
        extra = Interaction(result.description if result else "?")
        return InteractionResult(extra, Outcome.NOT_VERIFIED, error="The verifier ran more than the pact holds.")
    exchange, arrived = replace(exchange or Exchange(), arrived=None), exchange and exchange.arrived
    found = find_warnings(interaction, exchange, verified=bool(result and result.ok))
    exchange = replace(exchange, warnings=(*exchange.warnings, *found)) if found else exchange
    judged = partial(InteractionResult, interaction, exchange=exchange)
    if exchange.state_error is not None:
        return judged(outcome=Outcome.STATE_ERROR, error=exchange.state_error)
    if exchange.over_limit is not None:
        # There is no result when the run stopped because of the limit.
        return judged(outcome=Outcome.MISMATCH if result else Outcome.NOT_VERIFIED, error=exchange.over_limit)
    if exchange.unanswered is not None:
        return judged(outcome=Outcome.NOT_VERIFIED, error=exchange.unanswered)
    if result is None:
        return judged(
            outcome=Outcome.NOT_VERIFIED, error="The verifier did not run it." if core_error is None else core_error
        )
    if (result.description, result.states) != (interaction.description, tuple(s.name for s in interaction.states)):
        return judged(outcome=Outcome.NOT_VERIFIED, error=f"The verifier reports {result.description!r} in its place.")
    values = {name: value for state in exchange.states for name, value in state.values.items()}
    if arrived and (differences := find_differences(interaction.request, arrived, values)):
        why = f"The request that arrived is not the pact's: {'; '.join(differences)}."
        return judged(outcome=Outcome.NOT_VERIFIED, error=why, exchange=replace(exchange, arrived=arrived))
    if not result.ok:
        mismatches = tuple(_with_rule(mismatch, interaction) for mismatch in result.mismatches)
        error = result.error if exchange.self_call is None else exchange.self_call
        exchange = replace(exchange, self_call=None)
        return judged(outcome=Outcome.MISMATCH, mismatches=mismatches, error=error, exchange=exchange)
    if exchange.response is None or arrived is None:
        return judged(outcome=Outcome.NOT_VERIFIED, error="The verifier says that it passed, but sent no request.")
    exchange = replace(exchange, log=(), refusal=None, no_route=None)  # these help with a failure only
    return judged(outcome=Outcome.VERIFIED, exchange=exchange)


def _with_rule(mismatch: Mismatch, interaction: Interaction) -> Mismatch:
    return replace(mismatch, rule=interaction.expected.rules.of(mismatch.part, mismatch.path))
