"""Tables: CSV, TSV, workbooks, vCards, pasted cells and JSON as rows of text, and what columns and cells mean. Pure."""
