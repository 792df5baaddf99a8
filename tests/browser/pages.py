"""Every page there is, who opens it and with what: the one list that page tests go through."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from marketplace.people.models import User
from tests.browser import papers
from tests.browser.world import World

SignIn = Callable[[User], None]
Args = Callable[[World], tuple[Any, ...]]  # Any: keys of rows and slugs


def nothing(_: World) -> tuple[Any, ...]:
    """The address takes no argument."""
    return ()


@dataclass(frozen=True)
class Page:
    """A page by its URL name. `who` is a person of the world, or empty for a visitor."""

    name: str
    who: str = ""
    args: Args = nothing
    query: str = ""
    status: int = 200

    def url(self, world: World) -> str:
        """Where it is in this world."""
        return reverse(self.name, args=self.args(world)) + self.query


VISITOR = (
    Page("landing"),
    Page("account_login"),
    Page("account_signup"),
    Page("account_reset_password"),
    Page("account_request_login_code"),
    Page("styleguide"),
    Page("styleguide_format", args=lambda _: ("preference",)),
    Page("styleguide_format", args=lambda _: ("classification",)),
)
EXPERT = (
    Page("home", "ada"),
    Page("home", "newcomer"),
    Page("find_work", "ada"),
    Page("find_work", "ada", query="?show=all&format=classification"),
    Page("find_work", "newcomer"),
    Page("project", "ada", lambda w: (w.project.pk,)),
    Page("project", "newcomer", lambda w: (w.project.pk,)),
    Page("task", "ada", lambda w: (w.active.pk,)),
    Page("task", "ada", lambda w: (w.changed.pk,)),
    Page("my_tasks", "ada", query="?show=decided"),
    Page("my_tasks", "newcomer"),
    Page("submission", "ada", lambda w: (w.rejected.pk,)),
    Page("submission", "ada", lambda w: (w.expired.pk,)),
    Page("quality", "ada"),
    Page("quality", "newcomer"),
    Page("evidence", "ada", lambda w: (w.skill.pk,)),
    Page("earnings", "ada"),
    Page("earnings", "newcomer"),
    Page("earning", "ada", lambda w: (w.ada.earnings.latest("pk").pk,)),
    Page("payout_setup", "ada"),
    Page("payout_setup", "newcomer"),
    Page("payouts", "ada"),
    Page("payout", "ada", lambda w: (w.payout.pk,)),
    Page("statements", "ada"),
    Page("statements", "newcomer"),
    Page("statement", "ada", lambda w: (papers.of_expert(w.ada, "statement").pk,)),
    Page("applications", "ada"),
    Page("field", "ada", lambda w: (w.skill.domain.slug,)),
    Page("field", "newcomer", lambda w: (w.skill.domain.slug,)),
    Page("credentials", "ada"),
    Page("credentials", "newcomer"),
    Page("add_credential", "ada"),
    Page("credential", "ada", lambda w: (w.credential.pk,)),
    Page("tests", "ada"),
    Page("attempt", "ada", lambda w: (w.running.pk,)),
    Page("attempt", "ada", lambda w: (w.passed.pk,)),
)
ACCOUNT = (
    Page("account", "ada"),
    Page("account_security", "ada"),
    Page("appearance", "ada"),
    Page("new_organization", "ada"),
    Page("mfa_index", "ada"),
    Page("mfa_activate_totp", "ada"),
    Page("mfa_add_webauthn", "ada"),
    Page("mfa_list_webauthn", "ada"),
    Page("account_email", "ada"),
    Page("account_change_password", "ada"),
    Page("account_logout", "ada"),
    Page("usersessions_list", "ada"),
)
PAGES = (*VISITOR, *EXPERT, *ACCOUNT)

# Addresses that answer, but show no page of ours: acts, fragments, machines, other people's pages.
NO_PAGES = frozenset(
    {
        *("healthz", "readyz", "job", "retry_job", "sandbox_checkout", "sandbox_onboarding"),
        *(
            "claim_any",
            "pause",
            "accept_terms",
            "claim",
            "claim_again",
            "connect_payouts",
            "earnings_csv",
            "appeal_clawback",
            "enter_bank",
            "pay_today",
        ),
        *("save_draft", "beat", "extend_lease", "submit_task", "return_task"),
        *("apply", "submit_application", "withdraw_application", "withdraw_credential"),
        *("start_attempt", "answer_question"),
        *("statement_file", "payee_profile", "self_billing"),
    }
)
_OTHERS = (
    "money-api:",
    "metrics",
    "client:",
    "staff:",
    "admin",
    "account_",
    "mfa_",
    "usersessions_",
    "socialaccount_",
    "api",
    "stripe-",
    "schema",
)


def signed_in(user: User) -> Client:
    """A client with the session of a person who has just given their password."""
    client = Client()
    client.force_login(user)
    session = client.session
    session["account_authentication_methods_user"] = str(user.pk)
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time(), "reauthenticated": True}
    ]
    session.save()
    return client


def unlisted() -> set[str]:
    """Names of our own addresses that stand neither above nor in the list."""
    listed = {page.name for page in PAGES} | NO_PAGES
    names = {name for name in _names(get_resolver().url_patterns, "") if name}
    return {name for name in names - listed if not name.startswith(_OTHERS)}


def _names(patterns: list[URLPattern | URLResolver], space: str) -> Iterator[str]:
    for each in patterns:
        if isinstance(each, URLResolver):
            inner = f"{each.namespace}:" if each.namespace else ""
            yield from _names(each.url_patterns, space + inner)
        elif each.name:
            yield space + each.name
