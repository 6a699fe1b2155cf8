from pact_verification import provider_state


@provider_state("fine")
def fine() -> None: ...


raise KeyError("SETTING_THAT_IS_NOT_SET")
