"""What stays of returns and withdrawals when a person goes."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import TestCase

from core.media import private_files
from orders import services
from orders.models import Return, ReturnPicture, Withdrawal
from orders.tests.returned import make_picture, make_return, make_sent_order, make_withdrawal


@pytest.mark.django_db
class TestScrubCustomer:
    def test_removes_words_names_and_pictures_and_keeps_the_rows(self) -> None:
        order, other = make_sent_order(), make_sent_order()
        back, withdrawal = make_return(order), make_withdrawal(other)
        mine = make_withdrawal(make_sent_order(customer=order.customer))
        Return.objects.filter(pk=back.pk).update(note="Call Ada on 020.")
        name = str(make_picture(back).file.name)

        with TestCase.captureOnCommitCallbacks(execute=True), transaction.atomic():
            assert order.customer is not None
            services.scrub_customer(user_id=order.customer.pk)

        back.refresh_from_db()
        mine.refresh_from_db()
        withdrawal.refresh_from_db()
        assert (back.note, mine.name, mine.email, mine.statement) == ("", "", "", "")
        assert not ReturnPicture.objects.exists()
        assert not private_files().exists(name)
        assert withdrawal.name == "Ada Lovelace"
        assert Withdrawal.objects.count() == 2
