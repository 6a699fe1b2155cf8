"""The report for a person at a console."""

import io
from collections.abc import Container, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from pact_verification.reporters.wording import about, facts, milliseconds, publication, took, verdict, warnings
from pact_verification.results.crash import Crash, Frame
from pact_verification.results.diff import shortened
from pact_verification.results.exchange import RecordedRequest, RecordedResponse
from pact_verification.results.report import (
    CAME,
    EXPECTED,
    WRONG,
    Coverage,
    InteractionResult,
    Line,
    Outcome,
    PactResult,
    Report,
    Use,
)
from pact_verification.text import counted, encodable, printable, visible

if TYPE_CHECKING:
    from rich.console import Console

Part = tuple[str, str]
"""A text and its style."""

SIGNS = {
    Outcome.VERIFIED: "✓",
    Outcome.MISMATCH: "✗",
    Outcome.STATE_ERROR: "!",
    Outcome.NOT_VERIFIED: "?",
    Outcome.SKIPPED: "-",
}
DIFF_STYLES = {EXPECTED: "green", CAME: "red", WRONG: "yellow"}
THE_VERIFIERS = {"User-Agent", "Accept-Encoding", "Host"}  # headers that every request has
DETAILED, RAW = 2, 3
BODY_LINES = 40
VALUE_LENGTH = 500


def render(
    report: Report, *, colour: bool = False, verbosity: int = 1, encoding: str = "utf-8", durations: int = 0
) -> str:
    """The report as text.

    Args:
        colour: with ANSI colours.
        verbosity: 0 the verdict alone; 1 with every interaction and, where one failed, what was expected and what
            came; 2 also headers, whole bodies and every line of a traceback; 3 also what the core printed.
        encoding: the stream's; what it can't show is spelt in ASCII.
        durations: how many of the slowest interactions to name.
    """
    writer = _Writer(colour, verbosity, report.publication.published if report.publication else ())
    if verbosity > 0:
        for pact in report.pacts:
            writer.pact(pact)
        if report.coverage:
            writer.coverage(report.coverage)
        writer.durations(report, durations)
        for note in report.notes:
            writer.line()
            writer.line(note, "yellow")
    writer.publication(report)
    writer.verdict(report)
    return encodable(visible(writer.text, colours=colour), encoding)


def render_failure(pact: PactResult, result: InteractionResult) -> str:
    """One interaction that failed, as text for other reports: whose it is, and all that helps to mend it."""
    writer = _Writer(colour=False, verbosity=1)
    writer.heading(pact)
    writer.interaction(result)
    return writer.text


class _Writer:
    def __init__(self, colour: bool, verbosity: int, published: Container[str] = ()) -> None:
        self.buffer = io.StringIO()
        self.colour = colour
        self.published = published
        self.detailed = verbosity >= DETAILED
        self.raw = verbosity >= RAW

    @property
    def text(self) -> str:
        return self.buffer.getvalue()

    @cached_property
    def console(self) -> "Console":
        from rich.console import (
            Console,
        )  # here, since it takes long to import, and a log has neither colours nor tables

        return Console(
            file=self.buffer,
            force_terminal=self.colour,
            color_system="standard" if self.colour else None,
            no_color=not self.colour,
            width=10_000,  # a terminal wraps by itself; a log must not be wrapped
            highlight=False,
            markup=False,
            emoji=False,
        )

    def put(self, *parts: Part, style: str = "") -> None:
        """A line; each part has the line's style and its own."""
        if not self.colour:
            self.buffer.write("".join(text for text, _ in parts).expandtabs() + "\n")
            return
        from rich.text import Text

        self.console.print(Text.assemble(*parts, style=style), soft_wrap=True)

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        for part in text.split("\n"):
            self.put((" " * indent + printable(part), ""), style=style)

    def pact(self, result: PactResult) -> None:
        self.line()
        self.heading(result)
        if not result.interactions:
            self.line("has no interactions: nothing was verified", "yellow", 2)
        for interaction in result.interactions:
            self.interaction(interaction)
        self.notices(result)
        if self.raw and result.core_output.strip():
            self.line("What the Pact core printed:", "dim", 2)
            self.line(result.core_output.strip(), "dim", 4)

    def heading(self, result: PactResult) -> None:
        self.line(f"{result.pact.consumer}  ({result.pact.source})", "bold")

    def notices(self, result: PactResult) -> None:
        """What the broker wants said, as it depends on how the pact fared: long, and much the same for every pact."""
        at_broker = result.pact.at_broker
        if not at_broker or not self.detailed:
            return
        success = all(each.outcome is Outcome.VERIFIED for each in result.interactions)
        published = result.pact.name in self.published
        after = f"after_verification:success_{success}_published_{published}".lower()
        for when, text in at_broker.notices:
            if when in {"before_verification", after}:
                self.line(text, "dim", 2)

    def interaction(self, result: InteractionResult) -> None:
        interaction = result.interaction
        states = ", ".join(map(str, interaction.states))
        heading = [(f"  {SIGNS[result.outcome]} ", "")]
        heading.append((printable(interaction.description), "" if result.outcome is Outcome.VERIFIED else "bold"))
        if states:
            heading.append((printable(f"  [{states}]"), "dim"))
        if interaction.pending and result.outcome is not Outcome.VERIFIED:
            heading.append(("  pending: does not fail the run", "yellow"))
        if self.detailed:
            heading.append((f"  {milliseconds(result.exchange.seconds)}", "dim"))
        self.put(*heading, style=_style(result))
        if result.outcome is Outcome.SKIPPED:
            return
        if result.outcome is not Outcome.VERIFIED:
            self.failure(result)
        else:
            self.success(result)
        for warning in warnings(result):
            self.line(f"warning: {warning}", "yellow", 6)

    def success(self, result: InteractionResult) -> None:
        for name, text in about(result):
            self.fact(name, text)
        if self.detailed and result.exchange.request and result.exchange.response:
            self.line(f"{result.exchange.request.headline} → {result.exchange.response.headline}", "dim", 6)

    def failure(self, result: InteractionResult) -> None:
        exchange = result.exchange
        if result.error:
            self.line(result.error, "red", 6)
        for name, text in facts(result):
            self.fact(name, text)
            if name == "request" and exchange.request:
                self.message(exchange.request)
        if exchange.response and self.detailed:
            self.fact("response", exchange.response.headline)
            self.message(exchange.response, with_body=False)  # all of it is in the diff
        if exchange.crash:
            self.crash(exchange.crash)
        if exchange.response:
            self.diff(result)
        if result.rerun:
            self.fact("again", result.rerun, whole=True)

    def fact(self, name: str, text: str, *, whole: bool = False) -> None:
        self.put((f"      {name:<9}", "bold"), (printable(text if whole else self.shortened(text)), ""))

    def shortened(self, text: str) -> str:
        if self.detailed or len(text) <= VALUE_LENGTH:
            return text
        return f"{text[:VALUE_LENGTH]}… {len(text) - VALUE_LENGTH} more characters (--verbosity 2)"

    def message(self, message: RecordedRequest | RecordedResponse, *, with_body: bool = True) -> None:
        """A message's headers and body."""
        for name, value in message.headers.items():
            if name in THE_VERIFIERS and not self.detailed:
                continue
            self.line(self.shortened(f"{name}: {value}"), "dim", 15)
        lines = message.body.decode(errors="replace").splitlines() if with_body else []
        kept = lines if self.detailed else lines[:BODY_LINES]
        for line in kept:
            self.line(self.shortened(line), "dim", 15)
        if len(kept) < len(lines):
            self.line(f"… and more, of {counted(len(lines), 'line')} in all (--verbosity 2)", "dim", 15)

    def diff(self, result: InteractionResult) -> None:
        """What was expected beside what came. After a crash the body is Django's page; the traceback says more."""
        self.line("- expected, + came", "bold", 6)
        for name, lines in result.diff.parts():
            if name == "body" and result.exchange.crash and not self.detailed:
                continue
            self.diff_lines(lines)

    def diff_lines(self, lines: Sequence[Line]) -> None:
        for number, line in enumerate(lines if self.detailed else shortened(lines)):
            if number == BODY_LINES and not self.detailed:
                self.line(f"… and more, of {counted(len(lines), 'line')} in all (--verbosity 2)", "dim", 8)
                break
            style = DIFF_STYLES.get(line.sign, "")
            if line.note:
                self.line(f"# {self.shortened(line.note)}", "yellow", 8)
            self.line(f"{line.sign} {self.shortened(line.text)}", style, 8)

    def crash(self, crash: Crash) -> None:
        self.line("the exception", "bold", 6)
        libraries = crash.libraries
        self.frames(crash.own)
        last = libraries[-1:] if crash.frames[-1:] == libraries[-1:] else ()
        self.frames(libraries if self.detailed else last)
        self.line(crash.exception, "red", 8)
        if not self.detailed and (hidden := len(libraries) - len(last)):
            self.line(f"({counted(hidden, 'line')} of libraries left out: --verbosity 2)", "dim", 8)

    def frames(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            self.line(f"{frame.file}:{frame.line} in {frame.function}", "" if frame.own else "dim", 8)
            if frame.code:
                self.line(frame.code, "cyan" if frame.own else "dim", 10)

    def coverage(self, coverage: Coverage) -> None:
        """A table of the operations; what nobody depends on stands out."""
        from rich.table import Table
        from rich.text import Text

        used = [operation for operation in coverage.operations if operation.uses]
        self.line()
        self.line(f"Of {counted(len(coverage.operations), 'operation')}, consumers depend on {len(used)}:", "bold")
        table = Table(box=None, padding=(0, 0, 0, 2))
        for heading in ("method", "URL pattern", "consumers, with the statuses they have seen"):
            table.add_column(heading, header_style="dim")
        for operation in coverage.operations:
            uses = Text("\n".join(map(_use, operation.uses)) or "no consumer", "" if operation.uses else "yellow")
            table.add_row(operation.method, Text(printable(operation.endpoint.route or "(empty)")), uses)
        for request, use in coverage.nowhere:
            method, _, path = request.partition(" ")
            table.add_row(method, Text(f"{printable(path)} (no URL pattern)", "yellow"), Text(_use(use)))
        with self.console.capture() as captured:
            self.console.print(table)
        for line in captured.get().splitlines():
            self.buffer.write(f"{line.rstrip()}\n")
        if coverage.others:
            self.line(f"{counted(coverage.others, 'operation')} of libraries that no consumer uses left out.", "dim", 2)

    def durations(self, report: Report, count: int) -> None:
        """The slowest interactions, each with its request's own share: the rest is its states and their teardown."""
        ran = [
            (each, pact.pact.consumer) for pact in report.pacts for each in pact.interactions if each.exchange.seconds
        ]
        if not count or not ran:
            return
        slowest = sorted(ran, key=lambda one: one[0].exchange.seconds, reverse=True)[:count]
        self.line()
        self.line(f"The slowest of {counted(len(ran), 'interaction')}:", "bold")
        for result, consumer in slowest:
            exchange = result.exchange
            request = f"the request {took(exchange)}" if exchange.response else "no request"
            self.line(f"{milliseconds(exchange.seconds):>8}  {consumer}: {result.interaction.title} ({request})", "", 2)

    def publication(self, report: Report) -> None:
        if text := publication(report):
            self.line()
            self.line(text, "green" if report.unpublished is None else "yellow")
        if not (made := report.publication) or not made.missing:
            return
        self.line()
        for name, why in made.missing:
            self.line(f"Not at the broker for version {made.version} of branch {made.branch}: {name}", "bold red")
            self.line(why, "red", 2)

    def verdict(self, report: Report) -> None:
        said = verdict(report)
        self.line()
        self.line(said.text, "bold green" if said.good else "bold red" if said.bad else "yellow")


def _style(result: InteractionResult) -> str:
    if result.outcome is Outcome.VERIFIED:
        return "green"
    return "bold red" if result.failed else "yellow"


def _use(use: Use) -> str:
    parts = [use.consumer, ", ".join(map(str, use.statuses)), "(failing)" if use.failing else ""]
    return printable(" ".join(filter(None, parts)))
