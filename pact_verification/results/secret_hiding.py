"""Hides secrets in values of any kind: texts, bodies, headers, and the fields of results."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

from pact_verification.pacts.matching_rules import steps
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.secret_search import ATOMS, may_hold_value, may_name_secret, secret_values_in
from pact_verification.results.secret_values import SHORTEST, looks_like_secret, without_secret_parts
from pact_verification.system.credentials import HIDDEN, SHORT, hide
from pact_verification.text import read_json, text_of

UNSEARCHABLE = "(it can't be searched for secrets)"
"""Replaces a value that is nested too deeply to be searched."""

MANY = 500
"""From so many secrets on, a text is not searched for one after the other."""

NAMES = {
    *(
        "comments",
        "consumer",
        "description",
        "detail",
        "file",
        "function",
        "handler",
        "id",
        "key",
        "kind",
        "location",
        "name",
    ),
    *("provider", "route", "rule", "rules", "source", "test_name", "view"),
}
"""Fields that name something. In other fields the text after a secret name is hidden: `token: sent again`."""

T = TypeVar("T")


class Mask:
    """Hides secrets in values of any kind. A value without a secret stays the same object.

    Args:
        spelt: the secrets to search for, in all their spellings.
        names: in lower case; every value beside one of them is secret.
    """

    def __init__(self, spelt: frozenset[str], names: frozenset[str]) -> None:
        self.spelt = spelt
        self.names = names
        self.shortest = [secret for secret in spelt if len(secret) < SHORTEST]
        self.lengths: dict[str, set[int]] = {}
        if len(spelt) > MANY:
            for secret in spelt:
                self.lengths.setdefault(secret[:SHORTEST], set()).add(len(secret))

    def is_secret(self, name: Any) -> bool:
        return str(name).lower() in self.names

    def hide(self, value: T) -> T:
        """Return the same value without secrets."""
        return self._hide(value)  # type: ignore[no-any-return]  # of the same type as it came

    def _hide(  # noqa: PLR0911  # one return for each kind of value
        self, value: Any, text: "Callable[[Mask, str], str] | None" = None
    ) -> Any:
        """Return the same value, each text changed by the given function; by default without secrets."""
        if isinstance(value, str):
            return text(self, value) if text else self._text(value)
        if not value or type(value) in ATOMS:
            return value
        if isinstance(value, tuple | list):
            hidden = [self._hide(member, text) for member in value]
            changed = any(after is not before for before, after in zip(value, hidden, strict=True))
            return type(value)(hidden) if changed else value
        if isinstance(value, bytes):
            return self._bytes(value)
        if isinstance(value, Mapping):
            return self._members(value, text)
        if isinstance(value, Mismatch):
            return self._mismatch(value)
        return self._fields(value, text) if is_dataclass(type(value)) else value

    def _members(self, value: Mapping[Any, Any], text: "Callable[[Mask, str], str] | None") -> Mapping[Any, Any]:
        hidden = {
            (self._search(key) if isinstance(key, str) else key): HIDDEN
            if member is not None and not text and self.is_secret(key)
            else self._hide(member, text)
            for key, member in value.items()
        }
        return value if hidden == value else hidden

    def _fields(self, value: Any, text: "Callable[[Mask, str], str] | None") -> Any:
        changed = {}
        for name, hide_field in _fields_of(value.__class__):
            before = getattr(value, name)
            if not before or type(before) in ATOMS:
                continue
            try:
                after = self._hide(before, text) if text else hide_field(self, before)
            except RecursionError:
                after = UNSEARCHABLE.encode() if isinstance(before, bytes) else UNSEARCHABLE
            if after is not before:
                changed[name] = after
        return replace(value, **changed) if changed else value

    def _text(self, text: str) -> str:
        text = self._search(text)
        if not may_hold_value(text):
            return text
        shown, kept = [], 0
        for _, start, end in secret_values_in(text, self.names):
            shown += [text[kept:start], HIDDEN]
            kept = end
        return "".join([*shown, text[kept:]]) if shown else text

    def _naming(self, value: Any) -> Any:
        return self._hide(value, Mask._name)

    def _name(self, text: str) -> str:
        """Hide less in a text that names something: beside a secret name only words that look like secrets."""
        text = self._search(text)
        if not may_hold_value(text):
            return text
        shown, kept = [], 0
        for _, start, end in secret_values_in(text, self.names):
            word = ANYTHING if text[start - 1] in {'"', "'"} else WORD
            shown += [text[kept:start], word.sub(_hidden_if_secret, text[start:end])]
            kept = end
        return "".join([*shown, text[kept:]]) if shown else text

    def _search(self, text: str) -> str:
        """Hide the secrets in a text. With many, compare each place in the text with those that begin alike."""
        if not self.lengths:
            for secret in self.spelt:
                if secret in text:
                    return hide(text, self.spelt)
            return text
        text = hide(text, self.shortest)
        shown, kept = [], 0
        for start, end in self._places(text):
            if end > kept:
                shown += [text[kept:start], HIDDEN if start >= kept else ""]
                kept = end
        return "".join([*shown, text[kept:]]) if shown else text

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        for start in range(len(text)):
            for length in self.lengths.get(text[start : start + SHORTEST], ()):
                end = start + length
                around = text[max(0, start - 1) : start] + text[end : end + 1]
                if text[start:end] in self.spelt and (length >= SHORT or not WORD_CHARACTER.search(around)):
                    yield start, end

    def _headers(self, headers: Any) -> Any:
        if not isinstance(headers, dict):  # the diff has a field of this name too
            return self._hide(headers)
        if self.names.isdisjoint(map(str.lower, headers)):
            values = "\n".join(map(str, headers.values()))
            if not self._may_hold_secrets(values) and self._search(names := "\n".join(headers)) is names:
                return headers
        hidden = {
            self._search(name): (
                self._hide(value)
                if name.lower() not in self.names
                else self._search(without_secret_parts(name, value))
                if isinstance(value, str)
                else HIDDEN
            )
            for name, value in headers.items()
        }
        return headers if hidden == headers else hidden

    def _mismatch(self, mismatch: Mismatch) -> Mismatch:
        """Hide the values of a secret header or member, and replace the core's sentence, which may quote them."""
        expected, actual, message = mismatch.expected, mismatch.actual, mismatch.message
        if self.is_secret(mismatch.path) or any(map(self.is_secret, map(_local, steps(mismatch.path)))):
            header = mismatch.path if mismatch.part == "header" else ""
            expected, actual = (
                value and self._search(without_secret_parts(header, str(value)) if header else HIDDEN)
                for value in (expected, actual)
            )
            message = f"Expected {_side(expected)} but received {_side(actual)}"
        else:
            expected, actual, message = map(self._hide, (expected, actual, message))
        return replace(
            mismatch,
            path=self._search(mismatch.path),
            expected=expected,
            actual=actual,
            message=message,
            rule=self._hide(mismatch.rule),
        )

    def _body(self, body: Any) -> Any:
        if isinstance(body, bytes):
            return self._bytes(body)
        if body is None or (not isinstance(body, str) and not self._may_hold_secrets(json.dumps(body))):
            return body
        return self._hide(body)

    def _bytes(self, body: bytes) -> bytes:
        if not self._may_hold_secrets(text := text_of(body)):
            return body
        with suppress(ValueError):
            document = read_json(body)
            masked = self._hide(document)
            return body if masked == document else json.dumps(masked, ensure_ascii=False).encode(errors="surrogatepass")
        if b"\0" in body and text != body.decode(errors="replace"):  # UTF-16 or UTF-32
            masked = self._text(text)
            return body if masked == text else masked.encode()
        return self._text(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def _may_hold_secrets(self, text: str) -> bool:
        """Tell quickly whether a text may hold secrets. Most large ones don't."""
        return self._search(text) is not text or may_name_secret(text, self.names)


BY_FIELD = {
    "body": Mask._body,
    "code": Mask._search,  # in code, the text after a name is an expression
    "headers": Mask._headers,
    **dict.fromkeys(NAMES, Mask._naming),
}


@lru_cache
def _fields_of(kind: type) -> tuple[tuple[str, Callable[[Mask, Any], Any]], ...]:
    """Return the fields of a dataclass, each with the method that hides its secrets."""
    return tuple((field.name, BY_FIELD.get(field.name, Mask._hide)) for field in fields(kind))


WORD = re.compile(r"[^\s.,:;!?]+(?:[.,:;!?]+[^\s.,:;!?]+)*+")
ANYTHING, WORD_CHARACTER = re.compile(r".+", re.DOTALL), re.compile(r"\w")


def _hidden_if_secret(found: re.Match[str]) -> str:
    return HIDDEN if looks_like_secret(found[0]) else found[0]


def _side(value: str | None) -> str:
    if not value:
        return "nothing"
    return value if value.startswith('"') else f"'{value}'"


def _local(step: str) -> str:
    """Return a step of a path without XML's `@` and namespace prefix."""
    return step.removeprefix("@").rpartition(":")[2]
