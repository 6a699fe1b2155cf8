from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from products.models import Product


class Command(BaseCommand):
    help = "Load the example catalogue, unless there are products already."

    def handle(self, *args: Any, **options: Any) -> None:
        if Product.objects.exists():
            self.stdout.write("The catalogue has products already; nothing was loaded.")
        else:
            call_command("loaddata", "catalogue")
