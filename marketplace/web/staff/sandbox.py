"""What the operator can make happen to the sandbox's Stripe: faults, time, restricted accounts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from marketplace.kit import clock
from marketplace.kit.errors import NotFound
from marketplace.people.models import User
from marketplace.web.paging import page_of
from marketplace.web.staff.access import BOOKS, for_staff, may, money_act
from marketplace.web.staff.labels import staff_badge
from payouts.access import visible_payees
from payouts.models import FAULTS, SandboxClock, SandboxFault
from payouts.models.sandbox import EVENT_FAULTS, REQUEST_FAULTS
from payouts.services import sandboxing as verbs

PATHS = (
    (
        "Requests",
        (
            ("/v1/transfers", "Transfers"),
            ("/v1/refunds", "Refunds"),
            ("/v1/checkout/sessions", "Payment pages"),
            ("/v2/core/accounts", "Accounts"),
            ("/v2/core/account_links", "Onboarding links"),
            ("/v1/", "Everything of v1"),
            ("get /v1/", "Everything that only reads"),
        ),
    ),
    (
        "Messages",
        (
            ("transfer.", "About transfers"),
            ("payout.", "About bank payouts"),
            ("checkout.session.", "About payment pages"),
            ("charge.", "About charges and chargebacks"),
        ),
    ),
    ("Messages and banks", (("", "All of them"),)),
)
DAY = 86_400
FAULT_WORDS = {
    "time_out_after": "It is done, but no answer comes",
    "error_before": "Stripe breaks down before it is done",
    "error_after": "It is done, then Stripe breaks down",
    "rate_limit": "Too many requests",
    "insufficient_balance": "Too little money at Stripe",
    "restricted_account": "The account may not receive",
    "forbidden": "The key is not allowed to",
    "lose_event": "A message is lost",
    "duplicate_event": "A message comes twice",
    "delay_event": "A message comes late",
    "reorder_events": "Messages come in another order",
    "bank_refuses": "The expert's bank refuses",
}
PATH_WORDS = {path: words for _, paths in PATHS for path, words in paths}


class FaultForm(forms.Form):
    """What goes wrong next."""

    kind = forms.ChoiceField(
        label="What goes wrong", choices=[(each, FAULT_WORDS[each]) for each in FAULTS]
    )
    path = forms.ChoiceField(choices=PATHS, label="At", required=False)
    times = forms.IntegerField(min_value=1, max_value=100, initial=1)

    def clean(self) -> dict[str, Any] | None:  # Any: values of any field
        """A request fails at a path; a message or a bank payout has none."""
        cleaned = super().clean() or self.cleaned_data
        kind, path = cleaned.get("kind", ""), cleaned.get("path", "")
        if kind in REQUEST_FAULTS and not path.removeprefix("get ").startswith("/"):
            self.add_error("path", "Choose one of the requests for this.")
        if kind in (*EVENT_FAULTS, "bank_refuses") and "/" in path:
            self.add_error("path", "Choose messages or all of them for this.")
        if kind == "bank_refuses" and path:
            self.add_error("path", "Banks refuse for any account: choose all of them.")
        return cleaned


class ClockForm(forms.Form):
    """How far the sandbox runs ahead."""

    ahead_days = forms.IntegerField(min_value=0, max_value=3650, label="Days ahead of ours")
    settle_days = forms.IntegerField(
        min_value=0, max_value=30, label="Days until a payment settles"
    )


@for_staff(*BOOKS)
def sandbox(request: HttpRequest, user: User) -> HttpResponse:
    """Faults that wait, the clock, and the accounts."""
    require_sandbox()
    return _answer(request, user, {})


@money_act
def arm(request: HttpRequest, user: User) -> HttpResponse:
    """Let the next requests go wrong."""
    require_sandbox()
    form = FaultForm(request.POST)
    if not form.is_valid():
        return _answer(request, user, {"faults": form})
    verbs.arm_fault(**form.cleaned_data, by=user.pk, at=clock.now())
    messages.info(request, "Armed. It waits for its next request.")
    return redirect("staff:sandbox")


@money_act
def move_clock(request: HttpRequest, user: User) -> HttpResponse:
    """Move the sandbox's time."""
    require_sandbox()
    form = ClockForm(request.POST)
    if not form.is_valid():
        return _answer(request, user, {"clock": form})
    verbs.move_clock(
        ahead_seconds=form.cleaned_data["ahead_days"] * DAY,
        settle_seconds=form.cleaned_data["settle_days"] * DAY,
        by=user.pk,
        at=clock.now(),
    )
    messages.info(request, "The sandbox's clock is moved.")
    return redirect("staff:sandbox")


@money_act
def act_on_account(request: HttpRequest, user: User, payee_id: UUID, act: str) -> HttpResponse:
    """Stop an account from receiving, or let it receive again."""
    require_sandbox()
    payee = visible_payees(to=user).filter(pk=payee_id).order_by("pk").first()
    if payee is None or payee.account_id is None or act not in _ACTS:
        raise NotFound("There is no such account.")
    _ACTS[act](account_id=payee.account_id, by=user.pk, at=clock.now())
    messages.info(request, "Done; the webhook tells us within a moment.")
    return redirect("staff:sandbox")


_ACTS: dict[str, Callable[..., None]] = {
    "restrict": verbs.restrict_account,
    "restore": verbs.restore_account,
}


def page_links(here: str) -> list[dict[str, object]]:
    """The two pages of the sandbox, for a row of links."""
    return [
        {"label": label, "url": reverse(name), "is_current": name == here}
        for name, label in (
            ("staff:sandbox", "Faults, time, accounts"),
            ("staff:sandbox_objects", "What may happen"),
        )
    ]


def require_sandbox() -> None:
    """Raises NotFound where payments are real."""
    if settings.PAYMENTS_MODE != "sandbox":
        raise NotFound("There is no sandbox here: payments are real.")


def _answer(request: HttpRequest, user: User, bound: Mapping[str, forms.Form]) -> HttpResponse:
    payees = visible_payees(to=user).filter(account_id__isnull=False).select_related("expert")
    page = page_of(request, payees)
    ahead = SandboxClock.objects.order_by("pk").first()
    times = {
        "ahead_days": ahead.ahead_seconds // DAY if ahead else 0,
        "settle_days": ahead.settle_seconds // DAY if ahead else 0,
    }
    context: dict[str, Any] = {  # Any: template values
        "pages": page_links("staff:sandbox"),
        "fault_form": bound.get("faults") or FaultForm(),
        "clock_form": bound.get("clock") or ClockForm(initial=times),
        "faults": [
            {
                "row": each,
                "words": FAULT_WORDS[each.kind],
                "at": PATH_WORDS.get(each.path, each.path),
            }
            for each in SandboxFault.objects.filter(remaining__gt=0).order_by("-pk")[:25]
        ],
        "page": page,
        "rows": [{"row": each, "badge": staff_badge(each.state)} for each in page.rows],
        "acts": may(user, "finance"),
    }
    return render(request, "web/staff/sandbox.html", context, status=422 if bound else 200)
