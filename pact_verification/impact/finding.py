"""The verified responses and messages, and the Pact core's verdicts on changes of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pact_verification.impact.asking import Core, Subject, Trial, list_name
from pact_verification.impact.changes import Change
from pact_verification.impact.members import OPAQUE_BODY, FoundMember, Recorded, find_members, is_json
from pact_verification.messages.producing import without_wire_format
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.results.causes import subject_of
from pact_verification.results.exchange import RecordedMessage, RecordedResponse, Serialized
from pact_verification.results.impact import (
    InteractionName,
    Kind,
    Member,
)
from pact_verification.results.report import InteractionResult, Outcome, PactResult

NOT_AGAIN = (
    "The Pact core does not accept the same response from a static server, so no change to it can be judged. Its own "
    "headers, or its JSON as Python writes it, differ."
)

MAX_MEMBERS = 500
"""The most members of a body that are changed. Objects whose names are data, such as ids, may have any number."""

NO_VERDICT = "The Pact core gave no verdict on {} of the changes to it. They count as refused."

UNREADABLE = "Its body is not the JSON that its content type promises, or is cut: at most 4 MiB of a body are kept."

TOO_MANY = f"Its body has more than {MAX_MEMBERS} members. Those after them were not changed."


@dataclass(frozen=True, slots=True)
class Verified:
    """A response or message of a verified interaction, with its members.

    Attributes:
        operation: GET /products/{id}, or the message's producer.
        status: None for a message.
        shown: the interaction without secrets.
        serialized: which serializer fields wrote it.
    """

    name: InteractionName
    operation: str
    status: int | None
    subject: Subject
    members: tuple[FoundMember, ...]
    shown: Interaction
    serialized: Serialized

    @property
    def title(self) -> str:
        """Operation and status: GET /products/{id}, 200."""
        return self.operation if self.status is None else f"{self.operation}, {self.status}"

    @property
    def is_opaque(self) -> bool:
        """Whether its body has no members that can be found, such as XML."""
        return any(found.member == OPAQUE_BODY for found in self.members)

    @property
    def is_unreadable(self) -> bool:
        """Whether its body should have members that can be found."""
        return self.is_opaque and is_json(self.subject.recorded)


@dataclass(frozen=True, slots=True)
class Judged:
    """The core's verdicts on the changes of a response.

    Attributes:
        noticed: the kinds of changes that it refuses, by member.
        changes: how many changes were tried.
        unjudged: how many of them got no verdict.
    """

    verified: Verified
    noticed: Mapping[Member, tuple[Kind, ...]]
    changes: int
    unjudged: int = 0


def find_verified(pacts: Sequence[Pact], results: Sequence[PactResult]) -> Iterator[Verified]:
    """Yield the responses and messages of the verified interactions.

    Args:
        pacts: those of the run, with their content.
        results: the result of each, with the answers that the run has kept.
    """
    for pact, result in zip(pacts, results, strict=True):
        verified = [each for each in result.interactions if each.outcome is Outcome.VERIFIED and each.answers]
        if not verified:
            continue
        document: dict[str, Any] = json.loads(pact.content)
        expected = {(each.kind, each.place): each for each in pact.interactions}
        frame = {name: value for name, value in document.items() if name not in {"interactions", "messages"}}
        for each in verified:
            # What the consumer expects is the pact's own: in the result it may be hidden, as a secret.
            interaction = expected[each.interaction.kind, each.interaction.place]
            data = document[list_name(interaction)][interaction.place]
            for number, recorded in enumerate(map(partial(_as_compared, interaction), each.answers)):
                of_one = replace(interaction, response=number)
                yield _verified(pact, each, Subject(pact.consumer, pact.provider, frame, data, of_one, recorded))


def _as_compared(interaction: Interaction, recorded: Recorded) -> Recorded:
    """Return an answer as the core got it: without the body of HEAD, and without a prefix of the transport."""
    if isinstance(recorded, RecordedMessage):
        return without_wire_format(recorded)
    return replace(recorded, body=b"") if interaction.request.method.upper() == "HEAD" else recorded


def _verified(pact: Pact, result: InteractionResult, subject: Subject) -> Verified:
    recorded, shown = subject.recorded, result.interaction
    return Verified(
        InteractionName(pact.consumer, shown.title, shown.key, shown.pending),
        subject_of(result),
        recorded.status if isinstance(recorded, RecordedResponse) else None,
        subject,
        find_members(recorded, subject.interaction.wanted, dict(result.secret_members)),
        replace(shown, response=subject.interaction.response),
        result.exchange.serialized,
    )


def judge_changes(core: Core, verified: Sequence[Verified]) -> tuple[list[Judged], list[tuple[InteractionName, str]]]:
    """Have the core judge every change of every response.

    Changes of the same kind are tried together first, those of members that don't hold each other. If the core accepts
    them, it accepts each of them. A change in whose place it names a difference is refused. Every other change is tried
    alone.

    Returns:
        The verdicts, and the interactions of which something could not be tried, each with the reason.
    """
    cut = [each.name for each in verified if len(_first(each.members)) < len(each.members)]
    verified = [replace(each, members=_first(each.members)) for each in verified]
    trials = [
        (number, tuple(changes)) for number, each in enumerate(verified) for changes in ((), *_together(each.members))
    ]
    found: list[dict[Change, bool | None]] = [{} for _ in verified]
    unrepeatable: set[int] = set()
    alone: list[tuple[int, tuple[Change, ...]]] = []
    verdicts = core.judge([Trial(verified[number].subject, changes) for number, changes in trials])
    for (number, changes), verdict in zip(trials, verdicts, strict=True):
        if not changes and not verdict.accepted:
            unrepeatable.add(number)
        elif number in unrepeatable:
            continue  # the unchanged response is tried first
        elif verdict.accepted or len(changes) == 1:
            found[number].update(dict.fromkeys(changes, verdict.accepted))
        else:
            named = {each for each in changes if each.found.is_in_body and each.found.steps in verdict.refused}
            found[number].update(dict.fromkeys(named, False))
            alone += ((number, (change,)) for change in changes if change not in named)
    verdicts = core.judge([Trial(verified[number].subject, changes) for number, changes in alone])
    for (number, (change,)), verdict in zip(alone, verdicts, strict=True):
        found[number][change] = verdict.accepted
    judged = [_judged(each, found[number]) for number, each in enumerate(verified) if number not in unrepeatable]
    return judged, [*_left_out(verified, unrepeatable, judged), *((name, TOO_MANY) for name in cut)]


def _first(members: Sequence[FoundMember]) -> tuple[FoundMember, ...]:
    """Return the members without those of a body that are too many."""
    around = [found for found in members if not found.is_in_body]
    return (*around, *[found for found in members if found.is_in_body][:MAX_MEMBERS])


def _left_out(
    verified: Sequence[Verified], unrepeatable: set[int], judged: Sequence[Judged]
) -> Iterator[tuple[InteractionName, str]]:
    for number in sorted(unrepeatable):
        yield verified[number].name, NOT_AGAIN
    for each in judged:
        if each.verified.is_unreadable:
            yield each.verified.name, UNREADABLE
        if each.unjudged:
            yield each.verified.name, NO_VERDICT.format(each.unjudged)


def _together(members: Sequence[FoundMember]) -> Iterator[list[Change]]:
    """Yield the changes that are tried at once.

    Members that the pact names are apart from the others, whose changes are usually accepted. What is not in a JSON
    body is tried alone, apart from headers that the pact does not name.
    """
    groups: dict[tuple[bool, int, Kind], list[Change]] = {}
    for found in members:
        for kind in found.kinds:
            if found.is_in_body and found.steps:
                groups.setdefault((found.is_named, len(found.steps), kind), []).append(Change(found, kind))
            elif found.is_named or found.member.part != "header" or is_content_type(found):
                yield [Change(found, kind)]
            else:
                groups.setdefault((False, 0, kind), []).append(Change(found, kind))
    yield from groups.values()


def is_content_type(found: FoundMember) -> bool:
    """Return whether a member is the header that says what the body is."""
    return found.member.title.lower() == "header content-type"


def _judged(verified: Verified, verdicts: Mapping[Change, bool | None]) -> Judged:
    noticed: dict[Member, tuple[Kind, ...]] = {}
    for found in verified.members:
        kinds = tuple(kind for kind in found.kinds if verdicts[Change(found, kind)] is not True)
        noticed[found.member] = (*noticed.get(found.member, ()), *kinds)
    return Judged(verified, noticed, len(verdicts), sum(verdict is None for verdict in verdicts.values()))
