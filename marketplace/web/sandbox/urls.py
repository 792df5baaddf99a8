from django.urls import path

from marketplace.web.sandbox import views

urlpatterns = [
    path("checkout/<str:session_id>", views.checkout, name="sandbox_checkout"),
    path("onboarding/<str:link_id>", views.onboarding, name="sandbox_onboarding"),
]
