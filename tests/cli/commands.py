"""Commands as a shell gives them: a process of their own, standard output and error apart."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def crm_mail(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run ``crm-mail`` on the installation in ``folder``; nothing else of the environment reaches it.

    Args:
        environment: further variables, by their full names.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRM_MAIL_")}
    return subprocess.run(
        [sys.executable, "-c", "from crm_mail.cli import main; main()", *arguments],
        capture_output=True,
        timeout=120,
        check=False,
        env=kept | {"CRM_MAIL_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)} | environment,
        cwd=folder,
    )
