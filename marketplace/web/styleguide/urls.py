from django.urls import path

from marketplace.web.styleguide import views

urlpatterns = [path("", views.show, name="styleguide")]
