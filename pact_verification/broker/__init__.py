"""The Pact Broker: its client, its pacts, publishing of results, and deployment."""
