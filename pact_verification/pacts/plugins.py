"""Plugins of the Pact core that a pact needs: those that are not installed are refused.

The core would look for such a plugin in an index on the internet, download it and run it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pact_verification.conf import conf

REQUIRED = {"name": str, "version": str, "executableType": str, "entryPoint": str, "pluginInterfaceVersion": int}
"""Members of a manifest without which the core reads none of the folder (pact-plugins, plugin_models.rs)."""

VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:[-+].*)?")


def missing_plugin(document: Mapping[str, Any]) -> str | None:
    """Say which plugin of a pact the core would have to download; None when it needs none, or has it."""
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
    """Names and versions of plugins. Raises ValueError for a manifest that the core can't read."""
    for path in folder.glob("*/pact-plugin.json"):
        manifest = json.loads(path.read_bytes())
        if not isinstance(manifest, Mapping) or not all(
            type(manifest.get(name)) is REQUIRED[name] for name in REQUIRED
        ):
            raise ValueError(f"{path} is no manifest of a plugin")
        yield manifest["name"], manifest["version"]


def _is_enough(has: str, wanted: Any) -> bool:
    """Whether a version is the one that is wanted, or a later one."""
    if wanted is None or has == wanted:
        return True
    there, needed = VERSION.fullmatch(has), VERSION.fullmatch(str(wanted))
    return bool(there and needed) and _numbers(there) >= _numbers(needed)


def _numbers(match: re.Match[str] | None) -> tuple[int, ...]:
    return tuple(int(number or 0) for number in match.groups()) if match else ()
