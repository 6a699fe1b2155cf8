"""Which of the project's URLs, methods and messages consumers depend on, according to a run."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from pact_verification.errors import InvalidRegistration
from pact_verification.pacts.schema import HTTP
from pact_verification.provider.endpoints import ANY, endpoint_at, endpoints
from pact_verification.results.coverage import Coverage, Operation, Produced, Use
from pact_verification.results.exchange import Endpoint, Producer
from pact_verification.results.report import InteractionResult, Outcome, PactResult
from pact_verification.states.claims import Claims
from pact_verification.states.handlers import Handler

Seen = list[tuple[str, InteractionResult]]
"""Results, each with the name of its consumer."""


def cover(results: Sequence[PactResult], producers: Claims) -> Coverage:
    """Compare the requests of a run with the project's URL patterns, and its messages with the producers."""
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
    return Coverage(tuple(operations), others, tuple(requests), tuple(_messages(results, producers)))


def _messages(results: Iterable[PactResult], producers: Claims) -> Iterator[Produced]:
    """Yield the messages of each producer, and then those without a producer.

    A producer is found by the description, since an interaction may have failed before its producer was called.
    """
    used: defaultdict[Handler, Seen] = defaultdict(list)
    lost: defaultdict[str, Seen] = defaultdict(list)
    for result in results:
        for each in result.interactions:
            if each.interaction.is_message:
                handler = _producer_of(each.interaction.description, producers)
                seen = used[handler] if handler else lost[each.interaction.description]
                seen.append((result.pact.consumer, each))
    names: defaultdict[Handler, list[str]] = defaultdict(list)
    for name, pattern in producers.patterns.items():
        names[pattern.handler].append(name)
    for handler, claimed in names.items():
        yield Produced(tuple(claimed), Producer(str(handler), handler.location), _uses(used[handler]))
    yield from (Produced((description,), None, _uses(seen)) for description, seen in lost.items())


def _producer_of(description: str, producers: Claims) -> Handler | None:
    with suppress(InvalidRegistration):  # several claim it
        match = producers.find(description)
        return match.handler if match else None
    return None


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
