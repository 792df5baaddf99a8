from django.urls import path

from tests.chaos.world.web import accept_payout

urlpatterns = [path("payouts/<uuid:payout_id>", accept_payout)]
