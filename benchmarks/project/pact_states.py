from django.forms import model_to_dict

from benchmarks.project.models import Product
from pact_verification import message_producer, provider_state


@provider_state("a product with ID {id} exists")
def product_exists(id: str) -> None:
    Product.objects.create(id=id)


@message_producer("product {id} was created")
def product_created(id: str) -> dict[str, object]:
    return model_to_dict(Product.objects.get(id=id))
