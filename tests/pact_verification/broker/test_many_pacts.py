"""Many pacts of a broker: downloaded and published side by side, in the order that the broker gives."""

from collections.abc import Iterator

import pytest
from django.test import override_settings

from pact_verification.broker.client import Broker
from pact_verification.broker.provider_version import KnownVersion
from pact_verification.broker.publishing import Publisher
from pact_verification.broker.source import BrokerPacts
from pact_verification.errors import BrokerError
from pact_verification.pacts.filters import Filter
from pact_verification.pacts.sources import Selection
from pact_verification.results.exchange import Exchange
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Publication
from pact_verification.system.credentials import Credentials
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


def publish(pacts: BrokerPacts, results: list[PactResult], steps: Steps | None = None) -> Publication:
    shown: Steps = [] if steps is None else steps
    publisher = Publisher(pacts.broker, "testapp", KnownVersion("p1", "main"))
    return publisher.publish(results, lambda *step: shown.append(step))


def sent(broker: BrokerDouble) -> list[str]:
    return [request.path for request in broker.requests if request.path.endswith("/verification-results")]


def test_a_broker_that_falls_silent_gets_no_further_results(broker: BrokerDouble, pacts: BrokerPacts) -> None:
    """But for two that are sent again."""
    results = verified(select(pacts))
    pacts.broker.answer_seconds = 0.5
    broker.fault("POST", "/verification-results$", Fault.hang())
    publication = publish(pacts, results)
    assert publication.published == ()
    assert [name for name, _ in publication.missing] == [result.pact.name for result in results]
    reasons = [why for _, why in publication.missing]
    assert all("did not answer POST" in why for why in reasons[:8])
    assert all(why.startswith("Not sent, since the broker did not answer before: ") for why in reasons[8:])
    assert len(sent(broker)) == 8 + 2


@pytest.mark.parametrize(("fault", "times"), [(Fault(status=500), 30), (Fault.hang(), 8)])
def test_what_a_weak_broker_refuses_is_published_again_one_by_one(
    broker: BrokerDouble, pacts: BrokerPacts, fault: Fault, times: int
) -> None:
    """SQLite lets one connection write at a time, and the broker answers the others with 500, or late."""
    results = verified(select(pacts))
    pacts.broker.answer_seconds = 2
    broker.fault("POST", "/verification-results$", fault, times=times)
    steps: Steps = []
    publication = publish(pacts, results, steps)
    assert publication.missing == ()
    assert len(publication.published) == 20
    assert sorted({result.consumer for result in broker.results}) == CONSUMERS
    assert "publishing again what the broker has not taken" in {what for _, _, what in steps}


def test_a_broker_that_dies_later_does_not_take_back_what_was_read(broker: BrokerDouble, pacts: BrokerPacts) -> None:
    """The branch can't be read back then, so the run is not a success either."""
    results = verified(select(pacts))
    broker.fault("GET", "/versions/p1$", Fault(status=502))
    publication = publish(pacts, results)
    assert len(publication.published) == 20
    ((name, why),) = publication.missing
    assert name == "the version's branch"
    assert why.startswith("It can't be read back: GET")
