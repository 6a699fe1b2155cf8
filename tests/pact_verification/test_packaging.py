"""The distribution holds the app, whole and alone, and refers to documents that are there."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.no_database
def test_the_wheel_holds_the_app_and_nothing_of_the_service(tmp_path: Path) -> None:
    command = "-m pip wheel --quiet --no-deps --no-build-isolation --no-index --disable-pip-version-check --wheel-dir"
    subprocess.run([sys.executable, *command.split(), str(tmp_path), str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("django_pact_verification-*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == {
        str(path.relative_to(ROOT))
        for path in (ROOT / "pact_verification").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    (tmp_path / "settings.py").write_text("INSTALLED_APPS = ['pact_verification']")
    run = subprocess.run(
        [sys.executable, "-m", "django", "verify_pacts", "--help", "--settings=settings"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{wheel}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "--provider-name NAME" in run.stdout


@pytest.mark.no_database
def test_the_code_refers_to_headings_that_exist() -> None:
    headings = set(re.findall(r"^## (.+)$", (ROOT / "docs/explanation/pact-core.md").read_text(), re.MULTILINE))
    named: set[str] = set()
    for folder in ("pact_verification", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            text = re.sub(r"\s+(# )?", " ", path.read_text())
            assert not re.search(r"\(F\d+\)|\(F\d+,|\bF\d+:", text), f"{path} refers to a page that is not here"
            references = re.findall(r"docs/explanation/pact-core\.md, \"?([^\".)]+)", text)
            for reference in references if path != Path(__file__) else ():
                found = [heading for heading in headings if reference.startswith(heading)]
                assert found, f"{path} refers to {reference!r}"
                named.update(found)
    assert named
