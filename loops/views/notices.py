"""What a person was told, on a page of its own."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from loops import access
from loops.actions.notices import mark_read, save_wishes
from loops.forms.notices import NoticeWishesForm
from loops.queries.notices import notice_page, wishes_of
from loops.telling import path_of
from loops.views.people import signed_in
from loops.views.posting import posts_from


@require_safe
def notice_list(request: HttpRequest) -> HttpResponse:
    """List what the person was told, unread first."""
    page = notice_page(signed_in(request), timezone.now(), request.GET.get("page", "1"))
    return render(request, "loops/notices/notice_list.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
def notice_wishes(request: HttpRequest) -> HttpResponse:
    """Show and keep how the person wants to be told of each kind of notice."""
    user = signed_in(request)
    is_sent = request.method == "POST"
    form = NoticeWishesForm(request.POST if is_sent else None, wishes=wishes_of(user))
    if is_sent and form.is_valid():
        save_wishes(person=user, wishes=form.wishes, by=user, at=timezone.now())
        messages.success(request, _("Saved. This holds for every notice from now on."))
        return redirect("loops:notice_wishes")
    status = 422 if form.is_bound else 200
    return render(request, "loops/notices/notice_wishes.html", {"form": form}, status=status)


@posts_from("loops:notice_list")
def notice_open(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """Mark a notice read and go to what it tells of, or stay where `stay` says so."""
    user = signed_in(request)
    notice = access.notice_to_read(user, notice_id)
    mark_read(person=user, at=timezone.now(), notice=notice)
    if "stay" in request.POST:
        return redirect("loops:notice_list")
    return redirect(path_of(notice))


@posts_from("loops:notice_list")
def notices_read(request: HttpRequest) -> HttpResponse:
    """Mark everything read that the person was told so far."""
    mark_read(person=signed_in(request), at=timezone.now())
    return redirect("loops:notice_list")
