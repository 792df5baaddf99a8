"""Forms whose amounts are in one of several currencies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from marketplace.web.client.acting import MoneyField


class AmountForm(forms.Form):
    """Its amounts are in one currency, which is asked for only where there are several."""

    def __init__(
        self, *args: Any, currencies: Sequence[str], **kwargs: Any
    ) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        asked = self.data.get(self.add_prefix("currency"), "") if self.is_bound else ""
        chosen = asked if asked in currencies else currencies[0]
        amounts = [name for name, each in self.fields.items() if isinstance(each, MoneyField)]
        for name in amounts:
            take(self, name, chosen, is_named=len(currencies) == 1)
        if len(currencies) > 1:
            self.fields["currency"] = forms.ChoiceField(
                choices=[(each, each) for each in currencies]
            )
            before = list(self.fields).index(amounts[0])
            names = [name for name in self.fields if name != "currency"]
            self.order_fields([*names[:before], "currency", *names[before:]])

    def clean(self) -> dict[str, Any]:  # Any: Django's own
        """The amounts know their currency; the choice itself is no value of the verb."""
        values: dict[str, Any] = super().clean() or {}
        values.pop("currency", None)
        return values


def take(form: forms.Form, name: str, currency: str, *, is_named: bool = True) -> None:
    """Let a field take amounts of this currency, and say so in its label."""
    field = form.fields[name]
    assert isinstance(field, MoneyField)
    field.in_currency(currency)
    if is_named:
        field.label = f"{field.label}, {currency}"
