"""What pay was for, in words. The money knows work by its key only; its names are joined here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db.models import QuerySet

from tasks.models import Assignment, Bonus

ASSIGNMENT, BONUS = "assignment:", "bonus:"
_KINDS = {
    "assignment": "Approved task",
    "bonus": "Bonus",
    "reversal": "A payout that was taken back",
    "bank_return": "A payout that your bank sent back",
    "unsent_rest": "What a payout did not send",
    "carry": "The rest of an earlier payout",
}


def work_names(keys: Iterable[str], assignments: QuerySet[Assignment]) -> dict[str, str]:
    """Project and batch by the key of the earning, of those assignments that may be seen.

    One statement, and one more where there are bonuses.
    """
    listed = list(keys)
    of = {key: key.removeprefix(ASSIGNMENT) for key in listed if key.startswith(ASSIGNMENT)}
    rewards = [key.removeprefix(BONUS) for key in listed if key.startswith(BONUS)]
    bonuses = Bonus.objects.filter(pk__in=rewards).values_list("pk", "assignment")
    of |= {f"{BONUS}{pk}": str(assignment) for pk, assignment in bonuses}
    rows = assignments.filter(pk__in=set(of.values())).select_related("project", "batch")
    names = {str(each.pk): f"{each.project.title}, {each.batch.name}" for each in rows}
    return {
        key: f"Bonus: {names[pk]}" if key.startswith(BONUS) else names[pk]
        for key, pk in of.items()
        if pk in names
    }


def name_of(key: str, names: Mapping[str, str]) -> str:
    """The name that is known, else the kind of pay; never an id."""
    kind = key.partition(":")[0]
    if key.startswith("reversal:bank:"):
        kind = "bank_return"
    elif kind == "reversal" and key.endswith(":rest"):
        kind = "unsent_rest"
    return names.get(key) or _KINDS.get(kind) or kind.replace("_", " ").capitalize()
