"""A company that is deleted while our workers are busy with it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from platforms import answers
from platforms.flows.refresh import recover_answers
from platforms.flows.support import delete_tenant
from platforms.models import CallStat, TimelineEntry
from platforms.spec import Grant
from platforms.traffic import CallBook, CallCounter
from tenants.scope import all_tenants, tenant_scope
from tests.support.factories import make_authorization


@pytest.mark.django_db(transaction=True)
def test_its_counts_cost_no_other_company_theirs(world):
    gone, stays = make_authorization(world.maple), make_authorization(world.lotus)
    now, book = timezone.now(), CallBook()
    for row in (gone, stays):
        counter = CallCounter(tenant_id=row.tenant_id, authorization_id=row.pk, book=book)
        counter.add("", 150, now=now)
        counter.save()
        book.refreshed(row)
    delete_tenant(tenant=world.maple, user=world.sam)

    book.flush(now=now)

    with all_tenants("looking"):
        assert [row.authorization_id for row in CallStat.objects.all()] == [stays.pk]
        assert [row.authorization_id for row in TimelineEntry.objects.all()] == [stays.pk]


@pytest.mark.django_db(transaction=True)
def test_an_answer_of_it_that_is_still_on_disk_is_thrown_away(world, settings, tmp_path):
    settings.ANSWERS_DIR = tmp_path
    row = make_authorization(world.maple)
    with tenant_scope(world.maple):
        answers.keep(row, {"refresh_token": "spent"}, Grant(access_token="new"))
    delete_tenant(tenant=world.maple, user=world.sam)
    assert recover_answers() == 0
    assert list(tmp_path.iterdir()) == []
