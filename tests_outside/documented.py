"""Code that README and docs/ show. The tests run it as it stands there, so that the docs are what is tested."""

import re

from tests_outside.environments import ROOT


def snippet(heading: str, page: str = "README.md") -> str:
    """Return the first block of Python below a heading."""
    _, found, text = (ROOT / page).read_text().partition(f"# {heading}\n")
    assert found, f"{page} has no heading {heading!r}."
    block = re.search(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert block, f"{page} has no Python below {heading!r}."
    return block[1]
