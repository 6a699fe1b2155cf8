"""Provider states: the registry, state handlers, and the states that pacts need."""
