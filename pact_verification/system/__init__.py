"""The machine below a run: clock, signals, output streams and their credentials, cache directory."""
