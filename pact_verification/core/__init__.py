"""The Pact core: the verifier process, the engine that drives it, and the verdict on its results."""
