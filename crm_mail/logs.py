"""Logs of the processes: one line a record on standard error, with addresses and secrets struck out."""

import logging
import re

_ADDRESS = re.compile(r"[^\s<>\"'@,;]+@[^\s<>\"'@,;]+")
_SECRET = re.compile(r"(?i)\b(password|secret|token|auth(?:orization)?)\b(\s*[=:]\s*)\S+")


class Redaction(logging.Filter):
    """Strikes e-mail addresses and secrets out of every record, its exception included."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        return True


def redact(text: str) -> str:
    """The text without addresses and secrets."""
    return _SECRET.sub(r"\1\2***", _ADDRESS.sub("***@***", text))


def configure_logging(level: str) -> None:
    """Send records of this level and above to standard error.

    Args:
        level: DEBUG, INFO, WARNING or ERROR.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(Redaction())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("huey", "waitress.queue", "fontTools", "weasyprint"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd warns of its own deprecations
