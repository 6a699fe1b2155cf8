"""The table against contracts whose needs are known, judged by the real Pact core."""

import json
from dataclasses import replace
from typing import Any

import pytest
from django.test import override_settings

from pact_verification.impact import members
from pact_verification.impact.asking import Core
from pact_verification.impact.finding import UNREADABLE, find_verified, judge_changes
from pact_verification.impact.needs import operations_of
from pact_verification.pacts.reading import parse_pact
from pact_verification.results.exchange import RecordedMessage, RecordedResponse
from pact_verification.results.impact import Member
from pact_verification.results.masking import mask
from pact_verification.results.report import InteractionResult, Outcome, PactResult
from tests.pact_verification.impact.known import JSON, contract, kinds, needs, of_type, operations, response, verified
from tests.pact_verification.pact_files import document, interaction

pytestmark = pytest.mark.no_database


def body_needs(core: Core, pact: Any, body: Any) -> dict[str, str]:
    """Return the needs of the body's members, without the body as a whole."""
    found = needs(core, pact, response(body))
    return {title: how for title, how in found.items() if title.startswith("$") and title != "$"}


def of_matcher(**matcher: Any) -> dict[str, Any]:
    return {"body": {"$.a": {"matchers": [matcher]}}}


class TestMembers:
    def test_exact_values(self, core: Core) -> None:
        body = {"text": "x", "number": 1, "decimal": 1.25, "yes": True, "nothing": None, "list": [1, 2], "in": {"a": 1}}
        assert body_needs(core, contract(body), body) == {
            "$.text": "exact value",
            "$.number": "exact value",
            "$.decimal": "exact value",
            "$.yes": "exact value",
            "$.nothing": "type null",
            "$.list": "type list with as many items",
            "$.list[*]": "exact value",
            "$.in": "type object",
            "$.in.a": "exact value",
        }

    def test_types(self, core: Core) -> None:
        body = {"text": "x", "number": 1, "decimal": 1.25, "yes": True, "list": [1, 2], "in": {"a": 1}}
        example = {"text": "y", "number": 2, "decimal": 2.5, "yes": False, "list": [3], "in": {"a": 2}}
        found = body_needs(core, contract(example, of_type("$", min=0)), body)
        assert found == {
            "$.text": "type text",
            "$.number": "type number",
            "$.decimal": "type number",
            "$.yes": "type boolean",
            "$.list": "type list",
            "$.list[*]": "type number",
            "$.in": "type object",
            "$.in.a": "type number",
        }

    def test_members_that_the_contract_does_not_name(self, core: Core) -> None:
        body = {"a": "x", "b": {"c": [{"d": 1}, {"d": 2}]}, "e": None}
        assert body_needs(core, contract({"a": "x"}), body) == {
            "$.a": "exact value",
            "$.b": "",
            "$.b.c": "",
            "$.b.c[*]": "",
            "$.b.c[*].d": "",
            "$.e": "",
        }

    def test_a_contract_without_a_body(self, core: Core) -> None:
        pact = document(interaction("it"))
        found = needs(core, pact, response({"a": [1]}))
        assert found == {"status": "exact value", "header Content-Type": "", "$": "", "$.a": "", "$.a[*]": ""}

    def test_names_that_a_path_has_to_quote(self, core: Core) -> None:
        body = {"a b": 1, "it's": 1, "1": 1, "é": 1, "a.b": {"c]": 1}}
        found = body_needs(core, contract(body), body)
        assert found == {
            "$['a b']": "exact value",
            r"$['it\'s']": "exact value",
            "$['1']": "exact value",
            "$['é']": "exact value",
            "$['a.b']": "type object",
            "$['a.b']['c]']": "exact value",
        }

    def test_a_list_at_the_root(self, core: Core) -> None:
        pact = contract([{"id": "1"}], of_type("$", min=1))
        assert needs(core, pact, response([{"id": "7", "name": "x"}, {"id": "8", "name": "y"}])) == {
            "status": "exact value",
            "header Content-Type": "type of contents",
            "$": "type list of at least one item",
            "$[*]": "type object",
            "$[*].id": "type text",
            "$[*].name": "",
        }

    def test_items_of_different_shapes(self, core: Core) -> None:
        body = [{"a": 1}, {"b": "x"}, {"a": None}]
        found = body_needs(core, contract(body), body)
        assert found == {
            "$[*]": "type object",
            "$[*].a": "exact value",
            "$[*].b": "exact value",
        }

    def test_which_changes_are_noticed(self, core: Core) -> None:
        pact = contract({"a": "x", "b": [1]}, of_type("$.a", "$.b"))
        assert kinds(core, pact, response({"a": "y", "b": [1, 2], "c": 1})) == {
            "status": ["another type", "another value"],
            "header Content-Type": ["another value"],
            "$": ["removed", "null", "another type"],
            "$.a": ["removed", "null", "another type"],
            "$.b": ["removed", "null", "another type"],
            "$.b[*]": ["null", "another type"],
            "$.c": [],
        }


class TestMatchingRules:
    @pytest.mark.parametrize(
        ("matcher", "value", "how"),
        [
            ({"match": "equality"}, "x", "exact value"),
            ({"match": "type"}, "x", "type text"),
            ({"match": "regex", "regex": "x+"}, "xx", "format regex x+"),
            ({"match": "regex", "regex": ".*"}, "xx", "present"),
            ({"match": "include", "value": "x"}, "axb", "format include x"),
            ({"match": "integer"}, 5, "type integer"),
            ({"match": "decimal"}, 5.5, "type decimal"),
            ({"match": "number"}, 5, "type number"),
            ({"match": "number"}, 5.5, "type number"),
            ({"match": "boolean"}, True, "type boolean"),
            ({"match": "date", "format": "yyyy-MM-dd"}, "2020-01-31", "format date yyyy-MM-dd"),
            ({"match": "time", "format": "HH:mm"}, "10:00", "format time HH:mm"),
            (
                {"match": "timestamp", "format": "yyyy-MM-dd HH:mm"},
                "2020-01-31 10:00",
                "format timestamp yyyy-MM-dd HH:mm",
            ),
            ({"match": "semver"}, "1.2.3", "format semver"),
            ({"match": "null"}, None, "type null"),
        ],
    )
    def test_v3(self, core: Core, matcher: dict[str, Any], value: Any, how: str) -> None:
        found = body_needs(core, contract({"a": value}, of_matcher(**matcher)), {"a": value})
        assert found == {"$.a": how}

    def test_v2(self, core: Core) -> None:
        rules = {"$.body.a": {"match": "type"}, "$.body.b": {"match": "regex", "regex": "\\d+"}, "$.body.l": {"min": 1}}
        pact = contract({"a": "x", "b": "1", "c": "z", "l": [1]}, rules, version="2.0.0")
        assert body_needs(core, pact, {"a": "y", "b": "22", "c": "z", "l": [1, 2], "d": 1}) == {
            "$.a": "type text",
            "$.b": "format regex \\d+",
            "$.c": "exact value",
            "$.l": "type list of at least one item",
            "$.l[*]": "type number",
            "$.d": "",
        }

    def test_v4(self, core: Core) -> None:
        rules = {"body": {"$.a": {"matchers": [{"match": "notEmpty"}]}, "$.b": {"matchers": [{"match": "type"}]}}}
        pact = contract({"a": "x", "b": 1, "c": "z"}, rules, version="4.0")
        assert body_needs(core, pact, {"a": "y", "b": 2, "c": "z"}) == {
            "$.a": "present and not null",
            "$.b": "type number",
            "$.c": "exact value",
        }

    def test_each_key_and_each_value_of_a_map(self, core: Core) -> None:
        rules = {
            "body": {
                "$.prices": {
                    "matchers": [
                        {
                            "match": "eachKey",
                            "rules": [{"match": "regex", "regex": "[A-Z]{3}"}],
                            "value": {"EUR": 1},
                        },
                        {"match": "eachValue", "rules": [{"match": "type"}], "value": {"EUR": 1}},
                    ]
                }
            }
        }
        pact = contract({"prices": {"EUR": 1}}, rules, version="4.0")
        found = body_needs(core, pact, {"prices": {"EUR": 2, "USD": 3}})
        # The names are data: one may be missing, and its value still has a type.
        assert found == {
            "$.prices": "type object",
            "$.prices.EUR": "type number, if it is there",
            "$.prices.USD": "type number, if it is there",
        }

    def test_one_of_two_rules(self, core: Core) -> None:
        matchers = [{"match": "type"}, {"match": "null"}]
        rules = {"body": {"$.a": {"combine": "OR", "matchers": matchers}}}
        assert body_needs(core, contract({"a": "x"}, rules), {"a": "y"}) == {"$.a": "type text or null"}

    def test_an_array_that_contains(self, core: Core) -> None:
        variant = {"index": 0, "rules": {"$.kind": {"matchers": [{"match": "equality"}]}}}
        rules = {"body": {"$.all": {"matchers": [{"match": "arrayContains", "variants": [variant]}]}}}
        pact = contract({"all": [{"kind": "a"}]}, rules, version="4.0")
        found = body_needs(core, pact, {"all": [{"kind": "b"}, {"kind": "a"}]})
        assert found == {
            "$.all": "type list with as many items",
            "$.all[*]": "type object",
            "$.all[*].kind": "exact value",
        }

    def test_bounds_of_a_list(self, core: Core) -> None:
        rules = {"body": {"$.l": {"matchers": [{"match": "type", "min": 2}]}}}
        assert body_needs(core, contract({"l": [1, 2]}, rules), {"l": [1, 2]})["$.l"] == "type list with as many items"
        assert (
            body_needs(core, contract({"l": [1, 2]}, rules), {"l": [1, 2, 3]})["$.l"]
            == "type list of at least one item"
        )

    @pytest.mark.parametrize("number", [0, -1, 2**53 - 1, 2**53, 2**63 - 1, 1.5])
    def test_an_exact_number(self, core: Core, number: float) -> None:
        """From 2**53 on, the core may take neighbours for equal."""
        assert body_needs(core, contract({"a": number}), {"a": number})["$.a"] == "exact value"

    def test_a_secret_in_a_rule_is_not_shown(self, core: Core) -> None:
        rules = {"header": {"X-Key": {"matchers": [{"match": "regex", "regex": "k3y-93hfkq82Zq"}]}}}
        headers = {**JSON, "X-Key": "k3y-93hfkq82Zq"}
        pact = document(interaction("it", response={"headers": {"X-Key": "k3y-93hfkq82Zq"}, "matchingRules": rules}))
        read = parse_pact(json.dumps(pact).encode(), "pacts/p.json")
        assert read
        with override_settings(PACT_SECRET_NAMES=["x-key"]):
            masked = mask(PactResult(read, (InteractionResult(read.interactions[0], Outcome.VERIFIED),)))
        result = replace(masked.interactions[0], answers=(response({}, headers=headers),))
        judged, _ = judge_changes(core, list(find_verified([read], [replace(masked, interactions=(result,))])))
        [operation] = operations_of(judged)
        [need] = next(each.needs for each in operation.members if each.member.path == "X-Key")
        assert need.text == "format regex (hidden)"


class TestStatusAndHeaders:
    def test_a_class_of_statuses(self, core: Core) -> None:
        rules = {"status": {"matchers": [{"match": "statusCode", "status": "success"}]}}
        pact = contract({}, rules, version="4.0")
        assert needs(core, pact, response({}))["status"] == "format statusCode success"

    def test_some_statuses(self, core: Core) -> None:
        rules = {"status": {"matchers": [{"match": "statusCode", "status": [200, 201]}]}}
        pact = contract({}, rules, version="4.0")
        assert needs(core, pact, response({}))["status"] == "format statusCode [200, 201]"

    def test_head_has_no_body(self, core: Core) -> None:
        pact = document(interaction("it", method="HEAD", response={"headers": {"X-Count": "2"}, "body": None}))
        came = response({"a": 1}, headers={**JSON, "X-Count": "2"})
        assert needs(core, pact, came) == {
            "status": "exact value",
            "header Content-Type": "",
            "header X-Count": "exact value",
        }

    def test_several_cookies(self, core: Core) -> None:
        cookies = ["a=1; expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/", "b=2; Path=/"]
        pact = document(interaction("it", response={"headers": {"Set-Cookie": cookies}}))
        came = response({}, headers={**JSON, "Set-Cookie": ", ".join(cookies)})
        assert needs(core, pact, came)["header Set-Cookie"] == "exact value"

    @pytest.mark.parametrize("status", [200, 201, 204, 301, 400, 404, 500, 503])
    def test_a_status(self, core: Core, status: int) -> None:
        pact = document(interaction("it", status=status))
        assert needs(core, pact, RecordedResponse(status, "", {}, b"")) == {"status": "exact value"}

    def test_headers(self, core: Core) -> None:
        rules = {"header": {"link": {"matchers": [{"match": "regex", "regex": "<.+>"}]}}}
        headers = {"link": "<a>", "X-Kind": "b"}
        pact = document(interaction("it", response={"headers": headers, "matchingRules": rules}))
        came = RecordedResponse(200, "OK", {"Link": "<c>", "x-kind": "b", "Vary": "Accept"}, b"")
        assert needs(core, pact, came) == {
            "status": "exact value",
            "header Link": "format regex <.+>",
            "header x-kind": "exact value",
            "header Vary": "",
        }

    def test_the_content_type_is_needed_to_read_the_body(self, core: Core) -> None:
        pact = document(interaction("it", response={"headers": dict(JSON), "body": {"a": 1}}))
        assert needs(core, pact, response({"a": 1}))["header Content-Type"] == "exact value"

    def test_what_every_server_adds_is_no_member(self, core: Core) -> None:
        headers = {**JSON, "Content-Length": "9", "Connection": "close", "Date": "now", "Server": "x"}
        found = needs(core, contract({"a": "x"}), response({"a": "x"}, headers=headers))
        assert list(found) == ["status", "header Content-Type", "$", "$.a"]


class TestOtherBodies:
    def test_text(self, core: Core) -> None:
        plain = {"Content-Type": "text/plain"}
        pact = document(interaction("it", response={"headers": plain, "body": "hello"}))
        assert needs(core, pact, RecordedResponse(200, "OK", plain, b"hello"))["body"] == "exact value"

    def test_xml_is_one_member(self, core: Core) -> None:
        xml = {"Content-Type": "application/xml"}
        pact = document(interaction("it", response={"headers": xml, "body": "<a><b>1</b></a>"}))
        assert needs(core, pact, RecordedResponse(200, "OK", xml, b"<a><b>1</b></a>"))["body"] == "exact value"

    def test_json_that_is_too_deep(self, core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
        def too_deep(*_: Any) -> Any:
            raise RecursionError

        monkeypatch.setattr(members, "_places", too_deep)
        [judged], left_out = judge_changes(core, verified(document(interaction("it")), response([])))
        assert [member.title for member in judged.noticed] == ["status", "header Content-Type", "body"]
        assert [why for _, why in left_out] == [UNREADABLE]

    def test_json_that_is_no_object(self, core: Core) -> None:
        assert needs(core, contract(5), response(5))["$"] == "exact value"

    def test_a_body_that_claims_to_be_json(self, core: Core) -> None:
        pact = document(interaction("it"))
        [judged], left_out = judge_changes(core, verified(pact, response(b"{")))
        assert judged.noticed[Member("body")] == ()
        assert [why for _, why in left_out] == [UNREADABLE]


class TestMessages:
    def test_asynchronous(self, core: Core) -> None:
        message = {
            "description": "an event",
            "type": "Asynchronous/Messages",
            "contents": {"content": {"id": 1, "name": "x"}, "contentType": "application/json", "encoded": False},
            "metadata": {"topic": "products"},
            "matchingRules": {"body": {"$.id": {"matchers": [{"match": "type"}]}}},
        }
        came = RecordedMessage(b'{"id": 2, "name": "x", "more": []}', "application/json", {"topic": "products", "k": 1})
        assert needs(core, document(message, version="4.0"), came) == {
            "metadata contentType": "exact value",
            "metadata topic": "exact value",
            "metadata k": "",
            "$": "type object",
            "$.id": "type number",
            "$.name": "exact value",
            "$.more": "",
        }

    def test_metadata_that_is_an_object(self, core: Core) -> None:
        pact = {**document(), "messages": [{"description": "it", "contents": {"a": 1}, "metaData": {"k": {"x": 1}}}]}
        came = RecordedMessage(b'{"a": 1}', "application/json", {"k": {"x": 1}})
        assert needs(core, pact, came)["metadata k"] == "exact value"

    def test_the_wire_format_of_kafkas_schema_registry(self, core: Core) -> None:
        kind = "application/vnd.schemaregistry.v1+json"
        pact = {
            **document(),
            "messages": [{"description": "it", "contents": {"a": 1}, "metaData": {"contentType": kind}}],
        }
        came = RecordedMessage(b'\0\0\0\0\1{"a": 1, "b": 2}', kind, {})
        found = needs(core, pact, came)
        assert (found["$.a"], found["$.b"]) == ("exact value", "")

    def test_v3(self, core: Core) -> None:
        pact = document()
        pact["messages"] = [{"description": "an event", "contents": {"id": 1}}]
        del pact["interactions"]
        came = RecordedMessage(b'{"id": 1, "more": 2}', "application/json", {})
        found = needs(core, pact, came)
        assert (found["$.id"], found["$.more"]) == ("exact value", "")

    def test_synchronous(self, core: Core) -> None:
        def contents(**content: Any) -> dict[str, Any]:
            return {"contents": {"content": content, "contentType": "application/json", "encoded": False}}

        message = {
            "description": "a question",
            "type": "Synchronous/Messages",
            "request": contents(ask=1),
            "response": [contents(a=1)],
        }
        came = RecordedMessage(b'{"a": 1, "b": 2}', "application/json", {})
        found = needs(core, document(message, version="4.0"), came)
        assert (found["$.a"], found["$.b"]) == ("exact value", "")


def test_several_consumers_interactions_and_statuses(core: Core) -> None:
    strict = interaction("strict", response={"body": {"a": "x"}})
    loose = interaction("loose", response={"body": {"a": "y"}, "matchingRules": of_type("$.a")})
    refused = interaction("refused", status=404, response={"body": {"detail": "gone"}})
    answers = response({"a": "x", "b": 1}), response({"a": "z"}), response({"detail": "gone"}, 404)
    first, second = operations(core, document(strict, loose, refused), *answers)
    assert (first.title, second.title) == ("GET /items, 200", "GET /items, 404")
    member = next(each for each in first.members if each.member.path == "$.a")
    [need] = member.needs
    assert (need.text, [each.title for each in need.interactions]) == ("exact value", ["strict", "loose"])
    assert [each.title for each in first.interactions] == ["strict", "loose"]
