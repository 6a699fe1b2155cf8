from typing import Any

from django.db import models
from django.db.models.signals import post_save
from django.dispatch import receiver

from tests.testapp.models import Shelf


class Note(models.Model):
    text = models.CharField(max_length=100)

    class Meta:
        app_label = "unmigrated"


@receiver(post_save, sender=Shelf)
def note_it(instance: Shelf, using: str, **kwargs: Any) -> None:
    Note.objects.using(using).create(text=f"{instance.label} was saved")
