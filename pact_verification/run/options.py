"""The options of a run, read from the command line, the environment and the settings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pact_verification.checks import require_settings
from pact_verification.conf import conf
from pact_verification.errors import CannotVerify
from pact_verification.pacts.filters import Filter
from pact_verification.pacts.shards import Shard
from pact_verification.pacts.sources import LocalPacts, Selection, Source
from pact_verification.provider.databases.left_alone import unnamed, unnamed_by_setting
from pact_verification.provider.serving import VerificationOptions
from pact_verification.run.last_failed import last_failed
from pact_verification.run.rerun import RerunCommand, rerun_command
from pact_verification.text import counted

if TYPE_CHECKING:
    from pact_verification.broker.publishing import Publisher

TRUE, FALSE = {"true", "1", "yes", "on"}, {"", "false", "0", "no", "off"}


@dataclass(frozen=True, slots=True)
class Options:
    """What a run verifies, and how. The command's help explains the options of the same names.

    Attributes:
        source: finds the pacts.
        verification: the options that every process of the run needs.
        filter: selects interactions of the pacts.
        publisher: publishes the verification results; None if none are published.
        unpublished: why no results are published, if a reader may expect them.
        notes: remarks for the report.
        nothing_because: why --last-failed may leave no interaction to verify.
        parallel: the number of processes that share the work.
        shard: the share of the pacts that this run verifies; None means all.
        first: the keys of the interactions to verify before the others, for --failed-first.
    """

    source: Source
    verification: VerificationOptions
    consumers: tuple[str, ...] = ()
    filter: Filter = Filter()
    allow_no_pacts: bool = False
    publisher: "Publisher | None" = None
    unpublished: str | None = None
    notes: tuple[str, ...] = ()
    coverage: bool = False
    rerun: RerunCommand = RerunCommand()
    nothing_because: str | None = None
    parallel: int = 1
    shard: Shard | None = None
    first: frozenset[str] = frozenset()

    def reason_nothing_is_fine(self, found: Selection, selection: Selection) -> str | None:
        """Return why a run that verifies nothing exits with 0; None if it exits with 3.

        Args:
            found: the pacts of all shards.
            selection: those of this run's shard.
        """
        if self.allow_no_pacts:
            return "--allow-no-pacts says that this is fine"
        all_elsewhere = found.pacts and not selection.pacts and not found.nothing_for
        return "all selected pacts are in other shares" if all_elsewhere else None

    @property
    def provider_name(self) -> str:
        """Return the provider's name. Raises CannotVerify if it has none."""
        if not self.verification.provider_name:
            raise CannotVerify(
                "The provider has no name. Set PACT_PROVIDER_NAME, in the settings or in the environment, to the name "
                "that consumers write in their pacts, or use --provider-name."
            )
        return self.verification.provider_name


def read_options(given: Mapping[str, Any]) -> Options:
    """Read the options of a run.

    Args:
        given: the options of the command line by their names. `verify_pacts` has most of them. `pact_states` has only
            those that select pacts. `pact_impact` adds keep_answers.

    Raises:
        CannotVerify: options contradict each other, or one can't be used.
    """
    require_settings()
    at_broker = not given["pacts"] and any(
        (given["pact_url"], conf.PACT_URL, given["broker_url"], conf.PACT_BROKER_BASE_URL)
    )
    _refuse_contradictions(given, at_broker=at_broker)
    publish = "publish" in given and _wants_to_publish(given["publish"])
    named = given.get("databases")
    keep_open = next((how for how in ("pdb", "hold") if given.get(how)), None)
    if keep_open:
        _require_terminal(keep_open)
    verification = VerificationOptions(
        given["provider_name"] or conf.PACT_PROVIDER_NAME,
        isolation=given.get("isolation") or conf.PACT_ISOLATION,
        request_timeout=given.get("request_timeout") or conf.PACT_REQUEST_TIMEOUT,
        exit_first=given.get("exit_first", False),
        keep_open=keep_open,
        database_verbosity=given["verbosity"] - 1,
        provider_url=given.get("provider_url") or None,
        keepdb=given.get("keepdb", False) or given.get("create_db", False),
        create_db=given.get("create_db", False),
        names_databases=named is not None or conf.PACT_DATABASES is not None,
        left_alone=unnamed_by_setting() if named is None else unnamed(named, "--databases"),
        debug_sql=given.get("debug_sql", False),
        fail_on_pending=given.get("fail_on_pending", False),
        serializers=given.get("serializers", False),
        keep_answers=given.get("keep_answers", False),
    )
    asks_for_failed = given.get("last_failed") or given.get("failed_first")
    failed_before = last_failed(verification.provider_name) if asks_for_failed else None
    chosen = Filter.of(
        given.get("description"),
        given.get("state"),
        no_state=given.get("no_state", False),
        keys=given.get("interactions", ()),
        last_failed=(failed_before or frozenset()) if given.get("last_failed") else None,
    )
    if "description" in given:  # commands without these options look at whole pacts
        chosen = chosen.with_variables()
    consumers = tuple(given["consumers"])
    source: Source
    if at_broker:
        # Imported here, since most runs on a developer's machine have no broker, and requests takes long to import.
        from pact_verification.run.broker_options import read_broker_options

        partial_reason = _partial_reason(consumers, chosen, verification)
        broker = read_broker_options(given, verification, publish=publish, partial_reason=partial_reason)
        source, publisher, unpublished, notes = broker.source, broker.publisher, broker.unpublished, broker.notes
    else:
        source, publisher, notes = (
            LocalPacts(tuple(given["pacts"] or conf.PACT_PATHS), given["enable_pending"]),
            None,
            (),
        )
        unpublished = (
            "Only results of a broker's pacts can be published, and these pacts are files." if publish else None
        )
    return Options(
        source,
        verification,
        consumers,
        chosen,
        given["allow_no_pacts"],
        publisher=publisher,
        unpublished=unpublished,
        notes=tuple(filter(None, (chosen.warning, _unseen_sql(verification), *notes))),
        coverage=given.get("coverage", False),
        rerun=rerun_command(given),
        nothing_because=_nothing_failed_reason(failed_before) if given.get("last_failed") else None,
        parallel=given.get("parallel", 1),
        shard=given.get("shard"),
        first=(failed_before or frozenset()) if given.get("failed_first") else frozenset(),
    )


def _wants_to_publish(option: bool | None) -> bool:
    if option is not None:
        return option
    value = conf.PACT_BROKER_PUBLISH_VERIFICATION_RESULTS
    if value.lower() not in TRUE | FALSE:
        raise CannotVerify(f"PACT_BROKER_PUBLISH_VERIFICATION_RESULTS is {value!r}. Set it to true or false.")
    return value.lower() in TRUE


def _unseen_sql(verification: VerificationOptions) -> str | None:
    """Return why --debug-sql shows nothing; None where it does, and where it is not given."""
    if not (verification.debug_sql and verification.provider_url):
        return None
    return f"--debug-sql shows nothing: the queries are those of the server at {verification.provider_url}."


def _partial_reason(consumers: tuple[str, ...], chosen: Filter, verification: VerificationOptions) -> str | None:
    """Return why the run may verify only a part of a pact; None if it verifies complete pacts.

    A verification result at the broker is always that of the complete pact.
    """
    narrowed = [f"--consumer {name}" for name in consumers] + ([str(chosen)] if chosen else [])
    if narrowed:
        return f"{' '.join(narrowed)} chooses a part of a pact, and a result is about the whole pact."
    stops = verification.keep_open or ("exit-first" if verification.exit_first else None)
    return f"--{stops} may stop in the middle of a pact." if stops else None


def _nothing_failed_reason(failed: frozenset[str] | None) -> str:
    if failed is None:
        return "no run is known, so no failure is known either. Leave out --last-failed."
    if not failed:
        return "nothing failed the last time. Leave out --last-failed to verify everything."
    them = "it" if len(failed) == 1 else "one of them"
    return f"{counted(len(failed), 'interaction')} failed the last time, and none of the selected pacts holds {them}."


def _require_terminal(option: str) -> None:
    """Raise CannotVerify if no person can answer."""
    try:
        is_terminal = os.isatty(0)
    except OSError:
        is_terminal = False
    if not is_terminal:
        raise CannotVerify(
            f"--{option} waits for input, and standard input is not a terminal. Run it in a terminal, or leave it out."
        )


def _refuse_contradictions(given: Mapping[str, Any], *, at_broker: bool) -> None:
    if given["pacts"]:
        for name in ("broker_url", "pact_url"):
            if given[name]:
                raise CannotVerify(
                    f"--{name.replace('_', '-')} and {given['pacts'][0]} name two places for pacts. Leave one out."
                )
    if given.get("watch"):
        _refuse_with_watch(given)
    parallel = given.get("parallel", 1) > 1
    _refuse_while_held(given, parallel=parallel)
    if given.get("provider_url") and (given["isolation"] == "transaction" or parallel):
        option = "--parallel" if parallel else "--isolation transaction"
        raise CannotVerify(
            f"--provider-url and {option} exclude each other: the server reads what is committed, and its database is "
            "emptied for one interaction after the other. Leave one out."
        )
    if given.get("provider_url") and (given.get("keepdb") or given.get("create_db")):
        raise CannotVerify(
            "--provider-url and --keepdb exclude each other: the server's own database is used. Leave one out."
        )
    broker_options = {
        "--consumer-version-selector": given["consumer_version_selectors"],
        "--include-wip-pacts-since": given["include_wip_pacts_since"],
        "--publish": given.get("publish"),
    }
    for option, value in broker_options.items():
        if value and not at_broker:
            where = f"{given['pacts'][0]} is on this machine" if given["pacts"] else "none is configured"
            raise CannotVerify(f"{option} needs a broker, and {where}. PACT_BROKER_BASE_URL or --broker-url names it.")


def _refuse_with_watch(given: Mapping[str, Any]) -> None:
    if given.get("publish"):
        raise CannotVerify(
            "--watch and --publish exclude each other: what changes all the time has no version to publish results "
            "for. Leave one out."
        )
    if given.get("provider_url"):
        raise CannotVerify(
            "--watch and --provider-url exclude each other: --watch starts the project again after each change, and "
            "--provider-url verifies a server that already runs. Leave one out."
        )


def _refuse_while_held(given: Mapping[str, Any], *, parallel: bool) -> None:
    """Raise CannotVerify for what does not go together with an interaction that is kept open."""
    others = {
        "--parallel": (parallel, "one interaction is kept open, in one process"),
        "--provider-url": (given.get("provider_url"), "the project's code runs on that server"),
        "--watch": (given.get("watch"), "a run that waits for you does not wait for changes"),
    }
    for option in ("pdb", "hold"):
        for other, (is_given, reason) in others.items():
            if given.get(option) and is_given:
                raise CannotVerify(f"--{option} and {other} exclude each other: {reason}. Leave one out.")
