from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models


class User(AbstractBaseUser):
    email = models.EmailField(unique=True)
    objects = BaseUserManager()
    USERNAME_FIELD = "email"


class Shelf(models.Model):
    label = models.CharField(max_length=50)


class Item(models.Model):
    name = models.CharField(max_length=50, unique=True)
    shelf = models.ForeignKey(Shelf, models.CASCADE, null=True)


class Audit(models.Model):
    """Who did what; in a database of its own."""

    text = models.CharField(max_length=200)


class AuditRouter:
    def db_for_read(self, model: type[models.Model], **hints: Any) -> str | None:
        return "audit" if model is Audit else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        return (model_name == "audit") == (db == "audit") if app_label == "testapp" else None
