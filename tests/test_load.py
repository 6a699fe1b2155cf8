"""The load test, for a moment and with few clients: does it find what it is there for?"""

import os

from benchmarks.load import Crowd, load


def test_no_request_fails_and_no_write_is_lost_when_a_worker_is_killed() -> None:
    url = os.environ.get("DATABASE_URL", "")
    said: list[str] = []
    result = load(url if url.startswith("postgres") else None, 2, 10, said.append)
    assert result.good, result
    assert result.requests > result.writes > 0
    assert any(line.startswith("killed worker") for line in said)


def test_a_write_that_is_not_there_is_lost() -> None:
    crowd = Crowd(0, "token")
    product = {"id": "a", "type": "LOAN", "name": "x", "version": "", "price": None}
    crowd._possible = {"a": [product], "b": [None, product]}
    crowd.compare({"a": product})
    assert crowd.result.lost == []
    crowd.compare({"a": {**product, "name": "y"}})
    assert crowd.result.lost == [f"a is {product | {'name': 'y'}}, and was written as {product}"]
