"""Celery with a real Redis as its broker. Nothing of a run may land there."""

import secrets

from tests_outside.project import Project, interaction, proved
from tests_outside.services import REDIS, service

INIT = """
from config.celery import app as celery_app

__all__ = ["celery_app"]
"""
CELERY = """
import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("config")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
"""
MODELS = """
from django.db import models


class Order(models.Model):
    item = models.CharField(max_length=100)
"""
TASKS = """
from celery import shared_task


@shared_task
def send_receipt(order: int) -> None:
    from shop.models import Order

    Order.objects.get(pk=order)
"""
VIEWS = """
import json

from django.db import transaction
from django.http import HttpRequest, JsonResponse

from shop.models import Order
from shop.tasks import send_receipt


def order(request: HttpRequest) -> JsonResponse:
    with transaction.atomic():
        order = Order.objects.create(item=json.loads(request.body)["item"])
        transaction.on_commit(lambda: send_receipt.delay(order.pk))
    return JsonResponse({"item": order.item}, status=201)
"""
URLS = """
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from shop import views

urlpatterns = [path("orders", csrf_exempt(views.order))]
"""
WAITING = """
import django
from redis import Redis

django.setup()
from django.conf import settings

queue = settings.CELERY_TASK_DEFAULT_QUEUE
redis = Redis.from_url(settings.CELERY_BROKER_URL)
print(redis.llen(queue))
redis.delete(queue, *redis.scan_iter(f"*{queue}*"))
"""
SENDING = "import django; django.setup(); from shop.tasks import send_receipt; send_receipt.delay(1)"


def test_celery(project: Project) -> None:
    server = service(*REDIS)
    project.start("shop")
    queue = f"outside_{secrets.token_hex(4)}"
    project.append("config/settings.py", f"CELERY_BROKER_URL = {server!r}\nCELERY_TASK_DEFAULT_QUEUE = {queue!r}\n")
    project.append("config/__init__.py", INIT)
    project.write("config/celery.py", CELERY)
    project.write("shop/models.py", MODELS)
    project.write("shop/tasks.py", TASKS)
    project.write("shop/views.py", VIEWS)
    project.write("config/urls.py", URLS)
    project.do("python", "manage.py", "makemigrations")

    def waiting() -> int:
        """Return how many messages wait in Redis, and remove them."""
        ran = project.run("python", "-c", WAITING, DJANGO_SETTINGS_MODULE="config.settings")
        assert ran.exit_code == 0, ran.out
        return int(ran.out)

    sent = project.run("python", "-c", SENDING, DJANGO_SETTINGS_MODULE="config.settings")
    assert sent.exit_code == 0, sent.out
    assert waiting() == 1  # as long as the project runs by itself
    project.pact(interaction("an order", "POST /orders", body={"item": "cup"}, status=201, response={"item": "cup"}))
    try:
        proved(
            project,
            breaking=("shop/views.py", '{"item": order.item}', '{"article": order.item}'),
            shows="# $: missing: item",
        )
    finally:
        left = waiting()
    assert left == 0
