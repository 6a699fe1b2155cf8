from rest_framework.authentication import TokenAuthentication


class BearerTokenAuthentication(TokenAuthentication):
    """Accepts DRF's tokens as RFC 6750 spells them: `Authorization: Bearer <token>`."""

    keyword = "Bearer"
