"""The report for a person at a console."""

import io
import json
from collections.abc import Container
from typing import Any

from rich.console import Console
from rich.text import Text

from pact_verification.results import (
    SECRET_HEADERS,
    Crash,
    InteractionResult,
    Message,
    Outcome,
    PactResult,
    Publication,
    Report,
)
from pact_verification.text import counted, printable

SIGNS = {Outcome.VERIFIED: "✓", Outcome.MISMATCH: "✗", Outcome.STATE_ERROR: "!", Outcome.NOT_VERIFIED: "?"}
DETAILED, RAW = 2, 3
BODY_LINES = 20
VALUE_LENGTH = 500


def render(report: Report, *, colour: bool = False, verbosity: int = 1, encoding: str = "utf-8") -> str:
    """The report as text.

    Args:
        colour: with ANSI colours.
        verbosity: 0 the verdict alone; 1 with every interaction and, where one failed, what was expected and what
            came; 2 also headers, whole bodies and every line of a traceback; 3 also what the core printed.
        encoding: the stream's; what it can't show is spelt in ASCII.
    """
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        width=10_000,  # a terminal wraps by itself; a log must not be wrapped
        highlight=False,
        markup=False,
        emoji=False,
    )
    writer = _Writer(console, verbosity, report.publication.published if report.publication else ())
    if verbosity > 0:
        for pact in report.pacts:
            writer.pact(pact)
        for note in report.notes:
            writer.line()
            writer.line(note, "yellow")
    writer.publication(report.publication, report.unpublished)
    writer.verdict(report)
    text = buffer.getvalue()
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate({ord("✓"): "+", ord("✗"): "x", ord("…"): "...", ord("→"): "->"})
    return text.encode(encoding, "backslashreplace").decode(encoding)


class _Writer:
    def __init__(self, console: Console, verbosity: int, published: Container[str]) -> None:
        self.console = console
        self.published = published
        self.detailed = verbosity >= DETAILED
        self.raw = verbosity >= RAW

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        for part in text.split("\n"):
            self.console.print(Text(" " * indent + printable(part), style=style), soft_wrap=True)

    def pact(self, result: PactResult) -> None:
        self.line()
        self.line(f"{result.pact.consumer}  ({result.pact.source})", "bold")
        if not result.interactions:
            self.line("has no interactions: nothing was verified", "yellow", 2)
        for interaction in result.interactions:
            self.interaction(interaction)
        self.notices(result)
        if self.raw and result.core_output.strip():
            self.line("What the Pact core printed:", "dim", 2)
            self.line(_without_secrets(result), "dim", 4)

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
        heading = Text(f"  {SIGNS[result.outcome]} ", style=_style(result))
        heading.append(printable(interaction.description), "" if result.outcome is Outcome.VERIFIED else "bold")
        if states:
            heading.append(printable(f"  [{states}]"), "dim")
        if interaction.pending and result.outcome is not Outcome.VERIFIED:
            heading.append("  pending: does not fail the run", "yellow")
        if self.detailed:
            heading.append(f"  {result.exchange.seconds * 1000:.0f} ms", "dim")
        self.console.print(heading, soft_wrap=True)
        if result.outcome is not Outcome.VERIFIED:
            self.failure(result)
        elif self.detailed and result.exchange.request and result.exchange.response:
            self.line(f"{result.exchange.request.headline} → {result.exchange.response.headline}", "dim", 6)
        for warning in result.exchange.warnings:
            self.line(f"warning: {warning}", "yellow", 6)

    def failure(self, result: InteractionResult) -> None:
        exchange = result.exchange
        if result.error:
            self.line(result.error, "red", 6)
        for mismatch in result.mismatches:
            self.line(mismatch.where, "red", 6)
            if mismatch.secret:
                self.line("(hidden)", "dim", 8)
                continue
            expected, actual = _value(mismatch.expected), _value(mismatch.actual)
            if expected != actual:
                self.line(f"expected  {self.shortened(expected)}", "green", 8)
                self.line(f"came      {self.shortened(actual)}", "red", 8)
            if mismatch.where != "status":  # there it says the same once more
                self.line(self.shortened(mismatch.message), "dim", 8)
        if exchange.request:
            self.line("the request", "bold", 6)
            self.message(exchange.request)
        if exchange.response:
            self.line("the response", "bold", 6)
            # After a crash the body is Django's page for it, and the traceback says more.
            self.message(exchange.response, with_body=self.detailed or not exchange.crash)
        if exchange.crash:
            self.crash(exchange.crash)

    def shortened(self, text: str) -> str:
        if self.detailed or len(text) <= VALUE_LENGTH:
            return text
        return f"{text[:VALUE_LENGTH]}… {len(text) - VALUE_LENGTH} more characters (--verbosity 2)"

    def message(self, message: Message, *, with_body: bool = True) -> None:
        self.line(message.headline, "", 8)
        if self.detailed:
            for name, value in message.headers.items():
                self.line(f"{name}: {_masked(name, value)}", "dim", 8)
        lines = _body(message).splitlines() if with_body else []
        kept = lines if self.detailed else lines[:BODY_LINES]
        for line in kept:
            self.line(self.shortened(line), "", 8)
        if len(kept) < len(lines):
            self.line(f"… {len(lines) - len(kept)} more lines (--verbosity 2)", "dim", 8)

    def crash(self, crash: Crash) -> None:
        self.line("the exception", "bold", 6)
        hidden = 0
        for frame in crash.frames:
            if not (frame.own or self.detailed or frame is crash.frames[-1]):
                hidden += 1
                continue
            self.line(f"{frame.file}:{frame.line} in {frame.function}", "" if frame.own else "dim", 8)
            if frame.code:
                self.line(frame.code, "cyan" if frame.own else "dim", 10)
        self.line(crash.exception, "red", 8)
        if hidden:
            self.line(f"({counted(hidden, 'line')} of libraries left out: --verbosity 2)", "dim", 8)

    def publication(self, publication: Publication | None, unpublished: str) -> None:
        if unpublished:
            self.line()
            self.line(f"Results were not published. {unpublished}", "yellow")
        if not publication:
            return
        self.line()
        version = f"version {publication.version} of branch {publication.branch}"
        if publication.published:
            count = counted(len(publication.published), "result")
            self.line(f"Published {count} for {version} to {publication.broker}, and read back.", "green")
        for name, why in publication.missing:
            self.line(f"Not at the broker for {version}: {name}", "bold red")
            self.line(why, "red", 2)

    def verdict(self, report: Report) -> None:
        self.line()
        parts = [
            f"{_named(outcome, count)}{' (pending)' if pending else ''}"
            for outcome in Outcome
            for pending in (False, True)
            if (count := report.count(outcome, pending=pending))
        ]
        consumers = len({pact.pact.consumer for pact in report.pacts})
        of = f"{counted(len(report.interactions), 'interaction')} of {counted(consumers, 'consumer')}"
        summary = f"{report.provider}: {of}: {', '.join(parts)}" if parts else report.provider
        match report.exit_code:
            case 0 if report.count(Outcome.VERIFIED):
                hold = f"{summary}, in {report.seconds:.1f} s. The contracts hold."
                if any(report.count(outcome, pending=True) for outcome in Outcome):
                    hold += " What failed is pending: it counts once the consumer that wants it is deployed."
                self.line(hold, "bold green")
            case 0 if report.interactions:
                self.line(
                    f"{summary}, in {report.seconds:.1f} s. What failed is pending: no contract is broken.", "yellow"
                )
            case 0:
                self.line(f"{summary}: nothing was verified, and --allow-no-pacts says that this is fine.", "yellow")
            case 4:
                self.line(
                    f"{summary}, in {report.seconds:.1f} s. Verified, but the broker does not hold the results.",
                    "bold red",
                )
            case 1 if report.count(Outcome.MISMATCH):
                self.line(f"{summary}, in {report.seconds:.1f} s. The contracts are broken.", "bold red")
            case 1:
                self.line(f"{summary}, in {report.seconds:.1f} s. The contracts could not be proved.", "bold red")
            case _:
                self.line(f"{summary}: {self.nothing(report)}", "bold red")

    @staticmethod
    def nothing(report: Report) -> str:
        if report.pacts and report.nothing_for:
            return f"nothing was verified for {', '.join(report.nothing_for)}. --allow-no-pacts accepts that."
        if report.unproven:
            names = ", ".join(pact.name for pact in report.unproven)
            return f"nothing was verified for {names}, which holds no interactions. --allow-no-pacts accepts that."
        wanted = f" for {', '.join(report.nothing_for)}" if report.nothing_for else ""
        return (
            f"nothing was verified: no pact was selected{wanted}. Are the paths, the provider's name and the filters "
            "right? --allow-no-pacts accepts that."
        )


def _named(outcome: Outcome, count: int) -> str:
    return counted(count, outcome.value) if outcome is Outcome.STATE_ERROR else f"{count} {outcome.value}"


def _style(result: InteractionResult) -> str:
    if result.outcome is Outcome.VERIFIED:
        return "green"
    return "bold red" if result.failed else "yellow"


def _value(value: Any) -> str:
    """An expected or actual value. The core gives bodies as lists of bytes."""
    if isinstance(value, list) and value and all(isinstance(item, int) and item in range(256) for item in value):
        return bytes(value).decode(errors="replace")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _body(message: Message) -> str:
    try:
        return json.dumps(json.loads(message.body), indent=2, ensure_ascii=False)
    except ValueError:
        return message.body.decode(errors="replace").strip()


def _masked(name: str, value: str) -> str:
    return "(hidden)" if name.lower() in SECRET_HEADERS else value


def _without_secrets(result: PactResult) -> str:
    """What the core printed, less the secrets that went over the wire."""
    text = result.core_output.strip()
    for interaction in result.interactions:
        for message in (interaction.exchange.request, interaction.exchange.response):
            for name, value in (message.headers if message else {}).items():
                if name.lower() in SECRET_HEADERS and value:
                    text = text.replace(value, "(hidden)")
    return text
