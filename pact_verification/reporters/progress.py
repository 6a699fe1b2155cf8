"""How far a run is, and what it selected, for a person at a console."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from pact_verification.pacts.sources import Progress, Selection
from pact_verification.results.report import Outcome, PactResult
from pact_verification.system import clock
from pact_verification.system.credentials import harmless
from pact_verification.text import counted, encodable, printable, printable_lines

PLAIN_PROGRESS_SECONDS = 10
"""Between two lines, where no line can change."""

FIRST_PROGRESS_SECONDS = 1
"""Until the first line, if nothing is done by then."""


@dataclass(frozen=True, slots=True)
class Live:
    """Shows a run while it goes on.

    Attributes:
        show: prints a text of its own lines.
        pause: takes whether the line is out of the way from now on, such as for a debugger.
    """

    progress: Progress
    show: Callable[[str], None]
    pause: Callable[[bool], None]


@contextmanager
def live_progress(stream: TextIO, *, colour: bool) -> Iterator[Live]:
    """Show how far a run is: on a terminal by a line that changes, elsewhere by a line now and then.

    Args:
        stream: another one than the report's.
        colour: whether the stream may have colours.
    """
    if stream.isatty():
        # Rich takes long to import, and most runs write to no terminal.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar
        from rich.table import Column

        console = Console(file=stream, no_color=not colour, highlight=False, markup=False)
        bar = Bar(
            SpinnerColumn(),
            MofNCompleteColumn(),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=console,
            transient=True,
        )
        with bar:
            task = bar.add_task("Selecting pacts…", total=None)

            def show_selected(text: str) -> None:
                if text:
                    console.print(_shown(text), soft_wrap=True)
                if bar.tasks[0].total is None:
                    bar.update(task, description="Making the test database…")

            yield Live(
                lambda done, total, current: bar.update(
                    task, completed=done, total=total, description=_shown(printable(current))
                ),
                show_selected,
                lambda held: bar.stop() if held else bar.start(),
            )
        return
    started = last = clock.seconds()
    shown = paused = False

    def show_progress(done: int, total: int, current: str) -> None:
        nonlocal last, shown
        now = clock.seconds()
        if not paused and now - last >= (PLAIN_PROGRESS_SECONDS if done or shown else FIRST_PROGRESS_SECONDS):
            last, shown = now, True
            show(f"{done} of {total} done, {now - started:.0f} s: {printable(current)}")

    def show(text: str) -> None:
        if text:
            encoding = getattr(stream, "encoding", None) or "utf-8"
            print(encodable(_shown(text), encoding), file=stream, flush=True)

    def pause(held: bool) -> None:
        nonlocal paused
        paused = held

    yield Live(show_progress, show, pause)


def _shown(text: str) -> str:
    """Return a text as a log may show it. It comes before any report, so it is made printable here."""
    return harmless(printable_lines(text))


def render_selection(selection: Selection, version: str, unpublished: str | None, server: str | None) -> str:
    """Return what the broker selected and which server is verified; empty for local pacts and the project's code.

    Args:
        version: the provider version that results will be published for.
        unpublished: why results won't be published; None if they will.
        server: a remark on the server that already runs; None without one.
    """
    return "\n".join(filter(None, (server, _selected(selection, version, unpublished))))


def render_first(results: Sequence[PactResult]) -> str:
    """Return what became of the interactions that --failed-first verified before the others."""
    outcomes = Counter(each.outcome for result in results for each in result.interactions)
    numbers = ", ".join(f"{outcomes[outcome]} {outcome.value}" for outcome in Outcome if outcomes[outcome])
    return f"{counted(outcomes.total(), 'interaction')} that failed before: {numbers}. The others follow."


def _selected(selection: Selection, version: str, unpublished: str | None) -> str:
    if not selection.asked:
        return ""
    rows = [
        (
            pact.consumer,
            f"version {at.consumer_version}",
            "work in progress" if at.wip else "pending" * at.pending,
            at.reason,
        )
        for pact in selection.pacts
        if (at := pact.at_broker)
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"{counted(len(rows), 'pact')} from {selection.asked}{':' if rows else '.'}"]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width]
        lines.append("  " + "  ".join(cells).rstrip())
    lines.append(
        f"Results will be published for {version}."
        if unpublished is None
        else f"Results will not be published. {unpublished}"
    )
    return "\n".join(map(printable, lines))  # a line for each row, whatever a consumer is called
