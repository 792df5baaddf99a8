from django.urls import path

from payouts.api import clients

app_name = "money-api"
urlpatterns = [
    path("fundings/", clients.FundingList.as_view(), name="fundings"),
    path("refunds/", clients.RefundList.as_view(), name="refunds"),
]
