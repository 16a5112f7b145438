"""Reasons: the same for all that fail alike, and without a value of any of them."""

from __future__ import annotations

import pytest

from platforms.quarantine.reasons import normalized, steps_to


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Expected `str`, got `int` - at `$.lines[0].sku`",
         "Expected `str`, got `int` - at `$.lines[741].sku`"),
        ("Expected `int`, got `str` - at `$.a[...].b`",
         "Expected `int`, got `str` - at `$.a[3].b`"),
        ("JSON is malformed: trailing characters (byte 31)",
         "JSON is malformed: trailing characters (byte 90210)"),
        ("'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
         "'utf-8' codec can't decode byte 0xc3 in position 17: invalid start byte"),
        ("no linked store for shop '1234'", "no linked store for shop \"it's mine\""),
        ("time data 'Li Wei' does not match", "time data 'a' b' does not match"),
        ("invalid literal for int(): '13800138000", "invalid literal for int(): 'Li"),
    ],
)  # fmt: skip
def test_what_differs_from_record_to_record_makes_no_other_reason(one, other):
    if '"' in other:  # another quote is another text, but no value is left either
        assert "mine" not in normalized(other).text
        return
    assert normalized(one) == normalized(other)
    assert normalized(one).key == normalized(other).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Expected `str`, got `int` - at `$.a`", "Expected `str`, got `int` - at `$.b`"),
        ("Expected `str`, got `int` - at `$.a`", "Expected `str`, got `null` - at `$.a`"),
        ("Object missing required field `a`", "Object missing required field `b`"),
    ],
)
def test_different_faults_stay_apart(one, other):
    assert normalized(one).key != normalized(other).key


@pytest.mark.parametrize(
    "reason",
    [
        "Invalid isoformat string: 'Li Wei'",
        'could not convert string to float: "O\'Li Wei"',
        "time data 'Li Wei 13800138000",
        "unknown: Li.Wei@example.com 13800138000",
        "call +86 138 0013 8000",
        "invalid literal 'Li' and 'Wei'",
    ],
)
def test_no_value_gets_into_a_reason(reason):
    shown = normalized(reason).technical + normalized(reason).meaning
    for value in ("Li", "Wei", "13800138000", "0013"):
        assert value not in shown


@pytest.mark.parametrize(
    "reason",
    ["", "\x00\x1b[31m", "`" * 300, "at `$" + "[0]" * 90, "<script>alert(1)</script>",
     "\u202egnihton", " - at `$." + "x" * 280, "'" * 300, "\ud800",
     "at `$.a[`", "%(field)s %s {0}"],
)  # fmt: skip
def test_a_hostile_reason_breaks_nothing(reason):
    found = normalized(reason)
    assert len(found.path) <= 160
    assert found.meaning
    assert found.advice
    assert len(found.key) == 16
    assert not {"\x00", "\x1b", "\u202e"} & set(found.technical)
    steps_to(reason)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Object missing required field `sku` - at `$.lines[1]`",
         "The field lines[…].sku is missing."),
        ("Object missing required field `orderId`", "The field orderId is missing."),
        ("Expected `str`, got `null` - at `$.buyer`",
         "The field buyer is empty, where we need a text."),
        ("Expected `int | null`, got `str` - at `$.n`",
         "The field n holds a text, where we expect a whole number or nothing."),
        ("Expected `object`, got `array`",
         "The whole record is a list, where we expect a group of fields."),
        ("Input data was truncated", "The record is cut off or damaged"),
        ("no linked store for shop '7'", "shop that is not linked here"),
        ("an amount is not a possible number", "An amount in the record"),
        ("a time is not a possible one", "A time in the record"),
        ("Invalid RFC3339 encoded datetime - at `$.placed`",
         "The field placed is written in a way we do not know."),
        ("whatever else", "We do not know the form"),
    ],
)  # fmt: skip
def test_a_reason_is_told_in_plain_words(reason, words):
    assert words in normalized(reason).meaning


@pytest.mark.parametrize(
    ("reason", "steps"),
    [
        ("x - at `$.lines[3].sku`", ("lines", 3, "sku")),
        ("x - at `$.d[...].a`", ("d", None, "a")),
        ("x - at `key in $.d`", ("d",)),
        ("Expected `object`, got `array`", None),
    ],
)
def test_the_way_to_the_fault_is_read(reason, steps):
    assert steps_to(reason) == steps
