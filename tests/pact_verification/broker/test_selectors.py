from typing import Any

import pytest

from pact_verification.broker.selectors import default_selectors, read_selector, selector_text, unused_fallbacks
from pact_verification.errors import CannotVerify

pytestmark = pytest.mark.no_database  # selectors go to the broker


def test_the_defaults() -> None:
    assert [*map(selector_text, default_selectors("main"))] == ["mainBranch", "matchingBranch", "deployedOrReleased"]
    assert [*map(selector_text, default_selectors(None))] == ["mainBranch", "deployedOrReleased"]


@pytest.mark.parametrize(
    "text",
    [
        '{"mainBranch": true}',
        '{"branch": "feat/x", "fallbackBranch": "main", "consumer": "shop"}',
        '{"tag": "prod", "latest": true}',
        '{"deployed": true, "environment": "test"}',
        '{"latest": true}',
    ],
)
def test_selectors_that_a_broker_knows(text: str) -> None:
    assert read_selector(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mainBranch", "is not JSON"),
        ('[{"mainBranch": true}]', "is not an object. Write one for each selector, and repeat the option."),
        ('{"mainBranch": "main"}', "'mainBranch' is \"main\", and has to be true or false."),
        ('{"branch": true}', "'branch' is true, and has to be text."),
        ('{"branch": ""}', "'branch' is \"\", and has to be text."),
        (
            '{"matchingbranch": true}',
            "unknown key 'matchingbranch'. Did you mean 'matchingBranch'? There are mainBranch,",
        ),
        ('{"xyz": true}', "unknown key 'xyz'. There are mainBranch,"),
        ('{"consumer": "shop"}', "chooses nothing"),
        ('{"mainBranch": false}', "chooses nothing"),
        ("{}", "chooses nothing"),
    ],
)
def test_what_is_no_selector(text: str, why: str) -> None:
    with pytest.raises(CannotVerify) as caught:
        read_selector(text)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("selector", "reasons", "remarks"),
    [
        ({"branch": "x", "fallbackBranch": "main"}, [], 1),
        ({"branch": "x", "fallbackBranch": "main"}, ["it is the latest from branch 'main'"], 1),
        ({"branch": "x", "fallbackBranch": "main"}, ["it is the latest from branch 'x'"], 0),
        ({"branch": "x", "fallbackBranch": "main"}, ["from branch 'main' (fallback branch used as …)"], 0),
        ({"matchingBranch": True, "fallbackToMainBranch": True}, [], 1),
        ({"matchingBranch": True, "fallbackToMainBranch": True}, ["it is the latest from branch 'x'"], 0),
        ({"branch": "x"}, [], 0),
    ],
)
def test_a_fallback_that_chose_nothing_is_named(selector: dict[str, Any], reasons: list[str], remarks: int) -> None:
    """PactFlow may know the keys, so a selector that chose pacts is no reason for a remark."""
    assert len(list(unused_fallbacks([selector], reasons))) == remarks
