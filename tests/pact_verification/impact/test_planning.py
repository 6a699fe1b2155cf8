import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pact_verification.errors import CannotVerify
from pact_verification.impact.asking import Core, Trial, Verdict
from pact_verification.impact.finding import MAX_MEMBERS, TOO_MANY, UNREADABLE, find_verified, judge_changes
from pact_verification.impact.planning import Planned, find_plan, in_operation, unsearched
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.pacts.reading import parse_pact
from pact_verification.results.exchange import RecordedMessage, RecordedResponse
from pact_verification.results.impact import Impact, InteractionName, Plan
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Report
from tests.pact_verification.impact.known import JSON, contract, of_type, response, verified
from tests.pact_verification.pact_files import document, interaction

pytestmark = pytest.mark.no_database

SHOP = "application/vnd.shop+json"
BODY = {"a": "x", "b": {"c": 1, "d": [{"e": 1, "f": 2}]}, "g": None}


def plan(core: Core, pact: Any, answers: Sequence[RecordedResponse], *planned: Planned) -> Plan:
    found, left_out = find_plan(core, verified(pact, *answers), planned, None)
    assert left_out == []
    return found


def broken_by(core: Core, expected: Any, *planned: Planned) -> tuple[str, ...]:
    """Return what breaks a contract that expects a part of BODY."""
    found = plan(core, contract(expected), [response(BODY)], *planned)
    return found.breaks[0].members if found.breaks else ()


class TestRemoval:
    @pytest.mark.parametrize(
        "path",
        ["$.a", "a", "$['a']", "$.b", "$.b.c", "b.c", "c", "$.b.d", "$.b.d[*].e", "$.b.d[0].e", "d[*].e", "e"],
    )
    def test_of_a_member_that_is_needed(self, core: Core, path: str) -> None:
        assert broken_by(core, BODY, Planned(path)) == (f"without {path}",)

    @pytest.mark.parametrize("path", ["$.g", "g", "$.b", "$.b.d[*].f", "header Content-Type"])
    def test_of_a_member_that_is_not_needed(self, core: Core, path: str) -> None:
        assert broken_by(core, {"a": "x"}, Planned(path)) == ()

    def test_of_a_header(self, core: Core) -> None:
        headers = {"Link": "<a>"}
        pact = document(interaction("it", response={"headers": headers}))
        came = RecordedResponse(200, "OK", headers, b"")
        assert plan(core, pact, [came], Planned("header link")).fails
        assert plan(core, pact, [came], Planned("header:Link")).fails

    @pytest.mark.parametrize("coding", ["gzip", "deflate"])
    def test_in_a_body_that_was_compressed(self, core: Core, coding: str) -> None:
        came = [response(BODY, headers={**JSON, "Content-Encoding": coding})]
        assert plan(core, contract({"a": "x"}), came, Planned("a")).fails
        assert not plan(core, contract({"a": "x"}), came, Planned("b"), Planned("header Content-Encoding")).fails

    def test_in_a_response_whose_length_is_named(self, core: Core) -> None:
        """The static server writes JSON as the project has written it, so the unchanged response is accepted."""
        for body in (b'{"a":1,"b":"\xc3\xa9"}', b'{"a": 1, "b": "\\u00e9"}', b'{"a":1,"b":"\\u00e9"}'):
            pact = contract({"a": 1}, headers={"Content-Length": str(len(body))})
            assert plan(core, pact, [response(body)], Planned("a")).fails

    @pytest.mark.parametrize(
        ("metadata", "name"),
        [({}, "contentType"), ({"contentType": SHOP}, "contentType"), ({"content-type": SHOP}, "content-type")],
    )
    def test_of_a_messages_content_type(self, core: Core, metadata: dict[str, str], name: str) -> None:
        pact = {
            **document(),
            "messages": [{"description": "it", "contents": {"a": 1}, "metaData": {name: SHOP}}],
        }
        came = RecordedMessage(b'{"a": 1}', SHOP, metadata)
        for each in (Planned(f"metadata {name}"), Planned.rename(f"metadata {name}=type")):
            found, left_out = find_plan(core, verified(pact, came), [each], None)
            assert (found.fails, left_out) == (True, [])

    def test_of_a_member_that_is_called_as_a_part_of_the_response(self, core: Core) -> None:
        came = [response({"status": "open", "body": "x", "header": 1})]
        for name in ("status", "body", "header"):
            assert plan(core, contract({"status": "open", "body": "x", "header": 1}), came, Planned(name)).fails
            assert not plan(core, contract({}), came, Planned(name)).fails

    def test_several_at_once_name_those_that_break(self, core: Core) -> None:
        asked = Planned("$.a"), Planned("$.g"), Planned("$.b.c")
        assert broken_by(core, {"a": "x", "b": {"c": 1}}, *asked) == ("without $.a", "without $.b.c")

    def test_a_member_and_what_it_holds(self, core: Core) -> None:
        assert broken_by(core, BODY, Planned("$.b"), Planned("$.b.c")) == ("without $.b", "without $.b.c")

    def test_a_change_that_is_refused_alone_and_accepted_with_another(self, core: Core) -> None:
        """All changes are made at once: a member of what is removed as well is not needed any more."""
        matchers = [{"match": "eachValue", "rules": [{"match": "type"}], "value": {"EUR": {"amount": 1}}}]
        rules = {"body": {"$.prices": {"matchers": matchers}}}
        pact = contract({"prices": {"EUR": {"amount": 1}}}, rules, version="4.0")
        came = [response({"prices": {"EUR": {"amount": 1}, "USD": {"amount": 2}}})]
        amount, all_of_it = Planned("$.prices.EUR.amount"), Planned("$.prices.EUR")
        assert plan(core, pact, came, amount).fails
        assert not plan(core, pact, came, amount, all_of_it).fails

    @pytest.mark.parametrize(("path", "member"), [("$ref", "$['$ref']"), ("ref", "$.ref"), ("$.$ref", "$['$ref']")])
    def test_a_name_that_begins_with_a_dollar_sign(self, path: str, member: str) -> None:
        [found] = verified(contract({}), response({"$ref": "x", "ref": "y"}))
        assert [each.member.path for each in found.members if Planned(path).concerns(each)] == [member]

    def test_members_that_break_a_contract_only_together(self) -> None:
        class Choosy(Core):
            """Refuses two changes at once. No rule of the real core was found that does."""

            def judge(self, trials: Sequence[Trial]) -> list[Verdict]:
                return [Verdict(len(trial.changes) < 2) for trial in trials]

        core = Choosy.__new__(Choosy)
        assert broken_by(core, {}, Planned("$.a")) == ()
        assert broken_by(core, {}, Planned("$.a"), Planned("$.g")) == ("without $.a", "without $.g")

    def test_a_change_without_a_verdict_breaks(self) -> None:
        class Silent(Core):
            def judge(self, trials: Sequence[Trial]) -> list[Verdict]:
                return [Verdict(None if trial.changes else True) for trial in trials]

        assert broken_by(Silent.__new__(Silent), {}, Planned("$.a")) == ("without $.a",)


class TestRename:
    @pytest.mark.parametrize("text", ["$.a=z", "$.a=$.z", "a=z", "$.b.c=$.b.z", "$.b.d[*].e=$.b.d[*].z", "b=z"])
    def test_of_a_member_that_is_needed(self, core: Core, text: str) -> None:
        old, _, new = text.partition("=")
        name = new.rpartition(".")[2]
        assert broken_by(core, BODY, Planned.rename(text)) == (f"{old} renamed to {name}",)

    def test_of_a_member_that_is_not_needed(self, core: Core) -> None:
        assert broken_by(core, {"a": "x"}, Planned.rename("$.b=z")) == ()

    def test_a_contract_may_refuse_the_new_name(self, core: Core) -> None:
        rule = {"match": "eachKey", "rules": [{"match": "regex", "regex": "[a-z]+"}], "value": {"k": 1}}
        pact = contract({"k": 1}, {"body": {"$": {"matchers": [rule]}}}, version="4.0")
        came = [response({"k": 1, "m": 2})]
        assert not plan(core, pact, came, Planned.rename("$.m=other")).fails
        assert plan(core, pact, came, Planned.rename("$.m=OTHER")).fails

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("a", "--rename 'a' is not OLD=NEW."),
            ("=b", "--rename '=b' is not OLD=NEW."),
            ("a=", "--rename 'a=' is not OLD=NEW."),
            *((f"$.b.c={new}", f"--rename $.b.c={new} moves a member") for new in ("$.c", ".", "$.", "[", "$.b..c")),
            ("header A=metadata B", "--rename header A=metadata B moves a member to another place."),
            ("a=header B", "--rename a=header B moves a member to another place."),
            (".=b", "'.' names no member."),
        ],
    )
    def test_what_is_no_new_name(self, text: str, reason: str) -> None:
        with pytest.raises(CannotVerify) as error:
            Planned.rename(text)
        assert str(error.value).startswith(reason)

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("title=header", "header"),
            ("header A=header B", "B"),
            ("header:A=header:B", "B"),
            ("header A=X.Y", "X.Y"),
            ("metadata a=b.c", "b.c"),
            ("$['a.b']=$['c.d']", "c.d"),
            ("$['a=b']=c", "c"),
            ("$['a=b'].c[0]['d=']=e=f", "e=f"),
            ("$ref=$id", "$id"),
            ("owner.name=owner.title", "title"),
        ],
    )
    def test_the_new_name(self, text: str, name: str) -> None:
        assert Planned.rename(text).new_name == name

    def test_a_name_that_another_change_frees(self, core: Core) -> None:
        asked = Planned("$.g"), Planned.rename("$.a=g")
        for order in (asked, asked[::-1]):
            assert broken_by(core, {"a": "x"}, *order) == ("$.a renamed to g",)
            assert broken_by(core, {}, *order) == ()
        assert broken_by(core, BODY, Planned.rename("header Content-Type=content-type")) == ()

    @pytest.mark.parametrize("asked", [("a=b", "b=a"), ("a=b", "b=z"), ("b=z", "a=b")])
    def test_a_name_that_a_renamed_member_has(self, core: Core, asked: tuple[str, str]) -> None:
        """One change after the other would lose a member."""
        with pytest.raises(CannotVerify, match="has 'b' already"):
            plan(core, contract({"a": 1}), [response({"b": "x", "a": 1})], *map(Planned.rename, asked))

    def test_a_name_that_two_members_would_get(self, core: Core) -> None:
        with pytest.raises(CannotVerify, match=r"has 'z' already, so \$\.b can't get that name\."):
            broken_by(core, BODY, Planned.rename("$.a=z"), Planned.rename("$.b=z"))

    def test_a_name_that_is_taken(self, core: Core) -> None:
        with pytest.raises(CannotVerify, match=r"GET /items, 200 has 'g' already, so \$\.a can't get that name\."):
            broken_by(core, BODY, Planned.rename("$.a=g"))


class TestWhatIsNotThere:
    @pytest.mark.parametrize(
        ("path", "suggestion"),
        [
            ("$.aa", "Did you mean $.a?"),
            ("header Contenttype", "Did you mean header Content-Type?"),
            ("content-type", "Did you mean header Content-Type?"),
            ("zzzzz", ""),
        ],
    )
    def test_is_an_error(self, core: Core, path: str, suggestion: str) -> None:
        with pytest.raises(CannotVerify) as error:
            broken_by(core, BODY, Planned("$.a"), Planned(path))
        assert str(error.value).startswith(f"No verified response has {path!r}, so nothing can be said of it.")
        assert suggestion in str(error.value)

    @pytest.mark.parametrize(
        ("path", "reason"),
        [
            ("$.b.d[*]", "$.b.d[*] is every item of a list. Only a member can be removed or renamed."),
            ("status", "No verified response has 'status', so nothing can be said of it."),
        ],
    )
    def test_what_can_not_be_removed(self, core: Core, path: str, reason: str) -> None:
        with pytest.raises(CannotVerify) as error:
            broken_by(core, BODY, Planned(path))
        assert str(error.value).startswith(reason)

    @pytest.mark.parametrize("path", ["", " ", ".", "$..name", "$.items[?(@.x)].name", "$.a[", "a[?]"])
    def test_what_is_no_path(self, path: str) -> None:
        with pytest.raises(CannotVerify) as error:
            Planned(path)
        assert str(error.value).startswith(f"{path!r} names no member. Write a JSON path such as")

    def test_a_header_that_is_there_in_another_case(self, core: Core) -> None:
        pact = document(interaction("it"))
        came = RecordedResponse(200, "OK", {"Link": "<a>", "X-Next": "b"}, b"")
        with pytest.raises(CannotVerify, match="has 'link' already"):
            plan(core, pact, [came], Planned.rename("header X-Next=link"))


class TestOperation:
    ANSWERS = response({"a": "x"}), response({"a": "x"})
    PACT = document(
        interaction("one", "/items/7", response={"body": {"a": "x"}}),
        interaction("all", "/items", response={"body": {"a": "y"}, "matchingRules": of_type("$.a")}),
    )

    @pytest.mark.parametrize("text", ["GET /items/…", "get /items/…/", " GET /items/… ", "GET /items/…, 200"])
    def test_is_found(self, text: str) -> None:
        assert [each.name.title for each in in_operation(verified(self.PACT, *self.ANSWERS), text)] == ["one"]

    def test_is_unknown(self) -> None:
        with pytest.raises(CannotVerify) as error:
            in_operation(verified(self.PACT, *self.ANSWERS), "GET /item")
        assert str(error.value) == (
            "No verified interaction is of the operation 'GET /item'. Did you mean GET /items or GET /items/…? "
            "There are GET /items/…, GET /items."
        )


def test_who_is_affected_and_who_breaks(core: Core) -> None:
    pact = document(
        interaction("strict", response={"body": {"a": "x"}}),
        interaction("loose", response={"body": {}}),
        interaction("without it", response={"body": {}}),
    )
    found = plan(core, pact, [response({"a": "x"}), response({"a": "x"}), response({})], Planned("a"))
    assert [each.title for each in found.affected] == ["strict", "loose"]
    assert [(each.interaction.title, each.operation) for each in found.breaks] == [("strict", "GET /items, 200")]
    assert found.fails


def test_an_interaction_with_several_responses_breaks_once(core: Core) -> None:
    def contents(number: int) -> dict[str, Any]:
        return {"contents": {"content": {"a": number}, "contentType": "application/json", "encoded": False}}

    message = {"description": "it", "type": "Synchronous/Messages", "request": contents(0)}
    pact = document({**message, "response": [contents(1), contents(2)]}, version="4.0")
    read = parse_pact(json.dumps(pact).encode(), "pacts/p.json")
    assert read
    came = tuple(RecordedMessage(f'{{"a": {number}}}'.encode(), "application/json", {}) for number in (1, 2))
    result = InteractionResult(read.interactions[0], Outcome.VERIFIED, answers=came)
    found, left_out = find_plan(core, list(find_verified([read], [PactResult(read, (result,))])), [Planned("a")], None)
    assert (len(found.affected), len(found.breaks), left_out) == (1, 1, [])


def test_a_secret_name_is_in_no_path(core: Core) -> None:
    pact = contract({"tokens": {"abc": {"user": 1}}})
    read = parse_pact(json.dumps(pact).encode(), "pacts/p.json")
    assert read
    result = InteractionResult(
        read.interactions[0],
        Outcome.VERIFIED,
        answers=(response({"tokens": {"abc": {"user": 1}}}),),
        secret_members=(("abc", "(hidden)"),),
    )
    found = list(find_verified([read], [PactResult(read, (result,))]))
    [judged], _ = judge_changes(core, found)
    paths = [member.path for member in judged.noticed if member.part == "body"]
    assert paths == ["$", "$.tokens", "$.tokens['(hidden)']", "$.tokens['(hidden)'].user"]
    assert find_plan(core, found, [Planned("user")], None)[0].fails


def test_a_pending_interaction_breaks_and_does_not_fail(core: Core) -> None:
    pact = document(
        interaction("it", response={"body": {"a": "x"}}, type="Synchronous/HTTP", pending=True), version="4.0"
    )
    pact["interactions"][0]["response"]["body"] = {"content": {"a": "x"}, "contentType": JSON["Content-Type"]}
    found = plan(core, pact, [response({"a": "x"})], Planned("a"))
    assert (len(found.breaks), found.fails) == (1, False)


def test_a_response_that_the_core_refuses_unchanged(core: Core) -> None:
    """A change of a response that can't be tried again must not look harmless."""
    answers = verified(contract({"a": "x"}), response({"a": "y"}))
    found, left_out = find_plan(core, answers, [Planned("a")], None)
    assert (found.breaks, [name.title for name, _ in left_out]) == ((), ["it"])


def test_a_member_after_many_others(core: Core) -> None:
    """The table is cut there, and a plan looks at all of them."""
    body = {f"m{number}": number for number in range(600)}
    answer = response(body)
    assert plan(core, contract({"m599": 599}), [answer], Planned("m599")).fails
    [judged], left_out = judge_changes(core, verified(contract({"m1": 1}), answer))
    assert len([member for member in judged.noticed if member.part == "body"]) == MAX_MEMBERS
    assert left_out == [(judged.verified.name, TOO_MANY)]


@pytest.mark.parametrize(("pending", "exit_code"), [(False, 1), (True, 0)])
def test_what_could_not_be_tried_may_break(pending: bool, exit_code: int) -> None:
    name = InteractionName("shop", "it", "key", pending)
    result = PactResult(Pact("shop", "p", (Interaction("it"),), None, "s"), ())
    green = Report("p", (replace(result, interactions=(InteractionResult(Interaction("it"), Outcome.VERIFIED),)),))
    harmless = Plan(("without a",), None, (name,), ())
    assert Impact(green, plan=harmless, left_out=((name, "why"),)).exit_code == exit_code
    assert Impact(green, plan=harmless).exit_code == 0
    assert Impact(green, left_out=((name, "why"),)).exit_code == 0


def test_json_that_can_not_be_read_may_hold_the_member(core: Core) -> None:
    """A body that was cut says that it is JSON. No contract may look unbroken for it."""
    pact = document(interaction("whole"), interaction("cut", "/cut"))
    found = verified(pact, response({"name": 1}), response(b'[{"name": 1}, {"na'))
    for planned, left in ((Planned("name"), [("cut", UNREADABLE)]), (Planned("header Content-Type"), [])):
        _, left_out = find_plan(core, found, [planned], None)
        assert [(name.title, why) for name, why in left_out] == left
    _, left_out = judge_changes(core, found)
    assert [(name.title, why) for name, why in left_out] == [("cut", UNREADABLE)]


def test_a_body_that_can_not_be_searched_is_named() -> None:
    text = RecordedResponse(200, "OK", {"Content-Type": "application/xml"}, b"<name/>")
    pact = document(interaction("json"), interaction("xml", "/xml"))
    found = verified(pact, response({"name": 1}), text)
    note = "The body of GET /xml, 200 is not JSON, so the planned change was not looked for in it."
    assert unsearched(found, [Planned("name")]) == note
    assert unsearched(found, [Planned("header_of_it")]) == note
    assert unsearched(found, [Planned("header Link")]) is None
    assert unsearched(found[:1], [Planned("name")]) is None
