"""What the contents of a migrated database depend on: migration files, and some settings."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from inspect import getsourcefile
from pathlib import Path
from typing import Any, Self

import django
from django.apps import AppConfig, apps
from django.conf import settings
from django.db import connections

from pact_verification.provider.databases.aliases import with_databases


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The inputs of a migrated database.

    Attributes:
        migrations: a hash of each migration's file, by app and name.
        others: everything else by name, such as settings, and the models of apps without migrations.
    """

    migrations: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_project(cls) -> Self:
        """Read the project's."""
        migrations: dict[str, str] = {}
        others = dict(_settings())
        makes_tables_from_models = any(
            connections[alias].settings_dict["TEST"]["MIGRATE"] is False for alias in with_databases()
        )
        for config in apps.get_app_configs():
            files = _migrations(config)
            migrations |= {f"{config.label}.{path.stem}": _hash(path.read_bytes()) for path in files}
            if not files or makes_tables_from_models:
                others |= {f"the models of {config.label}": _models(config)}
        return cls(migrations, others)

    @classmethod
    def from_json(cls, text: str) -> Self | None:
        """Read a fingerprint from `to_json`. None if the text is none."""
        try:
            read = cls(**json.loads(text))
        except (ValueError, TypeError):
            return None
        return read if isinstance(read.migrations, dict) and isinstance(read.others, dict) else None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    def what_changed(self, now: "Fingerprint") -> str | None:
        """Name an input that changed or is gone since this fingerprint; None if none is. New migrations don't count."""
        for name, hashed in self.migrations.items():
            if name not in now.migrations:
                return f"the migration {name} is gone"
            if now.migrations[name] != hashed:
                return f"the migration {name} has changed"
        for name in {**self.others, **now.others}:
            if self.others.get(name) != now.others.get(name):
                return f"{name} changed"
        return None


def _settings() -> Iterator[tuple[str, str]]:
    yield "Django", django.get_version()
    for name in ("INSTALLED_APPS", "MIGRATION_MODULES", "DATABASE_ROUTERS", "AUTH_USER_MODEL", "DEFAULT_AUTO_FIELD"):
        yield name, repr(getattr(settings, name))
    for alias in with_databases():
        config = connections[alias].settings_dict
        test: dict[str, Any] = {key: value for key, value in config["TEST"].items() if key != "NAME"}
        yield f"DATABASES[{alias!r}]", repr((config["ENGINE"], sorted(test.items(), key=str)))


def _migrations(config: AppConfig) -> list[Path]:
    """Return the files of an app's migrations, without importing them."""
    module = settings.MIGRATION_MODULES.get(config.label, f"{config.name}.migrations")
    try:
        spec = find_spec(module) if module else None
    except ImportError:
        return []
    folders = map(Path, (spec.submodule_search_locations or ()) if spec else ())
    return sorted(path for folder in folders for path in folder.glob("*.py") if path.name[0] not in "_~")


def _models(config: AppConfig) -> str:
    """Return a hash of the files that define an app's models and their bases."""
    files = set()
    for each in {base for model in config.get_models() for base in model.__mro__}:
        with suppress(TypeError, OSError):  # a class that is built in has no file
            files.add(getsourcefile(each))
    return _hash(b"".join(Path(file).read_bytes() for file in sorted(filter(None, files))))


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]
