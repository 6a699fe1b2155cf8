from uuid import uuid4

from django.db import models


def new_id() -> str:
    return str(uuid4())


class Product(models.Model):
    """A product of the catalogue. Consumers know it by `id`: text, chosen by whoever creates it or made up here."""

    id = models.CharField(primary_key=True, max_length=64, default=new_id)
    type = models.CharField(max_length=50, db_index=True)
    name = models.CharField(max_length=200)
    version = models.CharField(max_length=20, blank=True, default="")
    price = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"
