"""Provider states: the registry, state handlers, and which states a run needs."""
