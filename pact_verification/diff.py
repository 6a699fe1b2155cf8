"""A response beside what the pact expects of it, as lines of a diff.

What a matching rule allows is no difference, so the lines follow the core's mismatches, not the texts: a value that
differs and may is shown as it came.
"""

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import responses
from typing import Any

from pact_verification.matching_rules import steps
from pact_verification.results import InteractionResult, Mismatch
from pact_verification.text import read_json

SAME, EXPECTED, CAME, NOTE = " ", "-", "+", "!"
CONTEXT = 3

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a diff.

    Attributes:
        sign: SAME; EXPECTED and did not come; CAME and was not expected; NOTE for a place that is not as it should be.
        note: what the core says of it, with the path and the matching rule.
    """

    sign: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Diff:
    """A response's status, headers (those that the pact names) and body."""

    status: tuple[Line, ...] = ()
    headers: tuple[Line, ...] = ()
    body: tuple[Line, ...] = ()

    def parts(self) -> Iterator[tuple[str, tuple[Line, ...]]]:
        """The parts that have lines, each with its name."""
        for name in ("status", "headers", "body"):
            if lines := getattr(self, name):
                yield name, lines


def response_diff(result: InteractionResult) -> Diff:
    """The diff of an interaction's response; empty when none came."""
    response = result.exchange.response
    if response is None:
        return Diff()
    by_part: dict[str, list[Mismatch]] = {"status": [], "header": [], "body": []}
    others: list[Mismatch] = []
    for mismatch in result.mismatches:
        by_part.get(mismatch.part, others).append(mismatch)
    told = [Line(NOTE, each.where, each.message) for each in others]
    try:
        body = list(_body(result, by_part["body"], compared=not others))
    except RecursionError:  # nested too deeply to be laid out
        told += [Line(NOTE, each.where, note(each)) for each in by_part["body"]]
        body = [Line(SAME, response.body.decode(errors="replace"))]
    status, headers = _status(result, by_part["status"]), _headers(result, by_part["header"])
    return Diff(tuple(status), tuple(headers), (*told, *body))


def shortened(lines: Sequence[Line], context: int = CONTEXT) -> Iterator[Line | int]:
    """The lines that differ, with some around them. In place of those that are left out comes their number."""
    marked = [number for number, line in enumerate(lines) if line.sign != SAME]
    kept = {near for number in marked for near in range(number - context, number + context + 1)}
    left_out = 0
    for number, line in enumerate(lines):
        if number in kept or not marked:
            if left_out:
                yield left_out
            left_out = 0
            yield line
        else:
            left_out += 1
    if left_out:
        yield left_out


def note(*mismatches: Mismatch) -> str:
    """What is wrong at a place, and by which rule; where no rule is named it has to be equal."""
    texts = [f"{each.message} (rule: {each.rule})" if each.rule else each.message for each in mismatches]
    place = f"{mismatches[0].path or '$'}: " if mismatches and mismatches[0].part == "body" else ""
    return place + "; ".join(texts) if texts else ""


def _status(result: InteractionResult, mismatches: Sequence[Mismatch]) -> Iterator[Line]:
    assert result.exchange.response
    came = result.exchange.response.headline
    if not mismatches:
        yield Line(SAME, came)
        return
    expected = result.interaction.expected.status
    yield Line(
        EXPECTED, f"{expected} {responses.get(expected, '')}".rstrip(), mismatches[0].rule and note(mismatches[0])
    )
    yield Line(CAME, came)


def _headers(result: InteractionResult, mismatches: Sequence[Mismatch]) -> Iterator[Line]:
    assert result.exchange.response
    came = {name.lower(): value for name, value in result.exchange.response.headers.items()}
    wrong = {mismatch.path.lower(): mismatch for mismatch in mismatches}
    for name, expected in result.interaction.expected.headers.items():
        value = came.get(name.lower())
        if mismatch := wrong.pop(name.lower(), None):
            yield Line(EXPECTED, f"{name}: {expected}", note(mismatch))
            if value is not None:
                yield Line(CAME, f"{name}: {value}")
        else:
            yield Line(SAME, f"{name}: {value if value is not None else expected}")
    yield from (Line(NOTE, mismatch.path, note(mismatch)) for mismatch in wrong.values())


def _body(result: InteractionResult, mismatches: Sequence[Mismatch], compared: bool) -> Iterator[Line]:
    assert result.exchange.response
    body, expected = result.exchange.response.body, result.interaction.expected.body
    try:
        came = read_json(body)
    except ValueError:
        text = body.decode(errors="replace")
        if not (mismatches and compared):
            yield from (Line(SAME, line) for line in text.splitlines())
            return
        yield from (Line(NOTE, each.where, note(each)) for each in mismatches)
        yield from _text_diff(expected if isinstance(expected, str) else _pretty(expected), text)
        return
    writer = _JSONDiff(mismatches)
    lines = list(writer.value(came, expected, (), ""))
    for mismatch in writer.left():  # first, where nobody can miss it
        yield Line(NOTE, mismatch.where, note(mismatch))
    yield from lines


def _text_diff(expected: str, came: str) -> Iterator[Line]:
    for line in difflib.ndiff(expected.splitlines(), came.splitlines()):
        if line[0] in {SAME, EXPECTED, CAME}:
            yield Line(line[0], line[2:])


def _pretty(value: Any) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)


class _JSONDiff:
    """Writes the JSON that came, with the core's mismatches at their places."""

    def __init__(self, mismatches: Sequence[Mismatch]) -> None:
        self.waiting: dict[Path, list[Mismatch]] = {}
        for mismatch in mismatches:
            self.waiting.setdefault(steps(mismatch.path), []).append(mismatch)

    def left(self) -> list[Mismatch]:
        """Those whose place was not found."""
        return [mismatch for waiting in self.waiting.values() for mismatch in waiting]

    def value(self, came: Any, expected: Any, path: Path, before: str, after: str = "") -> Iterator[Line]:
        """The lines of a value.

        Args:
            before: the indentation, and the key where the value is a member's.
            after: a comma, or nothing.
        """
        mismatches = self.waiting.pop(path, [])
        told = note(*mismatches)
        alike = isinstance(came, dict | list) and type(came) is type(expected)
        if not alike and mismatches:
            yield from _lines(EXPECTED, before, expected, after, told)
            yield from _lines(CAME, before, came, after)
        elif not isinstance(came, dict | list) or not came:
            yield from _lines(NOTE if told else SAME, before, came, after, told)
            yield from self._missing(came, expected, _indented(before) + "  ") if told else ()
        else:
            opening, closing = "{}" if isinstance(came, dict) else "[]"
            yield Line(NOTE if told else SAME, before + opening, told)
            known = expected if alike else type(came)()
            yield from self._members(came, known, path, _indented(before) + "  ", whole=not told)
            yield Line(SAME, f"{_indented(before)}{closing}{after}")

    def _members(self, came: Any, expected: Any, path: Path, indent: str, *, whole: bool) -> Iterator[Line]:
        """What is in an object or an array. Of one that is not `whole`, what is missing or too many is told."""
        named = isinstance(came, dict)
        keys: list[Any] = list(came) if named else list(range(len(came)))
        known = expected if named else range(len(expected))
        for key in keys:
            before = f"{indent}{_key(key)}"
            after = "," if key != keys[-1] else ""
            if key not in known and not named and not whole:
                yield from _lines(CAME, before, came[key], after)
                continue
            example = expected[key] if key in known else None if named or not expected else expected[0]
            yield from self.value(came[key], example, (*path, str(key)), before, after)
        if not whole:
            yield from self._missing(came, expected, indent)

    @staticmethod
    def _missing(came: Any, expected: Any, indent: str) -> Iterator[Line]:
        there = came if isinstance(came, dict) else range(len(came))
        for key in expected if isinstance(expected, dict) else range(len(expected)):
            if key not in there:
                yield from _lines(EXPECTED, f"{indent}{_key(key)}", expected[key], "")


def _key(key: str | int) -> str:
    return f"{json.dumps(key, ensure_ascii=False)}: " if isinstance(key, str) else ""


def _indented(before: str) -> str:
    return " " * (len(before) - len(before.lstrip(" ")))


def _lines(sign: str, before: str, value: Any, after: str, told: str = "") -> Iterator[Line]:
    first, *others = json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    texts = [before + first, *(_indented(before) + other for other in others)]
    for number, text in enumerate(texts):
        yield Line(sign, text + (after if number == len(texts) - 1 else ""), "" if number else told)
