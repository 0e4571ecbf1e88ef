from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q

from core.fields import CurrencyField
from core.models import Entity, LockingQuerySet, SoftDeleteEntity, living_unique, text_array
from products.domain import STANDARD_TAX_CLASS

# So many levels of the tree have lists in order at hand; what is below a deeper category is looked for, then sorted.
CATEGORY_LEVELS = 3


class Category(Entity):
    """A node of the tree: ``path`` has the slugs from the root, ``ancestor_ids`` the ids; both end with its own."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=120, unique=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    image = models.ImageField(upload_to="categories/", blank=True)
    position = models.PositiveIntegerField(default=0)
    path = models.TextField(unique=True)
    ancestor_ids = ArrayField(models.UUIDField(), default=list)
    # The id in the system that it was imported from.
    external_id = models.CharField(max_length=100, blank=True)

    class Meta:
        verbose_name_plural = "categories"
        constraints = [
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="category_not_its_own_parent"
            ),
            models.UniqueConstraint(fields=["external_id"], condition=~Q(external_id=""), name="category_external_id"),
        ]
        indexes = [
            models.Index(fields=["parent", "position", "id"], name="category_children"),
            GinIndex(fields=["ancestor_ids"], name="category_ancestors"),
        ]

    def __str__(self) -> str:
        return self.name


class Product(SoftDeleteEntity):
    """Something to sell, in one or more variants. Every product has at least one."""

    name = models.CharField(max_length=300)
    slug = models.SlugField(max_length=150, db_index=False)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+")
    description = models.TextField(blank=True)
    tags = text_array()
    brand = models.CharField(max_length=100, blank=True)
    # [{"name": "Size", "values": ["S", "M"]}], in the order in which they are shown.
    options = models.JSONField(default=list, blank=True)
    # Dimensions, materials and the like: free facts, shown as they are.
    attributes = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=True)
    # Which rate of tax is due; rates name the same classes.
    tax_class = models.SlugField(
        max_length=50, db_index=False, default=STANDARD_TAX_CLASS, db_default=STANDARD_TAX_CLASS
    )

    class Meta:
        base_manager_name = "all_objects"
        constraints = [
            living_unique("slug", name="product_slug_living"),
            models.CheckConstraint(condition=~Q(name=""), name="product_named"),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="product_newest"),
            # Finds slugs by how they begin, in any collation.
            models.Index(
                fields=["slug"],
                name="product_slug_begins",
                opclasses=["varchar_pattern_ops"],
                condition=Q(deleted_at__isnull=True),
            ),
        ]
        permissions = [("receive_catalogue_alerts", "Is told of new and deleted products")]

    def __str__(self) -> str:
        return self.name


class FormerSlug(models.Model):
    """A slug that a product once had, so that old links still lead to it."""

    slug = models.SlugField(max_length=150, unique=True)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="former_slugs")

    objects: ClassVar[Any] = LockingQuerySet.as_manager()


class Variant(SoftDeleteEntity):
    """What is priced, stocked and bought. ``is_available`` follows from inventory: whether any unit is free."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="variants")
    sku = models.CharField(max_length=64)
    options = models.JSONField(default=dict, blank=True)
    position = models.PositiveIntegerField(default=0)
    weight_grams = models.PositiveIntegerField(null=True, blank=True)
    is_available = models.BooleanField(default=False, editable=False)
    # What is sent as a file, or done, needs none.
    needs_shipping = models.BooleanField(default=True, db_default=True)
    # Sold as a multi-purpose voucher: each unit becomes a gift card of its price once it is paid. Never sent.
    is_gift_card = models.BooleanField(default=False, db_default=False)

    class Meta:
        base_manager_name = "all_objects"
        constraints = [
            living_unique("sku", name="variant_sku_living"),
            models.CheckConstraint(condition=~Q(sku=""), name="variant_sku_given"),
        ]

    def __str__(self) -> str:
        return self.sku


class Price(Entity):
    """What a variant costs in one currency. Without one, it is not sold in the markets of that currency."""

    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="prices", db_index=False)
    currency = CurrencyField()
    amount_minor = models.BigIntegerField()
    compare_at_minor = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["variant", "currency"], name="price_one_per_currency"),
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="price_not_negative"),
            models.CheckConstraint(
                condition=Q(compare_at_minor__isnull=True) | Q(compare_at_minor__gt=F("amount_minor")),
                name="price_compare_at_is_higher",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency}"


class PriceList(Entity):
    """Other prices than the variants' own: of a market or of all with its currency, of a customer group or of all.

    It holds from ``starts_at`` until before ``ends_at``. Carts go by the clock; documents by ``is_shown``, which
    follows the clock within a minute.
    """

    code = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    currency = CurrencyField()
    group = models.ForeignKey(
        "accounts.CustomerGroup", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    market = models.ForeignKey("markets.Market", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    priority = models.IntegerField(default=0)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    is_shown = models.BooleanField(default=False, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="price_list_ends_after_start",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="price_list_named"),
        ]

    def __str__(self) -> str:
        return self.name

    def holds(self, at: datetime) -> bool:
        """Tell whether its prices are in force then."""
        has_begun = self.starts_at is None or self.starts_at <= at
        return self.is_active and has_begun and (self.ends_at is None or at < self.ends_at)


class ListPrice(Entity):
    """What each unit of a variant costs by a list, for so many units or more."""

    price_list = models.ForeignKey(PriceList, on_delete=models.CASCADE, related_name="prices")
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="+", db_index=False)
    min_quantity = models.PositiveIntegerField(default=1)
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["variant", "price_list", "min_quantity"], name="list_price_once"),
            models.CheckConstraint(condition=Q(min_quantity__gte=1), name="list_price_quantity_positive"),
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="list_price_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} from {self.min_quantity}"


class PricePoint(models.Model):
    """What one unit of a variant cost the public from then on: a ledger, in the order in which prices changed.

    Without a market the point is of all markets with that currency. A market has points of its own from the first of
    them on, which is when a list of its own first decided there. Append-only.
    """

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+", db_index=False)
    currency = CurrencyField()
    market = models.ForeignKey("markets.Market", null=True, on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    # Whether it was announced as a reduction: shown beside a higher price.
    is_reduced = models.BooleanField()
    from_at = models.DateTimeField()

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["variant", "currency", "id"], name="price_point_series")]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency}"


class ProductImage(Entity):
    """A picture of a product, re-encoded by us; ``thumbnails`` is width -> file name, filled in the background."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="images", db_index=False)
    # Width and height are told by whoever stores the file: to find them out, Django would open it at each refresh.
    file = models.ImageField(upload_to="products/")
    alt = models.CharField(max_length=300, blank=True)
    width = models.PositiveIntegerField(default=0, editable=False)
    height = models.PositiveIntegerField(default=0, editable=False)
    position = models.PositiveIntegerField(default=0)
    thumbnails = models.JSONField(default=dict, blank=True, editable=False)
    # Where an imported picture came from; nothing is fetched from there.
    source_url = models.URLField(max_length=500, blank=True)

    class Meta:
        indexes = [models.Index(fields=["product", "position", "id"], name="product_image_order")]

    def __str__(self) -> str:
        return self.alt or str(self.pk)


def _of_category(level: int) -> tuple[models.Index, models.Index]:
    """Return the indexes of what stands below the categories of a level (0: the uppermost), by time and by price."""
    category = f"category_ids__{level}"
    deep_enough = Q(**{f"{category}__isnull": False}) if level else None
    return (
        models.Index(
            "market", category, F("published_at").desc(), F("product").desc(),
            condition=deep_enough, name=f"document_newest_{level + 1}",
        ),
        models.Index(
            "market", category, "price_minor", "product", condition=deep_enough, name=f"document_price_{level + 1}"
        ),
    )  # fmt: skip


class ProductDocument(models.Model):
    """The read side: one row per product and market, the public document ready to send, and what lists go by.

    Written only by ``products.services.documents``, in the transaction that changes what it shows. Absent where the
    product is deleted, inactive, or has no price in the market's currency.
    """

    id = models.UUIDField(primary_key=True)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+")
    market = models.ForeignKey("markets.Market", on_delete=models.CASCADE, related_name="+", db_index=False)
    slug = models.CharField(max_length=150)
    # JSON, as sent.
    document = models.TextField()
    # Changes with the document: what ETags are made of.
    version = models.CharField(max_length=32)
    name = models.CharField(max_length=300)
    category_ids = ArrayField(models.UUIDField())
    tags = text_array()
    # In capitals: a search for one finds it first.
    skus = text_array()
    # The lowest price of a variant, in the currency's minor unit.
    price_minor = models.BigIntegerField()
    in_stock = models.BooleanField()
    rating = models.DecimalField(max_digits=3, decimal_places=2, default=0)
    published_at = models.DateTimeField()
    search = SearchVectorField()

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["market", "product"], name="document_per_market")]
        indexes = [
            models.Index(fields=["market", "slug"], name="document_slug"),
            # With what filters ask for most, so that rows need not be visited to be counted, sorted, or passed over.
            models.Index(
                fields=["market", "-published_at", "-product"],
                include=["price_minor", "in_stock"],
                name="document_time",
            ),
            models.Index(
                fields=["market", "price_minor", "product"], include=["in_stock", "published_at"], name="document_price"
            ),
            models.Index(fields=["market", "name", "product"], name="document_name"),
            models.Index(fields=["market", "rating", "product"], name="document_rating"),
            # Of each level of the tree, so that a page of a category is at hand however large it is.
            *(index for level in range(CATEGORY_LEVELS) for index in _of_category(level)),
            GinIndex(fields=["category_ids"], name="document_categories"),
            GinIndex(fields=["tags"], name="document_tags"),
            GinIndex(fields=["skus"], name="document_skus"),
            GinIndex(fields=["search"], name="document_search"),
        ]


class GroupDocument(models.Model):
    """What a customer group reads in place of a ``ProductDocument``, where its prices make it another document."""

    id = models.UUIDField(primary_key=True)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+", db_index=False)
    market = models.ForeignKey("markets.Market", on_delete=models.CASCADE, related_name="+")
    group = models.ForeignKey("accounts.CustomerGroup", on_delete=models.PROTECT, related_name="+")
    document = models.TextField()
    version = models.CharField(max_length=32)
    price_minor = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["product", "market", "group"], name="document_per_group")]


class Tally(models.Model):
    """A change of how many documents a market lists, and how many of them in stock: of all, or of a kind of them.

    Added by a trigger at each change, in its transaction, and gathered now and then (``services.gather_tallies``); the
    sum over a kind, label and number is exact at any time. Kinds: see ``selectors.counting``. The market is no
    foreign key, for its rows may stay behind it.
    """

    market_id = models.UUIDField()
    kind = models.CharField(max_length=1)
    label = models.CharField(max_length=100)
    number = models.BigIntegerField()
    products = models.BigIntegerField()
    free = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "tallies"
        indexes = [
            models.Index(
                fields=["market_id", "kind", "label", "number"], include=["products", "free"], name="tally_sums"
            )
        ]


class WordTally(models.Model):
    """As ``Tally``, of the words that a market's documents are found by. Its index is the only way to it."""

    market_id = models.UUIDField()
    word = models.TextField(db_collation="C")
    products = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "word tallies"
        indexes = [models.Index(fields=["market_id", "word"], include=["products"], name="word_tally_sums")]


class Edition(models.Model):
    """That a market's documents have changed: a statement did so, whose transaction brought this row.

    Added by a trigger, and gathered as a ``Tally``. What a market lists is the same as long as the sum of its
    ``changes`` is, for nothing takes away from that.
    """

    market_id = models.UUIDField()
    changes = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["market_id"], include=["changes"], name="edition_sums")]


class ImportRun(Entity):
    """How far the import of a file came, so that it can go on from there."""

    digest = models.CharField(max_length=64, unique=True)
    file_name = models.CharField(max_length=255)
    rows_done = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, blank=True)
