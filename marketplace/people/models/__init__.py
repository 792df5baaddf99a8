from marketplace.people.models.accounts import StaffRole, User
from marketplace.people.models.decisions import DecisionRecord
from marketplace.people.models.experts import Expert
from marketplace.people.models.legal import ConsentRecord, LegalDocument

__all__ = ["ConsentRecord", "DecisionRecord", "Expert", "LegalDocument", "StaffRole", "User"]
