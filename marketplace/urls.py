from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from marketplace.web import health, metrics

handler400 = "marketplace.web.errors.bad_request"
handler403 = "marketplace.web.errors.permission_denied"
handler404 = "marketplace.web.errors.page_not_found"
handler500 = "marketplace.web.errors.server_error"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("styleguide/", include("marketplace.web.styleguide.urls")),
    path("account/", include("marketplace.web.account.urls")),
    path("o/<slug:slug>/", include("marketplace.web.client.urls")),
    path("jobs/", include("marketplace.web.jobs.urls")),
    path("sandbox/", include("marketplace.web.sandbox.urls")),
    path("", include("payouts.api.stripe_events")),
    path("api/v1/", include("tasks.api.urls")),
    path("api/v1/", include("payouts.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("staff/", include("marketplace.web.staff.urls")),
    path("", include("marketplace.web.expert.urls")),
    path("", include("marketplace.web.public.urls")),
]
