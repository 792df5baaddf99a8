"""How right the answers of a project are where the truth is known."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Max, Sum

from marketplace.projects.models import Project
from marketplace.quality.beta import interval
from marketplace.web.client.own import Member
from tasks.access import visible_assignments
from vetting.models import QualityEvent

FEWEST = 10
LEVEL = 0.9


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of right answers on gold in percent, with the 90 % interval of its posterior."""

    value: float
    low: int
    high: int
    n: int

    @property
    def is_known(self) -> bool:
        """Whether there is enough to say."""
        return self.n >= FEWEST

    @property
    def width(self) -> int:
        """How wide the interval is drawn."""
        return self.high - self.low


def gold_accuracy(member: Member, project: Project) -> Accuracy:
    """Over all answers to gold tasks; one that counts for several skills counts once."""
    own = visible_assignments(to=member.user).filter(project=project)
    graded = QualityEvent.objects.filter(
        source="gold", subject_id__in=own.values("pk"), undoes__isnull=True, undone_by__isnull=True
    )
    answers = graded.values("subject_id").annotate(best=Max("credit"))
    found = answers.aggregate(right=Sum("best", default=0.0), n=Count("subject_id"))
    right, n = found["right"], found["n"]
    low, high = interval(1 + right, 1 + n - right, level=LEVEL)
    mean = (1 + right) / (2 + n)
    return Accuracy(round(100 * mean, 1), round(100 * low), round(100 * high), n)
