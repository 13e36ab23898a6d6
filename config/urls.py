"""Every mounted prefix on one screen."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config import mail, ops, views

handler400 = "config.errors.bad_request"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("config.api")),
    path("healthz", ops.healthz, name="healthz"),
    path("readyz", ops.readyz, name="readyz"),
    path("mail/", mail.mail, name="mail"),
    path("mail/<slug:name>/", mail.mail_message, name="mail-message"),
    path("mail/<slug:name>.eml", mail.mail_file, name="mail-file"),
    path("mail/<slug:name>/parts/<int:number>/", mail.mail_part, name="mail-part"),
    path("", views.landing, name="landing"),
    path("theme/", views.theme, name="theme"),
    path("style/", views.style, name="style"),
    path("", include("rubrics.urls")),
    path("", include("loops.urls")),
    path("", include("feedback.urls")),
]
