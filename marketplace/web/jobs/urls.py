from django.urls import path

from marketplace.web.jobs import views

urlpatterns = [
    path("<uuid:job_id>/", views.job, name="job"),
    path("<uuid:job_id>/retry/", views.retry, name="retry_job"),
]
