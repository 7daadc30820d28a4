"""Personal data of the status room (`crm_mail.personal_data`)."""

from crm_mail.personal_data import Why, table

TABLES = (table("worker_beats", "", "name host pid kind processes", why=Why.OWN),)
