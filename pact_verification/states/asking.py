"""Who is asking: the user of an interaction's request, as provider states say."""

import sys
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pact_verification.errors import StateError
from pact_verification.text import Place

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
"""Methods that Django's CSRF check lets through."""


@dataclass(frozen=True, slots=True)
class Login:
    """A session of a user.

    Attributes:
        key: the session's, for its cookie.
        csrf_secret: for a server whose CSRF check can't be turned off from here.
    """

    key: str
    csrf_secret: str


@dataclass
class Asking:
    """Who sends an interaction's request. By default it is anonymous, unless the pact itself has credentials.

    Attributes:
        is_here: whether the project runs in this process.
        is_open: whether the provider states are being set up.
        user, place: the user of `acting_as`, and the line that called it.
        login: the session of `login_as`.
        request: the interaction's. The project may make others meanwhile, which are not the user's.
    """

    is_here: bool
    is_open: bool = True
    user: Any = None
    place: Place | None = None
    login: Login | None = None
    request: "HttpRequest | None" = None

    def prepare(self, environ: dict[str, Any]) -> None:
        """Take it that the states are set up: get the user as saved, and add the session's cookie to the request.

        Raises StateError if a later state has made the user one that can't be authenticated.
        """
        from django.conf import settings  # here, since production imports this module

        self.is_open = False
        if self.user is not None:
            self.user = _as_saved(self.user, self.place)
            _require_active("acting_as", self.user, self.place)
        if self.login is None:
            return
        _add_cookie(environ, settings.SESSION_COOKIE_NAME, self.login.key)
        if not self.is_here and environ["REQUEST_METHOD"] not in SAFE_METHODS:
            _add_cookie(environ, settings.CSRF_COOKIE_NAME, self.login.csrf_secret)
            environ[settings.CSRF_HEADER_NAME] = self.login.csrf_secret

    def introduce(self, request: "HttpRequest") -> None:
        """Make a request the user's before the project's middleware gets it.

        AuthenticationMiddleware looks for a cached user before it asks the session. Django REST framework and the CSRF
        check honour what their own test clients set.
        """
        if self.user is None and self.login is None:
            return
        self.request = request
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        if self.user is not None:
            request._cached_user = request._acached_user = request._force_auth_user = self.user  # type: ignore[attr-defined]

    def insist(self, request: "HttpRequest") -> None:
        """Make a request the user's again when all middleware has had it, just before the view.

        A middleware such as RemoteUserMiddleware may have made it another user's.

        Raises StateError if nothing in the project would look for the user.
        """
        if request is not self.request:
            return
        if not hasattr(request, "user"):
            if self.user is not None and "rest_framework" in sys.modules:  # it has looked at the request itself
                return
            called = "acting_as()" if self.user is not None else "login_as()"
            raise StateError(
                f"{called} has no effect: no middleware sets request.user. Add Django's AuthenticationMiddleware to "
                "MIDDLEWARE, or give the request credentials in a request_filter."
            )
        if self.user is not None:
            user = self.user

            async def auser() -> Any:
                return user

            request.user = user
            request.auser = auser


_current: ContextVar[Asking | None] = ContextVar("asking", default=None)


def begin_asking(*, is_here: bool) -> None:
    """Begin an interaction in the present context: its request is anonymous."""
    _current.set(Asking(is_here))


def who_asks() -> Asking | None:
    """Return who sends the request of the interaction in the present context."""
    return _current.get()


def acting_as(user: "AbstractBaseUser | None") -> None:
    """Make the request of this interaction the user's. Call it in a provider state or a base state.

    The project takes the user as authenticated: `request.user`, `request.auser()` and Django REST framework's
    `request.user`. No code that authenticates proves anything, and the CSRF check is off. The request gets the user
    as the database has them when the request comes. The last call of `acting_as` and `login_as` counts. None takes
    back an earlier call.

    Raises:
        StateError: it is called elsewhere, with `--provider-url`, or with something that can't be such a user.
    """
    asking = _asking("acting_as")
    if not asking.is_here:
        raise StateError(
            "acting_as() can't change the request of a server that runs elsewhere (--provider-url). Use login_as() for "
            f"a session, or give the request a token in a request_filter. ({_caller()})"
        )
    if user is not None:
        if not hasattr(user, "is_authenticated"):
            raise StateError(f"acting_as() takes a user, such as User.objects.get(…), not {user!r}. ({_caller()})")
        _require_authenticated("acting_as", user)
        _require_active("acting_as", user, _caller())
    asking.user, asking.place, asking.login = user, _caller(), None


def login_as(user: "AbstractBaseUser") -> None:
    """Log the user in, and send the session's cookie with the request of this interaction.

    Call it in a provider state or a base state. The session is a real one, made as `Client.force_login` makes it, in
    the project's session engine. In this process the CSRF check is off. With `--provider-url` the request gets the CSRF
    cookie and header. The last call of `acting_as` and `login_as` counts.

    Raises:
        StateError: it is called elsewhere, with something that can't log in, or in a project without sessions.
    """
    asking = _asking("login_as")
    from django.contrib.auth import get_user_model  # here, since production imports this module

    _require_apps()
    if not isinstance(user, get_user_model()):
        _require_authenticated("login_as", user)
        raise StateError(
            f"login_as() takes a {get_user_model().__name__} (AUTH_USER_MODEL), not {user!r}. ({_caller()})"
        )
    if user.pk is None or user._state.adding:
        raise StateError(
            f"login_as() takes a user that is in the database, and {user!r} is not saved. Save it first. ({_caller()})"
        )
    _require_active("login_as", user, _caller())
    asking.user, asking.login = None, _log_in(user, is_here=asking.is_here)


def _asking(function: str) -> Asking:
    asking = _current.get()
    if asking is None or not asking.is_open:
        raise StateError(
            f"{function}() was called outside of a provider state. Call it in a function that provider_state or "
            f"base_state registers. ({_caller()})"
        )
    return asking


def _caller() -> Place | None:
    """Return the line that called this module."""
    frame: Any = sys._getframe(1)
    while frame and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return Place(frame.f_code.co_filename, frame.f_lineno) if frame else None


def _require_authenticated(function: str, user: Any) -> None:
    if getattr(user, "is_authenticated", True) is not True:
        raise StateError(
            f"{function}({user}) has no user to log in. A request is anonymous by itself: leave the call out, or "
            f"take an earlier one back with acting_as(None). ({_caller()})"
        )


def _require_active(function: str, user: Any, place: Place | None) -> None:
    """Raise StateError for an inactive user whom no authentication backend lets in."""
    if getattr(user, "is_active", True):
        return
    from django.contrib.auth import get_backends  # here, since production imports this module

    for backend in get_backends():
        lets_in = getattr(backend, "user_can_authenticate", None)
        if lets_in is None or lets_in(user):
            return
    raise StateError(
        f"{function}({user!r}): this user is inactive, and no backend in AUTHENTICATION_BACKENDS lets an inactive user "
        f"in. Set is_active, or leave the call out for an anonymous request. ({place})"
    )


def _require_apps() -> None:
    from django.apps import apps  # here, since production imports this module
    from django.conf import settings

    needed = ["django.contrib.auth"]
    if settings.SESSION_ENGINE in {"django.contrib.sessions.backends.db", "django.contrib.sessions.backends.cached_db"}:
        needed.append("django.contrib.sessions")
    for name in needed:
        if not apps.is_installed(name):
            raise StateError(
                f"login_as() needs {name} in INSTALLED_APPS, and it is not there. For a project without sessions, use "
                f"acting_as(), or give the request a token in a request_filter. ({_caller()})"
            )


def _as_saved(user: Any, place: Place | None) -> Any:
    """Return a user as the database has them now: a later state may have changed them."""
    from django.db.models import Model  # here, since production imports this module

    if not isinstance(user, Model) or user._state.adding:
        return user
    saved = type(user)._base_manager.using(user._state.db).filter(pk=user.pk).first()
    if saved is None:
        raise StateError(f"acting_as({user!r}): a later state has deleted this user. ({place})")
    return saved


def _log_in(user: Any, *, is_here: bool) -> Login:
    from importlib import import_module

    from django.conf import settings  # here, since production imports this module
    from django.contrib.auth import load_backend, login
    from django.contrib.sessions.backends import db, signed_cookies
    from django.http import HttpRequest

    store = import_module(settings.SESSION_ENGINE).SessionStore
    if not is_here and not issubclass(store, db.SessionStore | signed_cookies.SessionStore):
        raise StateError(
            f"login_as() can't reach the sessions of the server (--provider-url): SESSION_ENGINE is "
            f"{settings.SESSION_ENGINE!r}, whose sessions this process does not share. Give the request a token in a "
            f"request_filter, or use a session engine on the database. ({_caller()})"
        )
    backends = [path for path in settings.AUTHENTICATION_BACKENDS if hasattr(load_backend(path), "get_user")]
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = "127.0.0.1"
    request.session = store()
    login(request, user, getattr(user, "backend", None) or backends[0])
    secret = str(request.META["CSRF_COOKIE"])
    if settings.CSRF_USE_SESSIONS:
        request.session["_csrftoken"] = secret
    request.session.save()
    return Login(str(request.session.session_key), secret)


def _add_cookie(environ: dict[str, Any], name: str, value: str) -> None:
    cookies = [each.strip() for each in environ.get("HTTP_COOKIE", "").split(";")]
    kept = [each for each in cookies if each and each.partition("=")[0].strip() != name]
    environ["HTTP_COOKIE"] = "; ".join([*kept, f"{name}={value}"])
