"""Responses of a project that HTTP can't send."""

import pytest

from pact_verification.errors import ResponseRefused
from pact_verification.provider.project import limited, require_final, require_length, require_lines

pytestmark = pytest.mark.no_database


def test_a_body_up_to_the_limit() -> None:
    assert limited(iter([b"ab", b"", b"c"]), 3) == b"abc"
    with pytest.raises(ResponseRefused, match="The response is longer than"):
        limited(iter([b"ab", b"cd"]), 3)


@pytest.mark.parametrize("status", ["100 Continue", "199 x", "1000 x", "OK", ""])
def test_a_status_that_is_not_final(status: str) -> None:
    with pytest.raises(ResponseRefused, match="A final status is from 200 to 999"):
        require_final(status)


@pytest.mark.parametrize(
    ("status", "header"),
    [("200 OK\r\nX: 1", ("X", "1")), ("200 OK", ("X Y", "1")), ("200 OK", ("", "1")), ("200 OK", ("X", "1\nY: 2"))],
)
def test_a_line_end_where_another_header_would_follow(status: str, header: tuple[str, str]) -> None:
    with pytest.raises(ResponseRefused, match="HTTP can't send"):
        require_lines(status, [header])


def test_a_length_that_is_not_the_bodys() -> None:
    for status in ("204 No Content", "304 Not Modified"):
        require_length(status, [("Content-Length", "5")], b"")
    require_length("200 OK", [("content-length", "2")], b"ab")
    with pytest.raises(ResponseRefused, match="Content-Length is '3', and the body has 2 bytes"):
        require_length("200 OK", [("content-length", "3")], b"ab")
