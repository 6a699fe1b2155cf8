"""What drf-spectacular can't see of the API by itself."""

from typing import Any


def answers_hold_every_field(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """A field that a request may leave out is there in every answer."""
    product = result["components"]["schemas"]["Product"]
    product["required"] = list(product["properties"])
    return result
