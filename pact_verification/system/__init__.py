"""The machine under a run: its clock, signals, output streams and cache directory."""
