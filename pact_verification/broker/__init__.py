"""The Pact Broker: its client, the pacts it selects, verification results, deployment."""
