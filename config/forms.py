"""How every form is drawn: our templates, and the class each control carries."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting

TICKED = (forms.CheckboxInput, forms.RadioSelect, forms.CheckboxSelectMultiple)


class BoundField(forms.BoundField):
    """A field whose control has the class of our style sheet."""

    def build_widget_attrs(
        self, attrs: dict[str, Any], widget: forms.Widget | None = None
    ) -> dict[str, Any]:
        """Give what is typed or picked the class `input`; drop a placeholder that is the label."""
        control = widget or self.field.widget
        built = super().build_widget_attrs(attrs, control)
        if not control.is_hidden and not isinstance(control, TICKED):
            own = built.get("class") or control.attrs.get("class", "")
            built["class"] = f"{own} input".strip()
            if next(iter(self.form.errors), None) == self.name:
                built["autofocus"] = True  # the first field to mend
        said = str(control.attrs.get("placeholder", "")).lower()
        if said.startswith(str(self.label).lower()):
            built["placeholder"] = False
        return built

    @property
    def is_single_tick(self) -> bool:
        """Say whether this is one box to tick, whose label stands beside it."""
        return isinstance(self.field.widget, forms.CheckboxInput)

    @property
    def has_counter(self) -> bool:
        """Say whether this is a longer text with a limit, which shows how much of it is used."""
        return isinstance(self.field.widget, forms.Textarea) and bool(
            self.field.widget.attrs.get("maxlength")
        )


class Renderer(TemplatesSetting):
    """Renders forms and fields from templates/django/forms."""

    form_template_name = "django/forms/form.html"
    field_template_name = "django/forms/field.html"
    bound_field_class = BoundField
