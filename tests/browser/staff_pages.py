"""Every page of staff, who opens it and with what; and a world in which none is empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from marketplace.events.services.sealing import seal_events
from marketplace.jobs.models import Job
from marketplace.jobs.services.running import run_due_jobs
from marketplace.people.models import User
from marketplace.web.staff.urls import urlpatterns
from payouts.models import (
    BankBatch,
    Clawback,
    Document,
    Earning,
    Payout,
    PayoutRun,
    PayrollExport,
    Posting,
)
from payouts.services import onboarding, releasing, running_payouts, sandboxing
from payouts.services.holding import hold_payout
from tests import make
from tests.browser import books, clawing, exchanging, in_house, papers, payments
from tests.make import NOON
from tests.payouts import make as money
from tests.payouts.rails import exported
from tests.vetting import build
from tests.web.staff import cast
from vetting.models import Application, Assessment, Credential
from vetting.services.documents import open_document


@dataclass(frozen=True)
class StaffWorld:
    """What pages of staff are opened with."""

    sam: User
    grace: User
    waiting: Application
    proposed: Application
    credential: Credential
    verified: Credential
    test: Assessment
    done: PayoutRun
    closed: PayoutRun
    held: Payout
    posting: Posting
    dead: Job


Args = Callable[[StaffWorld], tuple[Any, ...]]  # Any: keys of rows and slugs


def nothing(_: StaffWorld) -> tuple[Any, ...]:
    """The address takes no argument."""
    return ()


@dataclass(frozen=True)
class StaffPage:
    """A page by its name below `staff:`; `who` is sam, with every role, or grace, the auditor."""

    name: str
    args: Args = nothing
    query: str = ""
    who: str = "sam"

    def url(self, world: StaffWorld) -> str:
        """Where it is in this world."""
        return reverse(f"staff:{self.name}", args=self.args(world)) + self.query


EXCHANGING = (
    "?sold_currency=USD&sold=1000&bought_currency=JPY&bought=120000"
    "&reference=FX+2026-0078&why=Experts+in+Japan+are+paid+in+yen."
)
PAGES = (
    StaffPage("queues"),
    StaffPage("queues", who="grace"),
    StaffPage("applications"),
    StaffPage("applications", query="?show=decided"),
    StaffPage("application", lambda w: (w.waiting.pk,)),
    StaffPage("application", lambda w: (w.proposed.pk,)),
    StaffPage("application", lambda w: (w.waiting.pk,), who="grace"),
    StaffPage("credentials"),
    StaffPage("credentials", query="?show=rejected"),
    StaffPage("credential", lambda w: (w.credential.pk,)),
    StaffPage("credential", lambda w: (w.verified.pk,)),
    StaffPage("catalogue"),
    StaffPage("domain", lambda w: (w.test.skill.domain.slug,)),
    StaffPage("assessments"),
    StaffPage("assessment", lambda w: (w.test.slug,)),
    StaffPage("runs"),
    StaffPage("runs", query="?state=paused"),
    StaffPage("run", lambda w: (w.done.pk,)),
    StaffPage("run", lambda w: (w.closed.pk,)),
    StaffPage("payouts", query="?state=held"),
    StaffPage("payout", lambda w: (w.held.pk,)),
    StaffPage("bank_files"),
    StaffPage("bank_file", lambda _: (BankBatch.objects.latest("pk").pk,)),
    StaffPage("proposals"),
    StaffPage("proposals", query="?show=decided", who="grace"),
    StaffPage("ledger", who="grace"),
    StaffPage("accounts"),
    StaffPage("account", lambda w: (w.posting.entries.order_by("pk")[0].account_id,)),
    StaffPage("posting", lambda w: (w.posting.pk,)),
    StaffPage("account", lambda _: books.clearing(), query="?instant=2026-11-20T12:00:01"),
    StaffPage("money"),
    StaffPage("money", who="grace"),
    StaffPage("reconciliation"),
    StaffPage("reconciliation", query="?show=resolved", who="grace"),
    StaffPage("movements"),
    StaffPage("movements", query="?show=unmatched", who="grace"),
    StaffPage("difference", lambda _: books.difference("unknown_type")),
    StaffPage("difference", lambda _: books.difference("amount_mismatch"), who="grace"),
    StaffPage("payments"),
    StaffPage("payments", query="?show=wires", who="grace"),
    StaffPage("refunds"),
    StaffPage("refunds", query="?show=waiting", who="grace"),
    StaffPage("chargebacks"),
    StaffPage("chargebacks", query="?show=open", who="grace"),
    StaffPage("policies"),
    StaffPage("policies", query="?kind=hold_hours&value=48&why=Faster+for+everybody"),
    StaffPage("policies", who="grace"),
    StaffPage("clawbacks"),
    StaffPage("clawback", lambda _: (Clawback.objects.get(state="proposed").pk,)),
    StaffPage("clawback", lambda _: (Clawback.objects.get(state="made").pk,), who="grace"),
    StaffPage("propose_clawback", lambda _: (Earning.objects.order_by("pk")[0].pk,)),
    StaffPage("grants"),
    StaffPage("grants", who="grace"),
    StaffPage("exchanges"),
    StaffPage("exchanges", query=EXCHANGING),
    StaffPage("exchanges", who="grace"),
    StaffPage("payroll"),
    StaffPage("payroll", who="grace"),
    StaffPage("payroll_export", lambda _: (PayrollExport.objects.get(state="exported").pk,)),
    StaffPage(
        "payroll_export",
        lambda _: (PayrollExport.objects.get(state="exported").pk,),
        who="grace",
    ),
    StaffPage("papers"),
    StaffPage("papers", query="?q=nobody", who="grace"),
    StaffPage("paper", lambda _: (Document.objects.filter(kind="invoice").latest("pk").pk,)),
    StaffPage("year_totals"),
    StaffPage("year_totals", query="?year=2024", who="grace"),
    StaffPage("jobs", query="?state=dead"),
    StaffPage("job", lambda w: (w.dead.pk,)),
    StaffPage("events", who="grace"),
    StaffPage("sandbox"),
    StaffPage("sandbox_objects"),
    StaffPage("sandbox_objects", query="?show=bank", who="grace"),
)
# Acts, downloads and fragments.
NO_PAGES = frozenset(
    {
        *("propose_application", "decide_application", "open_paper", "open_run", "run_progress"),
        *(
            "run_csv",
            "act_on_run",
            "act_on_payout",
            "decide_proposal",
            "job_card",
            "retry_job",
            "cancel_job",
        ),
        *("change_policy", "send_clawback", "decide_clawback", "write_off"),
        *("decide_grant", "change_terms", "deposit", "exchange"),
        *("add_wire", "wire_back", "act_on_wire", "decide_refund", "declare_not_sent"),
        "adopt_refund",
        *("draft_payroll", "payroll_file", "act_on_payroll", "void_payroll"),
        *("paper_file", "void_invoice", "year_totals_csv"),
        *(
            "turn_pause",
            "draft_bank_file",
            "download_bank_file",
            "confirm_bank_file",
            "act_on_bank_file",
        ),
        *("retry_message", "take_difference", "resolve_difference", "entries_csv"),
        *("check_events", "arm_fault", "move_clock", "act_on_sandbox_account"),
        *("move_own_money", "press_sandbox"),
    }
)


def unlisted() -> set[str]:
    """Addresses of staff that stand in neither list."""
    names = {str(each.name) for each in urlpatterns}
    return names - {page.name for page in PAGES} - NO_PAGES


def build_staff_world() -> StaffWorld:
    """Something in every queue, made by the verbs."""
    sam = cast.staff("vetting", "quality", "finance", "support")
    kim = cast.staff("vetting", "finance", name="Kim Second-Rechtsschutzversicherung")
    medicine, ada = cast.domain(), make.expert("Ada Lovelace-Rechtsschutzversicherung")
    test = build.assessment(make.skill(), size=30)
    build.taken(ada, test, rightly=True)
    credential = cast.credential(ada)
    paper = credential.documents.get()
    open_document(document=paper, by=kim, reason="Is the seal the board's?", at=NOON)
    money.owed(12_345_678, stock=90_000_000)
    done = running_payouts.open_run(currency="USD", by=sam, at=NOON)
    run_due_jobs()
    done = running_payouts.close_run(run=done, by=sam, at=NOON)
    done = running_payouts.approve_run(run=done, by=kim, at=NOON)
    run_due_jobs()
    done.refresh_from_db()
    closed = cast.closed_run(kim)
    why = "The account was opened in another country than the expert lives in."
    held = hold_payout(payout=cast.payout_of(closed), why=why, by=kim.pk, at=NOON)
    releasing.propose_release(payout=held, why=why, by=kim, at=NOON)
    exported(123_456_789, 100_000)
    _restrict_somebody(sam)
    exchanging.furnish(maker=sam, checker=kim)
    in_house.furnish(client=make.organization(), by=kim)
    payments.furnish(client=make.organization(), by=kim)
    papers.furnish(client=make.organization())
    books.furnish(by=kim)
    clawing.furnish()
    dead = cast.dead_job()
    seal_events()
    return StaffWorld(
        sam=sam,
        grace=cast.staff("auditor", name="Grace Auditor"),
        waiting=cast.applied(medicine, ada),
        proposed=cast.proposed(cast.applied(medicine), by=kim),
        credential=credential,
        verified=build.verified_credential(ada, kind="degree"),
        test=test,
        done=done,
        closed=closed,
        held=held,
        posting=Posting.objects.get(kind="transfer_made"),
        dead=dead,
    )


def _restrict_somebody(by: User) -> None:
    who = make.expert("Nia New")
    url = onboarding.start_onboarding(expert=who, return_url="https://example.org", at=NOON)
    sandboxing.act_on_onboarding(link_id=url.rsplit("/", 1)[1], act="missing_document")
    sandboxing.arm_fault(kind="rate_limit", path="/v1/transfers", times=2, by=by.pk, at=NOON)
    sandboxing.move_clock(ahead_seconds=86_400, settle_seconds=0, by=by.pk, at=NOON)
    run_due_jobs()
