"""Where Stripe's messages arrive. An edge: read, hand over, answer."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from payouts.services.inbox import LARGEST_BODY, EndpointOff, SignatureRefused, receive_event


@csrf_exempt  # Stripe has no cookie; the signature over the raw body is the proof
@require_POST
def stripe_event(request: HttpRequest, endpoint: str) -> HttpResponse:
    """200 once kept, 400 for what is not believed, 404 for an endpoint without a secret, 413."""
    if int(request.headers.get("Content-Length") or 0) > LARGEST_BODY:
        return HttpResponse(status=413)
    try:
        receive_event(
            endpoint=endpoint,
            body=request.body,
            signature=request.headers.get("Stripe-Signature", ""),
            at=clock.now(),
        )
    except (EndpointOff, SignatureRefused) as refusal:
        return HttpResponse(status=refusal.status)
    return HttpResponse(status=200)


urlpatterns = [
    path(
        f"stripe/webhooks/{endpoint}",
        stripe_event,
        {"endpoint": endpoint},
        name=f"stripe-webhook-{endpoint}",
    )
    for endpoint in ("platform", "connect", "thin")
]
