"""Grouping failures by cause: what has one cause, what each cause is called, and where it leads to."""

import json
from dataclasses import replace
from typing import Any

import pytest

from pact_verification.pacts.pact import UNREADABLE, Expected, Interaction, Pact, PactMessage, Request
from pact_verification.pacts.schema import ASYNCHRONOUS, SYNCHRONOUS
from pact_verification.results.causes import causes, readable_route
from pact_verification.results.crash import Crash, Frame
from pact_verification.results.exchange import (
    Endpoint,
    Exchange,
    Producer,
    RecordedMessage,
    RecordedRequest,
    RecordedResponse,
)
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.report import Cause, InteractionResult, Outcome, PactResult
from pact_verification.text import Place

pytestmark = pytest.mark.no_database

LIST = Endpoint("items/", "shop.views.items", Place("shop/views.py", 20))
DETAIL = Endpoint("items/<int:pk>/", "shop.views.item", Place("shop/views.py", 30))


def pact(*results: InteractionResult, consumer: str = "app") -> PactResult:
    return PactResult(Pact(consumer, "shop", (), None, f"{consumer}.json"), results)


def answered(
    *mismatches: Mismatch,
    endpoint: Endpoint | None = LIST,
    came: Any = None,
    wanted: Any = None,
    status: tuple[int, str] = (200, "OK"),
    path: str = "/items/",
    pending: bool = False,
    **seen: Any,
) -> InteractionResult:
    """An interaction whose response was another."""
    return InteractionResult(
        Interaction("x", request=Request(path=path), expected=Expected(body=wanted), pending=pending),
        Outcome.MISMATCH,
        Exchange(
            RecordedRequest("GET", path),
            RecordedResponse(*status, body=json.dumps(came).encode()),
            endpoint=endpoint,
            **seen,
        ),
        mismatches,
    )


def failed(outcome: Outcome, error: str, *, path: str = "/items/", **seen: Any) -> InteractionResult:
    """An interaction without a comparison."""
    return InteractionResult(Interaction("x", request=Request(path=path)), outcome, Exchange(**seen), error=error)


def of_body(path: str, message: str = "Expected 1 (Integer) to be the same type as 'a' (String)") -> Mismatch:
    return Mismatch("body", path, "a", "1", message)


def missing(path: str, names: str) -> Mismatch:
    return Mismatch("body", path, "", "", f"Actual map is missing the following keys: {names}")


def crash(line: int = 7, *, exception: str = "LookupError: no price") -> Crash:
    return Crash(exception, (Frame("shop/prices.py", line, "price", "raise LookupError", own=True),))


STATUS = Mismatch("status", "", 200, 500, "expected 200 but was 500")
BROKEN = (500, "Internal Server Error")


def found(*results: InteractionResult) -> list[tuple[str, int]]:
    """Return the title of each cause, with the number of its interactions."""
    return [(cause.title, len(cause.failures)) for cause in causes([pact(*results)])]


class TestExceptions:
    def test_the_same_exception_at_the_same_line_of_two_views(self) -> None:
        results = [
            pact(
                answered(STATUS, status=BROKEN, crash=crash()),
                answered(STATUS, status=BROKEN, crash=crash(exception="LookupError: no price for 2"), endpoint=DETAIL),
            ),
            pact(answered(STATUS, status=BROKEN, crash=crash()), consumer="web"),
        ]
        assert causes(results) == (
            Cause(
                "LookupError: no price",
                ("GET /items/", "GET /items/{pk}/"),
                Place("shop/prices.py", 7),
                ((0, 0), (0, 1), (1, 0)),
                ("app", "web"),
            ),
        )

    def test_another_line_or_another_exception_is_another_cause(self) -> None:
        assert found(
            answered(STATUS, status=BROKEN, crash=crash(7)),
            answered(STATUS, status=BROKEN, crash=crash(8)),
            answered(STATUS, status=BROKEN, crash=crash(7, exception="KeyError: 'a'")),
        ) == [("LookupError: no price", 1), ("LookupError: no price", 1), ("KeyError: 'a'", 1)]

    def test_one_that_has_no_line_belongs_to_its_operation(self) -> None:
        bare = Crash("RuntimeError: x\nand more")
        assert found(
            answered(STATUS, status=BROKEN, crash=bare), answered(STATUS, status=BROKEN, crash=bare, endpoint=DETAIL)
        ) == [("RuntimeError: x", 1), ("RuntimeError: x", 1)]

    def test_one_that_says_all_is_one_cause_wherever_it_is_raised(self) -> None:
        """A serializer that names a field that the model lacks fails in states, views and producers."""
        text = "ImproperlyConfigured: Field name `versio` is not valid for model `Product`."
        results = [
            failed(Outcome.STATE_ERROR, f"The state 'a' raised {text} (a.py:3)", crash=crash(3, exception=text)),
            answered(STATUS, status=BROKEN, crash=crash(7, exception=text)),
            answered(STATUS, status=BROKEN, crash=crash(8, exception=text), endpoint=DETAIL),
        ]
        (cause,) = causes([pact(*results)])
        assert (cause.title, cause.subjects, cause.place) == (text, ("GET /items/", "GET /items/{pk}/"), None)
        assert [(each.title, each.place) for each in causes([pact(results[1])])] == [(text, Place("shop/prices.py", 7))]
        other = answered(STATUS, status=BROKEN, crash=crash(7, exception="ImproperlyConfigured: SECRET_KEY is empty"))
        assert len(causes([pact(results[1], other)])) == 2

    def test_two_errors_of_a_library_s_line_have_two_causes(self) -> None:
        """Without a frame of the project, each error of the database is at the same line."""

        def error(text: str) -> Crash:
            return Crash(f"IntegrityError: {text}", (Frame("django/base.py", 354, "execute", "return", own=False),))

        price, number = error("NOT NULL constraint failed: item.price"), error("UNIQUE constraint failed: order.number")
        assert found(
            answered(STATUS, status=BROKEN, crash=price),
            answered(STATUS, status=BROKEN, crash=price),
            answered(STATUS, status=BROKEN, crash=number, endpoint=DETAIL),
        ) == [(price.exception, 2), (number.exception, 1)]

    def test_values_in_a_text_that_says_all(self) -> None:
        said = "NoReverseMatch: Reverse for 'item' with keyword arguments '{{'pk': {}}}' not found."
        assert found(
            *(answered(STATUS, status=BROKEN, crash=crash(exception=said.format(number))) for number in (5, 17)),
        ) == [(said.format(5), 2)]

    def test_one_of_a_library_leads_to_the_view(self) -> None:
        """Django's own line says that a view returned None."""
        error = Crash("ValueError: The view returned None.", (Frame("base.py", 332, "check", "raise", own=False),))
        (cause,) = causes([pact(answered(STATUS, status=BROKEN, crash=error))])
        assert cause.place == Place("shop/views.py", 20)

    def test_of_a_state_handler(self) -> None:
        error = "The state 'a' raised LookupError: no price (shop/prices.py:7)"
        (cause,) = causes([pact(*[failed(Outcome.STATE_ERROR, error, crash=crash()) for _ in range(2)])])
        assert cause == Cause(error, (), Place("shop/prices.py", 7), ((0, 0), (0, 1)), ("app",))

    def test_of_a_producer(self) -> None:
        producer = Producer("order_placed()", Place("shop/pact_states.py", 3))
        result = InteractionResult(
            Interaction("an order", kind=ASYNCHRONOUS),
            Outcome.PRODUCER_ERROR,
            Exchange(producer=producer, crash=crash()),
            error="order_placed() raised LookupError: no price (shop/prices.py:7)",
        )
        (cause,) = causes([pact(result, replace(result, interaction=Interaction("another", kind=ASYNCHRONOUS)))])
        assert (cause.title, cause.subjects, cause.place, len(cause.failures)) == (
            "order_placed() raised LookupError: no price (shop/prices.py:7)",
            ("message of order_placed()",),
            Place("shop/prices.py", 7),
            2,
        )


class TestValues:
    """What differs only by its values has one cause, and what is another fault has another."""

    @pytest.mark.parametrize(
        "sentences",
        [
            [f"Expected {{'n': '{each}'}} (Map) to be the same type as 'it's' (String)" for each in ("a", "b")],
            ["Expected 'it's a' (String) to be equal to 'b'", "Expected 'c' (String) to be equal to 'it's d'"],
            [
                "Expected true (Boolean) to be equal to false (Boolean)",
                "Expected false (Boolean) to be equal to true (Boolean)",
            ],
        ],
    )
    def test_of_one_place(self, sentences: list[str]) -> None:
        assert len(causes([pact(*[answered(of_body("$.a", sentence)) for sentence in sentences])])) == 1

    def test_bodies_that_can_not_be_parsed_for_two_reasons(self) -> None:
        sentences = [
            "Failed to parse the actual body: 'expected value at line 1 column 1'",
            "Failed to parse the actual body: 'expected value at line 3 column 7'",
            "Failed to parse the actual body: 'recursion limit exceeded at line 1 column 128'",
        ]
        assert [count for _, count in found(*[answered(of_body("$", each)) for each in sentences])] == [2, 1]

    def test_refusals_at_one_line(self) -> None:
        refusals = [crash(exception=f"Http404: no item {each!r}") for each in ("a", "b")]
        status = Mismatch("status", "", 200, 404, "expected 200 but was 404")
        results = [answered(status, status=(404, "Not Found"), refusal=each) for each in refusals]
        assert [count for _, count in found(*results)] == [2]

    def test_two_producers_that_fail_alike(self) -> None:
        results = [
            InteractionResult(
                Interaction(f"it {number}", kind=ASYNCHRONOUS),
                Outcome.PRODUCER_ERROR,
                Exchange(producer=Producer(f"order_v{number}()", Place("p.py", number))),
                error=f"order_v{number}() captured no message. (p.py:{number})",
            )
            for number in (1, 2)
        ]
        assert len(causes([pact(*results)])) == 2

    def test_the_address_of_an_object(self) -> None:
        errors = [f"a_state() returned <Item object at 0x7f{each}>" for each in ("00", "a1")]
        assert len(causes([pact(*[failed(Outcome.STATE_ERROR, each) for each in errors])])) == 1

    def test_a_content_type_is_one_cause(self) -> None:
        mismatches = (
            Mismatch("header", "Content-Type", "application/json", "text/x", "Expected header 'Content-Type' ..."),
            of_body("", "Expected a body of 'application/json' but the actual content type was 'text/x'"),
        )
        assert len(causes([pact(answered(*mismatches))])) == 1

    def test_a_long_title_is_cut(self) -> None:
        (cause,) = causes([pact(answered(STATUS, status=BROKEN, crash=crash(exception="E: " + "x" * 9000)))])
        assert len(cause.title) == 301


class TestRedirects:
    STATUS = Mismatch("status", "", 200, 301, "expected 200 but was 301")

    @pytest.mark.parametrize(
        ("location", "title"),
        [
            (
                "/items/?page=2",
                (
                    "301 Moved Permanently came instead of 200, to /items/?page=2: the URL pattern ends with a slash, "
                    "and the pact's path does not"
                ),
            ),
            ("/login?next=/items", "301 Moved Permanently came instead of 200, to /login?next=/items"),
            ("", "301 Moved Permanently came instead of 200"),
        ],
    )
    def test_where_it_leads(self, location: str, title: str) -> None:
        result = answered(self.STATUS, status=(301, "Moved Permanently"), path="/items")
        assert result.exchange.response
        response = replace(result.exchange.response, headers={"Location": location} if location else {})
        assert found(replace(result, exchange=replace(result.exchange, response=response))) == [(title, 1)]


class TestTables:
    """What an unmigrated database lacks is one cause, wherever it is asked for."""

    @pytest.mark.parametrize(
        ("exception", "absent"),
        [
            ("OperationalError: no such table: shop_item", "no such table: shop_item"),
            (
                "OperationalError: Problem installing 'a.json': no such table: shop_item",
                "no such table: shop_item",
            ),
            ("OperationalError: no such column: shop_item.price", "no such column: shop_item.price"),
            (
                "OperationalError: table shop_item has no column named price",
                "table shop_item has no column named price",
            ),
            (
                'ProgrammingError: relation "shop_item" does not exist\nLINE 1: SELECT 1',
                'relation "shop_item" does not exist',
            ),
            ("ProgrammingError: column shop_item.price does not exist", "column shop_item.price does not exist"),
            (
                'ProgrammingError: column "price" of relation "shop_item" does not exist',
                'column "price" of relation "shop_item" does not exist',
            ),
            (
                """ProgrammingError: (1146, "Table 'test_shop.shop_item' doesn't exist")""",
                "Table 'test_shop.shop_item' doesn't exist",
            ),
            (
                """OperationalError: (1054, "Unknown column 'shop_item.price' in 'SELECT'")""",
                "Unknown column 'shop_item.price'",
            ),
        ],
    )
    def test_in_a_state_a_view_and_a_refusal(self, exception: str, absent: str) -> None:
        results = [
            failed(Outcome.STATE_ERROR, f"The state 'a' raised {exception}", crash=crash(3, exception=exception)),
            failed(Outcome.STATE_ERROR, f"The state 'b' raised {exception}", crash=crash(5, exception=exception)),
            answered(STATUS, status=BROKEN, crash=crash(7, exception=exception)),
            answered(STATUS, status=(503, "Service Unavailable"), refusal=crash(9, exception=exception)),
        ]
        (cause,) = causes([pact(*results)])
        assert cause.title == f"{absent}. Is a migration missing? manage.py makemigrations --check tells."
        assert (cause.place, cause.subjects, len(cause.failures)) == (None, ("GET /items/",), 4)

    def test_another_error_of_the_database_is_none_of_these(self) -> None:
        locked = crash(exception="OperationalError: database is locked")
        said = crash(exception="LookupError: OperationalError: no such table: 7")
        assert found(answered(STATUS, status=BROKEN, crash=locked), answered(STATUS, status=BROKEN, crash=said)) == [
            ("OperationalError: database is locked", 1),
            ("LookupError: OperationalError: no such table: 7", 1),
        ]


class TestStates:
    def test_the_same_state_without_a_handler(self) -> None:
        error = "No handler for the provider state 'a'."
        assert found(
            failed(Outcome.STATE_ERROR, error),
            failed(Outcome.STATE_ERROR, error, path="/orders"),
            failed(Outcome.STATE_ERROR, error.replace("'a'", "'b'")),
        ) == [(error, 2), (error.replace("'a'", "'b'"), 1)]

    def test_a_title_is_one_line(self) -> None:
        assert found(failed(Outcome.STATE_ERROR, "it failed:\nat length")) == [("it failed:", 1)]


class TestBodies:
    def test_the_same_mismatch_at_the_same_path_of_the_same_endpoint(self) -> None:
        (cause,) = causes([pact(answered(of_body("$.name")), answered(of_body("$.name")))])
        assert cause == Cause(
            "`$.name`: 1 is a whole number, and the contract has text",
            ("GET /items/",),
            Place("shop/views.py", 20),
            ((0, 0), (0, 1)),
            ("app",),
        )

    def test_another_endpoint_path_or_mismatch_is_another_cause(self) -> None:
        another = of_body("$.name", "Expected '' (String) to not be empty")
        assert [count for _, count in found(answered(of_body("$.name")), answered(of_body("$.price")))] == [1, 1]
        assert [count for _, count in found(answered(of_body("$.name")), answered(another))] == [1, 1]
        elsewhere = answered(of_body("$.name"), endpoint=DETAIL)
        assert [count for _, count in found(answered(of_body("$.name")), elsewhere)] == [1, 1]

    def test_other_values_are_the_same_mismatch(self) -> None:
        one, two = (of_body("$.a", f"Expected '{v}' (String) to be equal to '{v}{v}' (String)") for v in "xy")
        assert found(answered(one), answered(two)) == [("`$.a`: 'x' (text) came, and the contract has 'xx' (text)", 2)]

    def test_elements_of_an_array_are_one_place(self) -> None:
        assert found(answered(of_body("$[0].name"), of_body("$[1].name")), answered(of_body("$[7].name"))) == [
            ("`$[*].name`: 1 is a whole number, and the contract has text", 2)
        ]

    def test_an_interaction_may_have_several_causes(self) -> None:
        (first, second) = causes([pact(answered(of_body("$.a"), of_body("$.b")))])
        assert first.failures == second.failures == ((0, 0),)

    def test_requests_without_a_url_pattern_differ_by_their_paths_but_for_ids(self) -> None:
        paths = ("/a/1", "/a/2", "/a/0b8f2b9e-3d61-4c6f-9c5d-2f0a3f1c9d10", "/b/1")
        results = [answered(of_body("$.a"), endpoint=None, path=path) for path in paths]
        assert [(cause.subjects, len(cause.failures)) for cause in causes([pact(*results)])] == [
            (("GET /a/…",), 3),
            (("GET /b/…",), 1),
        ]


WANTED = {"id": 1, "name": "cup"}


class TestMembers:
    def test_a_member_that_is_missing(self) -> None:
        result = answered(missing("$", "name"), came={"id": 2}, wanted=WANTED)
        assert found(result, result) == [("`name` is missing", 2)]

    def test_two_that_are_missing_in_the_elements_of_an_array(self) -> None:
        result = answered(
            missing("$.items[0]", "id, name"),
            missing("$.items[1]", "id, name"),
            came={"items": [{}, {}]},
            wanted={"items": [WANTED]},
        )
        assert found(result) == [("`id`, `name` are missing in $.items[*]", 1)]

    def test_a_member_with_another_name_is_one_cause_in_all_operations(self) -> None:
        results = [
            answered(missing("$[0]", "name"), came=[{"id": 1, "title": "cup"}], wanted=[WANTED]),
            answered(missing("$", "name"), came={"id": 1, "title": "cup"}, wanted=WANTED, endpoint=DETAIL),
        ]
        assert causes([pact(*results)]) == (
            Cause(
                "`name` is missing; `title` came and no contract knows it",
                ("GET /items/", "GET /items/{pk}/"),
                None,  # two views
                ((0, 0), (0, 1)),
                ("app",),
            ),
        )

    def test_a_member_that_another_contract_knows_is_no_new_name(self) -> None:
        result = answered(missing("$", "name"), came={"id": 1, "title": "cup"}, wanted=WANTED)
        other = InteractionResult(Interaction("y", expected=Expected(body=[{"title": "x"}])), Outcome.VERIFIED)
        assert [cause.title for cause in causes([pact(result), pact(other, consumer="web")])] == ["`name` is missing"]

    def test_a_run_of_some_contracts_does_not_speak_of_all(self) -> None:
        result = answered(missing("$", "name"), came={"id": 1, "title": "cup"}, wanted=WANTED)
        (cause,) = causes([pact(result)], "no contract of this run")
        assert cause.title == "`name` is missing; `title` came and no contract of this run knows it"

    def test_later_elements_are_compared_with_the_first_example(self) -> None:
        result = answered(
            missing("$[2]", "b"), came=[{"a": 1, "b": 2}, {"a": 1}, {"a": 1}], wanted=[{"a": 1, "b": 2}, {"a": 1}]
        )
        assert found(result) == [("`b` is missing in $[*]", 1)]

    def test_few_of_many_names_are_shown(self) -> None:
        result = answered(missing("$", "name"), came=dict.fromkeys(["id", *"abcdef"]), wanted=WANTED)
        assert found(result) == [
            ("`name` is missing; `a`, `b`, `c`, `d` and 2 more came and no contract knows them", 1)
        ]

    @pytest.mark.parametrize("body", [b"{", b"[1]", b"null"])
    def test_a_body_that_can_not_be_compared(self, body: bytes) -> None:
        result = answered(missing("$", "name"), wanted=WANTED)
        result = replace(result, exchange=replace(result.exchange, response=RecordedResponse(200, body=body)))
        assert found(result) == [("`$`: missing: name", 1)]

    def test_of_several_responses_only_the_one_that_is_there_is_compared(self) -> None:
        messages = (PactMessage({"a": 1}), PactMessage({"b": 1}))
        result = InteractionResult(
            Interaction("q", kind=SYNCHRONOUS, messages=messages),
            Outcome.MISMATCH,
            Exchange(message=RecordedMessage(b'{"z": 1}'), producer=Producer("answer()", Place("p.py", 1))),
            (replace(missing("$", "a"), response=0), replace(missing("$", "b"), response=1)),
        )
        assert found(result) == [("`a` is missing; `z` came and no contract knows it", 1), ("`$`: missing: b", 1)]


class TestHeaders:
    def test_a_header_belongs_to_its_operation(self) -> None:
        mismatch = Mismatch("header", "X-Rate", "1", "", "Expected a header 'X-Rate' but was missing")
        elsewhere = answered(mismatch, endpoint=DETAIL)
        assert found(answered(mismatch), answered(replace(mismatch, path="x-rate")), elsewhere) == [
            ("the header X-Rate is missing", 2),
            ("the header X-Rate is missing", 1),
        ]

    def test_one_whose_sentence_was_replaced_for_a_secret_is_named(self) -> None:
        secret = Mismatch("header", "X-Api-Key", "(hidden)", "(hidden)", "Expected '(hidden)' but received '(hidden)'")
        assert found(answered(secret)) == [("header X-Api-Key: Expected '(hidden)' but received '(hidden)'", 1)]


class TestStatuses:
    def test_without_a_refusal_it_belongs_to_its_operation_and_the_body_follows_from_it(self) -> None:
        wrong = replace(STATUS, message="expected 200 but was 404")
        one = answered(wrong, of_body("$.a"), status=(404, "Not Found"))
        assert found(one, one, answered(wrong, status=(404, "Not Found"), endpoint=DETAIL)) == [
            ("404 Not Found came instead of 200", 2),
            ("404 Not Found came instead of 200", 1),
        ]

    def test_the_same_refusal_is_one_cause_wherever_it_is(self) -> None:
        refusal = Crash("PermissionDenied: no\nreally")
        one = answered(STATUS, status=(403, "Forbidden"), refusal=refusal)
        other = answered(STATUS, status=(403, "Forbidden"), refusal=refusal, endpoint=DETAIL)
        assert causes([pact(one, other)]) == (
            Cause(
                "403 Forbidden came instead of 200: PermissionDenied: no",
                ("GET /items/", "GET /items/{pk}/"),
                None,
                ((0, 0), (0, 1)),
                ("app",),
            ),
        )
        created = replace(other, interaction=replace(other.interaction, expected=Expected(201)))
        assert found(one, created) == [("403 Forbidden came: PermissionDenied: no", 2)]

    def test_no_url_pattern(self) -> None:
        no_route = "no URL pattern matches; did you mean 'items/'?"
        result = answered(STATUS, status=(404, "Not Found"), endpoint=None, no_route=no_route)
        assert found(result, result) == [(f"404 Not Found came instead of 200: {no_route}", 2)]


class TestErrors:
    def test_each_operation_has_a_time_limit_of_its_own(self) -> None:
        def slow(seconds: float, path: str) -> InteractionResult:
            error = f"The project took {seconds} s to answer, and may take 5 s (--request-timeout)."
            return failed(Outcome.MISMATCH, error, path=path, over_limit=error)

        first = "The project took 5.1 s to answer, and may take 5 s (--request-timeout)."
        assert found(slow(5.1, "/a"), slow(6.2, "/a"), slow(5.1, "/b")) == [(first, 2), (first, 1)]

    def test_what_ends_a_run_is_one_cause(self) -> None:
        error = "Not run: 'x' ended the process that ran the project, and the run was stopped."
        (cause,) = causes([pact(*[failed(Outcome.NOT_VERIFIED, error, path=path) for path in ("/a", "/b")])])
        assert (cause.title, cause.subjects, len(cause.failures)) == (error, ("GET /a", "GET /b"), 2)

    def test_a_refused_connection_explains_what_differs(self) -> None:
        refused = "The run refused a connection to prices.example:443."
        result = replace(answered(STATUS, status=(502, "Bad Gateway")), error=refused)
        elsewhere = replace(answered(STATUS, status=(502, "Bad Gateway"), endpoint=DETAIL), error=refused)
        assert found(result, elsewhere) == [(refused, 2)]

    def test_a_pact_that_can_not_be_read_is_about_no_operation(self) -> None:
        result = InteractionResult(
            Interaction("the pact", kind=UNREADABLE), Outcome.NOT_VERIFIED, error="shop.json is not JSON."
        )
        assert causes([pact(result)]) == (Cause("shop.json is not JSON.", (), None, ((0, 0),), ("app",)),)

    def test_a_message_that_no_producer_gives(self) -> None:
        result = InteractionResult(
            Interaction("an order", kind=ASYNCHRONOUS), Outcome.PRODUCER_ERROR, error="No producer for it."
        )
        (cause,) = causes([pact(result)])
        assert (cause.title, cause.subjects) == ("No producer for it.", ("message 'an order'",))


class TestWhichAndInWhichOrder:
    def test_pending_and_skipped_and_verified_ones_have_none(self) -> None:
        skipped = failed(Outcome.SKIPPED, "Not run.")
        verified = InteractionResult(Interaction("v"), Outcome.VERIFIED)
        assert causes([pact(answered(of_body("$.a"), pending=True), skipped, verified)]) == ()

    def test_a_pending_one_that_counts_has_one(self) -> None:
        assert len(causes([pact(replace(answered(of_body("$.a"), pending=True), counted=True))])) == 1

    def test_those_of_the_most_interactions_are_first_and_equal_ones_in_the_pacts_order(self) -> None:
        names = [answered(of_body(f"$.{name}")) for name in "abbcb"]
        assert [title[:5] for title, _ in found(*names)] == ["`$.b`", "`$.a`", "`$.c`"]


@pytest.mark.parametrize(
    ("route", "readable"),
    [
        ("items/<int:pk>/", "items/{pk}/"),
        ("items/<slug>", "items/{slug}"),
        (r"^items/(?P<pk>[^/.]+)/$", "items/{pk}/"),
        (r"^items/(?P<pk>(a|b)+)/\Z", "items/{pk}/"),
    ],
)
def test_a_route(route: str, readable: str) -> None:
    assert readable_route(route) == readable
