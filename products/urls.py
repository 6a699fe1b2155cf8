from django.urls import re_path
from rest_framework.routers import SimpleRouter

from products.models import ID_PATTERN
from products.views import ProductViewSet

router = SimpleRouter(trailing_slash=False)
router.register("products", ProductViewSet)

urlpatterns = [
    *router.urls,
    # The consumers of PactFlow's example ask for this path.
    re_path(rf"^product/(?P<pk>{ID_PATTERN})$", ProductViewSet.as_view({"get": "retrieve"}), name="product-alias"),
]
