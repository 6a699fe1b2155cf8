"""What would break: changes of the responses that were verified, and the Pact core's verdict on each."""
