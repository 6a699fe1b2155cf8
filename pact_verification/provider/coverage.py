"""Which of the project's URLs and methods consumers depend on, according to a run."""

from collections import defaultdict
from collections.abc import Iterable

from pact_verification.pacts.schema import HTTP
from pact_verification.provider.endpoints import ANY, endpoint_at, endpoints
from pact_verification.results.coverage import Coverage, Operation, Use
from pact_verification.results.exchange import Endpoint
from pact_verification.results.report import InteractionResult, Outcome, PactResult

Seen = list[tuple[str, InteractionResult]]
"""Results, each with the name of its consumer."""


def cover(results: Iterable[PactResult]) -> Coverage:
    """Compare the requests of a run with the project's URL patterns."""
    used: defaultdict[tuple[str, str], Seen] = defaultdict(list)
    nowhere: defaultdict[str, Seen] = defaultdict(list)
    answered: dict[tuple[str, str], Endpoint] = {}
    for result in results:
        for each in result.interactions:
            if each.interaction.kind != HTTP:
                continue
            if each.exchange.request and each.exchange.response:
                method, path = each.exchange.request.method, each.exchange.request.path
                endpoint = each.exchange.endpoint
            else:  # it failed before its request, but the consumer depends on the URL
                method, path = each.interaction.request.method.upper(), each.interaction.request.path.partition("?")[0]
                endpoint = endpoint_at(method, path)
            seen = (result.pact.consumer, each)
            if endpoint:
                used[method, endpoint.route].append(seen)
                answered[method, endpoint.route] = endpoint
            else:
                nowhere[f"{method} {path}"].append(seen)
    operations, others = [], 0
    for method, endpoint in endpoints():
        keys = [key for key in used if key[1] == endpoint.route and method in {key[0], ANY}]
        if not keys and not endpoint.own:
            others += 1
        elif not keys:
            operations.append(Operation(method, endpoint))
        operations += [Operation(key[0], answered[key], _uses(used.pop(key))) for key in keys]
    # These are left: HEAD, OPTIONS, and URLs of requests that set a URLconf of their own.
    operations += [Operation(method, answered[method, route], _uses(seen)) for (method, route), seen in used.items()]
    requests = [(request, use) for request, seen in nowhere.items() for use in _uses(seen)]
    return Coverage(tuple(operations), others, tuple(requests))


def _uses(seen: Seen) -> tuple[Use, ...]:
    by_consumer: defaultdict[str, list[InteractionResult]] = defaultdict(list)
    for consumer, result in seen:
        by_consumer[consumer].append(result)
    return tuple(
        Use(
            consumer,
            tuple(sorted({each.exchange.response.status for each in results if each.exchange.response})),
            failing=any(each.outcome is not Outcome.VERIFIED for each in results),
        )
        for consumer, results in by_consumer.items()
    )
