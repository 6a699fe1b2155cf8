"""The run's caches: the project's own backends, with keys that no other interaction and no other process finds.

A key has another prefix in each interaction. So a run empties no cache server, and it keeps memcached apart too, which
can't list its keys.
"""
