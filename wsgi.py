"""The application for a WSGI server (``gunicorn wsgi:app``), built from `config.py`; nothing else."""

from config import Settings
from crm_mail.app import create_app
from crm_mail.logs import configure_logging

settings = Settings()
configure_logging(settings.log_level)
app = create_app(settings)
