from benchmarks.project.models import Product
from pact_verification import provider_state


@provider_state("a product with ID {id} exists")
def product_exists(id: str) -> None:
    Product.objects.create(id=id)
