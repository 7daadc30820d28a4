"""Personal data of the hot folders (`crm_mail.personal_data`)."""

from crm_mail.personal_data import Why, table

TABLES = (
    table("sql_sources", "", "name url_encrypted"),
    table("sql_views", "", "name query parameters mapping since_column watermark last_result"),
    table("hot_folders", "", "path name_pattern wait_minutes"),
    table(
        "hot_folder_files",
        "name reason notices",
        "document_ids sha256 privacy_level",
        why=Why.FISCAL,
    ),  # names of documents' files; retention deletes the lines
)
