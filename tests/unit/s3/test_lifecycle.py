# SPDX-License-Identifier: Apache-2.0
"""A document with rules of others, and our own rule in it."""

from __future__ import annotations

import re

import pytest
from onespace_s3 import lifecycle

from onespace_core.provider import AgeRule, NotSupported

OURS = AgeRule(rule_id="ours", prefix="a/b/", delete_after=3)
HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<LifecycleConfiguration'
    b' xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
)
END = b"</LifecycleConfiguration>"
EXPIRES = b"<Expiration><Days>9</Days></Expiration>"
#: What a store of the future may say; none of it is known here.
STRANGE = (
    b"<Rule>\n <ID>strange &amp; new</ID><Status>Enabled</Status>"
    b"<Filter><And><Prefix>a/</Prefix><Hue>red</Hue></And></Filter>"
    b"<Ascension><Moons>2</Moons></Ascension>\n</Rule>"
)


def rule(
    name: bytes = b"theirs",
    where: bytes = b"<Filter><Prefix>x/</Prefix></Filter>",
    what: bytes = EXPIRES,
    status: bytes = b"Enabled",
) -> bytes:
    return b"<Rule><ID>%s</ID>%s<Status>%s</Status>%s</Rule>" % (
        name,
        where,
        status,
        what,
    )


def document(*rules: bytes) -> bytes:
    return HEAD + b"".join(rules) + b"<UpdatedAt>now</UpdatedAt>" + END


def without_ours(text: bytes) -> bytes:
    return re.sub(rb"<Rule><ID>ours</ID>.*?</Rule>", b"", text)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_every_other_byte_stays_in_its_place(place: int) -> None:
    others = [STRANGE, rule()]
    before = document(*others)
    rules = [*others[:place], rule(b"ours"), *others[place:]]
    replaced = lifecycle.with_rule(document(*rules), OURS)
    assert without_ours(replaced) == before
    found = lifecycle.rules(replaced)
    assert [each.as_ours == OURS for each in found].index(True) == place
    assert lifecycle.without_rule(replaced, found[place]) == before


def test_a_new_rule_comes_last() -> None:
    before = document(STRANGE, rule())
    after = lifecycle.with_rule(before, OURS)
    assert without_ours(after) == before
    assert lifecycle.rules(after)[-1].as_ours == OURS


@pytest.mark.parametrize(
    "before",
    [
        None,
        HEAD + END,
        b"<LifecycleConfiguration/>",
        b'<LifecycleConfiguration xmlns="x" />',
    ],
)
def test_the_first_rule_makes_the_document(before: bytes | None) -> None:
    (found,) = lifecycle.rules(lifecycle.with_rule(before, OURS))
    assert found.as_ours == OURS


@pytest.mark.parametrize(
    "ours",
    [
        OURS,
        AgeRule(rule_id="i", prefix="", move_after=(0, "GLACIER")),
        AgeRule(
            rule_id="<&>'\"",
            prefix="\u00fc &amp; ]]> \r\n\t",
            delete_after=9,
            move_after=(2, "STANDARD_IA"),
        ),
    ],
)
def test_what_is_written_is_read(ours: AgeRule) -> None:
    for before in (None, document(rule(where=b"<Prefix>x/</Prefix>"))):
        after = lifecycle.with_rule(before, ours)
        assert lifecycle.rules(after)[-1].as_ours == ours


def test_the_form_is_that_of_the_others() -> None:
    old = rule(where=b"<Prefix>x/</Prefix>")
    assert b"<Filter>" not in lifecycle.with_rule(document(old), OURS)
    assert b"<Filter>" in lifecycle.with_rule(document(old, rule()), OURS)
    assert b"<Filter>" in lifecycle.with_rule(document(), OURS)


@pytest.mark.parametrize(
    "changed",
    [
        rule(b"ours", status=b"Disabled"),
        rule(
            b"ours", what=EXPIRES + b"<Expiration><Date>d</Date></Expiration>"
        ),
        rule(b"ours", what=EXPIRES + EXPIRES),
        rule(b"ours", what=b"<Expiration><Days>x</Days></Expiration>"),
        rule(b"ours", what=b"<Transition><Days>1</Days></Transition>"),
        rule(
            b"ours",
            b"<Filter><And><Prefix>x/</Prefix><Tag><Key>k</Key>"
            b"<Value>v</Value></Tag></And></Filter>",
        ),
        rule(b"ours", what=EXPIRES + b"<Novelty>1</Novelty>"),
    ],
)
def test_a_rule_that_says_more_is_not_taken_for_ours(changed: bytes) -> None:
    (found,) = lifecycle.rules(document(changed))
    assert found.rule_id == "ours"
    assert found.as_ours is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"no XML",
        HEAD,
        # A prefix for names would need another way to edit.
        b'<s:Lifecycle xmlns:s="u"><s:Rule/></s:Lifecycle>',
        HEAD + b"<!-- <Rule></Rule> -->" + rule() + END,
        HEAD + b"<Rule/>" + END,
    ],
)
def test_a_form_that_is_not_known_is_not_edited(text: bytes) -> None:
    with pytest.raises(NotSupported):
        lifecycle.with_rule(text, OURS)


ABOVE = b"<Prefix>a/</Prefix>"
SAME = b"<Prefix>a/b/</Prefix>"
TAG = b"<Tag><Key>k</Key><Value>v</Value></Tag>"
SMALL = b"<ObjectSizeLessThan>5</ObjectSizeLessThan>"
MOVES = (
    b"<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass>"
    b"</Transition>"
)
UNFINISHED = (
    b"<AbortIncompleteMultipartUpload><DaysAfterInitiation>1"
    b"</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
)


@pytest.mark.parametrize(
    ("where", "what", "stands"),
    [
        (b"<Filter><Prefix>a/</Prefix></Filter>", EXPIRES, True),
        (b"<Filter><Prefix></Prefix></Filter>", EXPIRES, True),
        (b"<Filter/>", EXPIRES, True),
        (b"<Prefix/>", EXPIRES, True),
        (b"<Prefix>a/b/</Prefix>", EXPIRES, True),
        (b"<Prefix>a/b/</Prefix>", MOVES, True),
        (b"<Filter><Prefix>a/</Prefix></Filter>", MOVES, False),
        (b"<Filter><Prefix>a/b/c</Prefix></Filter>", EXPIRES, False),
        (b"<Filter><Prefix>a/b</Prefix></Filter>", UNFINISHED, False),
        (b"<Filter><Prefix>a/b/</Prefix></Filter>", UNFINISHED, False),
        (b"<Filter><And>%s%s</And></Filter>" % (ABOVE, SMALL), EXPIRES, False),
        # As radosgw gives what was written with And.
        (b"<Filter>%s%s</Filter>" % (ABOVE, TAG), EXPIRES, False),
        (b"<Filter><And>%s%s</And></Filter>" % (SAME, TAG), EXPIRES, True),
    ],
)
def test_what_stands_in_the_way(
    where: bytes, what: bytes, stands: bool
) -> None:
    found = lifecycle.rules(document(rule(where=where, what=what)))
    theirs = lifecycle.obstacle(OURS, found)
    assert (theirs is not None) is stands
    for harmless in (
        rule(where=where, what=what, status=b"Disabled"),
        rule(b"ours", where=where, what=what),
    ):
        found = lifecycle.rules(document(harmless))
        assert lifecycle.obstacle(OURS, found) is None
