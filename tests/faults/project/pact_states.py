"""Provider states that go wrong. What they do is named in the state: "the state does exit"."""

import os
from collections.abc import Iterator
from contextlib import nullcontext
from unittest import mock

from django.http import HttpRequest
from freezegun import freeze_time

from pact_verification import base_state, message_producer, provider_state, request_filter
from tests.faults.project import acts
from tests.faults.project.models import Item


@base_state
def base() -> Iterator[None]:
    acts.at("base state")
    with freeze_time(moment) if (moment := os.environ.get("FAULTS_FROZEN")) else nullcontext():
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


@provider_state("the state does {act} until the end")
def state_does_until_the_end(act: str) -> Iterator[None]:
    acts.do(act)
    yield
    mock.patch.stopall()


@provider_state("it is {moment}")
def it_is(moment: str) -> Iterator[None]:
    with freeze_time(moment):
        yield


@provider_state("time goes on from {moment}")
def goes_on(moment: str) -> Iterator[None]:
    with freeze_time(moment, tick=True):
        yield


@request_filter
def filtered(request: HttpRequest) -> None:
    if act := request.headers.get("X-Filter"):
        acts.do(act)


@message_producer("an item was made")
def item_was_made() -> dict[str, str]:
    return {"name": Item.objects.get().name}


@message_producer("the producer does {act}")
def producer_does(act: str) -> dict[str, str]:
    acts.do(act)
    return {}


acts.at("pact_states")
