from django.urls import re_path

from tests.faults.project import urls, views

urlpatterns = [*urls.urlpatterns, re_path("", views.catch_all)]
