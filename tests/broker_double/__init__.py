"""A double of a Pact Broker, over real HTTP, in memory. It answers as the recordings of a real one do."""

from tests.broker_double import pactflow as pactflow  # its route
from tests.broker_double.server import BrokerDouble, Fault, Request
from tests.broker_double.store import Result, Version

__all__ = ["BrokerDouble", "Fault", "Request", "Result", "Version"]
