"""Joins the results of a synchronous message's responses, which the core compares one at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from pact_verification.pacts.schema import SYNCHRONOUS
from pact_verification.results.diff import RESPONSE, Diff, DiffLine
from pact_verification.results.report import InteractionResult, Outcome, PactResult


def with_joined_responses(result: PactResult) -> PactResult:
    """Return the result of a part with one result for each interaction of the pact."""
    interactions = tuple(_joined(result.interactions))
    return replace(
        result,
        pact=replace(result.pact, interactions=tuple(each.interaction for each in interactions)),
        interactions=interactions,
    )


def _joined(results: Sequence[InteractionResult]) -> Iterator[InteractionResult]:
    for (kind, _), group in groupby(results, lambda each: (each.interaction.kind, each.interaction.place)):
        found = list(group)
        if kind != SYNCHRONOUS or len(found) == 1:
            yield from found
        else:
            yield _of_responses(found)


def _of_responses(results: Sequence[InteractionResult]) -> InteractionResult:
    """Return the result of an interaction: that of its first response that failed, with what all of them differ in.

    Its `interaction.response` says which response that is.
    """
    failed = [each for each in results if each.outcome is not Outcome.VERIFIED]
    first = (failed or results)[0]
    exchanges = [each.exchange for each in results]
    warnings = tuple(dict.fromkeys(warning for each in exchanges for warning in each.warnings))
    mismatches = tuple(
        replace(mismatch, response=each.interaction.response) for each in failed for mismatch in each.mismatches
    )
    return replace(
        first,
        exchange=replace(first.exchange, warnings=warnings, seconds=sum(each.seconds for each in exchanges)),
        mismatches=mismatches,
        error=_error(results),
        answers=tuple(answer for each in results for answer in each.answers),
        secret_members=tuple(name for each in results for name in each.secret_members),
        diff=Diff(
            metadata=tuple(line for each in failed for line in _lines(each, each.diff.metadata)),
            body=tuple(line for each in failed for line in _lines(each, each.diff.body)),
        ),
    )


def _error(results: Sequence[InteractionResult]) -> str | None:
    """Return the errors, each with its response, unless all responses have the same."""
    errors = {each.error for each in results}
    if len(errors) == 1:
        return results[0].error
    return "\n".join(f"{_name(each)}: {each.error}" for each in results if each.error is not None)


def _name(result: InteractionResult) -> str:
    return f"response {result.interaction.response + 1} of {len(result.interaction.messages)}"


def _lines(result: InteractionResult, lines: Sequence[DiffLine]) -> Iterator[DiffLine]:
    if lines:
        yield DiffLine(RESPONSE, _name(result))
        yield from lines
