from django.urls import path

from tests.faults.project import acts, views

urlpatterns = [
    path("items", views.items),
    path("world", views.world),
    path("act/<name>", views.act),
    path("act-async/<name>", views.act_async),
    path("act-in-a-thread/<name>", views.act_in_a_thread),
    path("act-on-commit/<name>", views.act_on_commit),
    path("act-in-a-stream/<name>", views.act_in_a_stream),
    path("odd/<name>", views.odd),
    path("port", views.port),
    path("reached", views.reached),
    path("echo", views.echo),
    path("today", views.today),
    path("ask-itself", views.ask_itself),
    path("ask-itself-and-go-on", views.ask_itself_and_go_on),
    path("activate", views.activate),
    path("context", views.context),
    path("headers", views.headers),
    path("refuse/<name>", views.refuse),
    path("form", views.form),
    path("scopes", views.scopes),
    path("constant", views.constant),
    path("orte/<name>", views.path_of),
]

acts.at("urls")
