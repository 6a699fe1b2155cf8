"""django-tenants on PostgreSQL: a schema for each tenant, which the request's host selects."""

import secrets

import pytest

from tests_outside.project import Project, interaction, proved
from tests_outside.services import POSTGRES, database, service

SETTINGS = """
SHARED_APPS = ["django_tenants", "companies", *INSTALLED_APPS]
TENANT_APPS = ["staff"]
INSTALLED_APPS = [*SHARED_APPS, "staff"]
TENANT_MODEL = "companies.Company"
TENANT_DOMAIN_MODEL = "companies.Domain"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
MIDDLEWARE.insert(0, "django_tenants.middleware.main.TenantMainMiddleware")
"""
COMPANIES = """
from django.db import models
from django_tenants.models import DomainMixin, TenantMixin


class Company(TenantMixin):
    name = models.CharField(max_length=100)


class Domain(DomainMixin):
    pass
"""
STAFF = """
from django.db import models


class Employee(models.Model):
    name = models.CharField(max_length=100)
"""
VIEWS = """
from django.http import HttpRequest, JsonResponse

from staff.models import Employee


def staff(request: HttpRequest) -> JsonResponse:
    names = list(Employee.objects.values_list("name", flat=True))
    return JsonResponse({"company": request.tenant.name, "staff": names})
"""
URLS = """
from django.urls import path

from staff import views

urlpatterns = [path("staff", views.staff)]
"""
STATES = """
from django_tenants.utils import schema_context

from companies.models import Company, Domain
from pact_verification import provider_state, run_data
from staff.models import Employee


@run_data
def acme() -> None:
    company = Company.objects.create(schema_name="acme", name="Acme")
    Domain.objects.create(tenant=company, domain="{host}", is_primary=True)


@provider_state("{name} works for {schema}")
def employee(name: str, schema: str) -> None:
    with schema_context(schema):
        Employee.objects.create(name=name)
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "acme.example.org"])
def test_django_tenants(project: Project, host: str) -> None:
    server = service(*POSTGRES)
    project.start("companies", "staff")
    project.replace("config/settings.py", "INSTALLED_APPS += ['companies', 'staff']\n", "")
    project.append(
        "config/settings.py", database(server, "django_tenants.postgresql_backend", f"outside_{secrets.token_hex(4)}")
    )
    project.append("config/settings.py", SETTINGS)
    if host != "127.0.0.1":  # which the verifier sends by default
        project.append("config/settings.py", f"ALLOWED_HOSTS = [{host!r}]\nPACT_HOST = {host!r}\n")
    project.write("companies/models.py", COMPANIES)
    project.write("staff/models.py", STAFF)
    project.write("staff/views.py", VIEWS)
    project.write("config/urls.py", URLS)
    project.write("staff/pact_states.py", STATES.replace("{host}", host))
    project.do("python", "-W", "ignore", "manage.py", "makemigrations")
    project.pact(
        interaction("ann", "GET /staff", states=["ann works for acme"], response={"company": "Acme", "staff": ["ann"]}),
        interaction("nobody", "GET /staff", response={"company": "Acme", "staff": []}),
    )
    proved(
        project,
        breaking=("staff/views.py", '"company": request.tenant.name', '"company": request.tenant.schema_name'),
        shows="# $.company: 'acme' (text) came, and the contract has 'Acme' (text)",
    )
