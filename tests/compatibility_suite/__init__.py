"""The scenarios of Pact's compatibility suite for message providers."""
