"""A sentence is kept as a template and its facts, and becomes a text only where it is read."""

from __future__ import annotations

import json

import pytest

from scoring.errors import Rejected
from scoring.job import Failure
from scoring.sentences import Sentence, joined, say, spoken

SLOW = say("Loading may take %(limit)g s. %(share)s of 100 %%.", limit=2.5, share="Some")


def test_a_sentence_is_english_by_itself() -> None:
    assert str(SLOW) == "Loading may take 2.5 s. Some of 100 %."


def test_a_sentence_survives_json() -> None:
    assert Sentence.from_json(json.loads(json.dumps(SLOW.to_json()))) == SLOW
    failure = Failure("load_timeout", (SLOW, say("Stop.")))
    again = Failure.from_json(json.loads(json.dumps(failure.to_json())))
    assert again == failure
    assert again.message == "Loading may take 2.5 s. Some of 100 %. Stop."


def test_a_percent_sign_among_the_facts_changes_nothing() -> None:
    assert str(say("It said: %(quote)s.", quote="100 %(x)s %")) == "It said: 100 %(x)s %."


def test_a_table_of_templates_gets_its_facts_later() -> None:
    files = say("The model calls %(operator)s.")
    assert str(files.about(operator="aten::save")) == "The model calls aten::save."
    assert files.facts == {}


def test_a_refusal_joins_its_sentences() -> None:
    refusal = Rejected("empty_file", say("The file is empty."), say("Upload another."))
    assert refusal.message == str(refusal) == "The file is empty. Upload another."
    assert joined(refusal.said, lambda one: one.text.upper()).startswith("THE FILE")


@pytest.mark.parametrize("speak", [str, lambda one: one.text])
def test_a_whole_report_is_spoken(speak: object) -> None:
    found = {
        "failure": Failure("load_timeout", (SLOW, say("Stop."))).to_json(),
        "flags": [SLOW.to_json()],
        "numbers": [1, None, {"text": "not a sentence"}],
    }
    text = speak(SLOW)  # type: ignore[operator]
    assert spoken(found, speak) == {  # type: ignore[arg-type]
        "failure": {"code": "load_timeout", "message": f"{text} Stop."},
        "flags": [text],
        "numbers": [1, None, {"text": "not a sentence"}],
    }
