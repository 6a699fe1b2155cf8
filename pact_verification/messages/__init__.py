"""Messages that the project publishes: producers, what they return, and what they capture."""
