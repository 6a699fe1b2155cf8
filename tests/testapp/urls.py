from django.urls import path

from tests.testapp import views

urlpatterns = [
    path("items", views.items),
    path("items/<int:pk>", views.item),
    path("durable", views.durable),
    path("audit", views.audit),
    path("shelves", views.shelves),
    path("stores", views.stores),
    path("crash", views.crash),
    path("crash-on-commit", views.crash_on_commit),
    path("dangling", views.dangling),
    path("slow", views.slow),
    path("stream", views.stream),
    path("replica", views.replica),
    path("close", views.close),
    path("clumsy", views.clumsy),
    path("redirect", views.redirect),
    path("about", views.about),
]
