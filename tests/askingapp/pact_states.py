from typing import Any

from django.contrib.auth.models import AnonymousUser, Permission, User
from django.http import HttpRequest

from pact_verification import acting_as, login_as, provider_state, request_filter


def user(name: str, **more: Any) -> User:
    return User.objects.get_or_create(username=name, defaults=more)[0]


@provider_state("{name} is asking")
def is_asking(name: str) -> None:
    acting_as(user(name))


@provider_state("{name} is logged in")
def is_logged_in(name: str) -> None:
    login_as(user(name))


@provider_state("{name} exists")
def exists(name: str) -> None:
    user(name)


@provider_state("{name} may add groups")
def may_add_groups(name: str) -> None:
    user(name).user_permissions.add(Permission.objects.get(codename="add_group"))


@provider_state("{name} is staff")
def is_staff(name: str) -> None:
    User.objects.filter(username=name).update(is_staff=True)


@provider_state("{name} is deactivated")
def is_deactivated(name: str) -> None:
    User.objects.filter(username=name).update(is_active=False)


@provider_state("{name} is deleted")
def is_deleted(name: str) -> None:
    User.objects.filter(username=name).delete()


@provider_state("nobody is asking")
def nobody_is_asking() -> None:
    acting_as(None)


@provider_state("an inactive user is asking")
def inactive_is_asking() -> None:
    acting_as(user("ina", is_active=False))


@provider_state("an inactive user is logged in")
def inactive_is_logged_in() -> None:
    login_as(user("ina", is_active=False))


@provider_state("a name is asking")
def name_is_asking() -> None:
    acting_as("ada")  # type: ignore[arg-type]  # the mistake that the test is about


@provider_state("a name is logged in")
def name_is_logged_in() -> None:
    login_as("ada")  # type: ignore[arg-type]  # the mistake that the test is about


@provider_state("an anonymous user is asking")
def anonymous_is_asking() -> None:
    acting_as(AnonymousUser())  # type: ignore[arg-type]  # the mistake that the test is about


@provider_state("an anonymous user is logged in")
def anonymous_is_logged_in() -> None:
    login_as(AnonymousUser())  # type: ignore[arg-type]  # the mistake that the test is about


@provider_state("an unsaved user is asking")
def unsaved_is_asking() -> None:
    acting_as(User(username="una"))


@provider_state("an unsaved user is logged in")
def unsaved_is_logged_in() -> None:
    login_as(User(username="una"))


@request_filter
def call_too_late(request: HttpRequest) -> None:
    if "X-Too-Late" in request.headers:
        acting_as(user("ada"))
