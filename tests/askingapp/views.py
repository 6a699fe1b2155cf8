from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission, DjangoModelPermissions, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


def who(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    name = user.get_username()
    seen = {"staff": user.is_staff, "session": request.session.session_key is not None}
    sent = {"authorization": request.headers.get("Authorization"), "theme": request.COOKIES.get("theme")}
    return JsonResponse({"user": name, **seen, **sent})


async def who_async(request: HttpRequest) -> HttpResponse:
    user = await request.auser()
    return JsonResponse({"user": user.get_username()})


mine = login_required(who)
permitted = permission_required("auth.add_group", raise_exception=True)(who)


class JWTAuthentication(BaseAuthentication):
    """Reads a token as a JWT library does: a wrong one is refused, also where nobody has to be authenticated."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        if token != "a.valid.token":
            raise AuthenticationFailed("The token is not valid.")
        return User.objects.get(), None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class Who(APIView):
    permission_classes: tuple[type[BasePermission], ...] = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.get_username()})

    post = get


class WhoBySession(Who):
    authentication_classes = (SessionAuthentication,)


class WhoByToken(Who):
    authentication_classes = (TokenAuthentication,)


class WhoByJWT(Who):
    authentication_classes = (JWTAuthentication,)


class Permitted(Who):
    authentication_classes = (TokenAuthentication,)
    permission_classes = (DjangoModelPermissions,)
    queryset = Group.objects.all()
