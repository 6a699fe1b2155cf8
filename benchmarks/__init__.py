"""The project beside its peers: `make bench`."""
