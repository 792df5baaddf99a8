from django.urls import path

from marketplace.web.styleguide import views

urlpatterns = [
    path("", views.show, name="styleguide"),
    path("formats/<slug:kind>/", views.show_format, name="styleguide_format"),
]
