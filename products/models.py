from uuid import uuid4

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models

ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}"  # what a URL can hold, and no client takes for a folder
validate_id = RegexValidator(
    rf"^{ID_PATTERN}\Z", "An id begins with a letter or a digit, and goes on with those and with . _ ~ -"
)


def new_id() -> str:
    return str(uuid4())


class Product(models.Model):
    """A product of the catalogue. Consumers know it by `id`: text, chosen by whoever creates it or made up here."""

    id = models.CharField(primary_key=True, max_length=64, default=new_id, validators=[validate_id])
    type = models.CharField(max_length=50, db_index=True)
    name = models.CharField(max_length=200)
    version = models.CharField(max_length=20, blank=True, default="")
    price = models.DecimalField(
        max_digits=10, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"
