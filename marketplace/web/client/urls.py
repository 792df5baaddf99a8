from django.urls import path

from marketplace.web.client import (
    batches,
    billing,
    budgets,
    exports,
    imports,
    keys,
    members,
    overview,
    payroll,
    projects,
    review,
    setup,
    tasks,
)

app_name = "client"
_PROJECT = "projects/<uuid:project_id>/"
_BATCH = "batches/<uuid:batch_id>/"
_IMPORT = "imports/<uuid:upload_id>/"
_ANSWER = "review/<uuid:assignment_id>/"
_EXPORT = "exports/<uuid:export_id>/"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("sample/", overview.sample, name="sample"),
    path("join/<str:token>/", members.join, name="join"),
    path("projects/", projects.projects, name="projects"),
    path("projects/new/", setup.new_project, name="new_project"),
    path(_PROJECT, projects.project, name="project"),
    path(f"{_PROJECT}move/<slug:to>/", projects.move, name="move_project"),
    path(f"{_PROJECT}about/", setup.about, name="about"),
    path(f"{_PROJECT}guidelines/", setup.guidelines, name="guidelines"),
    path(f"{_PROJECT}guidelines/preview/", setup.preview, name="preview"),
    path(f"{_PROJECT}terms/", setup.terms, name="terms"),
    path(f"{_PROJECT}experts/", setup.needs, name="needs"),
    path(f"{_PROJECT}experts/count/", setup.count, name="count_experts"),
    path(f"{_PROJECT}experts/drop/", setup.drop_need, name="drop_need"),
    path(f"{_PROJECT}quality/", setup.plan, name="plan"),
    path(f"{_PROJECT}batches/new/", batches.new_batch, name="new_batch"),
    path(f"{_PROJECT}batches/quote/", batches.quote, name="quote"),
    path(_BATCH, batches.batch, name="batch"),
    path(f"{_BATCH}move/<slug:to>/", batches.move, name="move_batch"),
    path(f"{_BATCH}import/", imports.new_import, name="new_import"),
    path(_IMPORT, imports.show, name="import"),
    path(f"{_IMPORT}mapping/", imports.map_again, name="map_again"),
    path(f"{_IMPORT}accept/", imports.accept, name="accept_import"),
    path(f"{_IMPORT}cancel/", imports.cancel, name="cancel_import"),
    path("tasks/<uuid:task_id>/", tasks.task, name="task"),
    path("review/", review.queue, name="review"),
    path("review/approve/", review.approve_many, name="approve_many"),
    path(_ANSWER, review.item, name="review_item"),
    path(f"{_ANSWER}<slug:verdict>/", review.decide, name="decide"),
    path("exports/", exports.exports, name="exports"),
    path(_EXPORT, exports.export, name="export"),
    path(f"{_EXPORT}cancel/", exports.cancel, name="cancel_export"),
    path(f"{_EXPORT}files/<str:name>", exports.download, name="download"),
    path("billing/", billing.billing, name="billing"),
    path("billing/pay/", billing.pay, name="pay"),
    path("billing/budget/", billing.move_budget, name="move_budget"),
    path("budgets/", budgets.budgets, name="budgets"),
    path("budgets/<uuid:grant_id>/withdraw/", budgets.withdraw, name="withdraw_grant"),
    path("payroll/", payroll.payroll, name="payroll"),
    path("payroll/<uuid:export_id>/file/", payroll.download, name="payroll_file"),
    path("payroll/<uuid:export_id>/acknowledge/", payroll.acknowledge, name="acknowledge_payroll"),
    path("members/", members.members, name="members"),
    path("members/<uuid:user_id>/role/", members.set_role, name="set_role"),
    path("members/<uuid:user_id>/remove/", members.remove, name="remove_member"),
    path(
        "members/invitations/<uuid:invitation_id>/withdraw/",
        members.withdraw,
        name="withdraw_invitation",
    ),
    path("keys/", keys.keys, name="keys"),
    path("keys/<uuid:key_id>/revoke/", keys.revoke, name="revoke_key"),
]
