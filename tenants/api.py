"""The API's base view, what its errors look like, and the bindings of a tenant."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from accounts.models import User
from tenants.access import get_member, get_store, visible_stores
from tenants.api_access import InWorkspace, ManagesToWrite, TokenAuthentication, workspace_of
from tenants.flows.bind_store import Grant, give_duties, take_duties
from tenants.middleware import Workspace
from tenants.models import Binding, Duty, Membership

# HTTP status -> our word for it, where the error itself brings none.
FAULTS = {
    400: "invalid_request",
    401: "bad_credentials",
    403: "insufficient_scope",
    404: "invalid_request",
    405: "invalid_request",
    406: "invalid_request",
    415: "invalid_request",
    429: "rate_limited",
}


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "tenants.api_access.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "slk_…"}


class WorkspaceAPIView(APIView):
    """The base of every view of the API: inside the scope of the token's tenant, or 401."""

    authentication_classes = (TokenAuthentication,)
    permission_classes: Any = (InWorkspace,)
    access = "token"

    @property
    def workspace(self) -> Workspace:
        return workspace_of(self.request)


class ErrorSerializer(serializers.Serializer[Any]):
    """What every refusal looks like; `fields` only where the input was wrong."""

    detail = serializers.CharField(help_text="What is wrong and what to do, in a sentence.")
    fault = serializers.CharField(help_text="One of our words for why something failed.")
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


def errors(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Every refusal as {"detail", "fault"}; what is no refusal stays an error 500."""
    fault = getattr(exc, "fault", None)
    if fault is not None:  # a marketplace refused: platforms.errors.PlatformError
        return _platform_refusal(exc, str(fault))
    response = exception_handler(exc, context)
    if response is None:
        return None
    word = FAULTS.get(response.status_code, "unknown")
    if isinstance(exc, exceptions.ValidationError):
        fields = response.data if isinstance(response.data, dict) else {"": response.data}
        sentences = [
            f"{name}: {text}" if name else str(text)
            for name, texts in fields.items()
            for text in (texts if isinstance(texts, list) else [texts])
        ]
        response.data = {"detail": " ".join(sentences), "fault": word, "fields": fields}
    else:
        response.data = {"detail": str(response.data.get("detail", "")), "fault": word}
    return response


def _platform_refusal(exc: Exception, fault: str) -> Response:
    body = {"detail": getattr(exc, "detail", "") or fault, "fault": fault}
    wait = getattr(exc, "retry_after", None)
    if wait is None:
        return Response(body, status=status.HTTP_502_BAD_GATEWAY)
    headers = {"Retry-After": str(max(1, round(wait.total_seconds())))}
    return Response(body, status=status.HTTP_503_SERVICE_UNAVAILABLE, headers=headers)


# --- members and bindings


class MemberSerializer(serializers.ModelSerializer[Membership]):
    id = serializers.UUIDField(source="public_id")
    email = serializers.EmailField(source="user.email")
    name = serializers.CharField(source="user.get_full_name")

    class Meta:
        model = Membership
        fields = ("id", "email", "name", "role", "joined_at")


class BindingSerializer(serializers.ModelSerializer[Binding]):
    store = serializers.UUIDField(source="store.public_id")
    platform = serializers.CharField(source="store.platform")
    site = serializers.CharField(source="store.site")
    account_name = serializers.CharField(source="store.account_name")
    member = serializers.UUIDField(source="membership.public_id")
    email = serializers.EmailField(source="membership.user.email")
    duty = serializers.ChoiceField(choices=Duty.choices)

    class Meta:
        model = Binding
        fields = (
            "store",
            "platform",
            "site",
            "account_name",
            "member",
            "email",
            "duty",
            "given_at",
        )


class BindingPage(serializers.Serializer[Any]):
    """What BindingsView answers, for the schema."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = BindingSerializer(many=True)


class BindingFilter(serializers.Serializer[Any]):
    store = serializers.UUIDField(required=False)
    member = serializers.UUIDField(required=False)
    duty = serializers.ChoiceField(choices=Duty.choices, required=False)


class Pages(CursorPagination):
    """`limit` up to 200; `next` and `previous` are addresses."""

    page_size = 100
    max_page_size = 200
    page_size_query_param = "limit"
    ordering = "pk"


class MembersView(WorkspaceAPIView):
    @extend_schema(responses=MemberSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The members of the company; for who does not manage it, only oneself."""
        people = Membership.objects.current().select_related("user").order_by("pk")
        if not self.workspace.can_manage:
            assert self.workspace.membership is not None
            people = people.filter(pk=self.workspace.membership.pk)
        return Response(MemberSerializer(people, many=True).data)


class BindingsView(WorkspaceAPIView):
    @extend_schema(
        parameters=[BindingFilter, OpenApiParameter("cursor", str), OpenApiParameter("limit", int)],
        responses={200: BindingPage, 400: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        """Who holds which duty on which store now; for who does not manage the company, only
        one's own. Stores and members that are not there give an empty list."""
        asked = BindingFilter(data=request.query_params)
        asked.is_valid(raise_exception=True)
        pages = Pages()
        page = pages.paginate_queryset(self._found(asked.validated_data), request, view=self)
        return pages.get_paginated_response(BindingSerializer(page, many=True).data)

    def _found(self, asked: dict[str, Any]) -> QuerySet[Binding]:
        found = Binding.objects.current().select_related("store", "membership__user")
        if not self.workspace.can_manage:
            found = found.filter(membership=self.workspace.membership)
        if "store" in asked:
            stores = visible_stores(self.workspace).filter(public_id=asked["store"])
            found = found.filter(store__in=stores)
        if "member" in asked:
            found = found.filter(membership__public_id=asked["member"])
        if "duty" in asked:
            found = found.filter(duty=asked["duty"])
        return found


class BindingView(WorkspaceAPIView):
    """One duty of one member on one store, addressed by what it is."""

    permission_classes = (InWorkspace, ManagesToWrite)

    @extend_schema(
        request=None,
        responses={200: BindingSerializer, 201: BindingSerializer, 404: ErrorSerializer},
    )
    def put(self, request: Request, store: UUID, member: UUID, duty: str) -> Response:
        """Give the duty: 201 if it is new, 200 if it was held already."""
        grant = self._grant(store, member, duty)
        assert isinstance(request.user, User)
        given = give_duties(
            tenant=grant.membership.tenant, actor=request.user, grants=[grant], now=timezone.now()
        )
        binding = (
            Binding.objects.current()
            .select_related("store", "membership__user")
            .filter(membership=grant.membership, store=grant.store, duty=grant.duty)
            .first()
        )
        if binding is None:  # taken, or the member removed, at this very moment
            raise Http404
        created = status.HTTP_201_CREATED if given else status.HTTP_200_OK
        return Response(BindingSerializer(binding).data, status=created)

    @extend_schema(request=None, responses={204: None, 404: ErrorSerializer})
    def delete(self, request: Request, store: UUID, member: UUID, duty: str) -> Response:
        """Take the duty; 204 also if nobody held it."""
        grant = self._grant(store, member, duty)
        assert isinstance(request.user, User)
        take_duties(
            tenant=grant.membership.tenant, actor=request.user, grants=[grant], now=timezone.now()
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _grant(self, store: UUID, member: UUID, duty: str) -> Grant:
        if duty not in Duty.values:
            raise exceptions.ValidationError(
                {"duty": [_("Unknown duty. There are: %s.") % ", ".join(Duty.values)]}
            )
        return Grant(
            membership=get_member(self.workspace, member),
            store=get_store(self.workspace, store),
            duty=Duty(duty),
        )
