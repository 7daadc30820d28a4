"""Reports: the dashboard, the end report of a run, its downloads and its mail, the audit. Reads; sends nothing
but the report itself.
"""
