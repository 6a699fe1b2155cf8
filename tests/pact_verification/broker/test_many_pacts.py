"""Many pacts of a broker: downloaded and published side by side, in the order that the broker gives."""

from collections.abc import Iterator

import pytest
from django.test import override_settings

from pact_verification.broker.client import Broker
from pact_verification.broker.provider_version import KnownVersion
from pact_verification.broker.publishing import Publisher
from pact_verification.broker.source import BrokerPacts
from pact_verification.credentials import Credentials
from pact_verification.errors import BrokerError
from pact_verification.pacts.filters import Filter
from pact_verification.pacts.sources import Selection
from pact_verification.results.exchange import Exchange
from pact_verification.results.report import InteractionResult, Outcome, PactResult
from tests.broker_double import BrokerDouble, Fault
from tests.pact_verification.pact_files import GREEN, document

pytestmark = pytest.mark.no_database

CONSUMERS = [f"consumer {number:02}" for number in range(20)]

Steps = list[tuple[int, int, str]]


@pytest.fixture
def broker() -> Iterator[BrokerDouble]:
    with BrokerDouble() as double:
        for consumer in CONSUMERS:
            double.publish(document(GREEN, consumer=consumer), version="c1", branch="main")
        yield double


@pytest.fixture
def pacts(broker: BrokerDouble) -> BrokerPacts:
    return BrokerPacts(Broker(broker.url, Credentials(), 5), ({"branch": "main"},), "main", pending=False)


def select(pacts: BrokerPacts, steps: Steps | None = None) -> Selection:
    shown: Steps = [] if steps is None else steps
    return pacts.select("testapp", (), Filter(), lambda *step: shown.append(step))


def verified(selection: Selection) -> list[PactResult]:
    return [
        PactResult(
            pact,
            tuple(InteractionResult(each, Outcome.VERIFIED, exchange=Exchange()) for each in pact.interactions),
        )
        for pact in selection.pacts
    ]


def test_the_order_is_the_brokers_and_each_pact_is_a_step(pacts: BrokerPacts) -> None:
    steps: Steps = []
    selection = select(pacts, steps)
    assert [pact.consumer for pact in selection.pacts] == CONSUMERS
    assert steps == [(number, 20, "downloading pacts") for number in range(1, 21)]
    with override_settings(PACT_BROKER_CONNECTIONS=1):
        assert select(pacts) == selection


def test_one_that_can_not_be_downloaded_ends_the_run(broker: BrokerDouble, pacts: BrokerPacts) -> None:
    broker.fault("GET", "/consumer/consumer%2005/", Fault(status=502))
    with pytest.raises(BrokerError, match=r"consumer%2005.* was answered with 502"):
        select(pacts)


def test_each_result_is_published_and_a_step(broker: BrokerDouble, pacts: BrokerPacts) -> None:
    results = verified(select(pacts))
    steps: Steps = []
    publisher = Publisher(pacts.broker, "testapp", KnownVersion("p1", "main"))
    publication = publisher.publish(results, lambda *step: steps.append(step))
    assert publication.missing == ()
    assert publication.published == tuple(result.pact.name for result in results)
    assert sorted(result.consumer for result in broker.results) == CONSUMERS
    assert steps == [(number, 20, "publishing the results") for number in range(1, 21)]


def test_an_error_belongs_to_its_pact(broker: BrokerDouble, pacts: BrokerPacts) -> None:
    results = verified(select(pacts))
    broker.fault("POST", "/consumer/consumer%2005/", Fault(status=409))
    publication = Publisher(pacts.broker, "testapp", KnownVersion("p1", "main")).publish(results)
    ((name, error),) = publication.missing
    assert name.startswith("consumer 05")
    assert "It conflicts with what the broker holds" in error
    assert len(publication.published) == len(broker.results) == 19


def test_a_broker_that_falls_silent_gets_no_further_results(broker: BrokerDouble, pacts: BrokerPacts) -> None:
    results = verified(select(pacts))
    pacts.broker.answer_seconds = 0.5
    broker.fault("POST", "/verification-results$", Fault.hang())
    before = len(broker.requests)
    publication = Publisher(pacts.broker, "testapp", KnownVersion("p1", "main")).publish(results)
    assert publication.published == ()
    assert [name for name, _ in publication.missing] == [result.pact.name for result in results]
    assert all("did not answer POST" in error for _, error in publication.missing)
    sent = [request for request in broker.requests[before:] if request.path.endswith("/verification-results")]
    assert len(sent) == 8
