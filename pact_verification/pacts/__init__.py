"""What consumers expect: pact files, matching rules, filters, parts and shards."""
