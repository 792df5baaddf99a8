from django.urls import path

from marketplace.web.public import views

urlpatterns = [path("", views.landing, name="home")]
