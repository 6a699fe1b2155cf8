"""What consumers expect: pact files, their matching rules, filters, parts and shards."""
