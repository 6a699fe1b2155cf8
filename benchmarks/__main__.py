"""`make bench`: measure, and print one table. The exit code is 1 when a target was not met, 2 when a side failed."""

import argparse
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import broker, migrations, serving, table, verifying
from benchmarks.measure import Row, Tell

Group = Callable[[int, Tell], list[Row]]

ROUNDS = 5
FLOORS = 3
"""How often the floor is measured again after each group."""

WIDTH = 180
"""Where the output is no terminal."""


GROUPS: Mapping[str, Group] = {
    **verifying.GROUPS,
    "migrations": migrations.rows,
    "broker": broker.rows,
    "serving": serving.rows,
}
"""What can be measured, by the name that --only takes."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=_rounds, default=ROUNDS, help="How often each side is measured; by default 5.")
    parser.add_argument("--only", nargs="+", choices=GROUPS, metavar="NAME", help=f"Of {', '.join(GROUPS)}.")
    parser.add_argument("--write", type=Path, metavar="FILE", help="Also write the table as a page in Markdown.")
    options = parser.parse_args(arguments)
    chosen = {name: GROUPS[name] for name in options.only or GROUPS}
    rows, floor, failed = measure(chosen, options.rounds, _tell)
    exit_code = show(rows, floor, None if failed else options.write)
    if failed:
        print(f"FAILED, as told above: {', '.join(failed)}.")
        return 2
    return exit_code


def measure(chosen: Mapping[str, Group], rounds: int, tell: Tell) -> tuple[list[Row], list[float], list[str]]:
    """The rows, what the floor cost before, between and after them, and what failed."""
    floor = verifying.floor_again(FLOORS, tell)
    rows: list[Row] = []
    failed: list[str] = []
    for name, group in chosen.items():
        try:
            rows += group(rounds, tell)
        except Exception:  # noqa: BLE001  # what took minutes before it is still worth to be shown
            tell(traceback.format_exc())
            failed.append(name)
        floor += verifying.floor_again(FLOORS, tell)
    return rows, floor, failed


def show(rows: Sequence[Row], floor: Sequence[float], page: Path | None = None) -> int:
    """Print the table, write the page, and return the exit code."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    console.print(table.for_terminal(rows))
    print(table.spread(floor), table.conclusion(rows), sep="\n")
    if page:
        page.write_text(table.page(rows, floor), encoding="utf-8")
    return 0 if all(row.met for row in rows) else 1


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _rounds(text: str) -> int:
    if (rounds := int(text)) < 1:
        raise ValueError
    return rounds


if __name__ == "__main__":
    sys.exit(main())
