"""The Pact core's plugins that a pact needs.

A pact whose plugin is not installed is refused.

The core would download a missing plugin from the internet and run it. See docs/explanation/pact-core.md, Plugins.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pact_verification.conf import conf

REQUIRED = {"name": str, "version": str, "executableType": str, "entryPoint": str, "pluginInterfaceVersion": int}
"""The members that every manifest needs. If one lacks a member, the core finds no plugin at all."""

VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:[-+].*)?")


def needs_plugins(document: Mapping[str, Any]) -> list[Any]:
    """Return the plugins that a pact needs, as it names them."""
    metadata = document.get("metadata")
    needed = metadata.get("plugins") if isinstance(metadata, Mapping) else None
    return needed if isinstance(needed, list) else [needed] if needed else []


def missing_plugin(document: Mapping[str, Any]) -> str | None:
    """Return an error for a plugin that the pact needs and that is not installed."""
    if not (plugins := needs_plugins(document)):
        return None
    folder = Path(conf.PACT_PLUGIN_DIR)
    try:
        installed = list(_installed(folder))
    except (OSError, ValueError) as error:
        return f"The pact needs plugins, and {folder} can't be read: {error}."
    for plugin in plugins:
        name, version = _name_and_version(plugin)
        if not any(known == name and _is_enough(has, version) for known, has in installed):
            return (
                f"The pact needs the Pact plugin {named_plugin(plugin)}, which is not in {folder}. Install it with "
                f"`pact plugin install {name}`, or set PACT_PLUGIN_DIR to the folder that holds it."
            )
    return None


def named_plugin(plugin: Any) -> str:
    """Return the name and version of a plugin that a pact needs."""
    name, version = _name_and_version(plugin)
    return f"{name} {version}" if version else str(name)


def output_of(plugins: Sequence[str]) -> str:
    """Tell where the core keeps the output of plugins. It shows none itself."""
    folder = Path(os.environ.get("PACT_OUTPUT_DIR") or conf.PACT_PLUGIN_DIR) / "logs"
    return f"The pact needs plugins ({', '.join(plugins)}). Their output is in {folder}."


def _name_and_version(plugin: Any) -> tuple[Any, Any]:
    return (plugin.get("name"), plugin.get("version")) if isinstance(plugin, Mapping) else (plugin, None)


def _installed(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and version of each plugin.

    Raise ValueError for a manifest that the core can't read.
    """
    for path in folder.glob("*/pact-plugin.json"):
        manifest = json.loads(path.read_bytes())
        if not isinstance(manifest, Mapping) or not all(
            type(manifest.get(name)) is REQUIRED[name] for name in REQUIRED
        ):
            raise ValueError(f"{path} is no manifest of a plugin")
        yield manifest["name"], manifest["version"]


def _is_enough(has: str, wanted: Any) -> bool:
    """Tell whether a version is the wanted one or a later one."""
    if wanted is None or has == wanted:
        return True
    there, needed = VERSION.fullmatch(has), VERSION.fullmatch(str(wanted))
    return bool(there and needed) and _numbers(there) >= _numbers(needed)


def _numbers(match: re.Match[str] | None) -> tuple[int, ...]:
    return tuple(int(number or 0) for number in match.groups()) if match else ()
