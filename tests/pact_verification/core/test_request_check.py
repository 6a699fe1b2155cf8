"""The request that arrived beside the pact's: what the core changes is seen, and another spelling is no difference."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pact_verification.core.request_check import find_differences
from pact_verification.pacts.pact import Request
from pact_verification.pacts.reading import read_pact
from pact_verification.results.exchange import RecordedRequest
from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.running import Verify, has

pytestmark = [pytest.mark.no_database, pytest.mark.unmeasured]

JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain"}


def differences(
    tmp_path: Path,
    request: Mapping[str, Any],
    arrived: str = "GET /p",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    *,
    values: Mapping[str, Any] | None = None,
    version: str = "3.0.0",
) -> tuple[str, ...]:
    typed: dict[str, Any] = {"type": "Synchronous/HTTP"} if version.startswith("4") else {}
    path = write_pact(tmp_path / "p.json", interaction("a", "/p", request=request, **typed), version=version)
    pact = read_pact(path)
    assert pact
    method, _, target = arrived.partition(" ")
    return find_differences(
        pact.interactions[0].request, RecordedRequest(method, target, headers or {}, body), values or {}
    )


class TestPath:
    @pytest.mark.parametrize(
        ("path", "arrived"),
        [
            ("", "/"),
            ("p", "/p"),
            ("/a b", "/a%20b"),
            ("/a%20b", "/a%20b"),
            ("/日本", "/%E6%97%A5%E6%9C%AC"),
            ("/%e6%97%a5", "/%E6%97%A5"),
            ("/a+b", "/a+b"),
            ('/"{id}"', "/%22%7Bid%7D%22"),
            ("/a%2Fb", "/a%2fb"),
            ("/100%", "/100%"),
            ("/a/", "/a/"),
            ("/a//b", "/a//b"),
            ("/a?b=1", "/a?b=1"),
        ],
    )
    def test_another_spelling(self, tmp_path: Path, path: str, arrived: str) -> None:
        assert differences(tmp_path, {"path": path}, f"GET {arrived}") == ()

    @pytest.mark.parametrize(
        ("path", "arrived"),
        [
            ("//products", "/products"),
            ("/a/../b", "/b"),
            ("/a/./b", "/a/b"),
            ("/a/%2e%2e/b", "/b"),
            ("/a#b", "/a"),
            ("/a\\b", "/a/b"),
            ("/a\tb", "/ab"),
            ("/a ", "/a"),
            ("/a%2Fb", "/a/b"),
            ("/a/", "/a"),
            ("/a%3Fb", "/a?b"),
        ],
    )
    def test_another_path(self, tmp_path: Path, path: str, arrived: str) -> None:
        first, *_ = differences(tmp_path, {"path": path}, f"GET {arrived}")
        assert first == f"path is {arrived.partition('?')[0]!r}, the pact says {path!r}"

    def test_a_generated_path(self, tmp_path: Path) -> None:
        """Values of the provider states are known; what else a generator makes, only the core knows."""
        of_state = {"generators": {"path": {"type": "ProviderState", "expression": "//p/${id}"}}}
        assert differences(tmp_path, of_state, "GET /p/7", values={"id": 7}) == (
            "path is '/p/7', the pact says '//p/7'",
        )
        assert differences(tmp_path, of_state, "GET //p/7", values={"id": 7}) == ()
        assert differences(tmp_path, of_state, "GET /p/7", values={"id": 7.0}) == ()
        assert differences(tmp_path, of_state, "GET /p/1") == ()
        assert differences(tmp_path, {"generators": {"path": {"type": "Regex", "regex": "/p."}}}, "GET /p2") == ()
        unknown = {"path": "//p", "generators": {"path": {"type": "Unknown"}}}
        assert differences(tmp_path, unknown) == ("path is '/p', the pact says '//p'",)


def test_method(tmp_path: Path) -> None:
    assert differences(tmp_path, {"method": "get"}) == ()
    for method in ("DE LETE", "", "POST "):
        assert differences(tmp_path, {"method": method}) == (f"method is 'GET', the pact says {method!r}",)


class TestQuery:
    @pytest.mark.parametrize(
        ("query", "arrived", "version"),
        [
            ("a=1&b=2", "b=2&a=1", "2.0.0"),
            ("a=%20x+y&q=日本", "a=+x+y&q=%E6%97%A5%E6%9C%AC", "2.0.0"),
            ("a=b=c", "a=b%3Dc", "2.0.0"),
            ("a=", "a=", "2.0.0"),
            ({"a": ["1", "2"], "b": ["x y"]}, "a=1&a=2&b=x+y", "3.0.0"),
            ({"a": "1"}, "a=1", "3.0.0"),
            ({"a b": ["c+d", "%20", "a=b&"]}, "a+b=c%2Bd&a+b=%2520&a+b=a%3Db%26", "3.0.0"),
            ({"a[]": ["1", "2"]}, "a%5B%5D=1&a%5B%5D=2", "4.0"),
            ({"flag": [""]}, "flag=", "4.0"),
            ({"a": []}, "", "4.0"),
            (None, "", "4.0"),
        ],
    )
    def test_another_spelling(self, tmp_path: Path, query: Any, arrived: str, version: str) -> None:
        assert differences(tmp_path, {"query": query}, f"GET /p?{arrived}", version=version) == ()

    @pytest.mark.parametrize(
        ("query", "arrived", "expected"),
        [
            ("a", "", 'query parameter a is missing, the pact says [""]'),
            ({"a": 1}, "", 'query parameter a is missing, the pact says ["1"]'),
            ({"a": {"b": "c"}}, "", 'query parameter a is missing, the pact says ["{\\"b\\": \\"c\\"}"]'),
            ({"a": [None]}, "", 'query parameter a is missing, the pact says [""]'),
            ({"a": ["1", "2"]}, "a=2&a=1", 'query parameter a is ["2", "1"], the pact says ["1", "2"]'),
            ({"a": ["1"]}, "a=1&b=2", 'query parameter b is ["2"], the pact has none'),
            ("?a=1", "a=1", 'query parameter ?a is missing, the pact says ["1"]'),
            ("a=%ff", "a=%EF%BF%BD", 'query parameter a is ["\ufffd"], the pact says ["\udcff"]'),
            (["a=1"], "", 'query can\'t be sent, the pact says ["a=1"]'),
            (5, "", "query can't be sent, the pact says 5"),
        ],
    )
    def test_another_query(self, tmp_path: Path, query: Any, arrived: str, expected: str) -> None:
        assert differences(tmp_path, {"query": query}, f"GET /p?{arrived}")[0] == expected

    def test_of_the_path(self, tmp_path: Path) -> None:
        assert differences(tmp_path, {"path": "/p?a=1", "query": {"a": ["2"]}}, "GET /p?a=1&a=2") == ()
        assert differences(tmp_path, {"path": "/p?a=1"}, "GET /p") != ()

    def test_a_generated_parameter(self, tmp_path: Path) -> None:
        """The core knows no places within a parameter, and sends a parameter of that name."""
        request = {"query": {"a": ["1"], "b": ["2"]}, "generators": {"query": {"a": {"type": "Uuid"}}}}
        assert differences(tmp_path, request, "GET /p?a=x&b=2") == ()
        assert differences(tmp_path, request, "GET /p?a=x&b=3") != ()


class TestHeaders:
    @pytest.mark.parametrize(
        ("headers", "arrived"),
        [
            ({"x-a": " 1 "}, {"X-A": "1"}),
            ({"X-A": ["a", "b"]}, {"X-A": "a,b"}),
            ({"Accept": "a;q=0.9 , b"}, {"Accept": "a;q=0.9,b"}),
            ({"If-None-Match": '"a,b"'}, {"If-None-Match": '"a,b"'}),
            ({"X-A": 5, "X-B": True, "X-C": ""}, {"X-A": "5", "X-B": "true"}),
            ({"X-A": "日本"}, {"X-A": "日本".encode().decode("latin-1")}),
            ({"Content-Length": "9", "Connection": "close", "Transfer-Encoding": "chunked"}, {}),
            ({}, {"User-Agent": "pact"}),
            (None, {}),
        ],
    )
    def test_another_spelling(self, tmp_path: Path, headers: Any, arrived: Mapping[str, str]) -> None:
        assert differences(tmp_path, {"headers": headers}, headers=arrived) == ()

    @pytest.mark.parametrize(
        ("headers", "arrived", "expected"),
        [
            ({"X-A": "1"}, {}, "header X-A is missing, the pact says '1'"),
            ({"X-A": "a b"}, {"X-A": "a,b"}, "header X-A is 'a,b', the pact says 'a b'"),
            ({"If-None-Match": '"a, b"'}, {"If-None-Match": '"a,b"'}, "header If-None-Match is '\"a,b\"'"),
            ({"X_A": "1"}, {}, "header X_A is missing, the pact says '1'"),
            (["X-A: 1"], {}, 'headers can\'t be sent, the pact says ["X-A: 1"]'),
            ("X-A: 1", {}, "headers can't be sent, the pact says 'X-A: 1'"),
        ],
    )
    def test_another_header(self, tmp_path: Path, headers: Any, arrived: Mapping[str, str], expected: str) -> None:
        (told,) = differences(tmp_path, {"headers": headers}, headers=arrived)
        assert told.startswith(expected)

    def test_a_generated_header(self, tmp_path: Path) -> None:
        generators = {"header": {"x-a": {"type": "RandomInt"}}, "headers": {"X-B": {"type": "RandomInt"}}}
        request = {"headers": {"X-A": "1", "X-B": "2"}, "generators": generators}
        assert differences(tmp_path, request, headers={"X-A": "7", "X-B": "2"}) == ()
        assert differences(tmp_path, request, headers={"X-A": "7", "X-B": "7"}) != ()


class TestBody:
    @pytest.mark.parametrize(
        ("headers", "body", "arrived"),
        [
            (JSON, {"b": [1, None, "é"], "a": 1.0}, '{"a":1.0,"b":[1,null,"é"]}'),
            (JSON, 5, "5"),
            (JSON, False, "false"),
            (JSON, "text", '"text"'),
            (JSON, '{"a": 1}', '{"a": 1}'),
            (JSON, None, "null"),
            (TEXT, None, ""),
            (TEXT, "", ""),
            (TEXT, "é", "é"),
            ({"Content-Type": "application/octet-stream"}, "AAEC", "\x00\x01\x02"),
        ],
    )
    @pytest.mark.parametrize("version", ["2.0.0", "3.0.0", "4.0"])
    def test_as_the_core_sends_it(
        self, tmp_path: Path, headers: Mapping[str, str], body: Any, arrived: str, version: str
    ) -> None:
        written = {"content": body} if version == "4.0" else body
        request = {"headers": headers, "body": written}
        assert differences(tmp_path, request, headers=headers, body=arrived.encode(), version=version) == ()

    @pytest.mark.parametrize("body", [{}, None, {"content": ""}])
    def test_no_body_in_specification_4(self, tmp_path: Path, body: Any) -> None:
        assert differences(tmp_path, {"body": body}, version="4.0") == ()

    @pytest.mark.parametrize(
        ("body", "arrived", "expected"),
        [
            ({"a": {"b": [1, 2]}}, b'{"a":{"b":[1,3]}}', "body $.a.b.1 is 3, the pact says 2"),
            ({"a": 1}, b'{"a":1,"b":2}', "body $.b is 2, the pact has none"),
            ([1, None], b"[1]", "body $.1 is missing, the pact says null"),
            ({"a": 12345678901234567890123}, b'{"a":1.2345678901234568e22}', "body $.a is 1.2345678901234568e+22, the"),
            ({"a": 1}, b"", 'body is missing, the pact says {"a": 1}'),
            ({"a": 1}, b'{"a":', 'body is \'{"a":\', the pact says {"a": 1}'),
            ("text", b"test", "body is 'test', the pact says 'text'"),
            (None, b"text", "body is 'text', the pact has none"),
            ("x" * 2000, b"y", "body is 'y', the pact says a text of 2002 characters"),
        ],
    )
    def test_another_body(self, tmp_path: Path, body: Any, arrived: bytes, expected: str) -> None:
        (told,) = differences(tmp_path, {"body": body}, body=arrived)
        assert told.startswith(expected)

    def test_a_body_that_the_pacts_own_length_cuts(self, tmp_path: Path) -> None:
        request = {"headers": {"content-length": "3"}, "body": {"a": 1}}
        (told,) = differences(tmp_path, request, body=b'{"a')
        assert told.endswith("(the pact names content-length, which decides how much of the body arrives)")

    def test_generated_places(self, tmp_path: Path) -> None:
        generators = {"body": {"$.a": {"type": "Uuid"}, "$['b c'][*].d": {"type": "RandomInt"}, "$.x": {"type": "?"}}}
        request = {"body": {"a": None, "b c": [{"d": 1, "e": 2}], "x": 1}, "generators": generators}
        assert differences(tmp_path, request, body=b'{"a":"7","b c":[{"d":5,"e":2}],"x":1}') == ()
        assert differences(tmp_path, request, body=b'{"a":"7","b c":[{"d":5,"e":3}],"x":2}') == (
            "body $.b c.0.e is 3, the pact says 2",
            "body $.x is 2, the pact says 1",
        )
        form = {"body": "a=1", "generators": {"body": {"$.a": {"type": "Uuid"}}}}
        assert differences(tmp_path, form, body=b"a=7") == ()


def test_many_differences(tmp_path: Path) -> None:
    request = {"headers": {f"X-{number}": "1" for number in range(6)}}
    assert differences(tmp_path, request)[-2:] == ("header X-2 is missing, the pact says '1'", "and 3 more")


CHANGED = [
    ({"path": "//items"}, "path is '/items', the pact says '//items'"),
    ({"method": "DE LETE"}, "method is 'GET', the pact says 'DE LETE'"),
    ({"query": {"page": 2}}, 'query parameter page is missing, the pact says ["2"]'),
    ({"headers": {"Content-Length": "3"}, "body": {"a": 1}}, "(the pact names Content-Length, which decides how much"),
]


@pytest.mark.parametrize(("request_", "expected"), CHANGED)
def test_a_request_that_the_core_changes_is_not_verified(
    verify: Verify, tmp_path: Path, request_: dict[str, Any], expected: str
) -> None:
    """Whatever the response is, it answers another request; nor does pending help."""
    green = interaction("changed", request=request_, response={"body": []})
    red = interaction("changed, and red", request=request_, status=418)
    untouched = interaction("untouched", response={"body": []})
    ran = verify(write_pact(tmp_path / "p.json", green, red, untouched), "--json", tmp_path / "report.json")
    assert ran.exit_code == 1, ran
    has(ran, "The request that arrived is not the pact's: ", expected, "1 verified, 2 not verified")
    told = json.loads((tmp_path / "report.json").read_text())["pacts"][0]["interactions"]
    assert [each["outcome"] for each in told] == ["not_verified", "not_verified", "verified"]
    assert expected in told[0]["error"]


def test_generators_and_filters_are_no_differences(verify: Verify, tmp_path: Path) -> None:
    path = interaction(
        "by id",
        "/items/99999",
        states=["an item cup exists"],
        request={"generators": {"path": {"type": "ProviderState", "expression": "/items/${id}"}}},
    )
    filtered = interaction("filtered", "/about", request={"headers": {"Authorization": "Bearer old"}})
    ran = verify(write_pact(tmp_path / "p.json", path, filtered))
    assert ran.exit_code == 0, ran


def test_a_difference_tells_no_common_value_of_a_secret_name() -> None:
    """Nothing in the sentence marks it as secret, and nothing searches for it."""
    request = Request(
        "GET", "/", {"token": ["test"]}, {"X-Api-Key": "user", "Cookie": "a=b"}, {"password": {"a": "name"}, "n": 1}
    )
    arrived = RecordedRequest("GET", "/?token=user", {"X-Api-Key": "admin"}, b'{"password": {"a": 1}, "n": 2}')
    assert find_differences(replace(request, body=None), replace(arrived, body=b""), {}) == (
        "query parameter token is (hidden), the pact says (hidden)",
        "header X-Api-Key is (hidden), the pact says (hidden)",
        "header Cookie is missing, the pact says (hidden)",
    )
    assert find_differences(Request(body=request.body), RecordedRequest("GET", "/", {}, arrived.body), {}) == (
        "body $.password.a is (hidden), the pact says (hidden)",
        "body $.n is 2, the pact says 1",
    )


def test_a_difference_tells_no_secret(verify: Verify, tmp_path: Path) -> None:
    request = {
        "path": "//items",
        "query": {"token": 12345678, "a": 1},
        "headers": {"Cookie": "sid=hunter2hunter"},
        "body": {"password": "swordfish", "n": 12345678901234567890123},
    }
    ran = verify(write_pact(tmp_path / "p.json", interaction("secret", request=request)), "--json", "/dev/stdout")
    assert ran.exit_code == 1
    has(ran, "path is '/items'", "query parameter token is missing, the pact says")
    for secret in ('12345678"', "hunter2hunter", "swordfish"):
        assert secret not in ran.out + ran.err
