"""One form, one verb: what the verb refused is said where it was typed, or above the page."""

from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from marketplace.kit.errors import DomainError
from marketplace.kit.money import Money, NotAnAmount, parse, zero
from marketplace.web.client.own import Member
from marketplace.web.forms import attach


class MoneyField(forms.CharField):
    """An amount as people write it, `2.50`; cleaned to Money of the field's currency."""

    def __init__(self, *, currency: str = "", label: str = "", help_text: str = "") -> None:
        attrs = {"inputmode": "decimal", "autocomplete": "off"}
        widget = forms.TextInput(attrs=attrs)
        super().__init__(label=label, help_text=help_text, max_length=16, widget=widget)
        if currency:
            self.in_currency(currency)

    def in_currency(self, currency: str) -> None:
        """Take amounts of this currency from now on."""
        self.currency = currency
        self.widget.attrs["placeholder"] = str(zero(currency)).partition(" ")[0]

    def clean(self, value: str) -> Money | None:
        """Refuse what is no amount, and more decimals than the currency has; None if optional."""
        text = super().clean(value).strip()
        if not text and not self.required:
            return None
        try:
            return parse(text, self.currency)
        except NotAnAmount as error:
            raise forms.ValidationError(str(error)) from error


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
