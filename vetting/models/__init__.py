from vetting.models.applications import Application, RequirementPolicy
from vetting.models.assessments import Assessment, AssessmentVersion, Item
from vetting.models.attempts import Attempt, AttemptItem, AttemptResult, Response
from vetting.models.catalogue import Domain, Skill
from vetting.models.credentials import Credential, Document, DocumentAccess, Verification
from vetting.models.qualifications import Qualification
from vetting.models.scores import PendingEvidence, QualityEvent, SkillScore

__all__ = [
    "Application",
    "Assessment",
    "AssessmentVersion",
    "Attempt",
    "AttemptItem",
    "AttemptResult",
    "Credential",
    "Document",
    "DocumentAccess",
    "Domain",
    "Item",
    "PendingEvidence",
    "Qualification",
    "QualityEvent",
    "RequirementPolicy",
    "Response",
    "Skill",
    "SkillScore",
    "Verification",
]
