"""For whom an expert works, day by day."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError

from marketplace.organizations.selectors import employment_of, workforce_of
from marketplace.organizations.services.employing import (
    EmploymentsOverlap,
    NotEmployed,
    begin_employment,
    end_employment,
)
from tests.organizations import make
from tests.people import make as people
from tests.people.make import NOON

pytestmark = pytest.mark.django_db


def test_expert_is_independent_before_and_after_an_employment() -> None:
    ada, lab = people.expert(), make.organization()
    begin_employment(
        expert=ada, organization=lab, workforce="employee", from_date=date(2026, 3, 1), at=NOON
    )
    end_employment(expert=ada, until_date=date(2026, 6, 1), at=NOON)

    days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 5, 31), date(2026, 6, 1)]
    assert [workforce_of(ada, on=day) for day in days] == [
        "independent",
        "employee",
        "employee",
        "independent",
    ]
    employment = employment_of(ada, on=date(2026, 4, 1))
    assert employment is not None
    assert employment.organization == lab


def test_employments_do_not_overlap() -> None:
    ada, lab = people.expert(), make.organization()
    begin_employment(
        expert=ada, organization=lab, workforce="employee", from_date=date(2026, 3, 1), at=NOON
    )
    end_employment(expert=ada, until_date=date(2026, 6, 1), at=NOON)

    with pytest.raises(EmploymentsOverlap):
        begin_employment(expert=ada, workforce="volunteer", from_date=date(2026, 5, 31), at=NOON)
    begin_employment(expert=ada, workforce="volunteer", from_date=date(2026, 6, 1), at=NOON)

    assert workforce_of(ada, on=date(2026, 6, 1)) == "volunteer"


def test_nothing_ends_that_did_not_begin() -> None:
    with pytest.raises(NotEmployed):
        end_employment(expert=people.expert(), until_date=date(2026, 6, 1), at=NOON)


def test_employee_without_an_employer_is_refused_by_the_database() -> None:
    with pytest.raises(IntegrityError, match="employee_has_an_employer"):
        begin_employment(
            expert=people.expert(), workforce="employee", from_date=date(2026, 6, 1), at=NOON
        )
