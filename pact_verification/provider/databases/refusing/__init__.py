"""A database backend that refuses every connection: for the aliases that a run leaves alone.

Only Django imports the backend's classes. They need the models, which a process that starts may not have loaded yet.
"""

ENGINE = __name__
"""The backend's name, as DATABASES has it."""

REASON = "LEFT_ALONE"
"""The member of an alias's settings that says why the run leaves it alone."""

refusals: list[str] = []
"""Why connections were refused. The request handler records them."""
