"""Settings: the only place that reads the environment. The defaults run one small office.

Every variable has the prefix ``CRM_MAIL_``; ``docs/operations.md`` lists them in one table.
"""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, computed_field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent
OWN_NAMES = ("localhost", "127.0.0.1", "[::1]")
"""Names under which a computer reaches itself."""


class Settings(BaseSettings):
    """What an installation may change without touching code."""

    model_config = SettingsConfigDict(env_prefix="CRM_MAIL_", extra="ignore")

    data_dir: Path = Field(
        ROOT / "instance", description="Database, stored files, keys and logs of the office."
    )
    database_url: str = Field("", description="SQLAlchemy URL; empty means SQLite inside the data folder.")
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="Signs sessions and encrypts stored secrets; empty means a key file that is made.",
    )
    previous_secret_key: SecretStr = Field(
        SecretStr(""),
        description="The key before this one: secrets kept with it can be read until `crm-mail rotate-keys` ran.",
    )
    host: str = Field("127.0.0.1", description="Address that `serve` listens on.")
    port: int = Field(8080, description="Port that `serve` listens on.")
    public_url: str = Field(
        "", description="Address users type, for links in mails; empty means http://host:port."
    )
    trusted_hosts: str = Field(
        "",
        description="Comma-separated host names that requests may name, `*` for any; "
        "empty means that of `public_url` and this computer's own.",
    )
    trusted_proxies: int = Field(0, description="Number of reverse proxies in front (X-Forwarded-*).")
    secure_cookies: bool = Field(False, description="Send cookies over HTTPS only.")
    web_threads: int = Field(8, description="Threads of the embedded web server.")
    max_upload_mb: int = Field(100, description="Largest upload, in MB.")
    hot_folder_root: Path | None = Field(
        None,
        description="Folder inside which companies' hot folders lie; empty means `hot-folders` in the data folder.",
    )
    hot_folder_seconds: float = Field(
        5.0, gt=0, description="Seconds between two looks into the hot folders."
    )
    mailer_dir: Path | None = Field(
        None,
        description="Folder of send orders (`MAILER_DIR`), with a folder for each company inside; "
        "empty means `send-orders` in the data folder.",
    )
    mailer_attachment_path: str = Field(
        "",
        description="Comma-separated folders (`MAILER_ATTACHMENT_PATH`) that companies may take the attachments of "
        "send orders from, besides that of the orders themselves.",
    )
    mailer_seconds: float = Field(
        5.0, gt=0, description="Seconds between two looks into the folders of send orders."
    )
    render_processes: int = Field(0, description="Processes that draw PDFs; 0 means one per core.")
    copies_dir: str = Field(
        "",
        description="Folder inside which packagings may put copies of what is sent; empty means no copies.",
    )
    soft_bounces: int = Field(
        3,
        ge=0,
        description="Soft bounces in a row after which an address is not written to any more; 0 means never.",
    )
    worker_connections: int = Field(8, description="Most SMTP connections that one worker opens in all.")
    dns_servers: str = Field(
        "", description="Comma-separated DNS servers, such as `192.0.2.1:53`; empty means the system's."
    )
    pec_anchors: Path | None = Field(
        None,
        description="Folder with more root certificates (PEM or DER) from which PEC receipts are believed; "
        "beside the built-in ones; empty means `pec-anchors` in the data folder.",
    )
    webhook_private_addresses: bool = Field(
        False,
        description="Let webhooks and SMS gateways lead into private networks, and be unencrypted there.",
    )
    session_idle_minutes: int = Field(
        480, description="Minutes without a request after which a session ends."
    )
    session_days: int = Field(30, description="Days after which a session ends in any case.")
    oidc_issuer: str = Field(
        "",
        description="OpenID Connect provider to sign in at, as its discovery document names it, such as "
        "`https://login.office.example/realms/staff`; empty means none.",
    )
    oidc_client_id: str = Field("", description="What this installation is called at that provider.")
    oidc_client_secret: SecretStr = Field(
        SecretStr(""), description="Its secret there; empty means a public client, with PKCE alone."
    )
    oidc_label: str = Field(
        "", description="Name of the provider on the sign-in page; empty means its host name."
    )
    oidc_domains: str = Field(
        "",
        description="Comma-separated domains of the e-mail addresses that may come from there; empty means any.",
    )
    oidc_create_users: bool = Field(
        False,
        description="Make an account, without rights, for whoever comes from there and has none; "
        "needs `oidc_domains`.",
    )
    oidc_trust_emails: bool = Field(
        False,
        description="Take addresses of which the provider does not say whether it verified them; only for a "
        "provider of the office's own, such as one tenant of Microsoft Entra.",
    )
    argon2_memory_kib: int = Field(65536, description="Memory of one password hash, in KiB.")
    log_level: str = Field("WARNING", description="DEBUG, INFO, WARNING or ERROR.")

    @model_validator(mode="after")
    def _check_oidc(self) -> "Settings":
        if not self.oidc_issuer:
            return self
        parts = urlsplit(self.oidc_issuer)
        is_local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
        if not parts.hostname or not (parts.scheme == "https" or is_local) or parts.query or parts.fragment:
            raise ValueError("CRM_MAIL_OIDC_ISSUER must be an https:// address without query")
        if not self.oidc_client_id:
            raise ValueError("CRM_MAIL_OIDC_ISSUER needs CRM_MAIL_OIDC_CLIENT_ID")
        if self.oidc_create_users and not self.resolved_oidc_domains:
            raise ValueError(
                "CRM_MAIL_OIDC_CREATE_USERS needs CRM_MAIL_OIDC_DOMAINS: anybody with an account there would get in"
            )
        return self

    @property
    def resolved_oidc_domains(self) -> frozenset[str]:
        """Domains of addresses that may come from the provider, in lower case; empty: any."""
        return frozenset(
            one.strip().lower().lstrip("@") for one in self.oidc_domains.split(",") if one.strip()
        )

    @computed_field  # type: ignore[prop-decorator]
    @property
    def resolved_database_url(self) -> str:
        """The database in use; a bare ``postgresql://`` means psycopg 3."""
        if not self.database_url:
            return f"sqlite:///{(self.data_dir / 'crm-mail.sqlite3').as_posix()}"
        return self.database_url

    @property
    def resolved_hot_folder_root(self) -> Path:
        """The folder that no hot folder leaves."""
        return self.hot_folder_root or self.data_dir / "hot-folders"

    @property
    def resolved_mailer_dir(self) -> Path:
        """The folder that no folder of send orders leaves."""
        return self.mailer_dir or self.data_dir / "send-orders"

    @property
    def resolved_attachment_paths(self) -> list[Path]:
        """Folders from which the files of send orders may be taken."""
        named = [Path(one.strip()) for one in self.mailer_attachment_path.split(",") if one.strip()]
        return [self.resolved_mailer_dir, *named]

    @property
    def resolved_trusted_hosts(self) -> list[str] | None:
        """Hosts that a request may name, None for any: a page of a foreign name that points here must not reach it.

        Without a public address, and listening for the network or behind a proxy, nobody knows the names in use.
        """
        given = [host.strip() for host in self.trusted_hosts.split(",") if host.strip()]
        if given:
            return None if "*" in given else given
        named = urlsplit(self.public_url).hostname if self.public_url else None
        is_local = self.host in OWN_NAMES and not self.trusted_proxies
        if named is None and not is_local:
            return None
        return sorted({*OWN_NAMES, self.host, *([named] if named else [])})

    @computed_field  # type: ignore[prop-decorator]
    @property
    def resolved_public_url(self) -> str:
        """The address that links in mails carry, without a slash at its end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")
