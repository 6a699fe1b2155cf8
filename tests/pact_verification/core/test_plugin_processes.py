"""The processes of Pact plugins, which the core starts, end with the run. These plugins never say their port."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pact_verification.core.engine import VerifyRequest, running_engine
from tests.pact_verification.running import ROOT

pytestmark = pytest.mark.no_database

PLUGIN = "exec 9>{pipe}; echo \"started with PYTHONPATH '$PYTHONPATH'\" >&9; exec sleep 600"
STARTER = """
from pact_verification.core.engine import VerifyRequest, running_engine

with running_engine() as engine:
    engine.begin({request})
    engine.answer(60)
"""


@pytest.fixture
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Install a plugin that holds a pipe open while it runs, and return the pipe's other end."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    manifest = {
        "pluginInterfaceVersion": 1,
        "name": "silent",
        "version": "0.1.0",
        "executableType": "exec",
        "entryPoint": "/bin/sh",
        "args": ["-c", PLUGIN.format(pipe=path)],
    }
    (tmp_path / "plugins" / "silent-0.1.0").mkdir(parents=True)
    (tmp_path / "plugins" / "silent-0.1.0" / "pact-plugin.json").write_text(json.dumps(manifest))
    monkeypatch.setenv("PACT_PLUGIN_DIR", str(tmp_path / "plugins"))
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # before the plugin opens it
    yield reader
    os.close(reader)


@pytest.fixture
def request_of_core(tmp_path: Path) -> VerifyRequest:
    pact = {
        "consumer": {"name": "web"},
        "provider": {"name": "shop"},
        "interactions": [{"type": "Synchronous/HTTP", "description": "d", "request": {}, "response": {"status": 200}}],
        "metadata": {"pactSpecification": {"version": "4.0"}, "plugins": [{"name": "silent", "version": "0.1.0"}]},
    }
    path = tmp_path / "pact.json"
    path.write_text(json.dumps(pact))
    return VerifyRequest("shop", str(path), "127.0.0.1", 1, "http://127.0.0.1:1/state", ("X-Run", "secret"), 1000)


def read(pipe: int, seconds: float = 30) -> str | None:
    """Return what the plugin has written, or an empty text if it has ended. None: neither came in time."""
    ready, _, _ = select.select([pipe], [], [], seconds)
    return os.read(pipe, 65536).decode() if ready else None


def test_a_plugin_ends_with_a_core_that_is_stopped(pipe: int, request_of_core: VerifyRequest) -> None:
    with running_engine() as engine:
        engine.begin(request_of_core)
        assert read(pipe) == "started with PYTHONPATH ''\n"  # it may run another Python than the project
    assert read(pipe) == ""


def test_a_plugin_ends_with_a_core_that_has_crashed(pipe: int, request_of_core: VerifyRequest) -> None:
    with running_engine() as engine:
        engine.begin(request_of_core)
        assert read(pipe)
        engine.process.kill()
        ended = engine.answer(30)
        assert ended
        assert "exit code -9" in str(ended.error)
    assert read(pipe) == ""


def test_a_plugin_ends_with_a_run_that_is_killed(pipe: int, request_of_core: VerifyRequest) -> None:
    code = STARTER.format(request=request_of_core)
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) as starter:
        assert read(pipe)
        starter.kill()
    assert read(pipe) == ""
