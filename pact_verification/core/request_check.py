"""Compares the request that arrived with the pact's.

The core silently changes some requests. See docs/explanation/pact-core.md, Requests the core sends.
"""

import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Any
from urllib.parse import unquote_to_bytes

from pact_verification.pacts.interactions import read_query
from pact_verification.pacts.matching_rules import ANY, steps
from pact_verification.pacts.pact import Interaction, Request
from pact_verification.results.exchange import RecordedRequest
from pact_verification.results.secret_values import secret_names
from pact_verification.system.credentials import HIDDEN
from pact_verification.text import read_json

GENERATORS = {
    *("Date", "DateTime", "MockServerURL", "ProviderState", "RandomBoolean", "RandomDecimal", "RandomHexadecimal"),
    *("RandomInt", "RandomString", "Regex", "Time", "Uuid"),
}
"""The generator types of the specification. The core ignores other types and sends the example."""

SET_BY_CLIENT = {"connection", "content-length", "transfer-encoding"}
"""Headers, in lower case, that the core's HTTP client sets by itself."""

MAX_DIFFERENCES = 3
MAX_SHOWN_TEXT = 1000
"""The longest text to show. A message gives only the length of a longer one: masking can't find half a secret."""

COMMA_OR_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\s*,\s*')
VALUE_OF_STATE = re.compile(r"\$\{([^}]*)\}")

MISSING: Any = object()
"""Stands for a value that one side does not have."""

SECRET: Any = object()
"""Stands for a value that must not be shown."""


def find_differences(request: Request, arrived: RecordedRequest, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Compare the request that arrived with the pact's.

    Different encodings of a value are equal, such as %61 and a in a path. Values that a generator replaces are not
    compared. The exception is a path whose values all come from provider states.

    Args:
        arrived: the request before request filters changed it, with its target as the core sent it.
        values: the values that state handlers returned for the generators.

    Returns:
        A text for each difference, with the value that arrived and the pact's.
    """
    path, _, query = arrived.target.partition("?")
    expected_path = _path(request, values)
    wanted_path, _, query_in_path = (path if expected_path is None else expected_path).partition("?")
    texts = [f"{name} can't be sent, the pact says {_as_text(value)}" for name, value in request.unreadable.items()]
    if arrived.method != request.method.upper():
        texts.append(_difference("method", arrived.method, request.method))
    if path != wanted_path and _segments(path) != _segments(wanted_path):
        texts.append(_difference("path", path, wanted_path))
    if query or query_in_path or request.query:
        texts += _query(request, read_query(query), read_query(query_in_path))
    texts += _headers(request, arrived.headers)
    try:
        bodies = list(_body(request, arrived.body))
    except RecursionError:
        bodies = ["body is nested too deeply to be compared"]
    framing = [name for name in request.headers if name.lower() in {"content-length", "transfer-encoding"}]
    if bodies and framing:
        bodies[-1] += f" (the pact names {framing[0]}, which decides how much of the body arrives)"
    texts += bodies
    if len(texts) > MAX_DIFFERENCES:
        texts[MAX_DIFFERENCES:] = [f"and {len(texts) - MAX_DIFFERENCES} more"]
    return tuple(texts)


def wanted_values(interaction: Interaction) -> tuple[str, ...]:
    """Return the names of the provider states' values that the generators of a request use."""
    names: dict[str, None] = {}
    message = interaction.message_request
    for part, generators in (message.all_generators if message else interaction.request.generators).items():
        for generator in [generators] if part == "path" else generators.values():
            if isinstance(generator, Mapping) and generator.get("type") == "ProviderState":
                expression = str(generator.get("expression", ""))
                names |= dict.fromkeys(VALUE_OF_STATE.findall(expression) or [expression])
    return tuple(names)


def _path(request: Request, values: Mapping[str, Any]) -> str | None:
    """Return the path to expect, or None when only the core knows what its generator makes."""
    generator = request.generators.get("path", {})
    if not _is_known(generator):
        return request.path
    expression = str(generator.get("expression", ""))
    names = VALUE_OF_STATE.findall(expression)
    known = bool(names) and all(type(values.get(name)) in {int, str} for name in names)
    if generator["type"] != "ProviderState" or not known:
        return None
    return VALUE_OF_STATE.sub(lambda match: str(values[match[1]]), expression)


def _segments(path: str) -> list[bytes]:
    return [unquote_to_bytes(segment) for segment in path.removeprefix("/").split("/")]


def _query(
    request: Request, arrived: Mapping[str, Sequence[str]], in_path: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    generated = _generated(request, "query")
    for name in dict.fromkeys((*in_path, *request.query, *arrived)):
        wanted = [*in_path.get(name, ()), *request.query.get(name, ())]
        values = [*arrived.get(name, ())]
        if name not in generated and wanted != values:
            yield _difference(f"query parameter {name}", values or MISSING, wanted or MISSING, name)


def _headers(request: Request, arrived: Mapping[str, str]) -> Iterator[str]:
    """Compare only the headers that the pact names, since the core's HTTP client adds others."""
    for name, wanted in request.headers.items():
        value = arrived.get(name.title(), MISSING)
        if value == wanted or name.lower() in SET_BY_CLIENT:
            continue
        if name.lower() in {each.lower() for each in _generated(request, "header")}:
            continue
        sent = wanted.encode(errors="surrogatepass").decode("latin-1")  # WSGI decodes headers so
        if _without_optional_space("" if value is MISSING else value) != _without_optional_space(sent):
            yield _difference(f"header {name}", value, wanted, name)


def _without_optional_space(value: str) -> str:
    """Return a header's value without white space around it and around commas."""
    return COMMA_OR_QUOTED.sub(lambda match: match[0] if match[0][0] == '"' else ",", value.strip())


def _body(request: Request, arrived: bytes) -> Iterator[str]:
    wanted = request.body
    if wanted is None:
        if arrived not in {b"", b"null"}:
            yield _difference("body", _body_text(arrived), MISSING)
    elif isinstance(wanted, str):
        # Generators change parts of a form or of XML. Such a body is not compared at all.
        if not _generated(request, "body") and not _is_encoded(arrived, wanted):
            yield _difference("body", _body_text(arrived), wanted)
    else:
        try:
            document = read_json(arrived)
        except ValueError:
            yield _difference("body", _body_text(arrived), wanted)
        else:
            if document != wanted:
                yield from _json(document, wanted, [steps(path) for path in _generated(request, "body")], ())


def _is_encoded(arrived: bytes, wanted: str) -> bool:
    """Tell whether the bytes are the text itself, the text as a JSON string, or the text's decoded Base64."""
    if arrived == wanted.encode(errors="surrogatepass"):
        return True
    with suppress(ValueError):
        if arrived[:1] == b'"' and read_json(arrived) == wanted:
            return True
    with suppress(ValueError):
        return bool(arrived) and arrived == b64decode(wanted)
    return False


def _json(arrived: Any, wanted: Any, generated: Sequence[Sequence[str]], at: tuple[str, ...]) -> Iterator[str]:
    """Yield the differences of two JSON values, each with the innermost path that differs."""
    if arrived == wanted or any(_is_at(path, at) for path in generated):
        return
    if isinstance(arrived, Mapping) and isinstance(wanted, Mapping):
        for key in dict.fromkeys((*wanted, *arrived)):
            yield from _json(arrived.get(key, MISSING), wanted.get(key, MISSING), generated, (*at, str(key)))
    elif isinstance(arrived, list) and isinstance(wanted, list):
        for index, pair in enumerate(zip_longest(arrived, wanted, fillvalue=MISSING)):
            yield from _json(*pair, generated, (*at, str(index)))
    else:
        yield _difference(f"body {'.'.join(('$', *at))}", arrived, wanted, *at)


def _is_at(path: Sequence[str], at: Sequence[str]) -> bool:
    return len(path) == len(at) and all(step in {ANY, there} for step, there in zip(path, at, strict=True))


def _generated(request: Request, part: str) -> list[str]:
    return [name for name, generator in request.generators.get(part, {}).items() if _is_known(generator)]


def _is_known(generator: Any) -> bool:
    return isinstance(generator, Mapping) and generator.get("type") in GENERATORS


def _difference(what: str, arrived: Any, wanted: Any, *names: str) -> str:
    """Return a text with the value that arrived and the pact's.

    The text leaves out both values if one of the names is secret. Masking could not find them in a sentence.
    """
    if not secret_names().isdisjoint(map(str.lower, names)):
        arrived, wanted = (each if each is MISSING else SECRET for each in (arrived, wanted))
    says = "has none" if wanted is MISSING else f"says {_as_text(wanted)}"
    return f"{what} is {_as_text(arrived)}, the pact {says}"


def _as_text(value: Any) -> str:
    if value is MISSING or value is SECRET:
        return HIDDEN if value is SECRET else "missing"
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN_TEXT else f"a text of {len(text)} characters"


def _body_text(body: bytes) -> Any:
    return body.decode(errors="replace") if body else MISSING
