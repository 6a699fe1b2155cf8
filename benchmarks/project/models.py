from django.db import models


class Product(models.Model):
    id = models.CharField(primary_key=True, max_length=64)
    type = models.CharField(max_length=50, default="CREDIT_CARD")
    name = models.CharField(max_length=200, default="28 Degrees")
    version = models.CharField(max_length=20, default="v1")
    price = models.DecimalField(max_digits=10, decimal_places=2, null=True)
