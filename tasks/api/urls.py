from django.urls import path

from tasks.api import batches, work

_BATCH = "batches/<uuid:batch_id>/"
_ASSIGNMENT = "assignments/<uuid:assignment_id>/"
_PROJECT = "projects/<uuid:project_id>/"

app_name = "api"
urlpatterns = [
    path("projects/", batches.ProjectList.as_view(), name="projects"),
    path(f"{_PROJECT}terms/", work.TermsDetail.as_view(), name="terms"),
    path(f"{_PROJECT}engagements/", work.EngagementList.as_view(), name="engagements"),
    path("batches/", batches.BatchList.as_view(), name="batches"),
    path(_BATCH, batches.BatchDetail.as_view(), name="batch"),
    path(f"{_BATCH}tasks/", batches.BatchTasks.as_view(), name="batch-tasks"),
    path(f"{_BATCH}tasks/bulk/", batches.BatchTasksBulk.as_view(), name="batch-tasks-bulk"),
    path(f"{_BATCH}open/", batches.BatchOpening.as_view(), name="batch-open"),
    path(f"{_BATCH}pause/", batches.BatchPause.as_view(), name="batch-pause"),
    path(f"{_BATCH}resume/", batches.BatchResumption.as_view(), name="batch-resume"),
    path(f"{_BATCH}close/", batches.BatchClosing.as_view(), name="batch-close"),
    path(f"{_BATCH}cancel/", batches.BatchCancelling.as_view(), name="batch-cancel"),
    path(f"{_BATCH}results/", batches.ResultList.as_view(), name="batch-results"),
    path("work/next/", work.Next.as_view(), name="next"),
    path(_ASSIGNMENT, work.AssignmentDetail.as_view(), name="assignment"),
    path(f"{_ASSIGNMENT}draft/", work.DraftDetail.as_view(), name="draft"),
    path(f"{_ASSIGNMENT}submissions/", work.SubmissionList.as_view(), name="submissions"),
    path(f"{_ASSIGNMENT}return/", work.Return.as_view(), name="return"),
    path(f"{_ASSIGNMENT}heartbeat/", work.Heartbeat.as_view(), name="heartbeat"),
    path(f"{_ASSIGNMENT}extend/", work.Extension.as_view(), name="extend"),
]
