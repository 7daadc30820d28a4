"""The application for a WSGI server (``gunicorn wsgi:app``), built from `config.py`; nothing else."""

from config import Settings
from crm_mail.app import create_app

app = create_app(Settings())
