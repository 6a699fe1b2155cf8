"""Pages of a list whose body stays a plain JSON array: the way to the others is in the Link header (RFC 8288)."""

from typing import Any

from rest_framework import serializers
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView


class PageQuery(serializers.Serializer[Any]):
    page = serializers.IntegerField(min_value=1, default=1, help_text="Which page, counted from 1.")
    per_page = serializers.IntegerField(
        min_value=1, max_value=500, default=100, help_text="How many products a page holds."
    )


class LinkHeaderPagination(BasePagination):
    """`page` and `per_page`; a page past the last is empty, and a value that makes no sense is a 400."""

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        query = PageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        self.request = request
        self.page: int = query.validated_data["page"]
        per_page: int = query.validated_data["per_page"]
        count = queryset.count()
        self.last = max(1, -(-count // per_page))
        if self.page > self.last:
            return []  # the database can't count as far as a client can
        offset = (self.page - 1) * per_page
        return list(queryset[offset : offset + per_page])

    def get_paginated_response(self, data: Any) -> Response:
        return Response(data, headers={"Link": ", ".join(self._links())})

    def _links(self) -> list[str]:
        pages = {"first": 1, "last": self.last}
        if self.page > 1:
            pages["prev"] = min(self.page - 1, self.last)
        if self.page < self.last:
            pages["next"] = self.page + 1
        here = self.request.build_absolute_uri()
        return [f'<{replace_query_param(here, "page", page)}>; rel="{rel}"' for rel, page in pages.items()]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return schema
