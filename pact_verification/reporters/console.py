"""The report for a person at a console."""

import io
from collections.abc import Container, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from pact_verification.reporters.conclusion import Mood, conclusion, publication_sentence
from pact_verification.reporters.failure import interaction_lines, milliseconds, pact_heading, request_cost
from pact_verification.reporters.lines import Role, TextLine, lines_of
from pact_verification.results.coverage import Coverage, Use
from pact_verification.results.report import Outcome, PactResult, Report
from pact_verification.text import counted, encodable

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {
    Role.PLAIN: "",
    Role.HEADING: "bold",
    Role.LABEL: "bold",
    Role.DETAIL: "dim",
    Role.WARNING: "yellow",
    Role.ERROR: "red",
    Role.CODE: "cyan",
    Role.EXPECTED: "green",
    Role.CAME: "red",
    Role.VERIFIED: "green",
    Role.FAILED: "bold red",
}
MOOD_STYLES = {Mood.GOOD: "bold green", Mood.BAD: "bold red", Mood.NEUTRAL: "yellow"}
DETAILED, RAW = 2, 3


def render(
    report: Report, *, colour: bool = False, verbosity: int = 1, encoding: str = "utf-8", durations: int = 0
) -> str:
    """Return the report as text.

    Args:
        report: with printable values.
        colour: with ANSI colours.
        verbosity: 0 only the conclusion; 1 every interaction, and of a failed one what was expected and what came;
            2 also headers, whole bodies and every line of a traceback; 3 also the core's output.
        encoding: the stream's. Characters that it lacks are spelled in ASCII.
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
            writer.blank()
            writer.text(note, "yellow")
    writer.publication(report)
    writer.conclusion(report)
    return encodable(writer.written, encoding)


class _Writer:
    def __init__(self, colour: bool, verbosity: int, published: Container[str] = ()) -> None:
        self.buffer = io.StringIO()
        self.colour = colour
        self.published = published
        self.detailed = verbosity >= DETAILED
        self.raw = verbosity >= RAW

    @property
    def written(self) -> str:
        return self.buffer.getvalue()

    @cached_property
    def console(self) -> "Console":
        """Rich's console. Rich takes long to import, and text without colours and tables does not need it."""
        from rich.console import Console

        return Console(
            file=self.buffer,
            force_terminal=self.colour,
            color_system="standard" if self.colour else None,
            no_color=not self.colour,
            width=10_000,  # a terminal wraps by itself, and a log must not be wrapped
            highlight=False,
            markup=False,
            emoji=False,
        )

    def lines(self, lines: Iterable[TextLine]) -> None:
        for line in lines:
            self._line(line, STYLES[line.role])

    def text(self, text: str, style: str = "", indent: int = 0) -> None:
        """Write the lines of a text."""
        for line in lines_of(text, indent=indent):
            self._line(line, style)

    def blank(self) -> None:
        self.text("")

    def _line(self, line: TextLine, style: str) -> None:
        if not self.colour:
            self.buffer.write(f"{line}\n")
            return
        from rich.text import Text  # see `console`

        parts = ((part.text, STYLES[part.role]) for part in line.parts)
        self.console.print(Text.assemble(*parts, style=style), soft_wrap=True)

    def pact(self, result: PactResult) -> None:
        self.blank()
        self.lines([pact_heading(result)])
        if not result.interactions:
            self.text("has no interactions: nothing was verified", "yellow", 2)
        for interaction in result.interactions:
            self.lines(interaction_lines(interaction, detailed=self.detailed))
        self.notices(result)
        if self.raw and result.core_output.strip():
            self.text("What the Pact core printed:", "dim", 2)
            self.text(result.core_output.strip(), "dim", 4)

    def notices(self, result: PactResult) -> None:
        """Write the broker's notices that fit the result. They are long, and much the same for every pact."""
        at_broker = result.pact.at_broker
        if not at_broker or not self.detailed:
            return
        success = all(each.outcome is Outcome.VERIFIED for each in result.interactions)
        published = result.pact.name in self.published
        after = f"after_verification:success_{success}_published_{published}".lower()
        for when, text in at_broker.notices:
            if when in {"before_verification", after}:
                self.text(text, "dim", 2)

    def coverage(self, coverage: Coverage) -> None:
        """Write a table of the operations. Those that no consumer uses stand out."""
        from rich.table import Table  # see `console`
        from rich.text import Text

        self.blank()
        self.text(f"Of {counted(len(coverage.operations), 'operation')}, consumers depend on {coverage.used}:", "bold")
        table = Table(box=None, padding=(0, 0, 0, 2))
        for heading in ("method", "URL pattern", "consumers, with the statuses they have seen"):
            table.add_column(heading, header_style="dim")
        for operation in coverage.operations:
            uses = Text("\n".join(map(_use, operation.uses)) or "no consumer", "" if operation.uses else "yellow")
            table.add_row(operation.method, Text(operation.endpoint.route or "(empty)"), uses)
        for request, use in coverage.nowhere:
            method, _, path = request.partition(" ")
            table.add_row(method, Text(f"{path} (no URL pattern)", "yellow"), Text(_use(use)))
        with self.console.capture() as captured:
            self.console.print(table)
        for line in captured.get().splitlines():
            self.buffer.write(f"{line.rstrip()}\n")
        if coverage.others:
            self.text(f"{counted(coverage.others, 'operation')} of libraries that no consumer uses left out.", "dim", 2)

    def durations(self, report: Report, count: int) -> None:
        """Write the slowest interactions, each with its request's share. The rest is its provider states."""
        ran = [
            (each, pact.pact.consumer) for pact in report.pacts for each in pact.interactions if each.exchange.seconds
        ]
        if not count or not ran:
            return
        slowest = sorted(ran, key=lambda one: one[0].exchange.seconds, reverse=True)[:count]
        self.blank()
        self.text(f"The slowest of {counted(len(ran), 'interaction')}:", "bold")
        for result, consumer in slowest:
            exchange = result.exchange
            request = f"the request {request_cost(exchange)}" if exchange.response else "no request"
            line = f"{milliseconds(exchange.seconds):>8}  {consumer}: {result.interaction.title} ({request})"
            self.text(line, indent=2)
        if report.databases_seconds:
            self.text(f"{milliseconds(report.databases_seconds):>8}  the test databases, of no interaction", indent=2)

    def publication(self, report: Report) -> None:
        if sentence := publication_sentence(report):
            self.blank()
            self.text(sentence, "green" if report.unpublished is None else "yellow")
        if not (made := report.publication) or not made.missing:
            return
        self.blank()
        for name, why in made.missing:
            self.text(f"Not at the broker for version {made.version} of branch {made.branch}: {name}", "bold red")
            self.text(why, "red", 2)

    def conclusion(self, report: Report) -> None:
        end = conclusion(report)
        self.blank()
        self.text(end.text, MOOD_STYLES[end.mood])


def _use(use: Use) -> str:
    parts = [use.consumer, ", ".join(map(str, use.statuses)), "(failing)" if use.failing else ""]
    return " ".join(filter(None, parts))
