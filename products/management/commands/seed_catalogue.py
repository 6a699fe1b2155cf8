"""Fill an empty catalogue with the products that the service starts with."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from products.models import Product


class Command(BaseCommand):
    help = "Load the products that the service starts with, unless there are products already."

    def handle(self, *args: Any, **options: Any) -> None:
        if count := Product.objects.count():
            self.stdout.write(f"The catalogue holds {count} products; nothing was loaded.")
            return
        call_command("loaddata", "catalogue", verbosity=0)
        self.stdout.write(f"Loaded {Product.objects.count()} products.")
