"""What drf-spectacular can't see of the API by itself."""

from typing import Any

TEXT = r"^[^\x00]*$"
"""No NUL, which PostgreSQL can't store."""

WORDS = r"^[^\x00]*[^\x00\s\x1c-\x1f\x85][^\x00]*$"
"""The same with more than white space, as Python has it: \\s is less in JavaScript."""


def answers_hold_every_field(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """A field that a request may leave out is there in every answer."""
    product = result["components"]["schemas"]["Product"]
    product["required"] = list(product["properties"])
    return result


def requests_are_as_strict_as_the_service(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """A request that validation refuses is not valid by the schema either.

    Requests only: a client that checks `multipleOf` by dividing floats would refuse 19.99 in an answer.
    """
    for name in ("ProductRequest", "PatchedProductRequest"):
        properties = result["components"]["schemas"][name]["properties"]
        properties["price"]["multipleOf"] = 0.01
        for field, pattern in (("type", WORDS), ("name", WORDS), ("version", TEXT)):
            properties[field]["pattern"] = pattern
    for parameter in result["paths"]["/products"]["get"]["parameters"]:
        if parameter["name"] == "type":
            parameter["schema"]["pattern"] = TEXT
    return result
