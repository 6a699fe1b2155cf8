"""Rows as a table, for a terminal and as BENCHMARKS.md."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.table import Table

from benchmarks.machine import description
from benchmarks.measure import Row, milliseconds

HEADINGS = ("what", "ours", "peer", "ratio", "min to max", "target", "")

INTRO = """\
# Benchmarks

`make bench` measures this, on any machine with Python and make; `make bench BENCH_ARGS="--write BENCHMARKS.md"` writes
this page. Times differ from machine to machine and from minute to minute, so every figure that counts is a *ratio* of
two sides that took turns in the same run: each side once a round, in an order that rotates. The ratio is the median of
the rounds' ratios; beside it are the smallest and the largest. The times are medians, for orientation. A side that
doesn't prove that it verified every interaction ends the benchmark.

**An interaction** is one provider state that writes a row, and one GET that reads it. What it costs is a difference: a
whole process with a pact of 101 interactions, less one with a pact of one, divided by a hundred. So starting and ending
don't count there; they do where it says "from start to end".

**Ours** is `manage.py verify_pacts` as it is, on a Django project with the apps and middleware that `startproject`
gives, and one view (`benchmarks/project`); every interaction in a transaction that is rolled back. Its peers, each as
its users run it:

* **floor**: pact-python's verifier with the settings that verify_pacts gives it, against a server that does nothing but
  to answer. No verification of any provider costs less.
* **live server with flush**: what Django teams write by hand: test databases, Django's LiveServerThread, pact-python's
  own state handlers, and a `flush` before each state. The same project and the same view.
* **FastAPI with pact verifier**: a list in memory, under uvicorn, with a URL that sets states; `pact verifier` is the
  binary of pact-python-cli.

**A message** has the same provider state. Its producer reads the row and returns it, in place of a view. Its peer is
the interaction with a request, of the same project.

**300 migrations** are those of ten generated apps, beside Django's own. They create 50 tables, add fields, foreign keys
and indexes, change fields and insert rows. The peer is `manage.py test` of the same project with one empty test, as it
makes the same databases; both from start to end. A side has to prove how many migrations it has applied. Processor time
is that of all processes of a run, less that of the same run without the generated apps. A database server's own time is
not in it.

**A slow broker** is the tests' double, which takes 50 ms for each answer. What downloading and publishing cost is the
difference to a run with the same pacts in files. Its peer is the same run with one connection.

**Requests a second** are those of the example provider under gunicorn with two workers, with production's settings
and on SQLite, beside two FastAPI providers under uvicorn with two workers: one answers from memory, as PactFlow's
example does, and one reads the same table through SQLAlchemy. PactFlow's example has uvicorn without extras, and so
have they; a row of its own shows each with uvloop and httptools. All give the same bodies, write an access log, and
keep connections; a light client asks over 16 of them. Each of these ratios is ours divided by the peer's, so more is
better. They have no target: the example is plain Django REST Framework, which nothing bends for speed.

When verifying, on all sides usage tracking is off and proxies are not used for this machine. Certificates are loaded
for each interaction where the peer's users don't know to turn that off: the live server and FastAPI.
"""


def spread(floor: Sequence[float]) -> str:
    """How even the machine was: what the floor cost, measured again and again."""
    low, high = min(floor), max(floor)
    apart = f"{high / low:.2f} times the smallest" if low > 0 else "more than any multiple of the smallest"
    return (
        f"The machine's noise: the same measurement of the floor, {len(floor)} times over the run, gave from "
        f"{milliseconds([low])} to {milliseconds([high])} an interaction; the largest is {apart}, the "
        f"median {milliseconds(floor)}."
    )


def conclusion(rows: Sequence[Row]) -> str:
    """How many targets were met, for the line below the table."""
    left_out, aimed = sum(bool(row.not_run) for row in rows), [row for row in rows if row.target and not row.not_run]
    said = f"{sum(row.met for row in aimed)} of {len(aimed)} targets met"
    return f"{said}, {left_out} NOT RUN." if left_out else f"{said}."


def for_terminal(rows: Sequence[Row]) -> Table:
    table = Table(*HEADINGS)
    for row in rows:
        table.add_row(*_cells(row), style=None if row.met and not row.not_run else "bold red")
    return table


def page(rows: Sequence[Row], floor: Sequence[float]) -> str:
    """BENCHMARKS.md, whole."""
    lines = [HEADINGS, ["---"] * len(HEADINGS), *map(_cells, rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    rounds = max(len(row.ratios) for row in rows)
    when = f"{datetime.now(UTC):%Y-%m-%d}, up to {rounds} rounds, on {description()}."
    return f"{INTRO}\n{table}\n\n{conclusion(rows)} {spread(floor)}\n\n{when}\n"


def _cells(row: Row) -> list[str]:
    target = str(row.target or "")
    if row.not_run:
        return [row.what, "", "", "", "", target, row.verdict]
    over = f"{min(row.ratios):.2f} to {max(row.ratios):.2f}"
    return [row.what, *row.figures, f"{row.ratio:.2f}", over, target, row.verdict]
