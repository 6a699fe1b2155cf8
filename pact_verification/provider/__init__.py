"""The project under test: its live server, test databases, stores and endpoints."""
