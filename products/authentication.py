from typing import Any

from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request


class BearerTokenAuthentication(TokenAuthentication):
    """DRF's tokens, sent as RFC 6750 spells them: `Authorization: Bearer <token>`.

    No header is an anonymous request; a header with a token that isn't valid is a 401, for reading as well.
    """

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        # DRF's looks for an empty header in three steps, and most requests have none.
        return super().authenticate(request) if "HTTP_AUTHORIZATION" in request.META else None

    def authenticate_credentials(self, key: str) -> tuple[Any, Any]:
        if not key.isalnum():  # DRF's tokens are hexadecimal; PostgreSQL refuses even to look for a NUL
            raise AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(key)
