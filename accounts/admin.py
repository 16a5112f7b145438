"""People in the support pages. Nobody's password or second factor is shown or set here."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User

admin.site.site_header = _("Storelink support")
admin.site.site_title = _("Storelink support")
admin.site.index_title = _("Support")
# The admin's own sign-in page would let people past their second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

admin.site.unregister(Authenticator)
admin.site.unregister(UserSession)


@admin.register(User)
class UserAdmin(admin.ModelAdmin[User]):
    list_display = ("email", "name", "language", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "language")
    search_fields = ("email", "name")
    ordering = ("email",)
    filter_horizontal = ("groups", "user_permissions")
    readonly_fields = ("public_id", "date_joined", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "name", "language", "time_zone", "is_active")}),
        (_("Support"), {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Facts"), {"fields": ("public_id", "date_joined", "last_login")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """An address moves with its confirmation, so it is fixed once there; and only who may
        do everything may hand out rights."""
        fixed: tuple[str, ...] = self.readonly_fields
        if obj is not None:
            fixed += ("email",)
        if not request.user.is_superuser:
            fixed += ("is_staff", "is_superuser", "groups", "user_permissions")
        return fixed

    def save_model(self, request: HttpRequest, obj: User, form: object, change: bool) -> None:
        if not change:
            # They choose their own by "Forgot your password?".
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


class LookOnlyAdmin(admin.ModelAdmin[Any]):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Authenticator)
class AuthenticatorAdmin(LookOnlyAdmin):
    """May be taken away, when somebody lost their second factor; never shows its secret."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    search_fields = ("user__email",)
    fields = ("user", "type", "created_at", "last_used_at")


@admin.register(UserSession)
class UserSessionAdmin(LookOnlyAdmin):
    """Without the session key: who has it is signed in."""

    list_display = ("user", "created_at", "last_seen_at", "ip", "user_agent")
    search_fields = ("user__email", "ip")
    fields = ("user", "created_at", "last_seen_at", "ip", "user_agent")

    def has_delete_permission(self, request: HttpRequest, obj: UserSession | None = None) -> bool:
        return False
