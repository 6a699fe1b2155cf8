from django.urls import path

from tests.askingapp import views

urlpatterns = [
    path("who", views.who),
    path("who-async", views.who_async),
    path("mine", views.mine),
    path("permitted", views.permitted),
    path("drf/session", views.WhoBySession.as_view()),
    path("drf/token", views.WhoByToken.as_view()),
    path("drf/jwt", views.WhoByJWT.as_view()),
    path("drf/permitted", views.Permitted.as_view()),
]
