"""A sample project, so that a new client sees the whole before writing a word."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from pydantic import JsonValue

from marketplace.kit.money import Money
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from marketplace.projects.models import Project
from tasks.services import batches, projects

GUIDELINES = """# Which answer helps more?

Read the prompt, then both answers.

1. Judge what is said, not how long it is.
2. A wrong fact weighs more than clumsy wording.
3. Choose the middle only if you would be content with either.

Point at the words that decided it.
"""
TERMS = "Answers may be used to train and evaluate models. Experts are named by pseudonym only."
ROWS: tuple[dict[str, JsonValue], ...] = (
    {
        "prompt": "Why is the sky blue?",
        "response_a": "Air scatters short waves more than long ones, so blue comes from all over.",
        "response_b": "It mirrors the sea.",
    },
    {
        "prompt": "Name a prime between 20 and 30.",
        "response_a": "27",
        "response_b": "23, which only 1 and 23 divide.",
    },
    {
        "prompt": "How do I keep basil fresh?",
        "response_a": "Stand the stems in water at room temperature, like flowers.",
        "response_b": "Put it in the fridge door, dry.",
    },
)


@transaction.atomic
def make_sample(*, organization: Organization, by: User, at: datetime) -> Project:
    """A draft with texts and one filled batch; nothing is reserved and nobody can claim."""
    project = projects.create_project(
        organization=organization,
        title="Sample: which answer helps more?",
        summary="Three small comparisons, to see how work looks from both sides.",
        format="preference",
        by=by,
        at=at,
    )
    projects.publish_guideline(project=project, body=GUIDELINES, by=by, at=at)
    projects.publish_terms(
        project=project,
        body=TERMS,
        purposes=["training", "evaluation"],
        licence="CC-BY-4.0",
        by=by,
        at=at,
    )
    batch = batches.create_batch(
        project=project, name="Sample batch", price=Money(150, project.currency), by=by, at=at
    )
    rows = [batches.NewTask(row, key=f"sample-{n}") for n, row in enumerate(ROWS, start=1)]
    batches.add_tasks(batch=batch, rows=rows, by=by, at=at)
    project.refresh_from_db()
    return project
