"""Pages of a list whose body stays a plain JSON array: the way to the others is in the Link header (RFC 8288)."""

from typing import Any

from rest_framework import serializers
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

PER_PAGE = 100


class PageQuery(serializers.Serializer[Any]):
    page = serializers.IntegerField(min_value=1, default=1, help_text="Which page, counted from 1.")
    per_page = serializers.IntegerField(
        min_value=1, max_value=500, default=PER_PAGE, help_text="How many products a page holds."
    )


class LinkHeaderPagination(BasePagination):
    """`page` and `per_page`; a page past the last is empty, and a value that makes no sense is a 400."""

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        self.request = request
        self.page, per_page = 1, PER_PAGE
        if request.query_params:  # else there is nothing to validate
            query = PageQuery(data=request.query_params)
            query.is_valid(raise_exception=True)
            self.page, per_page = query.validated_data["page"], query.validated_data["per_page"]
        found = list(queryset[:per_page]) if self.page == 1 else None
        # A first page that isn't full is all there is; only then nobody has to count.
        count = len(found) if found is not None and len(found) < per_page else queryset.count()
        self.last = max(1, -(-count // per_page))
        if found is not None:
            return found
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
