"""Every mounted prefix on one screen."""

from importlib.util import find_spec

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config import mail, ops

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
]
if find_spec("config.views"):
    from config import views

    urlpatterns += [
        path("", views.landing, name="landing"),
        path("theme/", views.theme, name="theme"),
        path("style/", views.style, name="style"),
    ]
for app in ("rubrics", "loops", "feedback"):
    if find_spec(f"{app}.urls"):
        urlpatterns.append(path("", include(f"{app}.urls")))
