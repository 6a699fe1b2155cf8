"""The machine below a run: clock, signals, output streams and cache directory."""
