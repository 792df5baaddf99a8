"""One form, one verb: what the verb refused is said where it was typed, or above the page."""

from __future__ import annotations

import re
from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from marketplace.kit.errors import DomainError
from marketplace.kit.money import Money, exponent
from marketplace.web.client.own import Member
from marketplace.web.forms import attach

# A comma only where it parts thousands: 10,50 is ten and a half to many, and never 1050.
_AMOUNT = re.compile(r"(\d{1,9}|\d{1,3}(,\d{3}){1,2})(\.\d{1,3})?")


class MoneyField(forms.CharField):
    """An amount as people write it, `2.50`; cleaned to Money of the field's currency."""

    def __init__(self, *, currency: str = "USD", label: str = "", help_text: str = "") -> None:
        attrs = {"inputmode": "decimal", "autocomplete": "off", "placeholder": "0.00"}
        widget = forms.TextInput(attrs=attrs)
        super().__init__(label=label, help_text=help_text, max_length=14, widget=widget)
        self.currency = currency

    def clean(self, value: str) -> Money | None:
        """Refuse what is no amount, and more decimals than the currency has; None if optional."""
        text = super().clean(value).strip()
        if not text and not self.required:
            return None
        whole, _, rest = text.replace(",", "").partition(".")
        places = exponent(self.currency)
        if not _AMOUNT.fullmatch(text) or len(rest) > places:
            example = "2.50, with a point" if places else "250"
            raise forms.ValidationError(f"Write an amount such as {example}.")
        return Money(int(whole + rest.ljust(places, "0")), self.currency)


def tried(form: forms.Form, verb: Callable[[], object]) -> bool:
    """Whether the form is sound and the verb took it; if not, the form says why."""
    if not form.is_valid():
        return False
    try:
        verb()
    except DomainError as error:
        attach(form, error)
        return False
    return True


def act(
    request: HttpRequest, verb: Callable[[], object], *, url: str, done: str = ""
) -> HttpResponse:
    """Do one thing and go on to `url`; a refusal is shown there in the verb's own words."""
    try:
        verb()
    except DomainError as error:
        messages.error(request, error.message)
    else:
        if done:
            messages.success(request, done)
    return redirect(url)


def link(member: Member, name: str, **kwargs: object) -> str:
    """The address of one of the client's pages."""
    return reverse(f"client:{name}", kwargs={"slug": member.slug, **kwargs})


def status_of(form: forms.Form) -> int:
    """422 for a form that was sent and refused."""
    return 422 if form.is_bound else 200
