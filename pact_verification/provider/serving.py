"""The interface between a run and the provider under test, in this process or in another."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.provider.board import Board
from pact_verification.provider.databases.sharing import Sharing
from pact_verification.provider.databases.telling import Tell, say_nothing
from pact_verification.provider.http_connection import HOST
from pact_verification.results.coverage import Coverage
from pact_verification.results.exchange import Exchange
from pact_verification.results.report import InteractionResult, PactResult


@dataclass(frozen=True, slots=True)
class VerificationOptions:
    """The options that every process of a run has to know.

    Attributes:
        provider_name: as consumers write it in their pacts.
        isolation: one of conf.ISOLATIONS.
        request_timeout: seconds that a provider state or a request may take.
        exit_first: stop after the first interaction that fails the run.
        keep_open: keep the first interaction that fails the run open: "pdb" or "hold", as the options; None for no.
        database_verbosity: how much Django prints about its test databases, as for its commands.
        provider_url: a server that already runs; None means the project here.
        keepdb: start from kept test databases, and keep what was made.
        create_db: make the kept test databases again.
        sharing: for one of several processes that share the work of making databases.
        names_databases: whether the run names the database aliases that it uses.
        left_alone: the database aliases that the run leaves alone, with the text of each refusal.
        debug_sql: record the SQL queries of requests and producers.
        fail_on_pending: a pending interaction that fails, fails the run.
        serializers: record which serializer fields wrote the responses.
        keep_answers: keep the responses and messages of verified interactions as the project gave them.
    """

    provider_name: str
    isolation: str = "transaction"
    request_timeout: float = 5.0
    exit_first: bool = False
    keep_open: str | None = None
    database_verbosity: int = 0
    provider_url: str | None = None
    keepdb: bool = False
    create_db: bool = False
    sharing: Sharing | None = None
    names_databases: bool = False
    left_alone: Mapping[str, str] = field(default_factory=dict)
    debug_sql: bool = False
    fail_on_pending: bool = False
    serializers: bool = False
    keep_answers: bool = False


@dataclass(frozen=True, slots=True)
class DatabasesMade:
    """What making the test databases took.

    Attributes:
        seconds: how long it took.
        notes: remarks for the report.
    """

    seconds: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Address:
    """Where to reach a live server: its port on HOST, the path of its state endpoint, and the run's secret."""

    port: int
    state_path: str
    secret: str

    @property
    def state_url(self) -> str:
        """The URL of the state endpoint."""
        return f"http://{HOST}:{self.port}{self.state_path}"


def new_state_path() -> str:
    """Return a path that no other request can have by chance."""
    return f"/{secrets.token_urlsafe(24)}"


class Served(Protocol):
    """A live server, in this process or in another.

    Attributes:
        board: what it is doing.
        databases: what making its databases took.
        outlives_a_hang: whether `give_up` ends the process that hangs, so that the verifier's request fails at once.
    """

    board: Board
    databases: DatabasesMade
    outlives_a_hang: bool

    @property
    def address(self) -> Address:
        """Where the verifier reaches the server."""

    def expect(self, interactions: Sequence[Interaction]) -> None:
        """Prepare for the interactions that the core is about to run."""

    def finish(self, wait: float) -> bool:
        """End the pact's last interaction when the core is done.

        A failed setup has left it without an end.

        Args:
            wait: seconds that this may take.

        Returns:
            Whether it was done in time, or the server has ended.
        """

    def settle(self) -> None:
        """Wait until `exchanges` has all that the server has seen so far."""

    def keep_open(self, how: str, result: InteractionResult) -> None:
        """Keep the current interaction open for a person, until they have seen enough.

        Args:
            how: one of VerificationOptions.keep_open.
            result: the interaction's, without secrets.
        """

    def exchanges(self) -> list[Exchange]:
        """Return what was seen of each interaction so far."""

    def check_alive(self) -> str | None:
        """Return why the server has ended; None while it is alive."""

    def give_up(self) -> str:
        """Leave or end a call that does not come back. Returns the end of its stack."""


class Provider(Protocol):
    """The project, wherever its code runs.

    Attributes:
        token: part of the names of its test databases.
        on_hold: called with whether the run is held from now on. It takes the progress line out of the way.
    """

    token: str
    on_hold: Callable[[bool], None]

    def load(self) -> tuple[str, ...]:
        """Check the project and import its provider states. Returns notes for the report.

        Raises CannotVerify or SystemCheckError.
        """

    def reach(self, options: VerificationOptions) -> str:
        """Find the server that already runs, and its databases.

        Returns a note about both for the report.

        Raises:
            CannotVerify: the server does not answer, or its databases may not be emptied.
        """

    def require_handlers(self, pacts: Sequence[Pact]) -> tuple[str, ...]:
        """Find a handler for every provider state. Returns notes for the report.

        Raises:
            CannotVerify: a state has no handler.
        """

    def serving(self, options: VerificationOptions, tell: Tell = say_nothing) -> AbstractContextManager[Served]:
        """Make test databases and a live server, which end with the block.

        Args:
            tell: hears what is being done, such as the name of a migration.
        """

    def cover(self, results: Sequence[PactResult]) -> Coverage:
        """Return which of the project's operations consumers depend on.

        Raises CannotVerify.
        """
