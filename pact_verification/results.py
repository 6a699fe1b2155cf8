"""The Report of a run and its parts. Every reporter reads these, and nothing else."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pact_verification.pacts import Interaction, Pact

Progress = Callable[[int, int, str], None]
"""Called now and then with the number of interactions begun, of all, and the description of the current one."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of a traceback. `own` is the project's, not a library's."""

    file: str
    line: int
    function: str
    code: str
    own: bool


@dataclass(frozen=True, slots=True)
class Crash:
    """An exception that the project's code raised, with the frames that led to it."""

    exception: str
    frames: tuple[Frame, ...] = ()

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Take what a report needs of an exception; its frames would keep alive all that they refer to."""
        try:
            text = str(error)
        except Exception as another:  # noqa: BLE001  # the project's __str__ is the project's
            text = f"(its text raised {type(another).__name__})"
        name = type(error).__name__
        return cls(f"{name}: {text}" if text else name, tuple(_frames(error.__traceback__)))

    @property
    def where(self) -> str:
        """File and line of the innermost frame of the project's own."""
        own = [frame for frame in self.frames if frame.own] or list(self.frames)
        return f"{own[-1].file}:{own[-1].line}" if own else ""


def _frames(trace: TracebackType | None) -> Iterator[Frame]:
    import os
    import sysconfig
    import traceback

    libraries = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
    here = Path(__file__).parent
    for frame in traceback.extract_tb(trace):
        if Path(frame.filename).parent == here:
            continue
        relative = os.path.relpath(frame.filename)
        own = not frame.filename.startswith((*libraries, "<"))
        file = frame.filename if relative.startswith("..") else relative
        yield Frame(file, frame.lineno or 0, frame.name, frame.line or "", own)


@dataclass(frozen=True, slots=True)
class Message:
    """One side of an HTTP exchange."""

    headline: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the live server saw of one interaction.

    Attributes:
        state_error: why a provider state could not be set up; no request follows then.
        crash: the exception behind a state error or a 500.
        too_slow: what took longer than the request timeout.
        warnings: what did not change the outcome, such as a teardown that failed.
        seconds: how long the states, the request and the teardown took together.
    """

    request: Message | None = None
    response: Message | None = None
    state_error: str = ""
    crash: Crash | None = None
    too_slow: str = ""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0


SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key"}
"""In lower case. Their values appear in no report, and go to no broker."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference between the response that the pact expects and the one that came.

    Attributes:
        where: "status", "header Content-Type", "body $.name".
    """

    where: str
    expected: Any
    actual: Any
    message: str

    @property
    def secret(self) -> bool:
        return self.where.removeprefix("header ").lower() in SECRET_HEADERS


class Outcome(Enum):
    """How an interaction ended. A state error is told apart from a mismatch; neither is green."""

    VERIFIED = "verified"
    MISMATCH = "failed"
    STATE_ERROR = "state error"
    NOT_VERIFIED = "not verified"


@dataclass(frozen=True, slots=True)
class InteractionResult:
    interaction: Interaction
    outcome: Outcome
    exchange: Exchange = Exchange()
    mismatches: tuple[Mismatch, ...] = ()
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether it fails the run. Pending excuses a failure, not that nothing was tried."""
        if self.outcome is Outcome.NOT_VERIFIED:
            return True
        return self.outcome is not Outcome.VERIFIED and not self.interaction.pending


@dataclass(frozen=True, slots=True)
class PactResult:
    """A pact with a result for each of its selected interactions.

    Attributes:
        core_output: what the core printed, for those who ask for it.
    """

    pact: Pact
    interactions: tuple[InteractionResult, ...]
    core_output: str = ""


@dataclass(frozen=True, slots=True)
class Publication:
    """What became of publishing the results.

    Attributes:
        broker: its URL.
        version: the provider's, with its branch.
        published: the pacts whose result the broker holds: it was read back.
        missing: the others, each with why.
    """

    broker: str
    version: str
    branch: str
    published: tuple[str, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run.

    Attributes:
        publication: None when nothing was published.
        unpublished: why nothing was published, where somebody might expect it.
        notes: what a reader has to know beside the results, such as pacts that were left out.
        nothing_for: what was asked for, and has no pact: a directory, a consumer.
        nothing_is_fine: --allow-no-pacts.
    """

    provider: str
    pacts: tuple[PactResult, ...]
    notes: tuple[str, ...] = ()
    nothing_for: tuple[str, ...] = ()
    seconds: float = 0.0
    nothing_is_fine: bool = False
    publication: Publication | None = None
    unpublished: str = ""

    @property
    def interactions(self) -> tuple[InteractionResult, ...]:
        return tuple(result for pact in self.pacts for result in pact.interactions)

    def count(self, outcome: Outcome, *, pending: bool = False) -> int:
        """How many interactions ended so. Pending is told apart where it matters: for what was not verified."""
        return sum(
            result.outcome is outcome and (result.interaction.pending and outcome is not Outcome.VERIFIED) is pending
            for result in self.interactions
        )

    @property
    def unproven(self) -> tuple[Pact, ...]:
        """Selected pacts of which nothing was verified: green needs evidence for every one."""
        return tuple(result.pact for result in self.pacts if not result.interactions)

    @property
    def exit_code(self) -> int:
        """0 all verified, 1 something failed, 3 nothing was verified, 4 the broker does not hold the results."""
        if any(result.failed for result in self.interactions):
            return 1
        if (not self.pacts or self.unproven or self.nothing_for) and not self.nothing_is_fine:
            return 3
        return 4 if self.publication and self.publication.missing else 0
