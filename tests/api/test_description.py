"""The published description tells the truth: every address is asked for what it allows, and answers as it says."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from crm_mail.api.keys import KeyValues, issue_key
from crm_mail.api.scopes import SCOPES
from crm_mail.app import create_app
from crm_mail.installation import Installation
from crm_mail.users.actors import build_actor
from tests.conftest import make_settings
