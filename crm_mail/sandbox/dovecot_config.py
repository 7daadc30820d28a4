"""Dovecot's one private configuration file, without chroot and without users of its own ("rootless installation")."""

import sys
from pathlib import Path

if sys.platform != "win32":  # where there is no Dovecot
    import grp
    import pwd

_TEMPLATE = """\
base_dir = {runtime}/run
state_dir = {runtime}/state
log_path = {runtime}/dovecot.log
protocols = imap
listen = {host}
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
ssl = required
ssl_cert = <{runtime}/server.pem
ssl_key = <{runtime}/server.key
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_failure_delay = 0
auth_username_chars =
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = {uid}
first_valid_gid = {gid}
mail_location = maildir:~/Maildir:UTF-8
maildir_very_dirty_syncs = no
mailbox_list_index = no
mail_max_userip_connections = 100
mail_fsync = never
mail_plugins = quota
namespace inbox {{
  inbox = yes
  separator = .
  prefix = {prefix}
  mailbox {sent} {{
    auto = subscribe
    special_use = \\Sent
  }}
}}
plugin {{
  quota = maildir:User quota
}}
passdb {{
  driver = passwd-file
  args = username_format=%u {runtime}/users/%u
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {runtime}/users/%u
  default_fields = uid={uid} gid={gid}
}}
protocol imap {{
  mail_plugins = quota imap_quota
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    address = {host}
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
{extra}
"""


def dovecot_config(
    *, runtime: Path, uid: int, gid: int, host: str, port: int, prefix: str, sent_folder: str, extra: str = ""
) -> str:
    """The file's text. `runtime` holds certificate, key, `users` (a passwd-file for each), sockets and the log."""
    return _TEMPLATE.format(
        runtime=runtime,
        user=pwd.getpwuid(uid).pw_name,
        group=grp.getgrgid(gid).gr_name,
        uid=uid,
        gid=gid,
        host=host,
        port=port,
        prefix=prefix,
        sent=f'"{sent_folder.removeprefix(prefix)}"',
        extra=extra,
    )
