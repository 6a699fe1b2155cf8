from django.urls import path

from tests.testapp import views

urlpatterns = [
    path("items", views.items),
    path("items/<int:pk>", views.item),
    path("durable", views.durable),
    path("audit", views.audit),
    path("shelves", views.shelves),
    path("stores", views.stores),
    path("site", views.site),
    path("crash", views.crash),
    path("crash-on-commit", views.crash_on_commit),
    path("dangling", views.dangling),
    path("slow", views.slow),
    path("late", views.late),
    path("stream", views.stream),
    path("replica", views.replica),
    path("close", views.close),
    path("clumsy", views.clumsy),
    path("thread", views.thread),
    path("composed", views.composed),
    path("looping", views.looping),
    path("awaited", views.awaited),
    path("open-atomic", views.open_atomic),
    path("commit-by-hand", views.commit_by_hand),
    path("doubtful", views.doubtful),
    path("unspeakable", views.unspeakable),
    path("hop-by-hop", views.hop_by_hop),
    path("redirect", views.redirect),
    path("about", views.about),
    path("version", views.version),
]
