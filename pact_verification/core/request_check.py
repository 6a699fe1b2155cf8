"""Comparing the request that arrived with the pact's.

The core changes some requests without a message.

See docs/pact-core.md, Requests the core sends.
"""

import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Any
from urllib.parse import unquote_to_bytes

from pact_verification.credentials import HIDDEN
from pact_verification.pacts.interactions import read_query
from pact_verification.pacts.matching_rules import ANY, steps
from pact_verification.pacts.pact import Request
from pact_verification.results.exchange import RecordedRequest
from pact_verification.results.secret_values import secret_names
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
"""The longest text that is shown. A longer one is left out: masking would not recognise half a secret."""

COMMA_OR_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\s*,\s*')
VALUE_OF_STATE = re.compile(r"\$\{([^}]*)\}")

MISSING: Any = object()
SECRET: Any = object()


def find_differences(request: Request, arrived: RecordedRequest, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Compare the request that arrived with the pact's.

    Two spellings of one value are equal.

    A part that a generator replaces is not compared, except a path that is made of provider states' values.

    Args:
        arrived: the request before request filters, with its target as it was sent.
        values: the values that provider states gave to the generators.

    Returns:
        A text for each difference, with both sides.
    """
    path, _, query = arrived.target.partition("?")
    generated_path = _path(request, values)
    wanted_path, _, more_query = (path if generated_path is None else generated_path).partition("?")
    texts = [f"{name} can't be sent, the pact says {_shown(value)}" for name, value in request.unreadable.items()]
    if arrived.method != request.method.upper():
        texts.append(_both("method", arrived.method, request.method))
    if path != wanted_path and _segments(path) != _segments(wanted_path):
        texts.append(_both("path", path, wanted_path))
    if query or more_query or request.query:
        texts += _query(request, read_query(query), read_query(more_query))
    texts += _headers(request, arrived.headers)
    try:
        bodies = list(_body(request, arrived.body))
    except RecursionError:
        bodies = ["body is nested too deeply to be compared"]
    if bodies and (
        ends := [name for name in request.headers if name.lower() in {"content-length", "transfer-encoding"}]
    ):
        bodies[-1] += f" (the pact names {ends[0]}, which decides how much of it arrives)"
    texts += bodies
    if len(texts) > MAX_DIFFERENCES:
        texts[MAX_DIFFERENCES:] = [f"and {len(texts) - MAX_DIFFERENCES} more"]
    return tuple(texts)


def wanted_values(request: Request) -> tuple[str, ...]:
    """Return the names of the values that the request's generators use."""
    names: dict[str, None] = {}
    for part, generators in request.generators.items():
        for generator in [generators] if part == "path" else generators.values():
            if isinstance(generator, Mapping) and generator.get("type") == "ProviderState":
                expression = str(generator.get("expression", ""))
                names |= dict.fromkeys(VALUE_OF_STATE.findall(expression) or [expression])
    return tuple(names)


def _path(request: Request, values: Mapping[str, Any]) -> str | None:
    """Return the path that the generator makes, or None when only the core knows it."""
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


def _query(request: Request, came: Mapping[str, Sequence[str]], in_path: Mapping[str, Sequence[str]]) -> Iterator[str]:
    generated = _generated(request, "query")
    for name in dict.fromkeys((*in_path, *request.query, *came)):
        wanted = [*in_path.get(name, ()), *request.query.get(name, ())]
        arrived = [*came.get(name, ())]
        if name not in generated and wanted != arrived:
            yield _both(f"query parameter {name}", arrived or MISSING, wanted or MISSING, name)


def _headers(request: Request, came: Mapping[str, str]) -> Iterator[str]:
    """Compare the headers that the pact names. The core's HTTP client adds others."""
    for name, value in request.headers.items():
        arrived = came.get(name.title(), MISSING)
        if arrived == value or name.lower() in SET_BY_CLIENT:
            continue
        if name.lower() in {each.lower() for each in _generated(request, "header")}:
            continue
        sent = value.encode(errors="surrogatepass").decode("latin-1")  # as WSGI has it
        if _normal("" if arrived is MISSING else arrived) != _normal(sent):
            yield _both(f"header {name}", arrived, value, name)


def _normal(value: str) -> str:
    """Return a header's value without white space around it and around commas."""
    return COMMA_OR_QUOTED.sub(lambda match: match[0] if match[0][0] == '"' else ",", value.strip())


def _body(request: Request, came: bytes) -> Iterator[str]:
    wanted = request.body
    if wanted is None:
        if came not in {b"", b"null"}:
            yield _both("body", _text(came), MISSING)
    elif isinstance(wanted, str):
        # The core applies the generators of a form or of XML, which are not compared.
        if not _generated(request, "body") and not _encodes(came, wanted):
            yield _both("body", _text(came), wanted)
    else:
        try:
            document = read_json(came)
        except ValueError:
            yield _both("body", _text(came), wanted)
        else:
            if document != wanted:
                yield from _json(document, wanted, [steps(path) for path in _generated(request, "body")], ())


def _encodes(came: bytes, wanted: str) -> bool:
    """Tell whether the bytes are a text, its JSON, or what it holds in Base64."""
    if came == wanted.encode(errors="surrogatepass"):
        return True
    with suppress(ValueError):
        if came[:1] == b'"' and read_json(came) == wanted:
            return True
    with suppress(ValueError):
        return bool(came) and came == b64decode(wanted)
    return False


def _json(came: Any, wanted: Any, generated: Sequence[Sequence[str]], at: tuple[str, ...]) -> Iterator[str]:
    """Yield the differences of two JSON values, each at its innermost place."""
    if came == wanted or any(_leads_to(path, at) for path in generated):
        return
    if isinstance(came, Mapping) and isinstance(wanted, Mapping):
        for key in dict.fromkeys((*wanted, *came)):
            yield from _json(came.get(key, MISSING), wanted.get(key, MISSING), generated, (*at, str(key)))
    elif isinstance(came, list) and isinstance(wanted, list):
        for index, pair in enumerate(zip_longest(came, wanted, fillvalue=MISSING)):
            yield from _json(*pair, generated, (*at, str(index)))
    else:
        yield _both(f"body {'.'.join(('$', *at))}", came, wanted, *at)


def _leads_to(path: Sequence[str], at: Sequence[str]) -> bool:
    return len(path) == len(at) and all(step in {ANY, there} for step, there in zip(path, at, strict=True))


def _generated(request: Request, part: str) -> list[str]:
    return [name for name, generator in request.generators.get(part, {}).items() if _is_known(generator)]


def _is_known(generator: Any) -> bool:
    return isinstance(generator, Mapping) and generator.get("type") in GENERATORS


def _both(what: str, came: Any, wanted: Any, *names: str) -> str:
    """Return a text with both sides, or without the values where a name is secret.

    Masking can't find a secret value in a sentence, so it is left out here.
    """
    if not secret_names().isdisjoint(map(str.lower, names)):
        came, wanted = (each if each is MISSING else SECRET for each in (came, wanted))
    says = "has none" if wanted is MISSING else f"says {_shown(wanted)}"
    return f"{what} is {_shown(came)}, the pact {says}"


def _shown(value: Any) -> str:
    if value is MISSING or value is SECRET:
        return HIDDEN if value is SECRET else "missing"
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN_TEXT else f"a text of {len(text)} characters"


def _text(body: bytes) -> Any:
    return body.decode(errors="replace") if body else MISSING
