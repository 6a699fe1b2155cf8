"""The core gets the chosen interactions, in files of their own."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pact_verification.pacts.parts import PART_BYTES, in_parts
from tests.pact_verification.pact_files import document, interaction
from tests.pact_verification.pacts.parsing import pact_of, parse

pytestmark = pytest.mark.no_database


def test_the_core_is_given_the_bytes_that_were_read(tmp_path: Path) -> None:
    content = json.dumps(document(interaction("a"), interaction("b"))).encode() + b"\n \n"
    (part,) = in_parts(parse(content), 100, tmp_path)
    assert part.path
    assert part.path.read_bytes() == content


def test_an_empty_list_of_messages_is_left_out_of_what_the_core_gets(tmp_path: Path) -> None:
    (part,) = in_parts(parse(pact_of(interaction("a"), messages=[])), 100, tmp_path)
    assert part.path
    assert "messages" not in json.loads(part.path.read_bytes())


def test_a_part_has_no_more_interactions_than_it_may(tmp_path: Path) -> None:
    pact = parse(pact_of(*(interaction(name) for name in "abcde")))
    parts = list(in_parts(pact, 2, tmp_path))
    assert [[each.description for each in part.interactions] for part in parts] == [["a", "b"], ["c", "d"], ["e"]]
    for part in parts:
        assert part.path
        written = json.loads(part.path.read_bytes())["interactions"]
        assert [each["description"] for each in written] == [each.description for each in part.interactions]


def test_a_large_pact_has_parts_of_a_bounded_size(tmp_path: Path) -> None:
    body = {"body": "x" * (PART_BYTES // 2)}
    pact = parse(pact_of(*(interaction(name, response=body) for name in "abc")))
    assert [len(part.interactions) for part in in_parts(pact, 100, tmp_path)] == [1, 1, 1]


def test_an_interaction_that_was_not_chosen_is_in_no_part(tmp_path: Path) -> None:
    pact = parse(pact_of(interaction("a"), interaction("b"), interaction("c")))
    (part,) = in_parts(replace(pact, interactions=pact.interactions[1:2]), 100, tmp_path)
    assert part.path
    assert [each["description"] for each in json.loads(part.path.read_bytes())["interactions"]] == ["b"]


def test_nothing_is_written_for_interactions_that_cannot_be_verified(tmp_path: Path) -> None:
    assert list(in_parts(parse(pact_of(messages=[{"description": "m"}])), 100, tmp_path)) == []
    assert list(tmp_path.iterdir()) == []
