"""Addresses that are told things: `delivery.web_targets`, under the name that this room uses."""

from crm_mail.delivery.web_targets import Target as Target
from crm_mail.delivery.web_targets import TargetRefused as TargetRefused
from crm_mail.delivery.web_targets import Told as Told
from crm_mail.delivery.web_targets import check_url as check_url
from crm_mail.delivery.web_targets import is_public as is_public
