"""One run: its options, sessions, workers, and the witness that outlives the project."""
