from django.urls import path

from marketplace.web.account import views

urlpatterns = [
    path("", views.security, name="account"),
    path("security/", views.security, name="account_security"),
    path("appearance/", views.show_appearance, name="appearance"),
    path("organizations/new/", views.security, name="new_organization"),
]
