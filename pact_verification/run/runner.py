"""One run, from the selection of pacts to the report."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

from pact_verification.core.engine import Engine
from pact_verification.errors import CannotVerify
from pact_verification.pacts.pact import Pact
from pact_verification.pacts.parts import in_parts
from pact_verification.pacts.sources import Progress, Selection, no_progress
from pact_verification.provider.databases.aliases import new_token
from pact_verification.provider.databases.left_alone import leaving_alone, unreachable
from pact_verification.provider.outbound import elsewhere_text
from pact_verification.provider.serving import DatabasesMade, Provider
from pact_verification.results.causes import causes
from pact_verification.results.coverage import Coverage
from pact_verification.results.masking import mask, without_credentials
from pact_verification.results.report import (
    Cause,
    PactResult,
    Publication,
    Report,
    merge_results,
    refused_elsewhere,
    results_of_unverifiable,
    with_counted_pending,
)
from pact_verification.run.host_hint import host_hint
from pact_verification.run.last_failed import remember_failed
from pact_verification.run.leftovers import drop_leftovers, recorded_run
from pact_verification.run.options import Options
from pact_verification.run.selecting import ELSEWHERE, find_pacts, take_share
from pact_verification.run.session import running_session
from pact_verification.run.workers import running_workers
from pact_verification.system import clock

PART = 100
"""The most interactions in a part of a pact. See docs/explanation/pact-core.md, "Requests the core sends"."""

SMALL_PART = 10
"""The fewest interactions in a part. Each part costs about as much as two interactions."""

Announce = Callable[[Selection, str | None], None]
"""Shows the selection before the first interaction, and the note on a server that already runs."""


@dataclass
class Runner:
    """Verifies the selected pacts against the project.

    Args:
        options: what to verify, and how.
        provider: the project, in this process or in another.
        engine: the verifier process. Workers have their own.
        directory: the folder of the run, for the pact files that the core reads.
        progress: receives the progress of the run.
        announce: receives the selection.
        tell_first: receives the results of the interactions that ran first, if others follow.
        services: notes on services that the run does not see.

    Attributes:
        notes: remarks for the report.
        provider_name: set by `run`, as are the next three.
        selection: the pacts, with their content.
        started: when the run started, for people.
        start: when the run started, by the run's own clock.
        databases_seconds: how long making the test databases took.
    """

    options: Options
    provider: Provider
    engine: Engine
    directory: Path
    progress: Progress = no_progress
    announce: Announce = lambda *_: None
    tell_first: Callable[[Sequence[PactResult]], None] = lambda _: None
    services: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list, init=False)
    provider_name: str = field(init=False)
    selection: Selection = field(init=False)
    started: datetime = field(init=False)
    start: float = field(init=False)
    databases_seconds: float = field(default=0.0, init=False)

    def run(self) -> Report:
        """Verify the pacts and return the report, without credentials.

        Raises:
            CannotVerify: the run can't start or can't go on. An option, a pact, a state handler, a database or the
                broker is missing or wrong.
        """
        self.started, self.start = datetime.now(UTC), clock.seconds()
        self.provider_name = self.options.provider_name
        server = self.reach_server()
        found = find_pacts(self.options, self.progress)
        self.selection = selection = take_share(self.options, found)
        self.announce(selection, server)
        self.require_state_handlers(selection)
        results = self.verify_interactions(selection)
        self.note_refused(results)
        if not server:
            self.notes += host_hint(results)
        self.remember_failures(results)
        coverage = self.list_coverage(results)
        publication = self.publish(results)
        nothing_is_fine = self.options.reason_nothing_is_fine(found, selection)
        self.notes = [
            *([server] if server else ()),
            *self.services,
            *selection.notes,
            *selection.left_out,
            *self.options.notes,
            *self.notes,
        ]
        return self.report(selection, results, coverage, publication, nothing_is_fine=nothing_is_fine)

    def reach_server(self) -> str | None:
        """Find the server that --provider-url names, and return a note on it for the report."""
        verification = self.options.verification
        return self.provider.reach(verification) if verification.provider_url else None

    def require_state_handlers(self, selection: Selection) -> None:
        """Find a state handler for every provider state. Raises CannotVerify if one has none."""
        try:
            self.notes += self.provider.require_handlers(selection.pacts)
        except CannotVerify as error:
            if self.options.publisher:
                raise CannotVerify(
                    f"{error}\n\nNothing was published, so the consumers' can-i-deploy waits."
                ) from error
            raise

    def verify_interactions(self, selection: Selection) -> list[PactResult]:
        """Verify the interactions, and return a result for each pact of the selection."""
        verified_parts: Mapping[int, Sequence[PactResult]] = {}
        if selection.interactions:
            self.leave_unreachable_databases_alone()
            with leaving_alone(self.options.verification.left_alone):
                self.notes += drop_leftovers()
                verified_parts = self._verify_parts(selection)
        results = [
            merge_results(pact, verified_parts.get(index, ()), mask(results_of_unverifiable(pact)))
            for index, pact in enumerate(selection.pacts)
        ]
        if self.options.verification.fail_on_pending:
            results = list(map(with_counted_pending, results))
        return self._with_rerun_lines(results)

    def note_refused(self, results: Sequence[PactResult]) -> None:
        """Note the servers that the run refused beside the interactions."""
        if servers := refused_elsewhere(results):
            self.notes.append(elsewhere_text(servers))

    def leave_unreachable_databases_alone(self) -> None:
        """Leave databases alone whose servers can't be reached, unless the run names the databases that it uses."""
        verification = self.options.verification
        if not (verification.names_databases or verification.provider_url):
            left_alone = unreachable()
            self.notes += left_alone.values()
            self.options = replace(self.options, verification=replace(verification, left_alone=left_alone))

    def remember_failures(self, results: Sequence[PactResult]) -> None:
        """Record the failures for --last-failed."""
        if any(each.interaction.unverifiable is None for result in results for each in result.interactions):
            self.notes += remember_failed(results, self.provider_name, complete_pacts=not self.options.filter)

    def list_coverage(self, results: Sequence[PactResult]) -> Coverage | None:
        """Return which operations of the project the consumers use, for --coverage."""
        if not self.options.coverage:
            return None
        try:
            return self.provider.cover(results)
        except CannotVerify as error:  # --coverage does not change the exit code
            self.notes.append(f"The URLs that consumers depend on can't be listed: {error}")
            return None

    def publish(self, results: Sequence[PactResult]) -> Publication | None:
        """Publish the verification results, and read them back from the broker."""
        provable = [result for result in results if _is_provable(result)]
        if not self.options.publisher or not provable:
            return None
        publication = self.options.publisher.publish(provable, self.progress)
        self.notes += (
            f"{result.pact.name} {_why_unprovable(result)}, so no result is published for it."
            for result in results
            if not _is_provable(result)
        )
        return publication

    def report(
        self,
        selection: Selection,
        results: Sequence[PactResult],
        coverage: Coverage | None,
        publication: Publication | None,
        *,
        nothing_is_fine: str | None,
    ) -> Report:
        """Put the report together, without the credentials of the broker."""
        report = Report(
            self.provider_name,
            tuple(results),
            tuple(self.notes),
            selection.nothing_for,
            clock.seconds() - self.start,
            nothing_is_fine=nothing_is_fine,
            publication=publication,
            unpublished=self.options.unpublished,
            started=self.started,
            coverage=coverage,
            databases_seconds=self.databases_seconds,
            causes=tuple(self._causes(results)),
            nothing_because=self.options.nothing_because,
        )
        return without_credentials(report)

    def _verify_parts(self, selection: Selection) -> Mapping[int, Sequence[PactResult]]:
        """Return the results of the pacts' parts, by the pact's index in the selection."""
        pacts = [
            (index, is_first, half)
            for index, pact in enumerate(selection.pacts)
            for is_first, half in ((True, self._first_of(pact)), (False, self._others_of(pact)))
        ]
        # Pending pacts run last. One of them may end the run, which must not leave other pacts unverified.
        pacts.sort(key=lambda each: (_is_pending(each[2]), not each[1]))
        size = self._part_size(selection.interactions)
        parts = [
            (index, is_first, part) for index, is_first, half in pacts for part in in_parts(half, size, self.directory)
        ]
        first = sum(1 for _ in takewhile(lambda each: each[1], parts))
        results: dict[int, list[PactResult]] = {}
        for (index, *_), result in zip(parts, self._run([part for *_, part in parts], first), strict=True):
            results.setdefault(index, []).append(result)
        return results

    def _first_of(self, pact: Pact) -> Pact:
        """Return the pact with the interactions that run before the others."""
        return replace(pact, interactions=tuple(each for each in pact.interactions if each.key in self.options.first))

    def _others_of(self, pact: Pact) -> Pact:
        """Return the pact with the interactions that do not run first."""
        others = tuple(each for each in pact.interactions if each.key not in self.options.first)
        return replace(pact, interactions=others)

    def _run(self, parts: Sequence[Pact], first: int) -> list[PactResult]:
        """Verify parts of pacts, with this process's engine or with workers.

        Args:
            first: how many parts hold interactions that run before the others.
        """
        verification = self.options.verification
        total = sum(len(part.interactions) for part in parts)
        if self.options.parallel == 1:
            with (
                recorded_run([self.provider.token], self.directory),
                running_session(self.engine, verification, self.provider, self.progress, total) as session,
            ):
                self._take(session.server.databases)
                results = [session.verify(part) for part in parts[:first]]
                if 0 < first < len(parts):
                    self.tell_first(results)
                return results + [session.verify(part) for part in parts[first:]]
        tokens = [new_token() for _ in range(min(self.options.parallel, len(parts)))]
        with (
            recorded_run(tokens, self.directory),
            running_workers(tokens, verification, self.directory, self.progress, total) as workers,
        ):
            results = workers.verify(parts)
            self._take(workers.databases)
            return results

    def _take(self, made: DatabasesMade) -> None:
        """Take what making the databases took into the report."""
        self.databases_seconds = made.seconds
        self.notes += made.notes

    def _part_size(self, interactions: int) -> int:
        """Return how many interactions a part has.

        Workers get small parts, so that they finish at about the same time.
        """
        if self.options.verification.exit_first or self.options.verification.keep_open:
            return 1
        if self.options.parallel == 1:
            return PART
        return max(SMALL_PART, min(PART, interactions // (4 * self.options.parallel)))

    def _with_rerun_lines(self, results: Sequence[PactResult]) -> list[PactResult]:
        """Add to each interaction that can be verified the command line that runs it alone."""
        unique = _unique_keys(results)
        return [
            replace(
                result,
                interactions=tuple(
                    each
                    if each.interaction.unverifiable is not None
                    else replace(each, rerun=self.options.rerun.line([(result.pact, each.interaction)], unique))
                    for each in result.interactions
                ),
            )
            for result in results
        ]

    def _causes(self, results: Sequence[PactResult]) -> Iterator[Cause]:
        """Yield the causes of failures, each with a command line for its interactions."""
        unique = _unique_keys(results)
        narrowed = self.options.filter or self.options.consumers or self.options.shard
        for cause in causes(results, "no contract of this run" if narrowed else "no contract"):
            failures = [
                (results[pact].pact, results[pact].interactions[each].interaction) for pact, each in cause.failures
            ]
            verifiable = [(pact, each) for pact, each in failures if each.unverifiable is None]
            # Two pacts of one consumer may have the same key, and the line would run another interaction too.
            pacts = [results[pact] for pact in {pact for pact, _ in cause.failures}]
            keys = Counter(each.interaction.key for pact in pacts for each in pact.interactions)
            is_exact = all(count == keys[key] for key, count in Counter(each.key for _, each in verifiable).items())
            yield replace(cause, rerun=self.options.rerun.line(verifiable, unique) if verifiable and is_exact else "")


def _unique_keys(results: Sequence[PactResult]) -> frozenset[str]:
    """Return the keys that only one interaction has."""
    keys = Counter(each.interaction.key for result in results for each in result.interactions)
    return frozenset(key for key, count in keys.items() if count == 1)


def _is_pending(pact: Pact) -> bool:
    return bool(pact.at_broker and pact.at_broker.pending)


def _is_provable(result: PactResult) -> bool:
    """Return whether a result can be published. An unreadable pact may have no link for its result."""
    has_link = bool(result.pact.at_broker and result.pact.at_broker.results_url)
    return bool(result.interactions) and not _is_elsewhere(result) and (has_link or not result.pact.is_unreadable)


def _why_unprovable(result: PactResult) -> str:
    if _is_elsewhere(result):
        return "has messages, which --provider-url does not verify"
    return "can not be read" if result.interactions else "holds no interactions"


def _is_elsewhere(result: PactResult) -> bool:
    """Return whether the pact has messages that this run could not verify on another server."""
    return any(each.interaction.unverifiable == ELSEWHERE for each in result.interactions)
