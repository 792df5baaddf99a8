from marketplace.organizations.models.employments import Employment
from marketplace.organizations.models.keys import ApiKey
from marketplace.organizations.models.organizations import Invitation, Membership, Organization

__all__ = ["ApiKey", "Employment", "Invitation", "Membership", "Organization"]
