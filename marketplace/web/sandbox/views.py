"""The pages that Stripe would host: paying in and setting up payouts, without real money."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from marketplace.kit.money import Money
from marketplace.people.access import signed_in
from payouts.services import sandboxing


@require_http_methods(["GET", "HEAD", "POST"])
def checkout(request: HttpRequest, session_id: str) -> HttpResponse:
    """Pay, fail or leave a payment; once ended, the page says so."""
    signed_in(request)
    if request.method == "POST":
        act = request.POST.get("act", "")
        return redirect(sandboxing.act_on_checkout(session_id=session_id, act=act))
    page = sandboxing.find_checkout(session_id=session_id)
    ends = {"complete": "This payment page has been used.", "expired": "This page has expired."}
    facts = {
        "amount": Money(page["amount_total"], str(page["currency"]).upper()),
        "ended": ends.get(page["status"], ""),
        "goes_on": page["success_url" if page["status"] == "complete" else "cancel_url"],
    }
    return render(request, "web/sandbox/checkout.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def onboarding(request: HttpRequest, link_id: str) -> HttpResponse:
    """Complete the payout set-up, leave something out, or be refused."""
    signed_in(request)
    if request.method == "POST":
        act = request.POST.get("act", "")
        return redirect(sandboxing.act_on_onboarding(link_id=link_id, act=act))
    link = sandboxing.find_onboarding(link_id=link_id)
    goes_on = link["use_case"]["account_onboarding"]["return_url"]
    facts = {"account": link["account"], "goes_on": goes_on}
    return render(request, "web/sandbox/onboarding.html", facts)
