"""The peer in a process of its own: django-post_office on SQLite, queueing and sending with its own means.

`python -m bench.peer FOLDER PORT COUNT TEXT_BYTES FILE` prints JSON: messages a second queued and sent. FILE is a PDF
to attach to every mail, or `-`; PORT 0 queues only. Its database is as durable as ours (WAL, FULL).
"""

import json
import sys
import time
import warnings
from pathlib import Path

THREADS = 4


def configure(folder: Path, port: int) -> None:
    """Django with post_office and nothing else."""
    import django  # noqa: PLC0415 - Django must be configured before it is imported further
    from django.conf import settings  # noqa: PLC0415

    pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=60000;"
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(folder / "peer.sqlite3"),
                "OPTIONS": {"init_command": pragmas, "transaction_mode": "IMMEDIATE", "timeout": 60},
            }
        },
        INSTALLED_APPS=["django.contrib.contenttypes", "post_office"],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        EMAIL_BACKEND="post_office.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        MEDIA_ROOT=str(folder / "media"),
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        SECRET_KEY="only for measuring",
        POST_OFFICE={"BATCH_SIZE": 100, "THREADS_PER_PROCESS": THREADS, "LOG_LEVEL": 2},
    )
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)


def main() -> None:
    """Queue, send, print."""
    warnings.simplefilter("ignore")
    folder, port, count, text_bytes, file = (
        Path(sys.argv[1]),
        int(sys.argv[2]),
        int(sys.argv[3]),
        int(sys.argv[4]),
        sys.argv[5],
    )
    configure(folder, port)
    from django.core.files.base import ContentFile  # noqa: PLC0415
    from post_office import mail  # noqa: PLC0415
    from post_office.models import Email  # noqa: PLC0415

    from bench.office import text_of  # noqa: PLC0415

    text = text_of(text_bytes)
    content = None if file == "-" else Path(file).read_bytes()

    def message(number: int) -> dict[str, object]:
        values: dict[str, object] = {
            "recipients": [f"cliente{number}@customer.example"],
            "sender": "fatture@bianchi.example",
            "subject": f"Fattura n. {number} del 2 novembre",
            "message": f"{number}\n{text}",
            "priority": "medium",
        }
        if content is not None:
            values["attachments"] = {f"fattura-{number}.pdf": ContentFile(content)}
        return values

    began = time.perf_counter()
    if content is None:
        for start in range(0, count, 1000):
            mail.send_many([message(n) for n in range(start, min(count, start + 1000))])
    else:  # send_many takes no attachments
        for number in range(count):
            mail.send(**message(number))
    queued = time.perf_counter() - began
    began = time.perf_counter()
    while port and sum(mail.send_queued(processes=1)):
        pass
    sent = time.perf_counter() - began
    done = Email.objects.filter(status=0).count()
    print(json.dumps({"queued": count / queued, "sent": count / sent, "done": done}))


if __name__ == "__main__":
    main()
