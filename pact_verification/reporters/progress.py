"""What a run tells a person at a console while it goes on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from pact_verification.credentials import harmless
from pact_verification.pacts.sources import Selection
from pact_verification.results.report import Progress
from pact_verification.system import clock
from pact_verification.text import counted, encodable, printable

PLAIN_PROGRESS_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Live:
    """Where a run shows what it does while it does it."""

    progress: Progress
    say: Callable[[str], None]


@contextmanager
def live_progress(stream: TextIO, *, colour: bool) -> Iterator[Live]:
    """Show how far a run is: on a terminal a line that changes, elsewhere a line now and then.

    Args:
        stream: where to; not where the report goes.
        colour: whether the stream may have colours.
    """
    if stream.isatty():
        # Here, since they take long to import, and most runs write to no terminal.
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

            def say_selected(text: str) -> None:
                if text:
                    console.print(harmless(text), soft_wrap=True)
                bar.update(task, description="Making the test database…")

            yield Live(
                lambda done, total, current: bar.update(
                    task, completed=done, total=total, description=printable(harmless(current))
                ),
                say_selected,
            )
        return
    started = last = clock.seconds()

    def tell(done: int, total: int, current: str) -> None:
        nonlocal last
        now = clock.seconds()
        if now - last >= PLAIN_PROGRESS_SECONDS:
            last = now
            say(f"{done} of {total} done, {now - started:.0f} s: {printable(current)}")

    def say(text: str) -> None:
        if text:
            encoding = getattr(stream, "encoding", None) or "utf-8"
            print(encodable(harmless(text), encoding), file=stream, flush=True)

    yield Live(tell, say)


def render_selection(selection: Selection, version: str, unpublished: str | None, server: str | None) -> str:
    """What a broker selected, and which server is verified, before anything runs. Empty for local pacts and code.

    Args:
        version: which version results will be published for.
        unpublished: why they won't be.
        server: what is to be known of one that already runs.
    """
    return "\n".join(filter(None, (printable(server or ""), _selected(selection, version, unpublished))))


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
    return "\n".join(map(printable, lines))
