"""What runs by the clock: `settings.JOBS_TICKS` and `JOBS_SCHEDULE`."""

from __future__ import annotations

# Ticks: name -> seconds. They write no row and may be lost, late or doubled.
JOBS_TICKS = {
    "jobs.sweep": 5,
    "jobs.plan": 60,
    "events.seal": 5,
    "payouts.post_earnings": 2,
    "payouts.sweep_attempts": 60,
    "payouts.pay_banks": 60,
    "tasks.expire_leases": 15,
    "tasks.approve_overdue": 60,
    "tasks.close_finished": 30,
}
# Occurrences: kind -> its period in seconds (whole minutes, counted from 1970 in UTC) or its time
# of day ("03:00", UTC). `jobs.plan` writes one Job row per due instant.
JOBS_SCHEDULE: dict[str, int | str] = {
    "payouts.release_holds": 600,
    "payouts.open_due_runs": 300,
    "payouts.close_days": 1800,
    "payouts.reconcile": 3600,
    "payouts.reconcile_fully": "02:30",
    "payouts.make_papers": "02:00",
    "payouts.check_ledger": "03:00",
    "payouts.look_up_fundings": 3600,
    "payouts.sync_payees": 3600,
    "payouts.sweep_refunds": 60,
    "payouts.recoup_losses": 600,
    "payouts.invoice_credit": "01:00",
    "events.log_head": "00:00",
    "jobs.forget_old": "04:00",
    "vetting.close_attempts": 300,
    "vetting.expire_qualifications": 3600,
    "vetting.purge_documents": "05:00",
    "tasks.settle_closed": 600,
}
