"""Provider states that go wrong. What they do is named in the state: "the state does exit"."""

from collections.abc import Iterator

from django.http import HttpRequest

from pact_verification import base_state, provider_state, request_filter
from tests.faults.project import acts
from tests.faults.project.models import Item


@base_state
def base() -> Iterator[None]:
    acts.at("base state")
    yield
    acts.at("base teardown")


@provider_state("an item {name} exists")
def item_exists(name: str) -> None:
    Item.objects.create(name=name)


@provider_state("the state does {act}")
def state_does(act: str) -> None:
    acts.do(act)


@provider_state("the teardown does {act}")
def teardown_does(act: str) -> Iterator[None]:
    yield
    acts.do(act)


@request_filter
def filtered(request: HttpRequest) -> None:
    if act := request.headers.get("X-Filter"):
        acts.do(act)


acts.at("pact_states")
