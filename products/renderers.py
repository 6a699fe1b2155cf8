from rest_framework import renderers


class JSONRenderer(renderers.JSONRenderer):
    """Names the charset: consumers expect `application/json; charset=utf-8` to the letter."""

    charset = "utf-8"
