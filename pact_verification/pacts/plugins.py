"""The Pact core's plugins that a pact needs.

A pact whose plugin is not installed is refused.

The core would download a missing plugin from the internet and run it. See docs/pact-core.md, Pact files.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pact_verification.conf import conf

REQUIRED = {"name": str, "version": str, "executableType": str, "entryPoint": str, "pluginInterfaceVersion": int}
"""The members that every manifest needs. If one lacks a member, the core finds no plugin at all."""

VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:[-+].*)?")


def missing_plugin(document: Mapping[str, Any]) -> str | None:
    """Return an error for a plugin that the pact needs and that is not installed."""
    metadata = document.get("metadata")
    needed = metadata.get("plugins") if isinstance(metadata, Mapping) else None
    if not needed:
        return None
    plugins = needed if isinstance(needed, list) else [needed]
    folder = Path(conf.PACT_PLUGIN_DIR)
    try:
        installed = list(_installed(folder))
    except (OSError, ValueError) as error:
        return f"The pact needs plugins, and {folder} can't be read: {error}."
    for plugin in plugins:
        name, version = (plugin.get("name"), plugin.get("version")) if isinstance(plugin, Mapping) else (plugin, None)
        if not any(known == name and _is_enough(has, version) for known, has in installed):
            wanted = f"{name} {version}" if version else str(name)
            return (
                f"The pact needs the Pact plugin {wanted}, which is not in {folder}. Install it with `pact plugin "
                f"install {name}`, or set PACT_PLUGIN_DIR to the folder that holds it."
            )
    return None


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
