from marketplace.projects.models.engagements import Engagement
from marketplace.projects.models.projects import Project, Requirement
from marketplace.projects.models.texts import DataUseTerms, Guideline

__all__ = ["DataUseTerms", "Engagement", "Guideline", "Project", "Requirement"]
