"""Who a person is here, and which people they may see. The only place that reads staff roles."""

from __future__ import annotations

from collections.abc import Callable

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.module_loading import import_string

from marketplace.kit.errors import DomainError, Forbidden, NotFound
from marketplace.people.models import (
    ConsentRecord,
    DecisionRecord,
    Expert,
    LegalDocument,
    StaffRole,
    User,
)

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class NotSignedIn(DomainError):
    """Only somebody signed in may do this."""

    code = "not_signed_in"
    status = 401


def signed_in(request: HttpRequest) -> User:
    """The person asking, or NotSignedIn."""
    user: object = request.user
    if isinstance(user, User) and user.is_active:
        return user
    raise NotSignedIn("Please sign in first.")


def expert_of(user: User | AnonymousUser) -> Expert | None:
    """The person's profile for doing work, if they have one."""
    if not isinstance(user, User):
        return None
    try:
        return user.expert
    except Expert.DoesNotExist:
        return None


def staff_roles(user: User | AnonymousUser) -> frozenset[str]:
    """What a member of staff may do; empty for everybody else. A superuser has no role by that.

    Read once for each `User` in memory, so once for a request.
    """
    if not isinstance(user, User) or not is_staff(user):
        return frozenset()
    if user.known_roles is None:
        roles = StaffRole.objects.filter(user=user).values_list("role", flat=True)
        user.known_roles = frozenset(roles)
    return user.known_roles


def is_staff(user: User | AnonymousUser) -> bool:
    """Whether this person runs the instance, in whatever role."""
    return bool(user.is_active and user.is_staff)


def require_staff(user: User | AnonymousUser, *roles: str) -> None:
    """Refuse who has none of these staff roles; without roles, any staff will do.

    Raises NotFound for people who are not staff: they are not told what staff have.
    """
    if not is_staff(user):
        raise NotFound("There is nothing here.")
    if roles and not staff_roles(user).intersection(roles):
        raise Forbidden(f"This needs one of the staff roles: {', '.join(sorted(roles))}.")


def require_superuser(user: User | AnonymousUser) -> None:
    """Refuse everybody but those who answer for the whole instance."""
    if not (user.is_active and user.is_superuser):
        raise Forbidden("Only a superuser of this instance may do this.")


def needs_second_factor(user: User) -> bool:
    """Whether this person's roles ask for a second factor, by the rules of SECOND_FACTOR_RULES."""
    rules: list[Callable[[User], bool]] = [
        import_string(path) for path in settings.SECOND_FACTOR_RULES
    ]
    return any(rule(user) for rule in rules)


def has_second_factor(user: User) -> bool:
    """Whether a code generator or a passkey is set up; recovery codes alone are none."""
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


def is_last_factor(authenticator: Authenticator) -> bool:
    """Whether removing it leaves somebody without the second factor that their roles ask for."""
    if authenticator.type not in FACTORS or not needs_second_factor(authenticator.user):
        return False
    others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=FACTORS)
    return not bool(others.exclude(pk=authenticator.pk).exists())


def visible_users(*, to: User | AnonymousUser) -> QuerySet[User]:
    """Names and addresses: one's own; vetting, finance and support see everybody's."""
    if staff_roles(to) & {"vetting", "finance", "support"}:
        return User.objects.all()
    return _oneself(to)


def visible_experts(*, to: User | AnonymousUser) -> QuerySet[Expert]:
    """One's own profile; staff of any role see all. What clients may see is said by their work."""
    if staff_roles(to):
        return Expert.objects.all()
    return Expert.objects.filter(user__in=_oneself(to))


def visible_consents(*, to: User | AnonymousUser) -> QuerySet[ConsentRecord]:
    """What one said oneself; vetting, support and auditors see everybody's."""
    if staff_roles(to) & {"vetting", "support", "auditor"}:
        return ConsentRecord.objects.all()
    return ConsentRecord.objects.filter(user__in=_oneself(to))


def visible_decisions(*, to: User | AnonymousUser) -> QuerySet[DecisionRecord]:
    """Decisions about oneself; staff of any role see all."""
    if staff_roles(to):
        return DecisionRecord.objects.all()
    return DecisionRecord.objects.filter(expert__user__in=_oneself(to))


def visible_documents(*, to: User | AnonymousUser) -> QuerySet[LegalDocument]:  # noqa: ARG001
    """Legal texts are everybody's to read, before they sign up too."""
    return LegalDocument.objects.all()


def visible_staff_roles(*, to: User | AnonymousUser) -> QuerySet[StaffRole]:
    """One's own roles; support and auditors see everybody's."""
    if staff_roles(to) & {"support", "auditor"}:
        return StaffRole.objects.all()
    return StaffRole.objects.filter(user__in=_oneself(to))


def _oneself(user: User | AnonymousUser) -> QuerySet[User]:
    """The asker as rows, none for a stranger: a comparison with no id would match empty columns."""
    if not isinstance(user, User):
        return User.objects.none()
    return User.objects.filter(pk=user.pk)
