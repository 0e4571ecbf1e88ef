"""Bodies in and out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from core.api.fields import BooleanField, IdField, TextField
from core.api.pages import PageQuery
from core.api.serializers import Input
from core.errors import Malformed
from notifications.domain import Channel, Kind

if TYPE_CHECKING:
    from notifications.models import Notification

MAX_IDS = 100


class NotificationQuery(PageQuery):
    """The filters of the list."""

    unread = BooleanField(from_text=True, required=False)


class SelectionInput(Input):
    """Some notifications by id, or all of them: exactly one of the two."""

    ids = serializers.ListField(child=IdField(), required=False, min_length=1, max_length=MAX_IDS)
    all = BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == (attrs.get("all") is True):
            raise Malformed.field("ids", 'Give either "ids", or "all" as true.', code="one_of")
        return attrs


# What ``SelectionInput`` accepts, which a serializer cannot say: one of the two.
SELECTION_SCHEMA = {
    "application/json": {
        "oneOf": [
            {
                "type": "object",
                "properties": {
                    "ids": {
                        "type": "array",
                        "items": {"type": "string", "format": "uuid"},
                        "minItems": 1,
                        "maxItems": MAX_IDS,
                    }
                },
                "required": ["ids"],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {"all": {"type": "boolean", "enum": [True]}},
                "required": ["all"],
                "additionalProperties": False,
            },
        ]
    }
}


class UnsubscribeInput(Input):
    """The token of an unsubscribe link."""

    token = TextField(max_length=200)


class ChannelsInput(Input):
    """Whether a kind of message is wanted, by channel. A channel that is left out is not changed."""

    in_app = BooleanField(required=False)
    email = BooleanField(required=False)


KindsInput = type(
    "KindsInput",
    (Input,),
    {"__doc__": "Wishes by kind.", **{kind.value: ChannelsInput(required=False) for kind in Kind}},
)


class PreferencesInput(Input):
    """Wishes by kind and channel."""

    preferences = KindsInput()


def wishes_in(values: Mapping[str, Mapping[str, bool]]) -> dict[Kind, dict[Channel, bool]]:
    """Translate a validated ``preferences`` object."""
    return {
        Kind(kind): {Channel(channel): is_wanted for channel, is_wanted in by.items()} for kind, by in values.items()
    }


class NotificationOutput(serializers.Serializer):  # type: ignore[type-arg]
    """Something that someone is told in the app."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind])
    title = serializers.CharField()
    body = serializers.CharField(allow_blank=True)
    data = serializers.DictField(child=serializers.CharField(), help_text="Ids that a client links to.")  # type: ignore[assignment]
    is_read = serializers.BooleanField()
    read_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class NotificationPageOutput(serializers.Serializer):  # type: ignore[type-arg]
    """A page of notifications, newest first, with the number of unread ones in all."""

    count = serializers.IntegerField()
    count_is_estimate = serializers.BooleanField(required=False)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    next_cursor = serializers.CharField(required=False)
    unread_count = serializers.IntegerField()
    results = NotificationOutput(many=True)


class UnreadCountOutput(serializers.Serializer):  # type: ignore[type-arg]
    """How many notifications are unread."""

    unread_count = serializers.IntegerField()


class ChangedOutput(serializers.Serializer):  # type: ignore[type-arg]
    """How many notifications were changed, and how many are unread now."""

    changed = serializers.IntegerField()
    unread_count = serializers.IntegerField()


class ChannelsOutput(serializers.Serializer):  # type: ignore[type-arg]
    """Whether a kind of message is sent, for each channel that it uses."""

    in_app = serializers.BooleanField(required=False)
    email = serializers.BooleanField(required=False)


KindsOutput = type(
    "KindsOutput",
    (serializers.Serializer,),
    {"__doc__": "What is sent, by kind.", **{kind.value: ChannelsOutput(required=False) for kind in Kind}},
)


class PreferencesOutput(serializers.Serializer):  # type: ignore[type-arg]
    """What is sent, by kind and channel, and the kinds that cannot be turned off."""

    preferences = KindsOutput()
    always_sent = serializers.ListField(child=serializers.CharField())


class UnsubscribedOutput(serializers.Serializer):  # type: ignore[type-arg]
    """Which mails will not be sent any more."""

    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind])
    channel = serializers.ChoiceField(choices=[Channel.EMAIL.value])


def notification_document(notification: Notification) -> dict[str, Any]:
    """Return what ``NotificationOutput`` describes."""
    return {
        "id": notification.pk,
        "kind": notification.kind,
        "title": notification.title,
        "body": notification.body,
        "data": notification.data,
        "is_read": notification.read_at is not None,
        "read_at": notification.read_at,
        "created_at": notification.created_at,
    }


def preferences_document(wishes: Mapping[Kind, Mapping[Channel, bool]], always: list[Kind]) -> dict[str, Any]:
    """Return what ``PreferencesOutput`` describes."""
    return {
        "preferences": {
            kind.value: {channel.value: is_sent for channel, is_sent in by.items()} for kind, by in wishes.items()
        },
        "always_sent": [kind.value for kind in always],
    }
