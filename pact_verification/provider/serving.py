"""What a run asks of the provider under test, whichever process the project's code runs in."""

import secrets
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.provider.board import Board
from pact_verification.provider.wire import HOST
from pact_verification.results.coverage import Coverage
from pact_verification.results.exchange import Exchange
from pact_verification.results.report import PactResult


@dataclass(frozen=True, slots=True)
class How:
    """How pacts are verified, whichever process does it.

    Attributes:
        provider: its name.
        isolation: one of conf.ISOLATIONS.
        request_timeout: seconds that a provider state or a request may take.
        exit_first: stop after the first interaction that fails the run.
        verbosity: as for Django's commands, for what Django prints about its test databases.
        provider_url: a server that already runs; empty is the project here.
    """

    provider: str
    isolation: str = "transaction"
    request_timeout: float = 5.0
    exit_first: bool = False
    verbosity: int = 0
    provider_url: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a live server is reached: the port on HOST, the path of its state endpoint, and the run's secret."""

    port: int
    state_path: str
    secret: str

    @property
    def state_url(self) -> str:
        return f"http://{HOST}:{self.port}{self.state_path}"


def new_state_path() -> str:
    """A path that no other request can hit by chance."""
    return f"/{secrets.token_urlsafe(24)}"


class Served(Protocol):
    """A live server, in this process or in another.

    Attributes:
        board: what it is doing.
        outlives_a_hang: whether `give_up` ends what hangs, so that the verifier hears of it at once.
    """

    board: Board
    outlives_a_hang: bool

    @property
    def address(self) -> Address:
        """Where the verifier reaches it."""

    def expect(self, interactions: Sequence[Interaction]) -> None:
        """Say which interactions the core is about to run, before it does."""

    def finish(self, wait: float) -> bool:
        """End the pact's last interaction when the core is done: after a setup that failed it has not ended.

        Args:
            wait: seconds that this may take.

        Returns:
            Whether it has come back by then. What has ended the server, `check_alive` tells.
        """

    def exchanges(self) -> list[Exchange]:
        """What was seen of each interaction so far."""

    def check_alive(self) -> str | None:
        """Why the server has ended; None while it lives."""

    def give_up(self) -> str:
        """Leave or end a call that does not come back. Returns the end of its stack."""


class Provider(Protocol):
    """The project, wherever its code runs.

    Attributes:
        token: part of the names of its test databases.
    """

    token: str

    def load(self) -> None:
        """Check the project and import its provider states. Raises CannotVerify or SystemCheckError."""

    def reach(self, how: How) -> str:
        """Find the server that already runs, and its databases. Returns what to know of them.

        Raises:
            CannotVerify: it does not answer, or its databases may not be emptied.
        """

    def require_handlers(self, pacts: Sequence[Pact]) -> tuple[str, ...]:
        """Find a handler for every provider state. Returns notes for the report.

        Raises:
            CannotVerify: a state has no handler.
        """

    def serving(self, how: How) -> AbstractContextManager[Served]:
        """Test databases and a live server, which are gone with the block."""

    def cover(self, results: Sequence[PactResult]) -> Coverage:
        """Tell which of the project's operations consumers depend on. Raises CannotVerify."""
