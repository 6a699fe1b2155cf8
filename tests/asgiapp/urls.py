from django.urls import path

from tests.asgiapp import views

handler500 = "tests.asgiapp.views.server_error"

urlpatterns = [
    path("items", views.items),
    path("sync-items", views.items_of_sync_view),
    path("scope", views.scope),
    path("asked", views.asked),
    path("leave-task", views.leave_task),
    path("wait-for-task", views.wait_for_task),
    path("stream", views.stream),
    path("endless", views.endless),
    path("long", views.long),
    path("waiting", views.waiting),
    path("stubborn", views.stubborn),
    path("blocking", views.blocking),
    path("crash", views.crash),
    path("crash-on-commit", views.crash_on_commit),
    path("leave", views.leave),
    path("nested", views.nested),
    path("who", views.who),
]
