"""What a provider state leaves behind beside the database makes the next interaction neither green nor red."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import ANY, FAILED, OK, STATE_ERROR, VERIFIED, Fault, check, table
from tests.pact_verification.pact_files import interaction

pytestmark = pytest.mark.unmeasured

UNCHANGED = {
    "colour": "red",
    "language": "en-us",
    "zone": "America/Chicago",
    "price": 1,
    "dictionary": 1,
    "url": "/items",
}


def leak(act: str, *, changed: dict[str, Any], restored: bool = True, says: Sequence[str] = ()) -> list[Fault]:
    """Two faults: the next interaction expects what it has to find, or what the state has left.

    Args:
        changed: what the state's own interaction finds.
        restored: by the run; else it is enough that the interaction after it is not green silently.
    """
    changes = interaction("it changes", "/world", states=[f"the state does {act}"], response={"body": changed})
    after = interaction("it finds what it should", "/world", response={"body": UNCHANGED})
    green_by_it = interaction("it finds what was left", "/world", response={"body": changed})
    return [
        Fault(
            f"not red by {act}",
            (OK, changes, after, OK),
            exit_code=0 if restored else (0, 1),
            outcomes=(VERIFIED, VERIFIED, VERIFIED, VERIFIED) if restored else (VERIFIED, ANY, ANY, ANY),
            says=tuple(says),
        ),
        Fault(
            f"not green by {act}",
            (changes, green_by_it),
            outcomes=(VERIFIED if restored else ANY, FAILED),
            says=tuple(says),
        ),
    ]


@table(
    leak("set_setting", changed={"colour": "blue"}),
    leak("delete_setting", changed={"colour": None}),
    leak("override_settings", changed={"colour": "blue"}),
    leak("activate_language", changed={"language": "de"}),
    leak("activate_zone", changed={"zone": "Asia/Tokyo"}),
    leak("patch", changed={"price": 2}, restored=False, says=["price"]),
    leak("patch_object", changed={"price": 2}, restored=False, says=["price"]),
    leak("patch_dictionary", changed={"dictionary": 2}, restored=False, says=["PRICES"]),
)
def test_a_state_that_leaves_a_change(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def after_failed_setup(act: str) -> Fault:
    """The core sends no request for an interaction whose setup failed."""
    states = [f"the state does {act}", "the state does fail"]
    fails = interaction("its setup fails", "/world", states=states)
    after = interaction("it finds what it should", "/world", response={"body": UNCHANGED})
    return Fault(act, (fails, after, fails, after), outcomes=(STATE_ERROR, VERIFIED) * 2)


@table([after_failed_setup(act) for act in ("set_setting", "delete_setting", "override_settings", "activate_language")])
def test_a_state_that_leaves_a_change_and_another_that_fails(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


JSON: dict[str, Any] = {"headers": {"Content-Type": "application/json"}}
"""Of a response whose body is a text."""


def urlconf(act: str, found: Any) -> Fault:
    changes = interaction("it changes", "/items", states=[f"the state does {act}"], response=JSON | {"body": found})
    after = interaction("it finds what it should", "/world", response={"body": UNCHANGED})
    return Fault(act, (OK, changes, after, OK), exit_code=0, outcomes=(VERIFIED,) * 4)


def left_by(path: str) -> Fault:
    changes = interaction("it changes", path)
    after = interaction("it finds what it should", "/world", response={"body": UNCHANGED})
    return Fault(f"left by {path}", (OK, changes, after, OK), exit_code=0, outcomes=(VERIFIED,) * 4)


@table(
    urlconf("set_root_urlconf", {"urlconf": "another"}),
    urlconf("override_root_urlconf", {"urlconf": "another"}),
    urlconf("set_urlconf", []),  # Django sets it anew for each request
    urlconf("set_script_prefix", []),
    [left_by(f"/act/{act}") for act in ("set_setting", "set_root_urlconf", "activate_language")],
    left_by("/act-on-commit/activate_language"),
)
def test_a_urlconf_and_what_a_view_leaves(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def teardown(act: str) -> Fault:
    changes = interaction("it changes", "/items", states=[f"the teardown does {act}"])
    after = interaction("it finds what it should", "/world", response={"body": UNCHANGED})
    return Fault(f"left by a teardown: {act}", (OK, changes, after, OK), exit_code=0, outcomes=(VERIFIED,) * 4)


@table(teardown("set_setting"), teardown("activate_language"), teardown("set_root_urlconf"))
def test_a_teardown_that_leaves_a_change(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)
