"""Which view answers which URL, for one request and for the whole project."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache
from secrets import token_hex
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, ResolverMatch, URLPattern, URLResolver, get_resolver, resolve

from pact_verification.results.crash import is_own
from pact_verification.results.exchange import NEAREST, Endpoint
from pact_verification.text import Place

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
"""Methods that a consumer may depend on. Django and DRF answer HEAD and OPTIONS without the view."""

ANY = "any"
"""Stands for the method of a view that does not name its methods."""


def find_endpoint(request: HttpRequest, *, reached: bool) -> Endpoint | None:
    """Return the endpoint of a request; None if no URL pattern matches.

    Args:
        reached: whether the view was called, or a middleware answered before it.
    """
    try:
        match = request.resolver_match or resolve(request.path_info, getattr(request, "urlconf", None))
    except Resolver404:
        return None
    return replace(endpoint_of(match, request.method or ""), reached=reached)


def endpoint_at(method: str, path: str) -> Endpoint | None:
    """Return the endpoint for a path.

    None if no URL pattern, or only one that matches everything, fits.
    """
    try:
        match = resolve(unquote(path.partition("?")[0]))
    except Resolver404:
        return None
    return None if _matches_anything(match.route, None) else endpoint_of(match, method)


def is_catch_all(request: HttpRequest, route: str) -> bool:
    """Return whether a URL pattern also matches a path that no project has."""
    return _matches_anything(route, getattr(request, "urlconf", None))


@lru_cache(maxsize=1024)
def _matches_anything(route: str, urlconf: Any) -> bool:
    try:
        return resolve(f"/{token_hex(8)}/{token_hex(8)}.{token_hex(4)}", urlconf).route == route
    except Resolver404:
        return False


def why_no_route(request: HttpRequest, catch_all: Endpoint | None) -> str:
    """Return why no URL pattern is meant for a request, with the nearest routes.

    Args:
        catch_all: the endpoint that answered, if its pattern matches everything.
    """
    path = request.path_info.lstrip("/")
    routes = {_readable(endpoint.route): endpoint.route for _, endpoint in endpoints() if endpoint.own}
    near = [routes[name] for name in get_close_matches(path, routes, n=3, cutoff=0.5) if routes[name]]
    texts = ["no URL pattern matches"]
    if catch_all:
        texts[0] += f", but {catch_all.route!r} ({catch_all.view}), which matches everything"
    if near:
        texts.append(f"{NEAREST}: {', '.join(map(repr, near))}")
    prefix = (settings.FORCE_SCRIPT_NAME or "").rstrip("/")
    if prefix and f"/{path}/".startswith(f"{prefix}/"):
        texts.append(
            f"FORCE_SCRIPT_NAME is {prefix!r}: your server takes that off the path before Django sees it, and the pact "
            "has it. Register a request_filter that takes it off request.path_info, or let the consumer leave it out"
        )
    return ". ".join(texts)


def _readable(route: str) -> str:
    """Return a route without the marks of a regular expression."""
    return route.removeprefix("^").removesuffix("$").removesuffix("\\Z")


def endpoint_of(match: ResolverMatch, method: str) -> Endpoint:
    """Return the URL pattern and the view of a match."""
    return _endpoint(match.route, match.func, method)


def endpoints() -> Iterator[tuple[str, Endpoint]]:
    """Yield every method and endpoint of the project's URLs, in their order."""
    for route, view in _patterns(get_resolver().url_patterns, ""):
        for method in _methods(view):
            yield method, _endpoint(route, view, method)


@lru_cache(maxsize=1024)
def _endpoint(route: str, view: Callable[..., Any], method: str) -> Endpoint:
    view_class = _class_of(view)
    own = _is_own_module(view, view_class)
    function: Any = _unwrapped(view)
    name = f"{view.__module__}.{getattr(view, '__qualname__', type(view).__name__)}"
    if view_class:
        name = f"{view_class.__module__}.{view_class.__qualname__}"
        handler = _actions(view).get(method.lower(), method.lower())
        if function := getattr(view_class, handler, None):
            function, name = _unwrapped(function), f"{name}.{handler}"
    code = getattr(function, "__code__", None)
    location = Place(code.co_filename, code.co_firstlineno) if code else None
    if (
        view_class and own and not (code and is_own(code.co_filename))
    ):  # a generic view: the project has only written the class
        location = _place_of_class(view_class)
    return Endpoint(route, name, location, own=own)


def _unwrapped(view: Any) -> Any:
    """Return the function inside its decorators."""
    try:
        return inspect.unwrap(view)
    except ValueError:  # it wraps itself
        return view


def _place_of_class(view_class: type) -> Place | None:
    try:
        return Place(inspect.getfile(view_class), inspect.getsourcelines(view_class)[1])
    except (OSError, TypeError):  # there is no source file
        return None


def _is_own_module(view: Callable[..., Any], view_class: type | None) -> bool:
    """Return whether the project has written a view.

    The methods of its generic views may be a library's.
    """
    module = inspect.getmodule(view_class or _unwrapped(view))
    return is_own(getattr(module, "__file__", None) or "<")


def _class_of(view: Callable[..., Any]) -> type | None:
    """Return the class of a class-based view: view_class in Django, cls in DRF."""
    found = getattr(view, "view_class", None) or getattr(view, "cls", None)
    return found if isinstance(found, type) else None


def _actions(view: Callable[..., Any]) -> dict[str, str]:
    """Return the functions of a DRF viewset by method."""
    return getattr(view, "actions", None) or {}


def _methods(view: Callable[..., Any]) -> Sequence[str]:
    if actions := _actions(view):
        return [method for method in METHODS if method.lower() in actions]
    if view_class := _class_of(view):
        allowed = getattr(view_class, "http_method_names", [])
        return [m for m in METHODS if m.lower() in allowed and hasattr(view_class, m.lower())] or [ANY]
    return [ANY]


def _patterns(patterns: Sequence[URLPattern | URLResolver], before: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    for pattern in patterns:
        route = _join(before, str(pattern.pattern))
        if isinstance(pattern, URLPattern):
            yield route, pattern.callback
        else:
            yield from _patterns(pattern.url_patterns, route)


def _join(before: str, route: str) -> str:
    """Join two parts of a route as ResolverMatch.route does."""
    return before + route.removeprefix("^") if before else route
