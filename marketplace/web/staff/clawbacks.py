"""Clawbacks and debts: proposed with evidence, decided by somebody else, told to the expert."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.kit import clock
from marketplace.kit.errors import DomainError, NotFound
from marketplace.kit.money import Money
from marketplace.people.models import User
from marketplace.web.client.acting import MoneyField, tried
from marketplace.web.paging import page_of
from marketplace.web.staff.access import act_of, for_staff, may, money_act
from marketplace.web.staff.labels import staff_badge
from marketplace.web.work_names import name_of, work_names
from payouts.access import judged_earnings, visible_accounts, visible_clawbacks, visible_proposals
from payouts.models import Account, Clawback, Earning
from payouts.selectors.clawbacks import fee_share, left_of
from payouts.services.clawing_back import make_clawback, propose_clawback, refuse_clawback
from payouts.services.debts import propose_write_off
from tasks.access import visible_assignments

JUDGES = ("quality", "finance", "auditor")
DEBTS = 25
REASONS = [("proven_fraud", "Proven fraud"), ("payment_error", "Payment error")]
_WHERE = {
    "pending": "taken from what is in hold",
    "available": "taken from what is available",
    "reserved": "held by a payout: cancel the payout, or wait until it is sent",
    "paid": "owed by the expert, and netted from later pay",
}


class ClawbackForm(forms.Form):
    """How much, why, and what proves it."""

    reason = forms.ChoiceField(choices=REASONS, help_text="Never for taste or quality.")
    message = forms.CharField(
        label="Message to the expert",
        min_length=50,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="At least 50 characters: what happened and how it was found.",
    )
    evidence = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One fact a line: submissions, logs, payments.",
    )

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        self.fields["amount"] = MoneyField(currency=currency, label=f"Amount, {currency}")
        self.order_fields(["amount"])


@for_staff(*JUDGES)
def clawbacks(request: HttpRequest, user: User) -> HttpResponse:
    """All of them, the newest first; who owes; and a search for the work behind one."""
    found = request.GET.get("work", "").strip()
    if found:
        earning = _earning_of(user, found)
        if earning is not None:
            return redirect("staff:propose_clawback", earning.pk)
        messages.error(request, "No earning belongs to that id, or it is your own.")
    page = page_of(request, visible_clawbacks(to=user).select_related("earning__expert"))
    context = {
        "page": page,
        "rows": [_row(each) for each in page.rows],
        "debts": [_debt(each) for each in _debts(user).order_by("pk")[:DEBTS]],
        "may_propose": may(user, "quality", "finance"),
        "acts": may(user, "finance"),
    }
    return render(request, "web/staff/clawbacks.html", context)


@for_staff(*JUDGES)
def propose(request: HttpRequest, user: User, earning_id: UUID) -> HttpResponse:
    """What an earning is, and the form to take it back."""
    return _propose_page(request, user, _earning(user, earning_id))


@act_of("quality", "finance")
def send(request: HttpRequest, user: User, earning_id: UUID) -> HttpResponse:
    """Propose; finance decides."""
    earning = _earning(user, earning_id)
    form = ClawbackForm(request.POST, currency=earning.currency)
    made: list[Clawback] = []

    def verb() -> None:
        values = form.cleaned_data
        facts = values["evidence"].splitlines()
        values = {**values, "evidence": facts}
        made.append(propose_clawback(earning=earning, by=user, at=clock.now(), **values))

    if tried(form, verb):
        messages.success(request, "Proposed. Somebody else of finance decides.")
        return redirect("staff:clawback", made[0].pk)
    return _propose_page(request, user, earning, form)


@for_staff(*JUDGES)
def clawback(request: HttpRequest, user: User, clawback_id: UUID) -> HttpResponse:
    """One clawback: why, with what proof, what it takes, and the decision."""
    found = _find(user, clawback_id)
    earning = found.earning
    amount = Money(found.amount_minor, earning.currency)
    context = {
        **_row(found),
        "earning": earning,
        "work": _work(user, earning),
        "fee": Money(found.fee_minor, earning.currency)
        if found.state == "made"
        else fee_share(earning, amount),
        "owed": Money(found.owed_minor, earning.currency),
        "where": _WHERE.get(earning.state, "nothing is left"),
        "acts": may(user, "finance") and found.state == "proposed",
        "is_mine": user.pk in (found.proposed_by_id, earning.expert.user_id),
        "appeals": _appeals(user, found),
    }
    return render(request, "web/staff/clawback.html", context)


@money_act
def decide(request: HttpRequest, user: User, clawback_id: UUID, act: str) -> HttpResponse:
    """Take it back, or leave it."""
    found = _find(user, clawback_id)
    if act not in ("make", "refuse"):
        raise NotFound("There is no such act.")
    try:
        if act == "make":
            make_clawback(clawback=found, by=user, at=clock.now())
        else:
            answer = request.POST.get("answer", "")
            refuse_clawback(clawback=found, answer=answer, by=user, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Taken back; the expert is told." if act == "make" else "Left.")
    return redirect("staff:clawback", found.pk)


@money_act
def write_off(request: HttpRequest, user: User, account_id: UUID) -> HttpResponse:
    """Propose to give up what an expert owes; a second person decides."""
    row = _debts(user).filter(pk=account_id).order_by("pk").first()
    if row is None or row.expert is None:
        raise NotFound("There is no such debt.")
    amount = Money(row.balance_minor, row.currency)
    try:
        why = request.POST.get("why", "")
        propose_write_off(expert=row.expert, amount=amount, why=why, by=user, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Proposed. A second person of finance decides.")
    return redirect("staff:clawbacks")


def _propose_page(
    request: HttpRequest, user: User, earning: Earning, form: ClawbackForm | None = None
) -> HttpResponse:
    left = left_of(earning)
    initial = {"amount": str(left).partition(" ")[0]}
    context = {
        "earning": earning,
        "work": _work(user, earning),
        "pay": Money(earning.pay_minor, earning.currency),
        "left": left,
        "badge": staff_badge(earning.state),
        "where": _WHERE.get(earning.state, "nothing is left"),
        "form": form or ClawbackForm(currency=earning.currency, initial=initial),
        "may_propose": may(user, "quality", "finance") and bool(left),
    }
    return render(request, "web/staff/propose_clawback.html", context, status=422 if form else 200)


def _work(user: User, earning: Earning) -> str:
    return name_of(earning.key, work_names([earning.key], visible_assignments(to=user)))


def _earning(user: User, earning_id: UUID) -> Earning:
    rows = judged_earnings(to=user).filter(pk=earning_id).select_related("expert")
    found = rows.order_by("pk").first()
    if found is None:
        raise NotFound("There is no such earning.")
    return found


def _earning_of(user: User, text: str) -> Earning | None:
    """By its own id, or that of the task or bonus it pays."""
    try:
        key = UUID(text.rstrip("/").rpartition("/")[2])
    except ValueError:
        return None
    rows = judged_earnings(to=user).filter(
        Q(pk=key) | Q(key__in=[f"assignment:{key}", f"bonus:{key}"])
    )
    return rows.order_by("pk").first()


def _find(user: User, clawback_id: UUID) -> Clawback:
    rows = visible_clawbacks(to=user).filter(pk=clawback_id)
    found = (
        rows.select_related("earning__expert", "proposed_by", "decided_by").order_by("pk").first()
    )
    if found is None:
        raise NotFound("There is no such clawback.")
    return found


def _appeals(user: User, found: Clawback) -> list[dict[str, Any]]:  # Any: template values
    rows = visible_proposals(to=user).filter(kind="overturn_clawback", subject_id=found.pk)
    return [
        {"row": each, "badge": staff_badge(each.state)}
        for each in rows.select_related("decided_by").order_by("pk")
    ]


def _debts(user: User) -> QuerySet[Account]:
    rows = visible_accounts(to=user).filter(
        kind="expert_receivable", debits_minor__gt=F("credits_minor")
    )
    return rows.select_related("expert")


def _row(row: Clawback) -> dict[str, Any]:  # Any: template values
    return {
        "row": row,
        "amount": Money(row.amount_minor, row.earning.currency),
        "badge": staff_badge(row.state),
        "reason": dict(REASONS)[row.reason],
    }


def _debt(row: Account) -> dict[str, Any]:  # Any: template values
    return {"row": row, "amount": Money(row.balance_minor, row.currency)}
