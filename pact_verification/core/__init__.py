"""The Pact core: the verifier process, the engine that drives it, the verdict."""
