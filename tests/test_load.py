"""The load test, for a moment and with few clients: does it find what it is there for?"""

import os
import subprocess
import sys

import pytest

from benchmarks.load import Crowd
from tests.service import ROOT


def test_no_request_fails_and_no_write_is_lost_when_a_worker_is_killed() -> None:
    """As a process: another test may have left an event loop behind here."""
    url = os.environ.get("DATABASE_URL", "")
    server = ["--database-url", url] if url.startswith("postgres") else []
    command = [sys.executable, "-m", "benchmarks.load", "--seconds", "2", "--clients", "10", *server]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "killed worker" in run.stdout
    assert "0 errors, 0 writes lost" in run.stdout


@pytest.mark.no_database
def test_a_write_that_is_not_there_is_lost() -> None:
    crowd = Crowd(0, "token")
    product = {"id": "a", "type": "LOAN", "name": "x", "version": "", "price": None}
    crowd._possible = {"a": [product], "b": [None, product]}
    crowd.compare({"a": product})
    assert crowd.result.lost == []
    crowd.compare({"a": {**product, "name": "y"}})
    assert crowd.result.lost == [f"a is {product | {'name': 'y'}}, and was written as {product}"]
