"""Forms of the back office, dressed as the theme's own."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import CHECKBOX_CLASSES, INPUT_CLASSES, SELECT_CLASSES, TEXTAREA_CLASSES, UnfoldAdminFileFieldWidget

_CLASSES: list[tuple[type[forms.Widget], list[str]]] = [
    (forms.CheckboxInput, CHECKBOX_CLASSES),
    (forms.Textarea, TEXTAREA_CLASSES),
    (forms.Select, SELECT_CLASSES),
    (forms.widgets.Input, INPUT_CLASSES),
]


def dressed(field: forms.Field) -> forms.Field:
    """Give a field's widget the theme's looks, and return the field."""
    if type(field.widget) is forms.ClearableFileInput:
        field.widget = UnfoldAdminFileFieldWidget()
    for kind, classes in _CLASSES:
        if isinstance(field.widget, kind) and not field.widget.is_hidden:
            field.widget.attrs.setdefault("class", " ".join(classes))
            break
    return field


class StaffForm(forms.Form):
    """A form of an action's page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            dressed(field)
