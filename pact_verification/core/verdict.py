"""The verdict on each interaction: what was selected, what the core says and what the server saw, laid side by side."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest

from pact_verification.core.engine import CoreReport, CoreResult
from pact_verification.core.notes import notes
from pact_verification.core.request_check import difference
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.results.exchange import Exchange
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.report import InteractionResult, Outcome, PactResult


def join(pact: Pact, core: CoreReport, exchanges: Sequence[Exchange]) -> PactResult:
    """Put together what was selected, what the core says and what the server saw, one interaction after the other.

    Two interactions may share description and states, so their order is the only key (F18). Whatever is missing or
    doesn't fit is an interaction that was not verified: never a green one.
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
    told = notes(interaction, exchange, verified=bool(result and result.ok))
    exchange = replace(exchange, warnings=(*exchange.warnings, *told)) if told else exchange
    judged = partial(InteractionResult, interaction, exchange=exchange)
    if exchange.state_error is not None:
        return judged(outcome=Outcome.STATE_ERROR, error=exchange.state_error)
    if exchange.over_limit is not None:
        # Where the run was stopped over it there is no result.
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
    if arrived and (differences := difference(interaction.request, arrived, values)):
        why = f"The request that arrived is not the pact's: {'; '.join(differences)}."
        return judged(outcome=Outcome.NOT_VERIFIED, error=why, exchange=replace(exchange, arrived=arrived))
    if not result.ok:
        mismatches = tuple(_with_rule(mismatch, interaction) for mismatch in result.mismatches)
        error = result.error if exchange.self_call is None else exchange.self_call
        exchange = replace(exchange, self_call=None)
        return judged(outcome=Outcome.MISMATCH, mismatches=mismatches, error=error, exchange=exchange)
    if exchange.response is None or arrived is None:
        return judged(outcome=Outcome.NOT_VERIFIED, error="The verifier says that it passed, but sent no request.")
    exchange = replace(exchange, log=(), refusal=None, no_route=None)  # they help to mend a failure
    return judged(outcome=Outcome.VERIFIED, exchange=exchange)


def _with_rule(mismatch: Mismatch, interaction: Interaction) -> Mismatch:
    return replace(mismatch, rule=interaction.expected.rules.of(mismatch.part, mismatch.path))
