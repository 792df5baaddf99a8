"""The gateway over a real connection: where it calls, what each request carries, what it hides."""

from __future__ import annotations

import ast
import json
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pytest_django.fixtures import Settings

from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from payouts.gateways import chosen
from payouts.gateways.port import Gateway, Refused
from payouts.gateways.signature import secrets_of
from payouts.gateways.stripe import StripeGateway
from payouts.services import sweeping
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db
GATEWAYS = Path(__file__).resolve().parents[2] / "payouts/gateways"
KEY = "sk_test_a_secret_of_ours"
TRANSFER = {
    "id": "tr_1",
    "object": "transfer",
    "amount": 5000,
    "currency": "usd",
    "destination": "acct_1",
    "metadata": {"attempt": "1"},
}


class Server(HTTPServer):
    """A plain HTTP server in Stripe's place: it keeps what it is sent and answers one body."""

    status = 200
    body: dict[str, object] = TRANSFER

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.seen: list[tuple[str, str, dict[str, str], str]] = []


class Answer(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append((self.command, self.path, headers, sent))
        text = json.dumps(self.server.body).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST  # noqa: N815 the name is http.server's

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    server = Server()
    thread = Thread(target=server.serve_forever)
    thread.start()
    settings.PAYMENTS_MODE = "stripe"
    settings.STRIPE_SECRET_KEY = KEY
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{server.server_port}"
    chosen._stripe.cache_clear()
    yield server
    chosen._stripe.cache_clear()
    server.shutdown()
    thread.join()
    server.server_close()


def test_another_server_may_stand_in_for_stripe(server: Server) -> None:
    request = json.dumps({"amount": 5000, "currency": "usd", "destination": "acct_1"})

    made = chosen.gateway().send_transfer(
        request=request, key="payout:1:1", api_version="2026-10-28.endive"
    )

    ((method, path, headers, sent),) = server.seen
    assert (made.transfer_id, made.amount, made.destination) == ("tr_1", usd(5000), "acct_1")
    assert (method, path, sent) == (
        "POST",
        "/v1/transfers",
        "amount=5000&currency=usd&destination=acct_1",
    )
    assert headers["idempotency-key"] == "payout:1:1"
    assert headers["stripe-version"] == "2026-10-28.endive"


def test_a_bank_payout_is_asked_for_on_the_experts_account(server: Server) -> None:
    server.body = {"id": "po_1", "status": "pending", "amount": 5000, "currency": "eur"}
    request = json.dumps({"amount": 5000, "currency": "eur", "metadata": {"attempt": "1"}})

    made = chosen.gateway().send_bank_payout(
        account_id="acct_1", request=request, key="payout:1:bank:1", api_version="2026-10-28.endive"
    )
    chosen.gateway().pay_bank_by_hand(account_id="acct_1", key="manual")

    (_, path, headers, sent), (_, setting, others, interval) = server.seen
    assert (made.payout_id, made.amount, made.state) == ("po_1", Money(5000, "EUR"), "pending")
    assert (path, sent) == ("/v1/payouts", "amount=5000&currency=eur&metadata[attempt]=1")
    assert headers["stripe-account"] == others["stripe-account"] == "acct_1"
    assert (headers["idempotency-key"], others["idempotency-key"]) == ("payout:1:bank:1", "manual")
    assert headers["stripe-version"] == "2026-10-28.endive"
    assert (setting, interval) == (
        "/v1/balance_settings",
        "payments[payouts][schedule][interval]=manual",
    )


def test_every_post_carries_our_own_key(server: Server) -> None:
    gateway: Gateway = chosen.gateway()
    server.status, server.body = 400, {"error": {"type": "invalid_request_error", "message": "no"}}
    calls = {
        "transfer": lambda key: gateway.send_transfer(request="{}", key=key, api_version="v"),
        "refund": lambda key: gateway.refund(
            payment_intent="pi_1", amount=usd(1), reference=uuid7(), key=key
        ),
        "checkout": lambda key: gateway.open_checkout(
            funding_id=uuid7(), amount=usd(1), success_url="s", cancel_url="c", key=key
        ),
        "recipient": lambda key: gateway.create_recipient(
            payee_id=uuid7(), country="US", name="Ada", email="ada@example.org", key=key
        ),
        "link": lambda key: gateway.onboarding_url(account_id="acct_1", return_url="r", key=key),
        "bank": lambda key: gateway.send_bank_payout(
            account_id="acct_1", request="{}", key=key, api_version="v"
        ),
        "by hand": lambda key: gateway.pay_bank_by_hand(account_id="acct_1", key=key),
        "daily": lambda key: gateway.pay_bank_daily(account_id="acct_1", key=key),
    }

    for name, call in calls.items():
        with pytest.raises(Refused):
            call(f"key of {name}")

    assert {method for method, *_ in server.seen} == {"POST"}
    keys = [headers["idempotency-key"] for _, _, headers, _ in server.seen]
    assert keys == [f"key of {name}" for name in calls]


def test_nothing_of_stripes_is_created_without_a_key() -> None:
    created = [
        ast.unparse(node)
        for path in GATEWAYS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("self._client.")
        if ast.unparse(node.func).endswith((".create", ".update", ".cancel", ".close"))
    ]

    assert len(created) == 7
    assert [each for each in created if "'idempotency_key': key" not in each] == []


def test_only_the_gateways_know_stripe() -> None:
    root = GATEWAYS.parents[1]
    knowing = {
        path.relative_to(root).as_posix()
        for package in ("marketplace", "payouts", "vetting", "tasks")
        for path in (root / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Import) and any(n.name == "stripe" for n in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "stripe")
    }

    assert {name.rsplit("/", 1)[0] for name in knowing} == {
        "payouts/gateways",
        "payouts/gateways/sandbox",
    }


def lines(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> str:
    """Every line as it was printed and, where nobody took the handler away, its fields."""
    printed = capfd.readouterr()
    records = [str(vars(record)) for record in caplog.records]
    return "\n".join([printed.out, printed.err, caplog.text, *records])


def test_no_secret_is_in_the_logs_of_a_run(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], settings: Settings
) -> None:
    settings.STRIPE_WEBHOOK_SECRET = "whsec_a_secret_of_ours"
    caplog.set_level(logging.DEBUG)
    for kind in ("time_out_after", "error_after", "forbidden", "rate_limit"):
        make.fault(kind)
    client = make.stocked(usd(100_000))
    for _ in range(4):
        make.earned(make.onboarded(), 5000, client=client)

    make.send_all(make.approved_run())
    sweeping.sweep_attempts(at=NOON)
    make.drain()

    said = lines(caplog, capfd)
    assert "Stripe refuses our credentials" in said
    secrets = [KEY, "sk_test_", "whsec_", "Bearer", *secrets_of("platform"), *secrets_of("thin")]
    assert [each for each in secrets if each in said] == []


def test_no_secret_is_in_the_logs_of_a_call(
    server: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    request = json.dumps({"amount": 5000, "currency": "usd", "destination": "acct_1"})

    chosen.gateway().send_transfer(request=request, key="k", api_version="2026-10-28.endive")

    said = lines(caplog, capfd)
    assert f"Bearer {KEY}" in server.seen[0][2]["authorization"]
    assert KEY not in said
    assert KEY not in repr(chosen.gateway())
    assert isinstance(chosen.gateway(), StripeGateway)
