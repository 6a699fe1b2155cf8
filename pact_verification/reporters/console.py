"""The report for a person at a console."""

import io
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from pact_verification.reporters.conclusion import Mood, conclusion, publication_sentence
from pact_verification.reporters.failure import (
    heading,
    interaction_lines,
    milliseconds,
    pact_heading,
    request_cost,
    warnings,
)
from pact_verification.reporters.lines import Role, TextLine, lines_of
from pact_verification.reporters.summary import numbers_of, summary_lines
from pact_verification.results.coverage import Coverage, Use
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Report
from pact_verification.text import counted, encodable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

STYLES = {
    Role.PLAIN: "",
    Role.HEADING: "bold",
    Role.LABEL: "bold",
    Role.DETAIL: "not bold default",
    Role.WARNING: "magenta",
    Role.ERROR: "red",
    Role.CODE: "",
    Role.EXPECTED: "green",
    Role.CAME: "red",
    Role.VERIFIED: "green",
    Role.FAILED: "bold red",
}
"""Styles that are readable on a dark and on a light ground.

Yellow and cyan are too bright for white, blue is too dark for black, and a dim colour is too dark or too bright.
"""

MOOD_STYLES = {Mood.GOOD: "bold green", Mood.BAD: "bold red", Mood.NEUTRAL: "bold magenta"}
DETAILED, RAW = 2, 3


SHOWN_PACTS = 3
"""How many pacts are named that the broker refused for the same reason."""


def render(
    report: Report, *, colour: bool = False, verbosity: int = 1, encoding: str = "utf-8", durations: int = 0
) -> str:
    """Return the report as text.

    Args:
        report: with printable values.
        colour: with ANSI colours.
        verbosity: 0 only the conclusion; 1 failures, one in full for each cause; 2 every interaction, with headers,
            whole bodies and every frame of a traceback; 3 also the core's output.
        encoding: the stream's. Characters that it lacks are spelled in ASCII.
        durations: how many of the slowest interactions to name.
    """
    writer = _ReportWriter(colour, verbosity, report.publication.published if report.publication else ())
    if verbosity > 0:
        numbers = numbers_of(report.causes)
        for number, pact in enumerate(report.pacts):
            writer.pact(number, pact, numbers)
        if report.coverage:
            writer.coverage(report.coverage)
        writer.durations(report, durations)
        for note in report.notes:
            writer.blank()
            writer.text(note, STYLES[Role.WARNING])
    writer.publication(report)
    if report.causes and verbosity > 0:
        writer.blank()
        writer.lines(summary_lines(report))
    writer.conclusion(report)
    return encodable(writer.written, encoding)


class Writer:
    """Collects lines of text, with or without colours."""

    def __init__(self, colour: bool) -> None:
        self.buffer = io.StringIO()
        self.colour = colour

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


class _ReportWriter(Writer):
    def __init__(self, colour: bool, verbosity: int, published: Container[str] = ()) -> None:
        super().__init__(colour)
        self.published = published
        self.detailed = verbosity >= DETAILED
        self.raw = verbosity >= RAW
        self.shown: set[int] = set()

    def pact(self, number: int, result: PactResult, causes: Mapping[tuple[int, int], Sequence[int]]) -> None:
        """Write a pact's interactions.

        Args:
            number: the pact's in the report.
            causes: the numbers of each failure's causes.
        """
        self.blank()
        self.lines([pact_heading(result, detailed=self.detailed)])
        if not result.interactions:
            self.text("has no interactions: nothing was verified", STYLES[Role.WARNING], 2)
        for index, interaction in enumerate(result.interactions):
            self.interaction(interaction, causes.get((number, index), ()))
        self.notices(result)
        if self.raw and result.core_output.strip():
            self.text("What the Pact core printed:", STYLES[Role.DETAIL], 2)
            self.text(result.core_output.strip(), STYLES[Role.DETAIL], 4)

    def interaction(self, result: InteractionResult, causes: Sequence[int]) -> None:
        """Write an interaction. Of a cause that an earlier one has explained, its line suffices."""
        explained = bool(causes) and self.shown.issuperset(causes)
        self.shown.update(causes)
        if explained and not self.detailed:
            self.lines([heading(result, causes=causes)])
        elif self.detailed or result.outcome is not Outcome.VERIFIED or warnings(result):
            self.lines(interaction_lines(result, detailed=self.detailed, causes=causes))

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
                self.text(text, STYLES[Role.DETAIL], 2)

    def coverage(self, coverage: Coverage) -> None:
        """Write tables of the operations and the producers. Those that no consumer uses stand out."""
        from rich.text import Text  # see `console`

        if coverage.has_operations:
            count = counted(len(coverage.operations), "operation")
            rows = [
                (operation.method, Text(operation.endpoint.route or "(empty)"), _uses(operation.uses))
                for operation in coverage.operations
            ]
            for request, use in coverage.nowhere:
                method, _, path = request.partition(" ")
                rows.append((method, Text(f"{path} (no URL pattern)", STYLES[Role.WARNING]), Text(_use(use))))
            self.blank()
            self.text(f"Of {count}, consumers depend on {coverage.used}:", "bold")
            self.table(("method", "URL pattern", "consumers, with the statuses they have seen"), rows)
        if coverage.others:
            self.text(
                f"{counted(coverage.others, 'operation')} of libraries that no consumer uses left out.",
                STYLES[Role.DETAIL],
                2,
            )
        if coverage.produced:
            count = counted(coverage.producers, "producer")
            self.blank()
            self.text(f"Of {count} of messages, consumers depend on {coverage.used_producers}:", "bold")
            self.table(
                ("message", "producer", "consumers"),
                [
                    (
                        Text("\n".join(each.names)),
                        Text(f"{each.producer.name} ({each.producer.location})")
                        if each.producer
                        else Text("no producer", STYLES[Role.WARNING]),
                        _uses(each.uses),
                    )
                    for each in coverage.produced
                ],
            )

    def table(self, headings: Iterable[str], rows: Iterable[Iterable["str | Text"]]) -> None:
        from rich.table import Table  # see `console`

        table = Table(box=None, padding=(0, 0, 0, 2))
        for title in headings:
            table.add_column(title, header_style=STYLES[Role.DETAIL])
        for row in rows:
            table.add_row(*row)
        with self.console.capture() as captured:
            self.console.print(table)
        for line in captured.get().splitlines():
            self.buffer.write(f"{line.rstrip()}\n")

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
            self.text(sentence, "green" if report.unpublished is None else STYLES[Role.WARNING])
        if not (made := report.publication) or not made.missing:
            return
        self.blank()
        names: dict[str, list[str]] = {}
        for name, why in made.missing:
            names.setdefault(why, []).append(name)
        for why, pacts in names.items():
            listed = ", ".join(pacts[:SHOWN_PACTS])
            more = f" and {len(pacts) - SHOWN_PACTS} more" if len(pacts) > SHOWN_PACTS else ""
            at = f"for version {made.version} of branch {made.branch}"
            self.text(f"Not at the broker {at}: {listed}{more}", "bold red")
            self.text(why, "red", 2)

    def conclusion(self, report: Report) -> None:
        end = conclusion(report)
        self.blank()
        self.text(end.text, MOOD_STYLES[end.mood])


def _uses(uses: Sequence[Use]) -> "Text":
    from rich.text import Text  # see `Writer.console`

    return Text("\n".join(map(_use, uses))) if uses else Text("no consumer", STYLES[Role.WARNING])


def _use(use: Use) -> str:
    parts = [use.consumer, ", ".join(map(str, use.statuses)), "(failing)" if use.failing else ""]
    return " ".join(filter(None, parts))
