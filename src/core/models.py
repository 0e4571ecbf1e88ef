"""Base classes of all tables, and the tables of the outbox and of idempotency."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Self, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Now
from django.db.models.lookups import IsNull
from django.utils import timezone

from core.fields import SealedBytesField
from core.ids import new_id

M = TypeVar("M", bound=models.Model)


class LockingQuerySet(models.QuerySet[M]):
    """A queryset that knows the one way to lock rows."""

    def locked(self, *, nowait: bool = False, skip_locked: bool = False) -> Self:
        """Lock the rows in id order, so that two writers cannot deadlock. Evaluate it inside a transaction."""
        return self.order_by("pk").select_for_update(of=("self",), nowait=nowait, skip_locked=skip_locked)


class Entity(models.Model):
    """A row with an identity of its own."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        abstract = True


def remember_related(row: models.Model, **related: list[Any]) -> None:
    """Take rows that are known for the related ones of another (name -> rows), so that showing it reads nothing."""
    kept: dict[str, models.QuerySet[Any]] = {}
    row._prefetched_objects_cache = kept  # type: ignore[attr-defined]  # noqa: SLF001 - what prefetch_related does
    for name, rows in related.items():
        known = getattr(row, name).all()
        known._result_cache = rows  # noqa: SLF001 - the same, without its queries
        kept[name] = known


class LivingManager(models.Manager.from_queryset(LockingQuerySet)):  # type: ignore[misc]
    """Hides what was deleted softly."""

    def get_queryset(self) -> LockingQuerySet[Any]:
        return super().get_queryset().filter(deleted_at__isnull=True)  # type: ignore[no-any-return]


class SoftDeleteEntity(Entity):
    """An entity that is hidden instead of removed. Uniqueness holds among the living: use ``living_unique``."""

    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[Any] = LivingManager()
    all_objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "all_objects"

    def hide(self, *, at: datetime) -> None:
        """Delete it softly."""
        self.deleted_at = at
        self.save(update_fields=["deleted_at", "updated_at"])

    def restore(self) -> None:
        """Bring it back; ``living_unique`` refuses if its place is taken by now."""
        self.deleted_at = None
        self.save(update_fields=["deleted_at", "updated_at"])


def living_unique(*fields: str, name: str) -> models.UniqueConstraint:
    """Return a constraint that is unique among the rows that are not softly deleted."""
    return models.UniqueConstraint(fields=fields, condition=Q(deleted_at__isnull=True), name=name)


class OutboxEvent(models.Model):
    """A fact that happened, written in the transaction that made it so. Kept until all of its deliveries are done."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=100)
    aggregate = models.CharField(max_length=64, blank=True)
    payload = models.JSONField()
    occurred_at = models.DateTimeField()
    # The ``traceparent`` of what made it so, while traces are kept: what follows is part of the same trace.
    trace = models.CharField(max_length=55, blank=True, default="", db_default="", editable=False)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["occurred_at"], name="outbox_event_occurred")]

    def __str__(self) -> str:
        return self.name


# What is neither done nor dead, in words by which PostgreSQL takes the index of deliveries in their order and no other.
STILL_OWED = Q(IsNull(Coalesce("done_at", "dead_at"), True))


class Delivery(models.Model):
    """One subscriber's copy of an event: owed until ``done_at``, given up at ``dead_at``."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    event = models.ForeignKey(OutboxEvent, on_delete=models.PROTECT, related_name="deliveries")
    handler = models.CharField(max_length=150)
    aggregate = models.CharField(max_length=64, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    # How often it was handed to a worker since somebody last noted how that went.
    handed_out = models.IntegerField(default=0, db_default=0, editable=False)
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    dead_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["event", "handler"], name="delivery_once_per_subscriber"),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | Q(dead_at__isnull=True), name="delivery_done_or_dead"
            ),
        ]
        indexes = [
            models.Index(
                fields=["handler", "due_at", "id"],
                name="delivery_due",
                condition=Q(done_at__isnull=True, dead_at__isnull=True),
            ),
            models.Index(fields=["aggregate", "handler", "id"], name="delivery_in_order", condition=STILL_OWED),
            models.Index(fields=["dead_at"], name="delivery_dead", condition=Q(dead_at__isnull=False)),
            models.Index(fields=["done_at"], name="delivery_done", condition=Q(done_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.handler.rpartition(".")[2].replace("_", " ")

    @property
    def state(self) -> str:
        """Owed, done or dead."""
        if self.done_at:
            return "done"
        return "dead" if self.dead_at else "owed"


class IdempotencyRecord(models.Model):
    """The first answer to a request with an ``Idempotency-Key``. The body is sealed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    scope = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = SealedBytesField()
    expires_at = models.DateTimeField()

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["expires_at"], name="idempotency_expires")]


class AuditEntry(models.Model):
    """Something that one of the staff had carried out. Append-only: ``core.auditing`` adds the rows."""

    position = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    # Accounts stay when people leave; their names do not stand here.
    actor_id = models.UUIDField()
    via = models.CharField(max_length=10)
    request_id = models.CharField(max_length=64, blank=True)
    path = models.CharField(max_length=300)
    action = models.CharField(max_length=200)
    # JSON text, as it was hashed.
    details = models.TextField()
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "audit log"
        indexes = [models.Index(fields=["actor_id", "-position"], name="audit_actor")]

    def __str__(self) -> str:
        return f"{self.position}: {self.action}"


class AuditHead(models.Model):
    """Where the log of the staff's actions ends. One row; whoever appends locks it."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    position = models.BigIntegerField()
    hash = models.CharField(max_length=64)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="audit_one_head")]


class LooseFile(models.Model):
    """A file of the media storage that no row names: just stored, or just forgotten. What stays so is swept away."""

    name = models.CharField(primary_key=True, max_length=255)
    noted_at = models.DateTimeField(db_default=Now())

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["noted_at", "name"], name="loose_file_noted")]

    def __str__(self) -> str:
        return self.name


class Heartbeat(models.Model):
    """A message that a queue brought, sent by the clock: both run. One row per queue."""

    queue = models.CharField(primary_key=True, max_length=100)
    sent_at = models.DateTimeField()
    ran_at = models.DateTimeField()

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    def __str__(self) -> str:
        return self.queue


class Inspection(models.Model):
    """What the shop last found out about itself. One row per kind (``core.inspections``)."""

    name = models.CharField(primary_key=True, max_length=50)
    begun_at = models.DateTimeField(null=True)
    # Until when it is known; null before the first one ended.
    good_at = models.DateTimeField(null=True)
    found = models.PositiveIntegerField(default=0)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class DeadLetter(models.Model):
    """A message that the broker gave up. ``digest`` tells it from every other, so that none is noted twice."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    digest = models.CharField(max_length=64, unique=True)
    queue = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=50, blank=True)
    # Empty where the message cannot be read; then its beginning is kept.
    task = models.CharField(max_length=200, blank=True)
    kwargs = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    noted_at = models.DateTimeField()
    resent_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = LockingQuerySet.as_manager()

    class Meta:
        verbose_name = "message given up"
        verbose_name_plural = "messages given up"
        indexes = [
            models.Index(fields=["noted_at", "id"], name="dead_letter_noted"),
            models.Index(fields=["noted_at"], name="dead_letter_open", condition=Q(resent_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.task or "a message that cannot be read"


def text_array(**options: Any) -> ArrayField[Any, Any]:
    """Return a field for a list of short texts."""
    return ArrayField(models.CharField(max_length=100), default=list, blank=True, **options)
