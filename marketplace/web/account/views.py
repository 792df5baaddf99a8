"""A person's own account: how they sign in and how pages look."""

from __future__ import annotations

from typing import cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from marketplace.people.access import signed_in
from marketplace.web.appearance import appearance

YEAR_SECONDS = 31_536_000
SECURITY = (
    ("Password", "Changing it signs out other devices.", "account_change_password", "Change"),
    ("Second factor", "A code generator, passkeys and recovery codes.", "mfa_index", "Manage"),
    ("E-mail addresses", "Where codes and receipts go.", "account_email", "Manage"),
    ("Signed-in devices", "See them, and sign them out.", "usersessions_list", "Review"),
)


class AppearanceForm(forms.Form):
    """One word each, kept in a cookie of this browser."""

    theme = forms.ChoiceField(
        choices=[("auto", "As the system"), ("light", "Light"), ("dark", "Dark")],
        help_text="Kept in this browser.",
    )
    shortcuts = forms.ChoiceField(
        label="Single-key shortcuts",
        choices=[("on", "On"), ("off", "Off")],
        help_text="Keys such as 1 to 7 on the task page. Ctrl + Enter always submits.",
    )


def security(request: HttpRequest) -> HttpResponse:
    """Where the factors, devices and addresses are managed."""
    signed_in(request)
    rows = [
        {"title": title, "hint": hint, "url": reverse(name), "act": act}
        for title, hint, name, act in SECURITY
    ]
    return render(request, "web/account/security.html", {"rows": rows})


def show_appearance(request: HttpRequest) -> HttpResponse:
    """Theme and shortcuts, also without JavaScript."""
    signed_in(request)
    form = AppearanceForm(request.POST or None, initial=appearance(request))
    if request.method != "POST" or not form.is_valid():
        return render(request, "web/account/appearance.html", {"form": form})
    response = redirect("appearance")
    for name in ("theme", "shortcuts"):
        value = cast("str", form.cleaned_data[name])
        response.set_cookie(name, value, max_age=YEAR_SECONDS, samesite="Lax")
    messages.success(request, "Saved in this browser.")
    return response
