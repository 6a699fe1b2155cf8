"""Provider states: the registry, the state handlers, and which provider states pacts need."""
