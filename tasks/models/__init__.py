from tasks.models.assignments import Assignment, Draft, Submission
from tasks.models.batches import Batch, GoldAnswer, Task
from tasks.models.bonuses import Bonus
from tasks.models.exports import Export
from tasks.models.imports import Import, ImportProblem
from tasks.models.reviews import Review
from tasks.models.routes import ExpertRoute, Route, RouteCursor

__all__ = [
    "Assignment",
    "Batch",
    "Bonus",
    "Draft",
    "ExpertRoute",
    "Export",
    "GoldAnswer",
    "Import",
    "ImportProblem",
    "Review",
    "Route",
    "RouteCursor",
    "Submission",
    "Task",
]
