from pathlib import Path

import pytest


@pytest.fixture
def pact(tmp_path: Path) -> Path:
    return tmp_path / "pacts" / "shop.json"
