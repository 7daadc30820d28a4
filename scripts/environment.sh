# Sourced by ./run and ./test: finds or makes what they need. POSIX sh; nothing needed before but Python 3.11 or newer.

find_python() {
    for name in python3.13 python3.12 python3.11 python3 python; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "Python 3.11 or newer is needed and was not found. On Debian: apt-get install python3 python3-venv" >&2
    exit 1
}

# uv from the machine, else one of our own under .bootstrap/.
find_uv() {
    if command -v uv >/dev/null 2>&1; then
        command -v uv
        return
    fi
    if [ ! -x .bootstrap/bin/uv ]; then
        python="$(find_python)"
        "$python" -m venv .bootstrap >&2 || {
            echo "Python cannot make an environment. On Debian: apt-get install python3-venv" >&2
            exit 1
        }
        .bootstrap/bin/pip install --quiet --disable-pip-version-check uv >&2
    fi
    echo .bootstrap/bin/uv
}

# sync_environment [uv options]: .venv holds exactly what uv.lock names.
sync_environment() {
    uv="$(find_uv)"
    echo "Setting up the environment…" >&2
    UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=true "$uv" sync --frozen --quiet --python "$(find_python)" "$@"
}

is_root_with_apt() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 || {
        apt-get update -qq >/dev/null 2>&1
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    }
}

PDF_PACKAGES="libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core fonts-liberation"

# The libraries that draw PDFs; without them the product runs and says that PDFs are unavailable.
install_pdf_libraries() {
    if .venv/bin/python -c 'import sys; from crm_mail.documents.rendering import pdf_available; sys.exit(not pdf_available()[0])' 2>/dev/null; then
        return
    fi
    if is_root_with_apt; then
        echo "Installing the libraries that draw PDFs…" >&2
        apt_install $PDF_PACKAGES || echo "They could not be installed; PDFs will be unavailable." >&2
    else
        echo "PDFs cannot be drawn until this is done once as root: apt-get install $PDF_PACKAGES" >&2
    fi
}

# A real browser for the tests.
install_chromium() {
    if [ -x /usr/bin/chromium ] || ! is_root_with_apt; then
        return
    fi
    echo "Installing Chromium for the browser tests…" >&2
    apt_install chromium
}

has_dovecot() {
    [ -x /usr/sbin/dovecot ] && [ -e /usr/lib/dovecot/imap ]
}

# A real IMAP server for the tests and the demonstration; started with a private configuration, never as a service.
install_dovecot() {
    if has_dovecot || ! is_root_with_apt; then
        return
    fi
    echo "Installing Dovecot, the IMAP server of the tests and the demonstration…" >&2
    if [ -e /usr/sbin/policy-rc.d ]; then
        apt_install dovecot-imapd || echo "It could not be installed." >&2
        return
    fi
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d  # the package starts no service of its own
    chmod +x /usr/sbin/policy-rc.d
    apt_install dovecot-imapd || echo "It could not be installed." >&2
    rm -f /usr/sbin/policy-rc.d
    if command -v systemctl >/dev/null 2>&1; then  # nor at the next start of the machine
        systemctl disable dovecot.service dovecot.socket >/dev/null 2>&1 || true
    fi
}

# Files of tests live seconds: where there is room for them in memory, no disk is troubled.
use_memory_for_files() {
    room=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
    if [ "${room:-0}" -gt 4000000 ]; then
        TMPDIR=$(mktemp -d /dev/shm/crm-mail.XXXXXX); export TMPDIR
        chmod 711 "$TMPDIR"  # mailboxes in it belong to somebody else
        trap 'rm -rf "$TMPDIR"' EXIT
        trap 'exit 130' INT TERM
    fi
}
