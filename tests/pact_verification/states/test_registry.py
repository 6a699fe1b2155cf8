import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest

from pact_verification.errors import InvalidRegistration, StateError
from pact_verification.states.registry import Registry, state_stub
from pact_verification.text import without_commands

pytestmark = pytest.mark.no_database  # handlers are found without a database


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_a_handler_answers_its_exact_name(registry: Registry) -> None:
    @registry.provider_state("a cup exists", "there is a cup")
    def cup() -> None: ...

    for name in ("a cup exists", "there is a cup"):
        match = registry.states.find(name)
        assert match
        assert match.handler.function is cup
        assert match.arguments(name, {}) == {}
    assert registry.states.find("A cup exists") is None
    assert registry.states.find("a cup exists ") is None


def test_values_in_the_name_and_params_become_arguments(registry: Registry) -> None:
    @registry.provider_state("{count:d} cups of {colour} exist")
    def cups(count: int, colour: str, size: str = "small") -> dict[str, Any]:
        return {"count": count, "colour": colour, "size": size}

    name = "3 cups of dark red exist"
    match = registry.states.find(name)
    assert match
    arguments = match.arguments(name, {"size": "big", "count": 3})
    assert match.handler.set_up(arguments).values() == {"count": 3, "colour": "dark red", "size": "big"}
    assert registry.states.find("three cups of red exist") is None


def test_an_exact_name_goes_before_a_pattern(registry: Registry) -> None:
    @registry.provider_state("an item {name} exists")
    def pattern(name: str) -> None: ...

    @registry.provider_state("an item cup exists")
    def exact() -> None: ...

    found = registry.states.find("an item cup exists")
    assert found
    assert found.handler.function is exact
    braces = registry.states.find("an item {name} exists")
    assert braces
    assert braces.values == {"name": "{name}"}
    assert braces.arguments("an item {name} exists", {"name": 1}) == {"name": 1}


@pytest.mark.parametrize(
    ("text", "param"), [("false", False), ("null", None), ("1", 1), ("1.0", 1), ("1", "1"), ("[1, 2]", [1, 2])]
)
def test_a_value_in_the_name_and_its_param_agree_as_json(registry: Registry, text: str, param: Any) -> None:
    @registry.provider_state("active is {value}")
    def active(value: Any) -> None: ...

    match = registry.states.find(f"active is {text}")
    assert match
    assert match.arguments(f"active is {text}", {"value": param}) == {"value": param}
    with pytest.raises(StateError, match="The consumer's test has to settle which"):
        match.arguments(f"active is {text}", {"value": "another"})


def test_name_and_params_that_disagree(registry: Registry) -> None:
    @registry.provider_state("a product with ID {id} exists")
    def product(id: str) -> None: ...

    match = registry.states.find("a product with ID 10 exists")
    assert match
    assert match.arguments("…", {"id": 10}) == {"id": 10}
    with pytest.raises(StateError, match="says id='10', its params say id=11"):
        match.arguments("a product with ID 10 exists", {"id": 11})


def test_a_parameter_that_the_handler_does_not_accept(registry: Registry) -> None:
    @registry.provider_state("a cup")
    def cup(colour: str = "red") -> None: ...

    match = registry.states.find("a cup")
    assert match
    with pytest.raises(
        StateError, match=r"unexpected keyword argument 'age'\. It accepts colour; the pact gives age=3"
    ):
        match.handler.set_up(match.arguments("a cup", {"age": 3}))


def test_a_parameter_that_is_missing(registry: Registry) -> None:
    @registry.provider_state("a cup")
    def cup(colour: str) -> None: ...

    match = registry.states.find("a cup")
    assert match
    with pytest.raises(StateError, match=r"missing a required argument: 'colour'.*the pact gives none"):
        match.handler.set_up({})


def test_returned_values_are_json(registry: Registry) -> None:
    number = uuid.uuid4()

    @registry.provider_state("a cup")
    def cup() -> dict[str, Any]:
        return {"id": number, "price": Decimal("1.50"), "tags": ("a", None), "nested": {"x": 1.5}}

    match = registry.states.find("a cup")
    assert match
    expected = {"id": str(number), "price": "1.50", "tags": ["a", None], "nested": {"x": 1.5}}
    assert match.handler.set_up({}).values() == expected


@pytest.mark.parametrize("value", [{"a": object()}, {"a": float("nan")}, {1: 2}, [1], "text", 3, {"a": {1, 2}}])
def test_a_returned_value_that_is_not_json(registry: Registry, value: Any) -> None:
    @registry.provider_state("a cup")
    def cup() -> Any:
        return value

    match = registry.states.find("a cup")
    assert match
    state = match.handler.set_up({})
    with pytest.raises(StateError, match=r"cup\(\) returned .*test_registry\.py:\d+"):
        state.values()


def test_a_generator_is_torn_down(registry: Registry) -> None:
    steps = []

    @registry.provider_state("a cup")
    def cup() -> Iterator[dict[str, int]]:
        steps.append("up")
        yield {"id": 1}
        steps.append("down")

    match = registry.states.find("a cup")
    assert match
    state = match.handler.set_up({})
    assert (state.values(), steps) == ({"id": 1}, ["up"])
    state.tear_down()
    assert steps == ["up", "down"]


def test_generators_that_yield_too_little_or_too_much(registry: Registry) -> None:
    @registry.provider_state("never")
    def never() -> Iterator[None]:
        yield from ()

    @registry.provider_state("twice")
    def twice() -> Iterator[None]:
        yield
        yield

    never_match, twice_match = registry.states.find("never"), registry.states.find("twice")
    assert never_match
    assert twice_match
    with pytest.raises(StateError, match="ended without a yield"):
        never_match.handler.set_up({})
    with pytest.raises(StateError, match="yields more than once"):
        twice_match.handler.set_up({}).tear_down()


def test_two_handlers_that_claim_one_name(registry: Registry) -> None:
    @registry.provider_state("a cup")
    def first() -> None: ...

    with pytest.raises(InvalidRegistration, match=r"Two handlers claim the state 'a cup': .*:\d+ and .*:\d+\."):

        @registry.provider_state("a cup")
        def second() -> None: ...


def test_two_patterns_that_claim_one_state(registry: Registry) -> None:
    @registry.provider_state("a {colour} cup")
    def by_colour(colour: str) -> None: ...

    @registry.provider_state("a {size} cup")
    def by_size(size: str) -> None: ...

    with pytest.raises(InvalidRegistration, match="Several handlers claim the state 'a red cup'"):
        registry.states.find("a red cup")


def test_two_patterns_of_one_handler_may_overlap(registry: Registry) -> None:
    @registry.provider_state("a {x} cup", "{x:w} red cup")
    def cup(x: str) -> None: ...

    match = registry.states.find("a red cup")
    assert match
    assert match.values == {"x": "a"}  # the second has more literal text


@pytest.mark.parametrize("name", ["a {} cup", "a {0} cup", "a {colour cup", "a colour} cup", "a {x:nonsense} cup"])
def test_patterns_that_can_not_be_used(registry: Registry, name: str) -> None:
    with pytest.raises(InvalidRegistration):

        @registry.provider_state(name)
        def cup(**anything: Any) -> None: ...


def test_a_decorator_may_supply_some_of_the_arguments(registry: Registry) -> None:
    @registry.provider_state("a cup")
    @patch("tests.pact_verification.states.test_registry.VALUE", new_callable=lambda: 7)
    def cup(value: int, colour: str) -> dict[str, Any]:
        return {"value": value, "colour": colour}

    match = registry.states.find("a cup")
    assert match
    assert match.handler.set_up({"colour": "red"}).values() == {"value": 7, "colour": "red"}


VALUE = 3


def test_annotations_may_stand_for_the_type_checker_alone(registry: Registry) -> None:
    namespace: dict[str, Any] = {"registry": registry}
    exec("@registry.provider_state('a cup')\ndef cup(colour: 'Unknown') -> 'Unknown': ...", namespace)
    match = registry.states.find("a cup")
    assert match
    match.handler.set_up({"colour": "red"})


def test_what_can_not_be_registered(registry: Registry) -> None:
    async def awaited() -> None: ...

    with pytest.raises(InvalidRegistration, match="is async"):
        registry.provider_state("a")(awaited)
    for builtin in (len, print):
        with pytest.raises(InvalidRegistration, match="registers functions"):
            registry.provider_state("a")(builtin)
    with pytest.raises(InvalidRegistration, match="registers functions"):
        registry.provider_state("a")(3)  # type: ignore[arg-type]  # what is tested
    with pytest.raises(InvalidRegistration, match="needs the name"):
        registry.provider_state()
    with pytest.raises(InvalidRegistration, match="needs the name"):
        registry.provider_state(lambda: None)  # type: ignore[arg-type]  # the decorator without its parentheses
    with pytest.raises(InvalidRegistration, match="names no fixtures"):
        registry.seeded_state("a", fixtures=[])
    with pytest.raises(InvalidRegistration, match="takes no parameters"):
        registry.base_state(lambda number: None)  # type: ignore[arg-type, misc]  # what is tested


def test_a_seeded_state_is_where_it_was_written(registry: Registry) -> None:
    registry.seeded_state("a", "b", fixtures=["x"])
    match = registry.states.find("b")
    assert match
    assert str(match.handler.location).startswith("tests/pact_verification/states/test_registry.py:")


def test_the_nearest_names_come_first(registry: Registry) -> None:
    for name in ("a cup exists", "a cup does not exist", "something else"):
        registry.provider_state(name)(lambda: None)
    assert [pattern.text for pattern in registry.states.nearest("a cup exist")] == [
        "a cup exists",
        "a cup does not exist",
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("a cup", "provider state", "10 cups", "Größe {x}", 'say "hi"', "class", "???", "été"),
        *(
            "a\x1b[2J\x00\x9bb",
            "\u202egnorw\u2066 \u200f\u061c",
            "lone \ud800",
            "tab\t\r\n::error::x",
            "##[error]\\##[x",
        ),
        *("back\\slash", "\U000e0001", "#" * 5 + "[["),
    ],
)
def test_a_stub_is_python_that_answers_the_state_and_fails(registry: Registry, name: str) -> None:
    namespace: dict[str, Any] = {"provider_state": registry.provider_state}
    params = {"id": 3, "not-a-name": 1, "class": None, "n": None}
    text = state_stub(name, [params], {"provider_state"})
    assert all(char.isprintable() or char == "\n" for char in text)
    assert without_commands(text) == text
    exec(compile(text, __file__, "exec"), namespace)  # our own text
    match = registry.states.find(name)
    assert match
    with pytest.raises(NotImplementedError):
        match.handler.set_up(params)
