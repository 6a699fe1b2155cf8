from asgiref.sync import async_to_sync

from pact_verification import acting_as, login_as, provider_state
from tests.testapp.models import Item, User


@provider_state("an item {name} is made by asynchronous code")
def made_by_asynchronous_code(name: str) -> None:
    async def make() -> None:
        await Item.objects.acreate(name=name)

    async_to_sync(make)()


@provider_state("{email} is asking")
def is_asking(email: str) -> None:
    acting_as(User.objects.create(email=email))  # type: ignore[misc]  # its manager's type is generic


@provider_state("{email} is logged in")
def is_logged_in(email: str) -> None:
    login_as(User.objects.create(email=email))  # type: ignore[misc]  # its manager's type is generic
