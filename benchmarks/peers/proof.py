"""What a peer that uses pact-python says of its run."""

from typing import Any


def conclude(results: dict[str, Any]) -> int:
    """Print how many interactions were verified, as the last line, and return the exit code."""
    each = [result["result"] for result in results["interactionResults"]]
    print(f"{each.count('OK')} verified", flush=True)
    return 0 if each and set(each) == {"OK"} and results["result"] else 1
