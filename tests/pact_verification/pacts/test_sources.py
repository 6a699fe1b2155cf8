import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pact_verification.errors import CannotVerify
from pact_verification.pacts.filters import Filter
from pact_verification.pacts.pact import ProviderState
from pact_verification.pacts.reading import read_pact
from pact_verification.pacts.sources import LocalPacts, Selection
from tests.pact_verification.pact_files import interaction, write_pact

pytestmark = pytest.mark.no_database  # pacts are files


def select_pacts(
    arguments: Sequence[str],
    provider: str,
    consumers: Sequence[str] = (),
    chosen: Filter = Filter(),
) -> Selection:
    return LocalPacts(tuple(arguments)).select(provider, consumers, chosen)


def test_a_directory_is_searched_to_any_depth_and_in_order(tmp_path: Path) -> None:
    write_pact(tmp_path / "b.json", interaction("b"))
    write_pact(tmp_path / "a" / "deep" / "z.json", interaction("a"))
    (tmp_path / "README.md").write_text("no pact")
    (tmp_path / ".gitkeep").touch()
    selection = select_pacts([str(tmp_path)], "testapp")
    assert [Path(pact.source).name for pact in selection.pacts] == ["z.json", "b.json"]
    assert selection.left_out == ()


def test_a_pact_that_is_named_twice_is_verified_once(tmp_path: Path) -> None:
    pact = write_pact(tmp_path / "a.json", interaction("a"))
    link = tmp_path / "link.json"
    link.symlink_to(pact)
    assert len(select_pacts([str(pact), str(tmp_path), pact.as_uri(), str(link)], "testapp").pacts) == 1


def test_nothing_in_a_directory_is_passed_over(tmp_path: Path) -> None:
    """Each of these may be the pact that would be red."""
    elsewhere = write_pact(tmp_path / "elsewhere" / "linked.json", interaction("a"))
    directory = tmp_path / "pacts"
    write_pact(directory / "UPPER.JSON", interaction("b"))
    (directory / "folder").symlink_to(elsewhere.parent)
    (directory / "loop").symlink_to(directory)
    assert {Path(pact.source).name for pact in select_pacts([str(directory)], "testapp").pacts} == {
        "linked.json",
        "UPPER.JSON",
    }
    (directory / "dangling.json").symlink_to(tmp_path / "nowhere.json")
    (dangling,) = select_pacts([str(directory)], "testapp").unverifiable
    assert "dangling.json can't be read: No such file" in dangling


def test_what_was_named_and_has_no_pact(tmp_path: Path) -> None:
    write_pact(tmp_path / "good" / "a.json", interaction("a"))
    (tmp_path / "empty").mkdir()
    arguments = [str(tmp_path / "good"), str(tmp_path / "empty")]
    selection = select_pacts(arguments, "testapp", ["shop", "shpo"])
    assert selection.nothing_for == (
        f"{tmp_path / 'empty'} (it holds no JSON files)",
        "--consumer shpo (did you mean 'shop'?)",
    )
    assert len(selection.pacts) == 1


def test_names_that_are_near_to_one_that_has_no_pact(tmp_path: Path) -> None:
    for consumer in ("shop", "Shop window", "warehouse"):
        write_pact(tmp_path / f"{consumer}.json", interaction("a"), consumer=consumer)
    selection = select_pacts([str(tmp_path)], "testapp", ["Shopp", "SHOP WINDOWS", "nobody"])
    assert selection.nothing_for == (
        "--consumer Shopp (did you mean 'shop'?)",
        "--consumer SHOP WINDOWS (did you mean 'Shop window'?)",
        "--consumer nobody",
    )


def test_names_of_the_providers_that_a_directory_has_pacts_of(tmp_path: Path) -> None:
    for provider in ("testapp", "a", "b", "c", "d"):
        write_pact(tmp_path / f"{provider}.json", interaction("a"), provider=provider)
    (near,) = select_pacts([str(tmp_path)], "test-app").nothing_for
    assert near == f"{tmp_path} (it holds pacts of the provider 'testapp')"
    (far,) = select_pacts([str(tmp_path)], "shipping").nothing_for
    assert far == f"{tmp_path} (it holds pacts of the provider 'a', 'b', 'c')"


def test_a_file_url_of_another_machine() -> None:
    with pytest.raises(CannotVerify, match="names another machine"):
        select_pacts(["file://server/pact.json"], "testapp")


def test_file_urls(tmp_path: Path) -> None:
    pact = write_pact(tmp_path / "with space.json", interaction("a"))
    assert "%20" in pact.as_uri()
    assert select_pacts([pact.as_uri(), tmp_path.as_uri()], "testapp").pacts[0].source == str(pact)


def test_what_a_filter_leaves_out_is_told(tmp_path: Path) -> None:
    write_pact(tmp_path / "a.json", interaction("list"), interaction("item"))
    write_pact(tmp_path / "b.json", interaction("item"), consumer="other")
    write_pact(tmp_path / "c.json", interaction("list"), consumer="third")
    selection = select_pacts([str(tmp_path)], "testapp", ["shop", "other"], Filter.of("list"))
    assert [(pact.consumer, [i.description for i in pact.interactions]) for pact in selection.pacts] == [
        ("shop", ["list"])
    ]
    assert selection.left_out == (
        f"{tmp_path / 'b.json'} has no interaction that matches --description 'list'.",
        f"{tmp_path / 'c.json'} is a pact of 'third', which --consumer leaves out.",
    )


def test_an_unreadable_file_in_a_directory_has_a_stand_in(tmp_path: Path) -> None:
    """It may be the pact that would be red."""
    write_pact(tmp_path / "a.json", interaction("list"))
    (tmp_path / "b.json").write_text('{"consumer":')
    read, stand_in = select_pacts([str(tmp_path)], "testapp").pacts
    assert (read.is_unreadable, stand_in.is_unreadable) == (False, True)
    assert "b.json can't be read: it is not JSON" in str(stand_in.interactions[0].unverifiable)


@pytest.fixture
def not_root() -> Iterator[None]:
    """The user nobody reads the file, because root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_may_not_be_read(tmp_path: Path, not_root: None) -> None:
    with pytest.raises(CannotVerify, match="can't be read: Permission denied"):
        select_pacts(["/etc/shadow"], "testapp")


@pytest.mark.parametrize(
    ("more", "states"),
    [
        ('"providerState": "x"', (ProviderState("x"),)),
        ('"provider_state": "x"', (ProviderState("x"),)),
        ('"providerState": ""', ()),
        ('"providerState": null', ()),
        ('"providerStates": []', ()),
        ('"providerStates": null', ()),
        (
            '"providerStates": [{"name": "x"}, {"name": "y", "params": {"a": 1}}]',
            (ProviderState("x"), ProviderState("y")),
        ),
        ('"providerStates": [{"name": "x", "params": null}]', (ProviderState("x"),)),
    ],
)
def test_states_in_every_version_of_the_specification(
    tmp_path: Path, more: str, states: tuple[ProviderState, ...]
) -> None:
    path = tmp_path / "pact.json"
    path.write_text(
        '{"consumer": {"name": "a"}, "provider": {"name": "b"}, "interactions": '
        f'[{{"description": "d", {more}, "request": {{"method": "get", "path": "/"}}, "response": {{}}}}]}}'
    )
    pact = read_pact(path)
    assert pact
    found = pact.interactions[0]
    assert [state.name for state in found.states] == [state.name for state in states]
    if len(states) > 1:
        assert found.states[1].params == {"a": 1}
        assert str(found.states[1]) == "y (a=1)"
