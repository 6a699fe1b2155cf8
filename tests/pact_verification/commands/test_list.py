"""verify_pacts --list: what a run would verify, without a run."""

import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.pact_verification.messages.project import asynchronous
from tests.pact_verification.pact_files import EMPTY, GREEN, interaction, write_pact
from tests.pact_verification.running import Verify, has

pytestmark = [pytest.mark.no_database]

UNREACHABLE = {
    "DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": 9, "NAME": "x"}},
    "DATABASE_ROUTERS": [],
}
TYPED = {"type": "Synchronous/HTTP"}


def test_each_interaction_has_a_line_and_its_functions_another(verify: Verify, pact: Path) -> None:
    to_come = {**interaction("to come", states=["the moon"]), **TYPED, "pending": True}
    write_pact(pact, {**GREEN, **TYPED}, {**EMPTY, **TYPED}, to_come, asynchronous("an order", {}), version="4.0")
    ran = verify("--list", pact, settings=UNREACHABLE)
    text = re.sub(r"[0-9a-f]{10}", "KEY", re.sub(r"\.py:\d+", ".py:N", ran.out.replace(str(pact), "shop.json")))
    assert (ran.exit_code, ran.err, text) == (
        0,
        "",
        (
            "KEY  shop: a list  [an item cup exists]  (shop.json)\n"
            "            handler item_exists() (tests/testapp/pact_states.py:N)\n"
            "KEY  shop: an empty list  (shop.json)\n"
            "KEY  shop: to come  [the moon]  pending (the pact says so): does not fail the run  (shop.json)\n"
            "            NO handler for the state 'the moon'\n"
            "KEY  shop: an order  (shop.json)\n"
            "            NO producer for the message 'an order'\n"
            "testapp: 4 interactions of 1 consumer, 1 pending, 1 state without a handler, 1 message without a "
            "producer. Nothing was run.\n"
        ),
    )


def test_a_key_of_the_list_is_one_that_a_run_takes(verify: Verify, pact: Path) -> None:
    write_pact(pact, GREEN, EMPTY)
    key = verify("--list", pact, "--description", "empty").out.partition(" ")[0]
    has(verify(pact, "--interaction", key, "--verbosity", "2"), "✓ an empty list", "1 interaction of 1 consumer")


def test_what_would_stop_a_run_or_fail_in_it(verify: Verify, pact: Path) -> None:
    write_pact(pact, interaction("a", states=["the moon"]), interaction("b", states=[("an item cup exists", {"x": 1})]))
    write_pact(pact.with_name("other.json"), consumer="empty")
    pact.with_name("third.json").write_text(
        '{"consumer": {"name": "c"}, "provider": {"name": "testapp"}, "interactions": 1}'
    )
    ran = verify("--list", "--allow-no-pacts", pact.parent)
    assert ran.exit_code == 0
    has(
        ran,
        "NO handler for the state 'the moon'",
        "handler item_exists() (tests/testapp/pact_states.py:",
        ", which does not fit: ",
        "can't be verified: ",
        f"empty ({pact.parent}/other.json) has no interactions",
        "A run would not start: pact_states says what to add.",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--description", "zzz"], 3, "has no interaction that matches --description 'zzz'."),
        (["--description", "zzz", "--allow-no-pacts"], 0, "nothing to verify, and --allow-no-pacts says"),
        (["--consumer", "shp"], 3, "nothing was verified: no pact was selected for --consumer shp"),
        (["--shard", "2/2"], 0, "this share holds 0 of 1 selected pact"),
        (["--last-failed"], 3, "nothing was verified: no run is known"),
        (["--description", "("], 2, "--description '(' is not a regular expression"),
        (["--publish"], 2, "--publish needs a broker"),
    ],
)
def test_selecting_as_a_run_does(verify: Verify, pact: Path, arguments: list[str], code: int, words: str) -> None:
    write_pact(pact, GREEN)
    ran = verify("--list", pact, *arguments, settings={"PACT_CACHE_DIR": str(pact.parent / "cache")})
    assert ran.exit_code == code, ran
    has(ran, words)


def test_a_last_failed_one(verify: Verify, pact: Path, tmp_path: Path) -> None:
    write_pact(pact, GREEN, interaction("red", "/nothing"))
    settings = {"PACT_CACHE_DIR": str(tmp_path / "cache")}
    verify(pact, settings=settings)
    has(verify("--list", "--last-failed", pact, settings=settings), "shop: red", "1 interaction of 1 consumer.")


def test_secrets_and_line_ends_of_a_pact(verify: Verify, pact: Path) -> None:
    secret = interaction("a\nb", states=[("an item cup exists", {"password": "hunter2-hunter2"})])
    ran = verify("--list", write_pact(pact, secret))
    assert "hunter2" not in ran.out + ran.err
    assert "shop: a b  [an item cup exists (password='(hidden)')]" in ran.out


def test_a_secret_in_the_name_of_a_state_without_a_handler(verify: Verify, pact: Path) -> None:
    secret = interaction("a", states=[("a session hunter2-hunter2", {"password": "hunter2-hunter2"})])
    ran = verify("--list", write_pact(pact, secret))
    assert "hunter2" not in ran.out + ran.err
    assert "NO handler for the state 'a session (hidden)'" in ran.out


def test_report_files_are_left_as_they_are(verify: Verify, pact: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text("of an earlier run")
    assert verify("--list", write_pact(pact, GREEN), "--json", report).exit_code == 0
    assert report.read_text() == "of an earlier run"


def test_with_provider_url_no_server_is_asked_and_messages_can_not_be_verified(verify: Verify, pact: Path) -> None:
    write_pact(pact, {**EMPTY, **TYPED}, asynchronous("an order", {}), version="4.0")
    ran = verify("--list", pact, "--provider-url", "http://127.0.0.1:9")
    assert ran.exit_code == 0, ran
    has(
        ran,
        "can't be verified: It is a message, and --provider-url",
        "2 interactions of 1 consumer, 1 can't be verified.",
    )


def test_call_command(tmp_path: Path) -> None:
    pact = write_pact(tmp_path / "pact.json", EMPTY, provider="pactflow-example-provider-python")
    out = StringIO()
    call_command("verify_pacts", str(pact), list=True, provider_name="pactflow-example-provider-python", stdout=out)
    assert "shop: an empty list" in out.getvalue()


def test_fail_on_pending_is_said(verify: Verify, pact: Path) -> None:
    write_pact(pact, {**EMPTY, **TYPED, "pending": True}, version="4.0")
    ran = verify("--list", "--fail-on-pending", pact)
    has(ran, "pending (the pact says so): fails the run (--fail-on-pending)")
