from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from accounts.errors import UserNotFound
from accounts.tests.factories import make_user
from core.ids import new_id
from core.models import OutboxEvent
from core.money import Money
from payments import selectors, services
from payments.domain import GIFT_CARD, GIFTS, STORE_CREDIT, Wish, gift_card_code, plain_code, store_credit_of
from payments.errors import AlreadyPaid, BalanceNotFound, BalanceNotUsable, GiftCardUnknown, PaymentInProgress
from payments.models import Attempt, Balance, LedgerEntry, Payment
from payments.services import IssuedGiftCard
from payments.services.balances import spend_balance
from payments.tests.factories import NOON, make_attempt, make_gift_card, make_payment

STEP = transaction.atomic


@pytest.fixture(autouse=True)
def _no_orders(settings: Settings) -> None:
    """Orders are of another app: nobody waits for a capture here."""
    settings.EVENT_INLINE_SUBSCRIPTIONS = {}


def spend(payment: Payment, wish: Wish) -> Attempt:
    with STEP():
        held = services.lock_payment(payment_id=payment.pk)
        return services.begin_attempt(payment=held, wish=wish, triers=[], at=NOON).attempt


def change_amount(payment: Payment, amount_minor: int) -> None:
    with STEP():
        held = services.lock_payment(payment_id=payment.pk)
        services.change_amount(payment=held, amount_minor=amount_minor, at=NOON)


def by_card(made: IssuedGiftCard) -> Wish:
    return Wish(provider=GIFT_CARD, code=made.code)


def left_on(made: IssuedGiftCard) -> int:
    return int(Balance.objects.get(pk=made.card.pk).left_minor)


class TestGiftCardCode:
    def test_reads_what_was_meant(self) -> None:
        code = gift_card_code(2**80 - 1)

        assert code == "ZZZZ-ZZZZ-ZZZZ-ZZZZ"
        assert plain_code(" oOil-0011 ") == "00110011"
        assert gift_card_code(0) == "0000-0000-0000-0000"


@pytest.mark.django_db
class TestIssueGiftCard:
    def test_keeps_a_digest_and_books_what_the_shop_owes(self) -> None:
        made = make_gift_card(5000)

        row = str(list(Balance.objects.values()))
        assert plain_code(made.code) not in row
        assert made.code not in row
        assert made.card.code_end == plain_code(made.code)[-4:]
        assert selectors.balance(account=GIFTS, currency="GBP") == 5000
        assert selectors.balance(account=made.card.account, currency="GBP") == -5000
        assert selectors.find_differences() == []

    def test_announces_one_that_is_to_be_mailed_without_its_code(self) -> None:
        unsent, sent = make_gift_card(100), make_gift_card(100, recipient="ada@example.com")

        fact = OutboxEvent.objects.get(name="payments.gift_card_issued")
        assert fact.payload["gift_card_id"] == str(sent.card.pk)
        assert sent.code not in str(fact.payload)
        assert unsent.card.recipient == ""


@pytest.mark.django_db
class TestGrantStoreCredit:
    def test_adds_to_what_there_is(self) -> None:
        customer, staff = make_user(), make_user()

        for amount in (500, 700):
            services.grant_store_credit(
                customer_id=customer.pk, amount=Money(amount, "GBP"), note="Sorry.", actor=staff, at=NOON
            )

        [balance] = selectors.store_credit(customer_id=customer.pk)
        assert balance.left_minor == 1200
        assert selectors.find_differences() == []

    def test_refuses_somebody_who_does_not_exist(self) -> None:
        with pytest.raises(UserNotFound):
            services.grant_store_credit(
                customer_id=new_id(), amount=Money(1, "GBP"), note="", actor=make_user(), at=NOON
            )

        assert not Balance.objects.exists()
        assert not LedgerEntry.objects.exists()


@pytest.mark.django_db
class TestChangeGiftCard:
    def test_blocks_it_and_lets_it_be_used_again(self) -> None:
        made = make_gift_card(5000)

        services.change_gift_card(balance_id=made.card.pk, changes={"is_active": False})

        with pytest.raises(GiftCardUnknown):
            spend(make_payment(), by_card(made))
        services.change_gift_card(balance_id=made.card.pk, changes={"is_active": True})
        assert spend(make_payment(), by_card(made)).captured_minor == 2500

    def test_finds_no_store_credit(self) -> None:
        balance = services.grant_store_credit(
            customer_id=make_user().pk, amount=Money(1, "GBP"), note="", actor=make_user(), at=NOON
        )

        with pytest.raises(BalanceNotFound):
            services.change_gift_card(balance_id=balance.pk, changes={"is_active": False})

        balance.refresh_from_db()
        assert balance.is_active


@pytest.mark.django_db
class TestBeginAttempt:
    def test_takes_a_gift_card_as_far_as_it_goes_and_leaves_the_rest_to_others(self) -> None:
        payment, made = make_payment(amount_minor=2500), make_gift_card(1000)

        attempt = spend(payment, by_card(made))
        rest = make_attempt(payment)

        payment.refresh_from_db()
        assert (attempt.status, attempt.captured_minor, left_on(made)) == ("captured", 1000, 0)
        assert (payment.status, payment.captured_minor, payment.to_pay_minor) == ("pending", 1000, 1500)
        assert rest.amount_minor == 1500
        assert selectors.find_differences() == []

    def test_takes_no_more_than_is_to_pay_from_a_card_as_it_was_typed(self) -> None:
        payment, made = make_payment(amount_minor=2500), make_gift_card(5000)

        spend(payment, Wish(provider=GIFT_CARD, code=made.code.replace("-", " ").lower()))

        payment.refresh_from_db()
        assert (payment.status, left_on(made)) == ("captured", 2500)
        with pytest.raises(AlreadyPaid):
            spend(payment, by_card(made))
        assert left_on(made) == 2500

    def test_takes_several_cards(self) -> None:
        payment, cards = make_payment(amount_minor=2500), [make_gift_card(1000), make_gift_card(2000)]

        for made in cards:
            spend(payment, by_card(made))

        payment.refresh_from_db()
        assert payment.status == "captured"
        assert [left_on(made) for made in cards] == [0, 500]
        assert selectors.find_differences() == []

    def test_takes_store_credit(self) -> None:
        payment, customer = make_payment(amount_minor=2500), make_user()
        services.grant_store_credit(
            customer_id=customer.pk, amount=Money(3000, "GBP"), note="", actor=customer, at=NOON
        )

        spend(payment, Wish(provider=STORE_CREDIT, account=store_credit_of(customer.pk)))

        assert selectors.store_credit(customer_id=customer.pk)[0].left_minor == 500
        assert selectors.find_differences() == []

    @pytest.mark.parametrize(
        ("reason", "wish"),
        [
            ("empty", {"amount": 0}),
            ("currency", {"currency": "EUR"}),
            ("expired", {"expires_at": NOON - timedelta(seconds=1)}),
        ],
    )
    def test_refuses_what_cannot_be_spent_here(self, reason: str, wish: dict[str, object]) -> None:
        payment, made = make_payment(), make_gift_card(**{"amount": 5000} | wish)  # type: ignore[arg-type]

        with pytest.raises(BalanceNotUsable) as refusal:
            spend(payment, by_card(made))

        assert refusal.value.facts["reason"] == reason
        assert left_on(made) == made.card.left_minor
        assert not Attempt.objects.exists()

    @pytest.mark.parametrize("code", ["", "0", "ZZZZ-ZZZZ-ZZZZ-ZZZZ", "Z" * 40, "🎁" * 16])
    def test_knows_no_code_that_was_never_made(self, code: str) -> None:
        make_gift_card(5000)

        with pytest.raises(GiftCardUnknown):
            spend(make_payment(), Wish(provider=GIFT_CARD, code=code))

        assert not Attempt.objects.exists()

    def test_refuses_while_a_provider_is_being_asked(self) -> None:
        attempt, made = make_attempt(), make_gift_card(5000)

        with pytest.raises(PaymentInProgress):
            spend(attempt.payment, by_card(made))

        assert left_on(made) == 5000

    def test_finds_a_card_made_under_an_earlier_secret_key(self, settings: Settings) -> None:
        made = make_gift_card(5000)
        settings.EARLIER_SECRET_KEYS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another secret key, long enough for its purpose"

        assert spend(make_payment(), by_card(made)).captured_minor == 2500


@pytest.mark.django_db
class TestSpendBalance:
    def test_refuses_more_than_there_is(self) -> None:
        card = make_gift_card(500).card

        with pytest.raises(BalanceNotUsable), STEP():
            spend_balance(balance=card, amount_minor=501)

        card.refresh_from_db()
        assert card.left_minor == 500


@pytest.mark.django_db
class TestChangeAmount:
    def test_takes_from_the_balance_anew_what_is_still_to_pay(self) -> None:
        payment, made = make_payment(amount_minor=2500), make_gift_card(2000)
        spend(payment, by_card(made))

        change_amount(payment, 1500)

        payment.refresh_from_db()
        assert (payment.amount_minor, payment.captured_minor, payment.status) == (1500, 1500, "captured")
        assert left_on(made) == 500
        assert selectors.find_differences() == []

    def test_completes_what_is_paid_already(self) -> None:
        payment, made = make_payment(amount_minor=2500), make_gift_card(2000)
        spend(payment, by_card(made))

        change_amount(payment, 2000)

        payment.refresh_from_db()
        assert payment.status == "captured"
        assert OutboxEvent.objects.filter(name="payments.payment_captured").count() == 1
        assert left_on(made) == 0

    def test_waits_for_an_attempt_that_lives(self) -> None:
        attempt = make_attempt()

        with pytest.raises(PaymentInProgress):
            change_amount(attempt.payment, 1)

        assert Payment.objects.get().amount_minor == 2500


@pytest.mark.django_db
class TestBalances:
    def test_the_database_refuses_to_overspend(self) -> None:
        made = make_gift_card(100)

        with pytest.raises(IntegrityError), STEP():
            Balance.objects.filter(pk=made.card.pk).update(left_minor=-1)

    @pytest.mark.parametrize(
        "forge",
        [
            "UPDATE payments_balance SET left_minor = left_minor + 1",
            "UPDATE payments_balance SET account = 'gift_card:forged'",
            "UPDATE payments_balance SET currency = 'EUR'",
        ],
    )
    def test_a_forged_row_is_found(self, forge: str) -> None:
        make_gift_card(5000)
        assert selectors.find_differences() == []

        with connection.cursor() as cursor:
            cursor.execute(forge)

        assert selectors.find_differences() != []

    def test_opens_an_account_once(self) -> None:
        customer = make_user()

        with STEP():
            first = services.open_balance(account=store_credit_of(customer.pk), currency="GBP")
            again = services.open_balance(account=store_credit_of(customer.pk), currency="GBP")

        assert (first.pk, first.customer_id) == (again.pk, customer.pk)
        assert Balance.objects.count() == 1
