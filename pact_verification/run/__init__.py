"""One run: its options, sessions, workers, and the process that watches the project's."""
