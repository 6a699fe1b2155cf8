"""What making the test databases of a project with 300 migrations costs, beside `manage.py test` of the same project.

SQLite's test databases are in memory by default, and `manage.py test --keepdb` keeps none of those. So TEST["NAME"]
names a file where both sides keep their databases.
"""

import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.generated_apps import MIGRATIONS, write_apps
from benchmarks.machine import drop_databases, postgresql
from benchmarks.measure import AtMost, Row, Side, Target, Tell, milliseconds, ratios, take_turns
from benchmarks.pact_files import Pacts, write_pact, write_pacts
from benchmarks.recorder import take_record
from benchmarks.sides import DjangoTest, NotVerifiedError, ours
from benchmarks.verifying import LONG_ROUNDS

WORKERS = 4
RECORDER = "benchmarks.recorder.Recorder"


@dataclass(frozen=True, slots=True)
class Project:
    """The project of `benchmarks.project` with generated apps, in a folder and on databases of its own.

    Attributes:
        folder: where its commands run.
        pact: of three interactions.
        pacts: one for each worker. The workers share the pacts, so a run of one pact has one worker.
        variables: of the environment. They name the database and the apps.
    """

    folder: Path
    pact: Pacts
    pacts: Pacts
    variables: dict[str, str]

    def having(self, **variables: str) -> "Project":
        return replace(self, variables=self.variables | variables)

    def verification(self, *options: str, migrations: int = MIGRATIONS) -> Side:
        """`manage.py verify_pacts`. It has to apply this many migrations to each database that it does not copy."""
        return self._proven(lambda: ours(*options, **self.variables).verify(self.pact), migrations)

    def test(self, *options: str, migrations: int = MIGRATIONS) -> Side:
        """`manage.py test` with one empty test. It has to apply this many migrations."""
        return self._proven(lambda: DjangoTest(options, self.variables).run(self.folder), migrations)

    def cost_of_migrating(self, workers: int) -> Side:
        """What the migrations add to a run's processor time: the time of the same run without them is taken off."""
        with_apps, without = replace(self, pact=self.pacts), replace(self, pact=self.pacts).having(BENCH_APPS=RECORDER)
        option = f"--parallel={workers}"

        def cost() -> float:
            return processor_seconds(with_apps.verification(option)) - processor_seconds(
                without.verification(option, migrations=0)
            )

        return cost

    def _proven(self, side: Side, migrations: int) -> Side:
        """Return a side that raises NotVerifiedError if it has applied another number of migrations."""

        def run() -> float:
            take_record(self.folder)
            took = side()
            applied = take_record(self.folder)
            if not set(applied) <= {0, migrations} or sum(applied) < migrations:
                raise NotVerifiedError(f"A run applied {applied} migrations of the generated apps, not {migrations}.")
            return took

        return run


@contextmanager
def project(database_url: str | None = None) -> Iterator[Project]:
    """Write the project into a temporary folder.

    Args:
        database_url: by default of a file in the folder, for SQLite.
    """
    with TemporaryDirectory(prefix="bench") as name:
        folder = Path(name)
        variables = {
            "DATABASE_URL": database_url or f"sqlite:///{folder}/db.sqlite3",
            "BENCH_APPS": ",".join([RECORDER, *write_apps(folder)]),
        }
        pacts = write_pacts(folder / "pacts", pacts=WORKERS, interactions=1, consumers=1)
        yield Project(folder, write_pact(folder / "pact.json", 3), pacts, variables)


def rows(rounds: int, tell: Tell) -> list[Row]:
    """All of them, on SQLite and on PostgreSQL."""
    with project() as given:
        in_file = given.having(BENCH_TEST_NAME=f"{given.folder}/test.sqlite3")
        on_sqlite = [kept(in_file, "SQLite", rounds, tell), *made(given, "SQLite", rounds, tell)]
    server = postgresql()
    if not server:
        return on_sqlite + [
            Row.left_out(row.what.replace("SQLite", "PostgreSQL"), "no PostgreSQL answers", row.target)
            for row in on_sqlite
        ]
    try:
        with project(server.url) as given:
            on_postgresql = [kept(given, "PostgreSQL", rounds, tell), *made(given, "PostgreSQL", rounds, tell)]
    finally:
        drop_databases(server)
    return on_sqlite + on_postgresql


def kept(given: Project, database: str, rounds: int, tell: Tell) -> Row:
    """The second run, where both sides keep their databases."""
    tell(f"{MIGRATIONS} migrations on {database}: the first runs")
    given.verification("--keepdb")()
    given.test("--keepdb")()
    sides = {
        "verify_pacts --keepdb": given.verification("--keepdb", migrations=0),
        "manage.py test --keepdb": given.test("--keepdb", migrations=0),
    }
    ours, peer = take_turns(sides, rounds, tell, warm_up=False).values()
    return _cost(f"second run with --keepdb, on {database}: ours / manage.py test --keepdb", ours, peer, AtMost(1.3))


def made(given: Project, database: str, rounds: int, tell: Tell) -> list[Row]:
    """The first run, with databases that are kept and not, and the processor time of several workers."""
    sides = {
        "verify_pacts": given.verification(),
        "verify_pacts --keepdb --create-db": given.verification("--keepdb", "--create-db"),
        "manage.py test": given.test(),
        "--parallel 4": given.cost_of_migrating(WORKERS),
        "--parallel 1": given.cost_of_migrating(1),
    }
    once, to_keep, peer, workers, one = take_turns(sides, min(rounds, LONG_ROUNDS), tell, warm_up=False).values()
    return [
        _cost(f"first run, on {database}: ours / manage.py test", once, peer, AtMost(1.1)),
        # Without a target: it copies the databases, which manage.py test does not.
        _cost(f"first run with --keepdb, on {database}: ours / manage.py test", to_keep, peer),
        _cost(
            f"processor time for making databases, on {database}: --parallel {WORKERS} / --parallel 1",
            workers,
            one,
            AtMost(1.3),
        ),
    ]


def processor_seconds(side: Side) -> float:
    """Run a side, and return the processor time of its processes. A database server's is not in it."""

    def so_far() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = so_far()
    side()
    return so_far() - before


def _cost(what: str, ours: Sequence[float], peer: Sequence[float], target: Target | None = None) -> Row:
    return Row(f"{MIGRATIONS} migrations, {what}", (milliseconds(ours), milliseconds(peer)), ratios(ours, peer), target)
