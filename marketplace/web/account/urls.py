from django.urls import path

from marketplace.web.account import profile, views

urlpatterns = [
    path("", profile.profile, name="account"),
    path("security/", views.security, name="account_security"),
    path("appearance/", views.show_appearance, name="appearance"),
    path("organizations/new/", profile.new_organization, name="new_organization"),
]
