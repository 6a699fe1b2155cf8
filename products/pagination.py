from typing import Any

from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param


class LinkHeaderPagination(PageNumberPagination):
    """Keeps a list a plain array; the Link header (RFC 8288) has the other pages."""

    page_size = 100
    page_size_query_param = "per_page"
    max_page_size = 500

    def get_paginated_response(self, data: Any) -> Response:
        assert self.request is not None
        assert self.page is not None
        pages = {"first": 1, "last": self.page.paginator.num_pages}
        if self.page.has_previous():
            pages["prev"] = self.page.previous_page_number()
        if self.page.has_next():
            pages["next"] = self.page.next_page_number()
        url = self.request.build_absolute_uri()
        links = [f'<{replace_query_param(url, "page", page)}>; rel="{rel}"' for rel, page in pages.items()]
        return Response(data, headers={"Link": ", ".join(links)})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return schema
