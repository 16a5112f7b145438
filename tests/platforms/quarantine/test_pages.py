"""The workplace: who sees what, by reason, page by page, and one record."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from platforms import landing
from platforms.models import Quarantined
from platforms.quarantine.reasons import normalized
from tenants.models import Duty
from tenants.scope import tenant_scope
from tests.conftest import bind
from tests.platforms.quarantine.scenes import WRONG_NUMBER, aside, granted, many_aside, raw_order

KEY = normalized(WRONG_NUMBER).key


@pytest.fixture
def lotus(world):
    with tenant_scope(world.lotus):
        yield world.lotus


def look(world, user, address="quarantine", **params):
    answer = world.client(user).get(reverse(address), params)
    assert answer.status_code == 200
    return answer.content.decode()


def see(world, user, row):
    return world.client(user).get(reverse("quarantine_record", args=[row.public_id]))


# --- by reason


def test_records_are_told_by_reason_platform_and_store(world, lotus):
    for n in range(3):
        aside(world.tea, reason=f"Expected `str`, got `int` - at `$.lines[{n}].sku`")
    aside(world.silk, reason="Expected `str`, got `int` - at `$.lines[9].sku`")
    aside(world.rice, reason="Input data was truncated")
    text = look(world, world.anna)
    assert text.count('class="card reason"') == 2
    assert "The field lines[…].sku holds a whole number, where we expect a text." in text
    assert "$.lines[…].sku" in text
    assert "Show all 4" in text
    assert "cut off or damaged" in text


def test_filters_narrow_and_a_foreign_store_has_nothing(world, lotus):
    aside(world.tea)
    aside(world.rice)
    assert "1 record" in look(world, world.anna, store=str(world.tea.public_id))
    assert "1 record" in look(world, world.anna, platform="ozon")
    for store in (str(world.syrup.public_id), "nonsense", "%00"):
        assert "Nothing waits here" in look(world, world.anna, store=store)


@pytest.mark.parametrize("state", ["", "settled", "released", "nonsense"])
def test_states_are_apart(world, lotus, state):
    aside(world.tea, number="W-1")
    aside(world.tea, number="R-1", state="released", settled_at=timezone.now())
    text = look(world, world.anna, "quarantine_records", state=state)
    waits = state in ("", "nonsense")
    assert ("W-1" in text, "R-1" in text) == (waits, not waits)


def test_an_empty_list_is_called_by_what_it_would_hold(world, lotus):
    aside(world.tea)
    empty = look(world, world.anna, "quarantine_records", state="settled")
    assert "Nothing is settled yet" in empty
    assert "Nothing waits here" not in empty


def test_hostile_reasons_and_numbers_are_only_text(world, lotus):
    aside(world.tea, reason="<script>alert(1)</script>", number="<b>7</b>")
    for page in ("quarantine", "quarantine_records"):
        text = look(world, world.anna, page)
        assert "<script>alert" not in text
        assert "<b>7" not in text


@pytest.mark.parametrize("at", ["o", "x" * 33, "n" + "g" * 32, "%00", "o" * 500])
def test_a_cursor_that_is_none_shows_the_first_page(world, lotus, at):
    aside(world.tea)
    answer = world.client(world.anna).get(reverse("quarantine_records"), {"at": at})
    assert (answer.status_code, answer.url) == (302, reverse("quarantine_records"))


# --- thousands


def test_thousands_are_shown_in_a_fixed_number_of_queries(world, lotus):
    client = world.client(world.anna)
    client.get(reverse("home"))  # what is asked for once is asked for here
    counts = []
    for more in (60, 5000):
        Quarantined.objects.all().delete()
        many_aside(world.tea, more)
        key = normalized("Expected `str`, got `int` - at `$.lines[0].sku`").key
        for address in (reverse("quarantine"), reverse("quarantine_records") + f"?reason={key}"):
            with CaptureQueriesContext(
                connection,
            ) as made:
                text = client.get(address).content.decode()
            counts.append(len(made))
            assert f"{more:,} records" in text
    assert counts[:2] == counts[2:]
    assert max(counts) <= 20


def test_pages_of_fifty_leave_nothing_out_and_repeat_nothing(world, lotus):
    many_aside(world.tea, 120)
    client, address, seen = world.client(world.anna), reverse("quarantine_records"), []
    for size in (50, 50, 20):
        answer = client.get(address)
        rows = [row["record"].number for row in answer.context["rows"]]
        assert len(rows) == size
        seen += rows
        address = answer.context["next_url"]
    assert address == ""
    assert seen == [f"N-{n:05}" for n in reversed(range(120))]
    back = client.get(answer.context["previous_url"]).context["rows"]
    assert [row["record"].number for row in back] == seen[50:100]


# --- who sees what


def test_an_operator_sees_the_records_of_their_stores_only(world, lotus):
    mine, other = aside(world.tea, number="MINE-1"), aside(world.rice, number="OTHER-1")
    text = look(world, world.bo, "quarantine_records")
    assert "MINE-1" in text
    assert "OTHER-1" not in text
    assert see(world, world.bo, mine).status_code == 200
    assert see(world, world.bo, other).status_code == 404
    assert see(world, world.anna, other).status_code == 200


def test_a_record_without_a_store_is_for_operators_of_its_authorization(world, lotus):
    shared = aside(None, stream=granted(world.tea), number="SHARED-1")
    lost = aside(None, tenant=lotus, number="LOST-1")
    assert "SHARED-1" in look(world, world.bo, "quarantine_records")
    assert see(world, world.bo, shared).status_code == 200
    assert see(world, world.bo, lost).status_code == 404
    assert see(world, world.ada, lost).status_code == 200
    bind(world.member(world.cai), world.rice, Duty.OPERATOR)
    assert see(world, world.cai, shared).status_code == 404


def test_customer_service_sees_none_of_it(world, lotus):
    row = aside(world.tea, number="MINE-1")
    for page in ("quarantine", "quarantine_records"):
        text = look(world, world.cai, page)
        assert "MINE-1" not in text
        assert "handled by owners, admins and the operators" in text
    assert see(world, world.cai, row).status_code == 404
    assert reverse("quarantine") not in look(world, world.cai, "home")


def test_another_company_sees_nothing(world, lotus):
    row = aside(world.tea, number="MINE-1")
    assert see(world, world.dan, row).status_code == 404
    assert "MINE-1" not in look(world, world.dan, "quarantine_records")
    assert "Everything could be read" in look(world, world.dan)


def test_counts_lead_to_the_workplace(world, lotus):
    granted(world.tea)
    aside(world.tea)
    of_store = f"{reverse('quarantine')}?store={world.tea.public_id}"
    assert of_store in look(world, world.bo, "health")
    page = world.client(world.bo).get(reverse("store_health", args=[world.tea.public_id]))
    assert of_store in page.content.decode()
    for who in (world.anna, world.bo):
        assert f'href="{reverse("quarantine")}"' in look(world, who, "home")


# --- one record


def test_the_line_that_could_not_be_read_is_marked(world, lotus):
    raw = raw_order(lineItems=[{"lineItemId": "1", "quantity": 1}, {"lineItemId": 22222}])
    row = aside(world.tea, raw, reason="Expected `str`, got `int` - at `$.lineItems[1].lineItemId`")
    text = see(world, world.anna, row).content.decode()
    assert text.count("<mark") == 1
    assert (
        "lineItemId&quot;: 22222" in text.partition('<mark id="fault">')[2].partition("</mark>")[0]
    )


@pytest.mark.parametrize(
    "raw",
    [b"<html>Li Wei</html>", b'{"name": "Li Wei"', b"[" * 100_000, b"\xff\xfe\x00", b'"Li Wei"'],
)
def test_a_record_in_any_shape_has_a_page_without_the_buyer(world, lotus, raw):
    row = aside(world.tea, raw, reason="Input data was truncated")
    answer = see(world, world.anna, row)
    assert answer.status_code == 200
    assert "Li Wei" not in answer.content.decode()


def test_an_emptied_record_says_so_and_offers_nothing(world, lotus):
    now = timezone.now()
    row = aside(
        world.tea, b"", state="expired", settled_at=now, settled_note="retention", number="E-1"
    )
    text = see(world, world.anna, row).content.decode()
    assert "not kept any more" in text
    assert "The time for which the data may be kept was over." in text
    assert reverse("quarantine_release") not in text
    assert reverse("quarantine_put_back") not in text
    listed = look(world, world.anna, "quarantine_records", state="settled")
    assert "E-1" in listed
    assert "Emptied by retention" in listed


def test_a_damaged_payload_breaks_no_page(world, lotus):
    row = aside(world.tea)
    for raw in (b"\x28\xb5\x2f\xfd\x00broken", b"broken", b""):
        Quarantined.objects.filter(pk=row.pk).update(raw=raw)
        assert see(world, world.anna, row).status_code == 200


def test_what_will_be_emptied_soon_is_told_ahead(world, lotus):
    row = aside(world.silk, reason="Input data was truncated")
    Quarantined.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=28))
    text = look(world, world.anna)
    assert "will be emptied on" in text
    day = timezone.localtime(timezone.now() + timedelta(days=2))
    assert f"{day:%Y-%m-%d}" in text
    assert "Its data is kept until" in see(world, world.anna, row).content.decode()


def test_landing_still_unpacks_what_we_put_there(lotus, world):
    assert landing.decompress(aside(world.tea, b"[1]").raw) == b"[1]"
