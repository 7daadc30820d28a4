"""A table of 200,000 rows is read as a stream: memory does not grow with the rows."""

import subprocess
import sys
from pathlib import Path

ROWS = 200_000
_READ = """
import sys
from pathlib import Path
from crm_mail.importers.contacts.rows import open_contact_file
valid = sum(row.is_valid for row in open_contact_file(Path(sys.argv[1])).rows())
status = Path('/proc/self/status').read_text()  # getrusage would count the memory of the tests themselves
print(valid, status.split('VmHWM:')[1].split()[0])
"""


def test_two_hundred_thousand_rows_are_read_in_bounded_memory(tmp_path: Path) -> None:
    """The process stays under 120 MB with a file of 12 MB and 200,000 contacts."""
    path = tmp_path / "large.csv"
    with path.open("w", encoding="utf-8") as out:
        out.write("party_code;party_name;contact_name;contact_email\n")
        for number in range(ROWS):
            out.write(f"C{number % 5000:06d};Ditta;Contatto {number};ufficio{number}@ditta.it\n")
    command = [sys.executable, "-c", _READ, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    valid, peak_kib = map(int, done.stdout.split())
    assert valid == ROWS
    assert peak_kib < 120 * 1024
