"""Groups failures by their cause, such as one exception or one member that is missing from a response."""

import re
from collections import defaultdict
from collections.abc import Container, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pact_verification.pacts.matching_rules import ANY, steps
from pact_verification.pacts.schema import HTTP
from pact_verification.results.mismatch import Mismatch, said
from pact_verification.results.report import Cause, Failure, InteractionResult, Outcome, PactResult
from pact_verification.text import Place, read_json

ROUTE_PARAMETER = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)|<(?:\w+:)?(\w+)>")

REDIRECTION = 3
"""The first digit of these statuses."""

NUMBER = re.compile(r"\d+(?:\.\d+)?")
VALUE = re.compile(r"'(?:[0-9a-f-]{32,36}|\d+)'|0x[0-9a-f]+|\d+(?:\.\d+)?|\b(?:true|false|null)\b")
"""Values in a sentence: ids in quotes, addresses of objects, numbers, and JSON's names."""

ADDRESS = re.compile(r"0x[0-9a-f]+")

OF_TYPES = re.compile(r"\((\w+)\) to be the same type as .*\((\w+)\)\Z", re.DOTALL)
"""How the core's sentence about another type ends."""

ID = re.compile(r"\d+|[0-9a-fA-F-]{32,36}")
SAY_ALL = frozenset(
    {
        "FieldDoesNotExist",
        "FieldError",
        "ImproperlyConfigured",
        "ImportError",
        "ModuleNotFoundError",
        "NoReverseMatch",
        "OperationalError",
        "ProgrammingError",
        "TemplateDoesNotExist",
        "TemplateSyntaxError",
    }
)
"""Exceptions whose text is the cause, wherever they are raised: a setting, a field, a template, a database."""

NO_TABLE = re.compile(
    r"""(?:OperationalError|ProgrammingError):.*?(
        no\ such\ (?:table|column):\ \S+ | table\ \S+\ has\ no\ column\ named\ \w+   # SQLite
        | (?:relation|column)\ \S+\ (?:of\ relation\ \S+\ )?does\ not\ exist     # PostgreSQL
        | Table\ '[^']+'\ doesn't\ exist | Unknown\ column\ '[^']+'              # MariaDB and MySQL
    )""",
    re.VERBOSE | re.DOTALL,
)
NO_MIGRATION = "Is a migration missing? manage.py makemigrations --check tells."
MAX_TITLE = 300

MAX_NAMES = 4
"""How many members are named in a title."""

OTHER_TYPE = "Expected a body of "

MISSING_KEYS = "Actual map is missing the following keys: "


@dataclass(frozen=True, slots=True)
class _Finding:
    """One reason why one interaction failed. Findings with the same key have the same cause.

    Attributes:
        common: the title of the cause if its findings have different ones; by default the first one's.
    """

    key: tuple[Any, ...]
    title: str
    subject: str = ""
    place: Place | None = None
    common: str = ""


def causes(results: Sequence[PactResult], contracts: str = "no contract") -> tuple[Cause, ...]:
    """Return the causes of the interactions that fail the run, those of the most interactions first.

    An interaction with several causes is in each of them. Skipped interactions have none.

    Args:
        contracts: who does not know a new member, in words. A run may have selected some of the contracts.
    """
    known = _known_members(results)
    found: defaultdict[tuple[Any, ...], list[tuple[Failure, _Finding]]] = defaultdict(list)
    for pact_number, pact in enumerate(results):
        for number, each in enumerate(pact.interactions):
            if not each.failed or each.outcome is Outcome.SKIPPED:
                continue
            for finding in {finding.key: finding for finding in _findings(each, known, contracts)}.values():
                found[finding.key].append(((pact_number, number), finding))
    grouped = [_cause(group, results) for group in found.values()]
    return tuple(sorted(grouped, key=lambda cause: -len(cause.failures)))


def _cause(group: Sequence[tuple[Failure, _Finding]], results: Sequence[PactResult]) -> Cause:
    """Return the cause of findings with the same key. It has a place if all of them lead to the same one."""
    failures = tuple(failure for failure, _ in group)
    findings = [finding for _, finding in group]
    first = findings[0]
    return Cause(
        first.common if first.common and len({each.title for each in findings}) > 1 else first.title,
        tuple(dict.fromkeys(each.subject for each in findings if each.subject)),
        first.place if len({each.place for each in findings}) == 1 else None,
        failures,
        tuple(dict.fromkeys(results[pact].pact.consumer for pact, _ in failures)),
    )


def subject_of(result: InteractionResult) -> str:
    """Return the part of the API that an interaction is about: an operation, or the producer of a message."""
    exchange, interaction = result.exchange, result.interaction
    if interaction.is_message:
        return f"message of {exchange.producer.name}" if exchange.producer else f"message {interaction.description!r}"
    if interaction.kind != HTTP:  # it stands for a pact that can't be read
        return ""
    method, path = interaction.request.method.upper(), interaction.request.path.partition("?")[0]
    if exchange.request:
        method, path = exchange.request.method, exchange.request.path
    if exchange.endpoint:
        return f"{method} /{readable_route(exchange.endpoint.route)}"
    return f"{method} {'/'.join('…' if ID.fullmatch(step) else step for step in path.split('/'))}"


def readable_route(route: str) -> str:
    """Return a URL pattern with its parameters in braces: products/{id}."""
    return ROUTE_PARAMETER.sub(r"{\1\2}", route.removeprefix("^").removesuffix("$").removesuffix("\\Z"))


def _findings(result: InteractionResult, known: Container[str], contracts: str) -> Iterator[_Finding]:
    exchange, subject, place = result.exchange, subject_of(result), result.place
    error = result.error or ""
    crash = exchange.crash
    unfinished = result.outcome in {Outcome.STATE_ERROR, Outcome.PRODUCER_ERROR}
    where = "" if result.outcome is Outcome.STATE_ERROR else subject
    raised = crash or exchange.refusal
    if raised and (unfinished or result.mismatches) and (absent := NO_TABLE.match(raised.exception)):
        yield _Finding(("no table", absent[1]), f"{absent[1]}. {NO_MIGRATION}", where, raised.where)
    elif crash and (unfinished or result.mismatches):
        kind, at = crash.exception.partition(":")[0], place or crash.where
        title = error if result.outcome is not Outcome.MISMATCH else crash.exception
        if kind in SAY_ALL:
            yield _Finding((VALUE.sub("#", crash.exception),), _line(title), where, at, _line(crash.exception))
        else:
            # Where no frame is the project's, all errors of a database have the same line.
            own = crash.where if crash.own else (where, NUMBER.sub("#", crash.exception))
            yield _Finding((result.outcome, kind, own), _line(title), where, at)
    elif result.outcome is Outcome.STATE_ERROR:
        yield _Finding((result.outcome, ADDRESS.sub("", error)), _line(error), "", place)
    elif error or not result.mismatches:
        # What ends a run has one cause. Each operation is slow, too long or wrongly produced for a cause of its own.
        operation = subject if exchange.over_limit is not None or unfinished else ""
        yield _Finding(
            (result.outcome, operation, NUMBER.sub("#", error)), _line(error or result.outcome.value), subject, place
        )
    elif status := next((each for each in result.mismatches if each.part == "status"), None):
        yield _of_status(result, status, subject)
    else:
        of_type = any(each.part == "body" and each.message.startswith(OTHER_TYPE) for each in result.mismatches)
        for mismatch in result.mismatches:
            if not (of_type and mismatch.part == "header" and mismatch.path.lower() == "content-type"):
                yield _of_mismatch(result, mismatch, subject, known, contracts)


def _of_status(result: InteractionResult, status: Mismatch, subject: str) -> _Finding:
    """Return the finding for a wrong status. What differs in the body then follows from it."""
    exchange = result.exchange
    came = exchange.response.headline if exchange.response else str(status.actual)
    title = f"{came} came instead of {result.interaction.expected.status}{_redirect(result)}"
    if exchange.no_route:
        return _Finding(("no route", subject), f"{title}: {exchange.no_route}", subject)
    if exchange.refusal:
        reason = exchange.refusal.exception  # the same one for several operations has one cause
        raised = exchange.refusal.where if exchange.refusal.own else VALUE.sub("#", reason)
        common = f"{came} came: {_line(reason)}"
        key = ("refusal", came, reason.partition(":")[0], raised)
        return _Finding(key, f"{title}: {_line(reason)}", subject, result.place, common)
    return _Finding(("status", subject, came, result.interaction.expected.status), title, subject, result.place)


def _sort(message: str) -> Hashable:
    """Return what a sentence of the core says without its values: those of one place are alike."""
    if types := OF_TYPES.search(message):
        return types.groups()
    if message.startswith("Failed to parse"):
        return NUMBER.sub("#", message.partition(" at line ")[0])
    return VALUE.sub("#", re.sub(r"'.*'", "''", message, flags=re.DOTALL))


def _redirect(result: InteractionResult) -> str:
    """Return where a redirect leads to, for a title; empty for another response."""
    request, response = result.exchange.request, result.exchange.response
    location = response and next((to for name, to in response.headers.items() if name.lower() == "location"), "")
    if not request or not response or response.status // 100 != REDIRECTION or not location:
        return ""
    if location.partition("?")[0] == f"{request.target.partition('?')[0]}/":
        return f", to {location}: the URL pattern ends with a slash, and the pact's path does not"
    return f", to {location}"


def _of_mismatch(
    result: InteractionResult, mismatch: Mismatch, subject: str, known: Container[str], contracts: str
) -> _Finding:
    if mismatch.part != "body":
        kind = _sort(mismatch.message)
        text = said(mismatch)
        if mismatch.path.lower() not in text.lower():  # the sentence was replaced for a secret
            text = f"{mismatch.where}: {text}"
        return _Finding((subject, mismatch.part, mismatch.path.lower(), kind), text, subject, result.place)
    path = _general(steps(mismatch.path))
    at = "" if path == () else f" in {_shown(path)}"
    if mismatch.message.startswith(MISSING_KEYS) and (members := _members(result, mismatch)):
        missing, came = members
        title = f"{_listed(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        if new := tuple(name for name in came if name not in known):
            # A member with another name is one cause, wherever it is missing.
            title += f"; {_listed(new)} came and {contracts} knows {'it' if len(new) == 1 else 'them'}"
            return _Finding(("renamed", missing, new), title, subject, result.place)
        return _Finding((subject, path, "missing", missing), title + at, subject, result.place)
    kind = _sort(mismatch.message)
    return _Finding((subject, path, kind), f"`{_shown(path)}`: {said(mismatch)}", subject, result.place)


def _members(result: InteractionResult, mismatch: Mismatch) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return the members that are missing at a mismatch, and those that came."""
    came = result.exchange.came
    if came is None or mismatch.response not in {None, result.interaction.response}:
        return None  # of several responses, the exchange has one
    try:
        actual = _at(read_json(came.body), steps(mismatch.path))
    except ValueError:
        return None
    expected = _at(result.interaction.wanted.body, steps(mismatch.path))
    if not isinstance(actual, Mapping) or not isinstance(expected, Mapping):
        return None
    missing = tuple(name for name in expected if name not in actual)
    return (missing, tuple(actual)) if missing else None


def _at(value: Any, path: Sequence[str]) -> Any:
    """Return the JSON value at a path; None if it is not there. A list's first example stands for later elements."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and value and step.isdecimal():
            value = value[int(step) if int(step) < len(value) else 0]
        else:
            return None
    return value


def _known_members(results: Sequence[PactResult]) -> frozenset[str]:
    """Return the names of all members that the contracts name."""
    return frozenset(
        name for pact in results for each in pact.interactions for name in _names(each.interaction.wanted.body)
    )


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from value
    for member in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _names(member)


def _general(path: Sequence[str]) -> tuple[str, ...]:
    return tuple(ANY if step.isdecimal() else step for step in path)


def _shown(path: Sequence[str]) -> str:
    return "$" + "".join(f"[{step}]" if step == ANY else f".{step}" for step in path)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(f"`{name}`" for name in names[:MAX_NAMES]) + more


def _line(text: str) -> str:
    """Return the first line of a text, cut to what a screen has room for."""
    line = text.partition("\n")[0]
    return line if len(line) <= MAX_TITLE else f"{line[:MAX_TITLE]}…"
