"""The catalogue's addresses."""

from django.urls import path

from rubrics import views

app_name = "rubrics"

urlpatterns = [
    path("rubrics/", views.browse, name="browse"),
    path("rubrics/<slug:kind>/", views.read, name="read"),
    path("rubrics/<slug:kind>/compare/", views.compare, name="compare"),
    path("rubrics/<slug:kind>/<int:edition>/", views.read, name="read_edition"),
]
