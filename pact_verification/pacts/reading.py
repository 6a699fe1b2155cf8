"""Reading pact documents of the specification V1 to V4."""

import json
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from pact_verification.errors import UnreadablePact
from pact_verification.pacts.interactions import read_interaction, read_message
from pact_verification.pacts.pact import UNKNOWN_CONSUMER, UNREADABLE, Interaction, Pact
from pact_verification.pacts.plugins import missing_plugin, named_plugin, needs_plugins
from pact_verification.pacts.schema import MESSAGE, Misshapen, check, shown

KEY_LENGTH = 10

TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)
"""JSON's strings, and where its objects and lists begin and end."""


def read_pact(path: Path, source: str | None = None, *, provider: str | None = None) -> Pact | None:
    """Read a pact file.

    Args:
        path: a JSON file.
        source: names the pact to a person. By default the path.
        provider: of another provider's pact, only the names are read.

    Returns:
        The pact, or None when the file holds JSON that is no pact.

    Raises:
        UnreadablePact: the file can't be read, isn't JSON, or is a pact with parts of the wrong shape.
    """
    source = source or str(path)
    try:
        if path.exists() and not path.is_file():
            raise UnreadablePact(f"{source} can't be read: it is not a regular file.")
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise UnreadablePact(f"{source} can't be read: {reason}.") from error
    return parse_pact(content, source, provider=provider)


def parse_pact(content: bytes, source: str, *, provider: str | None = None) -> Pact | None:
    """Read a pact from its bytes.

    Arguments, result and errors are those of `read_pact`.
    """
    repeated: list[str] = []

    def to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            repeated.extend(name for name, number in Counter(name for name, _ in pairs).items() if number > 1)
        return members

    try:
        document = json.loads(content.decode(), object_pairs_hook=to_object)
    except (ValueError, RecursionError) as error:
        bom = content.startswith(BOM_UTF8)
        reason = "it begins with a byte order mark, which JSON has not" if bom else f"it is not JSON: {error}"
        raise UnreadablePact(f"{source} can't be read: {reason}.") from error
    if not isinstance(document, dict) or not {"consumer", "provider"} <= document.keys():
        for role in ("consumer", "provider"):
            if isinstance(document, dict) and role in document and "interactions" in document:
                other = "provider" if role == "consumer" else "consumer"
                raise UnreadablePact(f"{source}: it has a {role} and interactions, and no {other}.")
        return None
    consumer, named = (_pacticipant(document, role, source) for role in ("consumer", "provider"))
    if provider is not None and named != provider:
        return Pact(consumer, named, (), None, source)
    if repeated:
        raise UnreadablePact(
            f"{source}: the member {repeated[0]!r} stands twice in one object, and readers differ about which one "
            "counts. Remove one of them.",
            consumer,
        )
    try:
        check(document)
    except Misshapen as error:
        raise UnreadablePact(f"{source}: {error}", consumer) from error
    size = sum(len(document.get(name, ())) for name in ("interactions", "messages"))
    interactions, plugins = tuple(_interactions(document)), tuple(map(named_plugin, needs_plugins(document)))
    return Pact(consumer, named, interactions, None, source, content=content, size=size, plugins=plugins)


def unreadable(error: UnreadablePact, source: str, provider: str) -> Pact:
    """Return a stand-in for an unreadable pact, with one unverifiable interaction."""
    interaction = Interaction("the whole pact", kind=UNREADABLE, unverifiable=str(error))
    return Pact(error.consumer or UNKNOWN_CONSUMER, provider, (interaction,), None, source)


def provider_named(content: bytes) -> str | None:
    """Find the provider's name in content that is not valid JSON.

    Returns:
        The name, or None unless the outermost object has exactly one.
    """
    tokens = [match[0] for match in TOKENS.finditer(content.decode(errors="replace"))]
    names, depth = set(), 0
    for index, token in enumerate(tokens):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token, 0)
        if depth == 1 and tokens[index : index + 3] == ['"provider"', "{", '"name"']:
            names.update(tokens[index + 3 : index + 4])
    if len(names) != 1:
        return None
    with suppress(ValueError):
        name = str(json.loads(*names))
        return name if name and "\ufffd" not in name else None
    return None


def _pacticipant(document: Mapping[str, Any], role: str, source: str) -> str:
    pacticipant = document[role]
    if not isinstance(pacticipant, Mapping):
        raise UnreadablePact(f"{source}: {role} is {shown(pacticipant)}, and should be an object.")
    name = pacticipant.get("name")
    if not isinstance(name, str):
        raise UnreadablePact(f"{source}: {role}.name is {shown(name)}, and should be a text.")
    return name


def _interactions(document: Mapping[str, Any]) -> Iterator[Interaction]:
    """Read the interactions and give each its key.

    A number tells apart those with the same description and states.
    """
    names = [document[role]["name"] for role in ("provider", "consumer")]
    seen: Counter[str] = Counter()
    plugin_problem = missing_plugin(document)
    found = [read_interaction(data, number) for number, data in enumerate(document.get("interactions", ()))]
    found += [read_message(data, number) for number, data in enumerate(document.get("messages", ()))]
    found = [_unless_by_plugin(interaction, document) for interaction in found]
    for interaction in found:
        states = [(state.name, state.params) for state in interaction.states]
        identity = json.dumps([*names, interaction.description, states], sort_keys=True)
        seen[identity] += 1
        key = sha256(f"{identity}#{seen[identity]}".encode()).hexdigest()[:KEY_LENGTH]
        unverifiable = interaction.unverifiable if plugin_problem is None else plugin_problem
        yield replace(interaction, key=key, unverifiable=unverifiable)


def _unless_by_plugin(interaction: Interaction, document: Mapping[str, Any]) -> Interaction:
    """Mark a message that a plugin would fetch from a server of its own protocol, such as gRPC."""
    if not interaction.is_message or interaction.kind == MESSAGE or not needs_plugins(document):
        return interaction
    transport = document["interactions"][interaction.place].get("transport")
    if transport in {None, "message", "async-message", "sync-message"}:
        return interaction
    reason = (
        f"Its transport is {transport!r}, for which a Pact plugin asks a server of that protocol. A producer gives "
        "contents alone."
    )
    return replace(interaction, unverifiable=interaction.unverifiable or reason)
