"""What only the admin needs: sessions, the user of one, messages. The API's requests pass by.

An API client has a token and no session, and each of these would cost every request of its. What protects both, such as
CsrfViewMiddleware and XFrameOptionsMiddleware, stands in the settings as Django's own.
"""

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

ADMIN = "/admin/"


class ForAdmin(MiddlewareMixin):
    """Comes before the middleware that it limits to the admin's URLs."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(ADMIN):
            return super().__call__(request)
        return self.get_response(request)


class AdminSessions(ForAdmin, SessionMiddleware):
    pass


class AdminUsers(ForAdmin, AuthenticationMiddleware):
    pass


class AdminMessages(ForAdmin, MessageMiddleware):
    pass
