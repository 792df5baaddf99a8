from django.urls import path

from payouts.api import clients, papers

app_name = "money-api"
urlpatterns = [
    path("fundings/", clients.FundingList.as_view(), name="fundings"),
    path("refunds/", clients.RefundList.as_view(), name="refunds"),
    path("statements/", papers.StatementList.as_view(), name="statements"),
    path("statements/<uuid:paper_id>/", papers.StatementDetail.as_view(), name="statement"),
    path("me/statements/", papers.OwnStatementList.as_view(), name="own-statements"),
    path(
        "me/statements/<uuid:paper_id>/", papers.OwnStatementDetail.as_view(), name="own-statement"
    ),
]
