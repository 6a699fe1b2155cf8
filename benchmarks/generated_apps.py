"""Writes apps with many migrations, as a project has that has grown for years."""

from pathlib import Path

APPS = 10
MODELS = 5
"""How many models an app has."""

CREATED = """\
migrations.CreateModel(
            name="{model}",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=50)),
                ("created", models.DateTimeField(auto_now_add=True)),
            ],
        )"""
NEW_FIELD = 'migrations.AddField("{model}", "amount", models.DecimalField(max_digits=10, decimal_places=2, default=0))'
FOREIGN_KEY = """\
migrations.AddField(
            "{model}", "parent", models.ForeignKey("{parent}", on_delete=models.CASCADE, null=True, related_name="+")
        )"""
LONGER_FIELD = 'migrations.AlterField("{model}", "name", models.CharField(max_length=200))'
INDEX = 'migrations.AddIndex("{model}", models.Index(fields=["name", "created"], name="{app}_{model}_names"))'
ROWS = "migrations.RunPython(insert, migrations.RunPython.noop)"
STEPS = (CREATED, NEW_FIELD, FOREIGN_KEY, LONGER_FIELD, INDEX, ROWS)
"""The migrations of one model, with one operation each."""

MIGRATIONS = APPS * MODELS * len(STEPS)

MIGRATION = """\
from django.db import migrations, models


def insert(apps, schema_editor):
    apps.get_model("{app}", "{model}").objects.bulk_create(
        apps.get_model("{app}", "{model}")(name=f"row {{number}}") for number in range(3)
    )


class Migration(migrations.Migration):
    dependencies = {dependencies}
    operations = [
        {operation},
    ]
"""

MODEL = """

class {model}(models.Model):
    name = models.CharField(max_length=200)
    created = models.DateTimeField(auto_now_add=True)
    amount = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    parent = models.ForeignKey("{parent}", on_delete=models.CASCADE, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["name", "created"], name="{app}_{model}_names")]
"""


def write_apps(folder: Path) -> list[str]:
    """Write the apps with their models and migrations into a folder, and return their names.

    The foreign keys of an app lead to the app before it. Those of the first app lead to Django's groups.

    Args:
        folder: where Python finds the apps.
    """
    names = [f"app_{number:02}" for number in range(APPS)]
    for app, before in zip(names, [None, *names], strict=False):
        migrations = folder / app / "migrations"
        migrations.mkdir(parents=True)
        for package in (migrations.parent, migrations):
            (package / "__init__.py").touch()
        models = "from django.db import models\n"
        for number in range(MODELS):
            model = f"Record{number}"
            fields = {"app": app, "model": model, "parent": f"{before}.{model}" if before else "auth.Group"}
            models += MODEL.format(**fields)
            _write_migrations(migrations, number * len(STEPS), before, fields)
        (migrations.parent / "models.py").write_text(models)
    return names


def _write_migrations(folder: Path, last: int, before: str | None, fields: dict[str, str]) -> None:
    """Write the migrations of one model.

    Args:
        last: the number of the migration before the first.
        before: the app to which the foreign key leads; None for Django's groups.
        fields: for the texts above.
    """
    parent = (before, f"{last + len(STEPS):04}") if before else ("auth", "0001_initial")
    for number, step in enumerate(STEPS, last + 1):
        dependencies = [(fields["app"], f"{number - 1:04}")] if number > 1 else []
        if step is FOREIGN_KEY:
            dependencies.append(parent)
        operation = step.format(**fields)
        text = MIGRATION.format(dependencies=dependencies, operation=operation, **fields)
        (folder / f"{number:04}.py").write_text(text)
