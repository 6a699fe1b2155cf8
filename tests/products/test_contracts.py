"""The service keeps its consumers' contracts, and the verification notices when it doesn't."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pact_verification.running import without_progress

pytestmark = pytest.mark.unmeasured

ROOT = Path(__file__).resolve().parents[2]


def verify(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "verify_pacts", *map(str, arguments)],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if not key.startswith(("PACT_", "DJANGO_", "GITHUB_"))},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("isolation", ["transaction", "flush"])
def test_every_pact_is_verified(isolation: str) -> None:
    run = verify("--isolation", isolation)
    assert (run.returncode, without_progress(run.stderr)) == (0, ""), run.stdout
    assert "21 interactions of 5 consumers: 21 verified" in run.stdout


def test_a_consumer_that_expects_something_else_is_told(tmp_path: Path) -> None:
    name = "pactflow-example-consumer-python-v4-pactflow-example-provider-python.json"
    pact = tmp_path / "pact.json"
    pact.write_text((ROOT / "pacts" / name).read_text().replace('"name": "Margharita"', '"title": "Margharita"'))
    run = verify(pact)
    assert run.returncode == 1
    assert "`title` is missing" in run.stdout
