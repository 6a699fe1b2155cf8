"""Impacts as `pact_impact` finds them, made by hand."""

from dataclasses import replace
from pathlib import Path

from pact_verification.pacts.pact import Expected, Interaction, Pact, ProviderState
from pact_verification.results.exchange import Exchange, RecordedRequest, RecordedResponse
from pact_verification.results.impact import (
    Break,
    How,
    Impact,
    InteractionName,
    Kind,
    Member,
    MemberNeeds,
    Need,
    OperationNeeds,
    Plan,
    SerializerNeeds,
    Strength,
)
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Report
from pact_verification.text import Place

ODD = "<script>document.title='taken'</script> ::error::`x` ```|*_\n::warning::y\x1b[31m\u202e##[error]z"
"""A text that does harm where it is not escaped."""


def name(consumer: str, title: str, key: str, *, pending: bool = False) -> InteractionName:
    return InteractionName(consumer, title, key, pending)


SHOP_ITEM = name("shop", "an item [an item exists (id=7)]", "aaaaaaaaa1")
SHOP_OTHER = name("shop", "an item without a price", "aaaaaaaaa2")
ADMIN_ITEM = name("admin", "one item", "bbbbbbbbb1")
LATER_ITEM = name("later", "a new item", "ccccccccc1", pending=True)
SHOP_LIST = name("shop", "a list", "aaaaaaaaa3")
NEWS_ADDED = name("news", "an item was added", "ddddddddd1")


def need(interaction: InteractionName, how: How, detail: str = "", *noticed: Kind) -> Need:
    return Need(interaction.consumer, how, detail, noticed or (Kind.REMOVED,), (interaction,))


def body(path: str) -> Member:
    return Member("body", path)


def verified(consumer: str, *titles: str) -> PactResult:
    pact = Pact(consumer, "testapp", (), Path(f"{consumer}.json"), f"{consumer}.json")
    return PactResult(pact, tuple(InteractionResult(Interaction(each), Outcome.VERIFIED) for each in titles))


REPORT = Report(
    "testapp",
    (
        verified("shop", "an item", "an item without a price", "a list"),
        verified("admin", "one item"),
        verified("later", "a new item"),
        verified("news", "an item was added"),
    ),
    seconds=2.5,
)

CRASH = InteractionResult(
    Interaction("a crash", (ProviderState("an item exists"),), key="aaaaaaaaa9", expected=Expected(200)),
    Outcome.MISMATCH,
    Exchange(RecordedRequest("GET", "/crash"), RecordedResponse(500, "Internal Server Error")),
    (Mismatch("status", "", 200, 500, "expected 200 but was 500"),),
)
STATE_ERROR = InteractionResult(
    Interaction("a state", key="aaaaaaaab1"), Outcome.STATE_ERROR, error="The state raised.\nNo warehouse."
)
FAILED = replace(
    REPORT,
    pacts=(
        replace(REPORT.pacts[0], interactions=(*REPORT.pacts[0].interactions, CRASH, STATE_ERROR)),
        *REPORT.pacts[1:],
    ),
)

ITEM = OperationNeeds(
    "GET /items/{id}",
    200,
    (SHOP_ITEM, SHOP_OTHER, ADMIN_ITEM, LATER_ITEM),
    (
        MemberNeeds(
            Member("status"),
            (need(SHOP_ITEM, How.VALUE), need(ADMIN_ITEM, How.VALUE), need(LATER_ITEM, How.VALUE)),
        ),
        MemberNeeds(Member("header", "Content-Type"), (need(SHOP_ITEM, How.FORMAT, r"regex application/json.*"),)),
        MemberNeeds(Member("header", "X-Trace")),
        MemberNeeds(
            body("$.id"),
            (need(SHOP_ITEM, How.TYPE, "integer", Kind.REMOVED, Kind.NULL, Kind.TYPE), need(ADMIN_ITEM, How.VALUE)),
            ("testapp.serializers.ItemSerializer.id",),
        ),
        MemberNeeds(
            body("$.name"),
            (
                Need("shop", How.TYPE, "text", (Kind.REMOVED, Kind.NULL, Kind.TYPE), (SHOP_ITEM, SHOP_OTHER)),
                need(ADMIN_ITEM, How.TYPE, "text", Kind.REMOVED, Kind.NULL, Kind.TYPE),
            ),
            ("testapp.serializers.ItemSerializer.name",),
        ),
        MemberNeeds(body("$.notes"), (), ("testapp.serializers.ItemSerializer.notes",)),
        MemberNeeds(body("$.a_rather_long_name.of_a_member[*].that_is_nested"), (need(LATER_ITEM, How.PRESENT),)),
    ),
)
LIST = OperationNeeds(
    "GET /items",
    200,
    (SHOP_LIST,),
    (
        MemberNeeds(Member("status"), (need(SHOP_LIST, How.VALUE),)),
        MemberNeeds(body("$"), (need(SHOP_LIST, How.TYPE, "list of at least one item", Kind.EMPTY),)),
        MemberNeeds(body("$[*].name")),
    ),
)
ADDED = OperationNeeds(
    "message of item_was_added()",
    None,
    (NEWS_ADDED,),
    (MemberNeeds(Member("metadata", "topic")), MemberNeeds(body("$.id"))),
)

IMPACT = Impact(
    REPORT,
    (ITEM, LIST, ADDED),
    (
        Strength("shop", 12, 18),
        Strength("admin", 4, 4),
        Strength("later", 0, 0),
        Strength("news", 0, 5, (NEWS_ADDED,)),
    ),
    changes=27,
    seconds=0.25,
)
WITH_GAPS = replace(
    IMPACT, report=FAILED, left_out=((SHOP_LIST, "The response is different\neach time."),), operations=(ADDED,)
)
WITH_SERIALIZERS = replace(
    IMPACT,
    operations=(LIST,),
    strengths=(),
    serializers=(
        SerializerNeeds(
            "testapp.serializers.ItemSerializer",
            Place("testapp/serializers.py", 12),
            ("id", "name"),
            ("notes",),
            ("password",),
        ),
        SerializerNeeds("library.Serializer", None, unseen=("all",)),
    ),
)

PLAN = Plan(
    ("without $.name", "$.id renamed to $.key"),
    None,
    (SHOP_ITEM, SHOP_OTHER, ADMIN_ITEM, LATER_ITEM, SHOP_LIST, NEWS_ADDED),
    (
        Break(SHOP_ITEM, "GET /items/{id}, 200", ("without $.name", "$.id renamed to $.key")),
        Break(SHOP_OTHER, "GET /items/{id}, 200", ("without $.name",)),
        Break(LATER_ITEM, "GET /items/{id}, 200", ("$.id renamed to $.key",)),
    ),
)
PLANNED = Impact(REPORT, plan=PLAN, changes=6, seconds=0.1)
HARMLESS = replace(PLANNED, plan=Plan(("without $.notes",), "GET /items/{id}", (SHOP_ITEM, ADMIN_ITEM), ()))
ONLY_PENDING = replace(PLANNED, plan=replace(PLAN, breaks=PLAN.breaks[2:]))
NOT_FOUND = replace(PLANNED, plan=Plan(("without $.nmae",), None, (), ()))


def hostile() -> Impact:
    """An impact with a hostile text in every place."""
    interaction = InteractionName(ODD, ODD, ODD)
    failed = replace(CRASH, interaction=Interaction(ODD, key=ODD), mismatches=(), error=ODD)
    pact = Pact(ODD, ODD, (), Path("p"), ODD)
    members = (
        MemberNeeds(Member("header", ODD), (Need(ODD, How.FORMAT, ODD, (Kind.REMOVED,), (interaction,)),), (ODD,)),
        MemberNeeds(Member("body", ODD), (), (ODD,)),
    )
    return Impact(
        Report(ODD, (PactResult(pact, (failed,)),)),
        (OperationNeeds(ODD, 200, (interaction,), members),),
        (Strength(ODD, 0, 1, (interaction,)),),
        ((interaction, ODD),),
        (SerializerNeeds(ODD, Place(ODD, 1), (ODD,), (ODD,), (ODD,)),),
    )


def hostile_plan() -> Impact:
    """The same with a plan."""
    interaction = InteractionName(ODD, ODD, ODD)
    other = InteractionName(f"other {ODD}", ODD, ODD)
    plan = Plan((ODD,), ODD, (interaction, other), (Break(interaction, ODD, (ODD,)),))
    return Impact(Report(ODD, hostile().report.pacts), plan=plan)


def large(consumers: int, members: int) -> Impact:
    """An operation that many consumers need in several ways."""
    names = [InteractionName(f"consumer-number-{n}", "an item", f"{n:010}") for n in range(consumers)]
    ways = (How.TYPE, How.VALUE, How.PRESENT)
    needs = [
        MemberNeeds(
            body(f"$.results[*].member_number_{n}"),
            tuple(need(each, ways[(n * at) % 3], "text" if not (n * at) % 3 else "") for at, each in enumerate(names))
            if n % 5
            else (),
        )
        for n in range(members)
    ]
    report = Report("testapp", tuple(verified(each.consumer, each.title) for each in names))
    return Impact(report, (OperationNeeds("GET /items/{id}", 200, tuple(names), tuple(needs)),))
