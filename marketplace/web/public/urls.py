from django.urls import path

from marketplace.web.public import views

urlpatterns = [path("welcome/", views.landing, name="landing")]
