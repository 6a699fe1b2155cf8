"""Every URL of the service. What none of them matches is a 404 in JSON, with DEBUG as without."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView
from rest_framework.renderers import TemplateHTMLRenderer

from products import health
from products.errors import Nothing
from products.negotiation import JSONRenderer

handler400 = "products.errors.bad_request"
handler404 = "products.errors.page_not_found"
handler500 = "products.errors.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="docs")),
    path("", include("products.urls")),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
    path("openapi.json", SpectacularJSONAPIView.as_view(renderer_classes=[JSONRenderer]), name="openapi"),
    path(
        "docs",
        SpectacularSwaggerView.as_view(url_name="openapi", renderer_classes=[TemplateHTMLRenderer]),
        name="docs",
    ),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    re_path("", Nothing.as_view()),
]
