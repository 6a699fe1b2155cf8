"""Finding the impact of changes, after a verification."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from pact_verification.core.engine import Engine, running_engine
from pact_verification.errors import CannotVerify
from pact_verification.impact.asking import Core
from pact_verification.impact.finding import Verified, find_verified, judge_changes
from pact_verification.impact.needs import operations_of, serializers_of, strengths_of
from pact_verification.impact.planning import Planned, find_plan, in_operation, unsearched
from pact_verification.pacts.pact import Pact
from pact_verification.results.impact import Impact
from pact_verification.results.report import InteractionResult, Report
from pact_verification.system import clock

MAX_ENGINES = 8
"""The most verifier processes. More would wait for the static server, which is one thread."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the contracts.

    Attributes:
        planned: the members that shall be removed or renamed; without any, all members are tried.
        operation: GET /products/{id}, if only its responses are meant.
        serializers: whether the fields of serializers are wanted too.
    """

    planned: tuple[Planned, ...] = ()
    operation: str | None = None
    serializers: bool = False


@contextmanager
def running_engines(first: Engine, number: int) -> Iterator[list[Engine]]:
    """Start more verifier processes beside the first one, and end them with the block."""
    with ExitStack() as cleanup:
        others = [cleanup.enter_context(running_engine()) for _ in range(min(number, MAX_ENGINES) - 1)]
        for engine in others:
            engine.start()
        yield [first, *others]


def find_impact(report: Report, pacts: Sequence[Pact], core: Core, question: Question) -> Impact:
    """Ask the Pact core what else it would have accepted.

    Args:
        report: the verification, with the answers that it has kept.
        pacts: those of the run, with their content.

    Raises:
        CannotVerify: the question is about a member or operation that no verified response has, or about nothing.
    """
    start = clock.seconds()
    verified = list(find_verified(pacts, report.pacts))
    without_answers = replace(
        report,
        pacts=tuple(
            replace(result, interactions=tuple(map(_without_answers, result.interactions))) for result in report.pacts
        ),
    )
    if verified:
        impact = _impact(core, verified, question, without_answers)
    elif question.planned and report.interactions and report.exit_code == 0:
        raise CannotVerify("No interaction was verified, so nothing can be said of the planned change.")
    else:
        impact = Impact(without_answers)
    return replace(impact, seconds=clock.seconds() - start)


def _without_answers(result: InteractionResult) -> InteractionResult:
    return replace(result, answers=(), secret_members=())


def _impact(core: Core, verified: Sequence[Verified], question: Question, report: Report) -> Impact:
    if question.operation is not None:
        verified = in_operation(verified, question.operation)
    if question.planned:
        plan, left_out = find_plan(core, verified, question.planned, question.operation)
        note = unsearched(verified, question.planned)
        noted = replace(report, notes=(*report.notes, note)) if note else report
        return Impact(noted, plan=plan, left_out=tuple(left_out))
    judged, left_out = judge_changes(core, verified)
    operations = operations_of(judged)
    serializers = serializers_of(operations, verified) if question.serializers else None
    problems = dict.fromkeys(f"{each.title}: {each.serialized.problem}" for each in verified if each.serialized.problem)
    report = replace(report, notes=(*report.notes, *problems))
    changes = sum(each.changes for each in judged)
    return Impact(report, operations, strengths_of(judged), tuple(left_out), serializers, changes=changes)
