"""The company's chat robots, for owners and admins."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from platforms.access import get_robot
from platforms.flows import manage_robot
from platforms.models import ChatRobot, RobotStore
from platforms.robots import KINDS
from platforms.robots.spec import Kind, Outcome
from platforms.views.notices.company import of_company
from platforms.views.notices.robot_form import RobotForm
from tenants.access import WorkspaceRequest, manager_required


@of_company
@manager_required
@require_safe
def robots(request: WorkspaceRequest) -> HttpResponse:
    rows = list(ChatRobot.objects.order_by("name", "pk"))
    for row in rows:
        kind = KINDS.get(row.kind)
        row.product = kind.name if kind else row.kind
        row.advice = kind.explain(row.refused_why) if kind and row.refused_at else ""
    context = {"robots": rows, "full": len(rows) >= manage_robot.MOST}
    return render(request, "platforms/notices/robots.html", context)


@manager_required
@require_safe
def choose(request: WorkspaceRequest) -> HttpResponse:
    return render(request, "platforms/notices/robot_choose.html", {"kinds": KINDS.values()})


@manager_required
@never_cache
@require_http_methods(["GET", "POST"])
def add(request: WorkspaceRequest, kind: str) -> HttpResponse:
    product = _kind(kind)
    form = RobotForm(request.POST or None, kind=product)
    if request.method == "POST" and form.is_valid():
        try:
            robot = manage_robot.add_robot(
                tenant=request.tenant, kind=kind, wanted=form.wanted(), actor=request.user,
                now=timezone.now(),
            )  # fmt: skip
        except manage_robot.TooManyRobots:
            form.add_error(None, _("There are enough robots already. Remove one first."))
        else:
            messages.success(
                request, _("%(robot)s is added. Try it: press “Send a trial”.") % {"robot": robot}
            )
            return redirect("robots")
    return _form_page(request, product, form, None)


@manager_required
@never_cache
@require_http_methods(["GET", "POST"])
def edit(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    robot = get_robot(public_id)
    product = _kind(robot.kind)
    chosen = RobotStore.objects.filter(robot=robot).values_list("store", flat=True)
    form = RobotForm(request.POST or None, kind=product, robot=robot, chosen=list(chosen))
    if request.method == "POST" and form.is_valid():
        manage_robot.change_robot(
            robot=robot, wanted=form.wanted(), actor=request.user, now=timezone.now()
        )
        messages.success(request, _("%(robot)s is saved.") % {"robot": robot})
        return redirect("robots")
    return _form_page(request, product, form, robot)


@manager_required
@require_POST
def try_out(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Send a trial and say what came of it."""
    robot = get_robot(public_id)
    verdict = manage_robot.try_robot(robot=robot, actor=request.user, now=timezone.now())
    if verdict.outcome == Outcome.OK:
        text = _("%(robot)s took the trial message. Look into the chat: it is there.")
        messages.success(request, text % {"robot": robot})
    else:
        text = _("The trial message did not reach %(robot)s. %(advice)s")
        advice = _kind(robot.kind).explain(verdict.reason)
        messages.error(request, text % {"robot": robot, "advice": advice})
    return redirect("robots")


@manager_required
@require_POST
def switch(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    robot, active = get_robot(public_id), request.POST.get("active") == "1"
    manage_robot.switch_robot(
        robot=robot, active=active, actor=request.user, now=timezone.now()
    )  # fmt: skip
    text = _("%(robot)s is switched on.") if active else _("%(robot)s is switched off.")
    messages.success(request, text % {"robot": robot})
    return redirect("robots")


@manager_required
@require_POST
def remove(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    robot = get_robot(public_id)
    name = robot.name
    manage_robot.remove_robot(robot=robot, actor=request.user, now=timezone.now())
    messages.success(request, _("%(robot)s is removed.") % {"robot": name})
    return redirect("robots")


def _kind(code: str) -> Kind:
    if code not in KINDS:
        raise Http404
    return KINDS[code]


def _form_page(
    request: WorkspaceRequest, kind: Kind, form: RobotForm, robot: ChatRobot | None
) -> HttpResponse:
    context = {"kind": kind, "form": form, "robot": robot}
    return render(request, "platforms/notices/robot_form.html", context)
