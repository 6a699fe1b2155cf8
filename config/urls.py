from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from products import health

handler400 = "products.errors.bad_request"
handler404 = "products.errors.page_not_found"
handler500 = "products.errors.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="docs")),
    path("", include("products.urls")),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="openapi"),
    path("docs", SpectacularSwaggerView.as_view(url_name="openapi"), name="docs"),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
]
if settings.DEBUG:
    urlpatterns.append(path("api-auth/", include("rest_framework.urls")))  # the browsable API's login
