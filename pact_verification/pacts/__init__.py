"""What consumers expect: pact files, their matching rules, filters and shards."""
