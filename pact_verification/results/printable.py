"""Spells out the characters of results that a terminal or a browser obeys, before a person reads them.

Every output for people renders values that passed `printable_values`. Formats for programs escape by themselves.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

from pact_verification.pacts.pact import Request
from pact_verification.text import described_binary, printable, printable_lines

ONE_LINE = {
    *("branch", "broker", "code", "consumer", "consumer_version", "description", "file", "function", "handler", "key"),
    *("log", "method", "name", "nowhere", "part", "path", "provider", "reason", "rerun", "route", "source", "target"),
    *("subjects", "test_name", "text", "title", "url", "version", "view"),
    *("changes", "detail", "fields", "members", "needed", "operation", "unneeded", "unseen"),  # of an Impact
}
"""Fields whose text is a line, so that line ends are spelled out too."""

REPRESENTED = {"params", "values"}
"""Fields with JSON values that are shown as Python's `repr`, which spells them out itself."""

NOT_SHOWN = {"actual", "arrived", "content", "expected"}
"""Fields that no output for people reads as they are."""

WITHOUT_TEXT = {int, float, bool}

T = TypeVar("T")


def printable_values(value: T) -> T:
    """Return the same value with every text spelled out. A printable value stays the same object."""
    return _printable(value, one_line=False)  # type: ignore[no-any-return]  # of the same type as it came


def _printable(value: Any, *, one_line: bool) -> Any:
    if isinstance(value, str):
        return value if value.isprintable() else printable(value) if one_line else printable_lines(value)
    if not value or isinstance(value, Request):  # reports show the request that was sent, not the pact's
        return value
    if isinstance(value, bytes):
        return _printable_body(value)
    if isinstance(value, tuple | list):
        members = [_printable(member, one_line=one_line) for member in value]
        changed = any(after is not before for before, after in zip(value, members, strict=True))
        return type(value)(members) if changed else value
    if isinstance(value, Mapping):
        return {printable(str(name)): _printable(member, one_line=one_line) for name, member in value.items()}
    return _printable_fields(value) if is_dataclass(value) else value


def _printable_body(body: bytes) -> bytes:
    """Return a body as UTF-8 whose characters are printable. CR LF is a line end too. A binary one is described."""
    if binary := described_binary(body):
        return binary.encode()
    text = body.decode(errors="replace")
    return body if text.isprintable() else printable_lines(text.replace("\r\n", "\n")).encode()


def _printable_fields(value: Any) -> Any:
    changed = {}
    for name, one_line in _shown_fields(value.__class__):
        before = getattr(value, name)
        if not before or type(before) in WITHOUT_TEXT:
            continue
        if name in REPRESENTED:
            after: Any = {printable(str(key)): member for key, member in before.items()}
        else:
            after = _printable(before, one_line=one_line)
        if after is not before:
            changed[name] = after
    return replace(value, **changed) if changed else value


@lru_cache
def _shown_fields(kind: type) -> tuple[tuple[str, bool], ...]:
    """Return the fields of a dataclass that outputs for people read, and whether each is one line."""
    return tuple((field.name, field.name in ONE_LINE) for field in fields(kind) if field.name not in NOT_SHOWN)
