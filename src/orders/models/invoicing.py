from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from core.fields import CurrencyField, EncryptedJSONField
from core.ids import new_id
from core.models import Entity, LockingQuerySet
from orders.domain import PaperKind
from orders.models.ordering import Order


class Seller(Entity):
    """Who sells in a market, as it stands on invoices; the one without a market sells in all others."""

    market = models.ForeignKey("markets.Market", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    line1 = models.CharField(max_length=200)
    line2 = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=100)
    region = models.CharField(max_length=100, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2)
    vat_id = models.CharField(max_length=20, blank=True)
    tax_number = models.CharField(max_length=40, blank=True)
    registration = models.CharField(max_length=60, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    iban = models.CharField(max_length=34, blank=True)
    # What the numbers of its papers begin with. Sellers that share one share its numbers.
    invoice_series = models.CharField(max_length=20, default="INV-")
    credit_series = models.CharField(max_length=20, default="CN-")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market"], nulls_distinct=False, name="seller_one_per_market"),
            models.CheckConstraint(condition=~Q(vat_id="", registration=""), name="seller_is_identified"),
            models.CheckConstraint(condition=~Q(invoice_series=F("credit_series")), name="seller_series_differ"),
        ]

    def __str__(self) -> str:
        return self.name


class InvoiceSeries(models.Model):
    """The last number of a series. Locked to take the next one, so that there is no gap: what rolls back took none."""

    code = models.CharField(primary_key=True, max_length=20)
    last = models.PositiveBigIntegerField(default=0)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()


class Invoice(models.Model):
    """An invoice or a credit note as it was issued, without the persons on it. Append-only."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="invoices")
    kind = models.CharField(max_length=11, choices=[(k.value, k.value) for k in PaperKind])
    series = models.CharField(max_length=20)
    sequence = models.PositiveBigIntegerField()
    number = models.CharField(max_length=40, unique=True)
    issued_at = models.DateTimeField()
    currency = CurrencyField()
    total_minor = models.BigIntegerField()
    # ``orders.domain.Paper``.
    document = models.JSONField()
    # Of a credit note: the invoice; what goes back of each of its rows; for whose sake (a refund's id); why.
    of = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="credits")
    parts = models.JSONField(default=list)
    reference = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "sequence"], name="invoice_number_once"),
            models.UniqueConstraint(
                fields=["order"], condition=Q(kind=PaperKind.INVOICE.value), name="invoice_one_per_order"
            ),
            models.UniqueConstraint(fields=["reference"], condition=~Q(reference=""), name="invoice_reference_once"),
            models.CheckConstraint(
                condition=Q(kind=PaperKind.INVOICE.value, of__isnull=True)
                | Q(kind=PaperKind.CREDIT_NOTE.value, of__isnull=False),
                name="invoice_credit_names_invoice",
            ),
            models.CheckConstraint(condition=Q(total_minor__gte=0), name="invoice_total_not_negative"),
        ]
        indexes = [models.Index(fields=["-issued_at", "-id"], name="invoice_newest")]

    def __str__(self) -> str:
        return self.number


class InvoiceParties(models.Model):
    """Who bought and where it went, sealed, as of a paper's day; apart from it, since keys are changed in place.

    It stays when the person's account goes: invoices are kept for as long as tax law says (Directive 2006/112/EC,
    Art. 244 and 247, with the buyer's name and address by Art. 226 (5); Regulation (EU) 2016/679, Art. 17 (3) (b)).
    """

    invoice = models.OneToOneField(Invoice, primary_key=True, on_delete=models.PROTECT, related_name="parties")
    # ``buyer`` (``orders.domain.Party``) and ``deliver_to`` (``orders.domain.Address``, or none).
    known = EncryptedJSONField()

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "invoice parties"
